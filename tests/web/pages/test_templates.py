"""Templates: the list, one with a person's values, making, editing, deleting, reading anew."""

from datetime import timedelta

import pytest

from connector.core.template import Template
from connector.store import accounts, documents, parks, tasks, templates
from connector.store.bulk import insert_many
from connector.store.tables import sends

HOSTILE = '"><script>alert(1)</script>\u202eevil\u200b' + "x" * 3000
DOCUMENT = """send: quote-ready
crm: hubspot
when: {webhook: quote}
to: {contact: contact}
template: quote_ready
language: es
with:
  first_name: "{{ contact.firstname }}"
tests:
  - name: ready
    given: {webhook.event: quote, contact.firstname: Rosa, contact.mobilephone: "+573001230001"}
    expect: {outcome: sent}
"""
BODY = {"type": "BODY", "text": "Hola {{first_name}}, su cotización está lista.",
        "example": {"body_text_named_params": [{"param_name": "first_name", "example": "Ana"}]}}  # fmt: skip
BUTTONS = {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Aceptar"},
                                          {"type": "URL", "text": "Ver", "url": "https://example.com/q"}]}  # fmt: skip


def made(name="quote_ready", language="es", **more):
    given = {"status": "APPROVED", "category": "utility", "components": (BODY, BUTTONS), "format": "named", "id": "77"}
    return Template(name=name, language=language, **given | more)


WHO = "Luz " + HOSTILE


@pytest.fixture
def shop(console):
    """Two numbers; one has templates in several states, one of them sent by a live document."""
    house, now = console.house, console.house.clock.now()
    with house.store.write() as conn:
        mine = accounts.add(conn, house.keyring, "whatsapp", "shop", {"phone_number_id": "106"}, {}, now)
        accounts.add(conn, house.keyring, "whatsapp", "other", {"phone_number_id": "107"}, {}, now)
        crm = accounts.add(conn, house.keyring, "hubspot", "hubspot", {}, {}, now)
        documents.publish(conn, "send", "quote-ready", DOCUMENT, "me", now)
        found = [
            made(), made(language="pt_BR", status="PENDING"),
            made("promo", status="REJECTED", reason="INVALID_FORMAT " + HOSTILE, category="marketing"),
            made("slow", status="PAUSED"), made("old", status="DELETED"),
            made("many", components=(BODY, {"type": "CAROUSEL", "cards": []})),
        ]  # fmt: skip
        templates.put(conn, mine.id, found, now)
        templates.set_values(conn, mine.id, "quote_ready", "es", now, correct_category="marketing")
        parks.park(conn, "template", f"{mine.id}:slow", now + timedelta(hours=3), "Meta paused it.")
        filled = {
            "type": "template",
            "template": {
                "name": "quote_ready",
                "language": {"code": "es"},
                "components": [
                    {
                        "type": "body",
                        "parameters": [{"type": "text", "parameter_name": "first_name", "text": WHO}],
                    }
                ],
            },
        }
        row = {"id": "s1", "cause": "c1", "account": mine.id, "crm": crm.id, "number": "106", "document": "quote-ready",
               "template": "quote_ready", "language": "es", "to": "+573001230001", "state": "read", "at": now,
               "body": filled}  # fmt: skip
        insert_many(conn, sends, [row])
    return console


def asked(console, kind):
    with console.house.store.read() as conn:
        return tasks.list_(conn, kinds=[kind])


# ---- the list ----------------------------------------------------------------------------------------------------
def test_without_an_account_setup_is_next(console):
    page = console("viewer").get("/templates/").text
    assert "No WhatsApp account is connected" in page
    assert "Setup" in page


def test_the_list_says_how_each_stands(shop):
    page = shop("viewer").get("/templates/").text
    there = ["quote_ready", "pt_BR", "in review", "rejected", "paused by Meta", "quote-ready", "becomes", "marketing"]
    there += ["no live document", "Meta paused it.", "No templates are known of this account."]
    for words in there:
        assert words in page, words
    assert ">old<" not in page  # deleted, and used by nothing
    assert "<script>alert" not in page
    assert "New template" not in page  # a viewer


@pytest.mark.parametrize(
    ("query", "there", "absent"),
    [
        ("q=PROM", {"promo"}, {"quote_ready"}),
        ("state=pending", {"quote_ready"}, {"promo"}),
        ("state=trouble", {"promo", "slow", "quote_ready"}, {"many"}),
        ("state=deleted", {"old"}, {"promo"}),
        ("account=other", set(), {"promo"}),
        ("q=nothing", set(), {"promo"}),
    ],
)
def test_the_list_is_narrowed(shop, query, there, absent):
    page = shop("viewer").get(f"/templates/?{query}").text
    assert all(f"/templates/shop/{name}" in page for name in there)
    assert not any(f"/templates/shop/{name}" in page for name in absent)


# ---- one ---------------------------------------------------------------------------------------------------------
def test_one_template_as_a_phone_shows_it(shop):
    page = shop("viewer").get("/templates/shop/quote_ready").text
    for words in ("su cotización está lista.", "<mark", "Ana", "Aceptar", "https://example.com/q", "sends it",
                  "its category becomes", "pt_BR"):  # fmt: skip
        assert words in page, words
    assert "in review" in shop("viewer").get("/templates/shop/quote_ready?language=pt_BR").text
    rejected = shop("viewer").get("/templates/shop/promo").text
    assert "Meta rejected it" in rejected
    assert "<script>alert" not in rejected


def test_the_values_of_a_person_and_of_a_test(shop):
    viewer = shop("viewer")
    page = viewer.get("/templates/shop/quote_ready").text
    assert 'value="send:s1"' in page
    assert 'value="test:0:quote-ready"' in page
    part = viewer.get("/templates/shop/quote_ready?language=es&with=send:s1", part=True).text
    assert "Luz " in part
    assert "<html" not in part
    assert "<script>alert" not in part
    assert "Rosa" in viewer.get("/templates/shop/quote_ready?with=test:0:quote-ready", part=True).text
    for key in ("send:nothing", "test:9:quote-ready", "test:x:y", "moon", "test:0:none"):
        answer = viewer.get(f"/templates/shop/quote_ready?with={key}", part=True)
        assert answer.status_code == 200
        assert "note wait" in answer.text


def test_what_there_is_not_is_not_found(shop):
    viewer = shop("publisher")
    for path in ("/templates/shop/nothing", "/templates/nobody/quote_ready", "/templates/shop/nothing/edit",
                 "/templates/shop/many/edit", "/templates/new?account=%00", "/templates/done/nothing"):  # fmt: skip
        assert viewer.get(path).status_code == (200 if "new" in path else 404), path


# ---- tasks -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "role"),
    [("/templates/sync", "editor"), ("/templates/submit", "publisher"), ("/templates/draft", "publisher"),
     ("/templates/shop/quote_ready/delete", "publisher")],
)  # fmt: skip
def test_who_may(shop, path, role):
    below = {"publisher": "editor", "editor": "viewer"}[role]
    assert shop(below).post(path).status_code == 403
    assert shop(role).post(path, {"account": "shop"}).status_code != 403


def test_reading_anew_is_a_task_and_tells_what_it_found(shop):
    editor = shop("editor")
    answer = editor.post("/templates/sync", {"account": "shop"}, part=True)
    (task,) = asked(shop, "templates.sync")
    assert task.args == {"account": "shop"}
    assert task.id in answer.text
    assert "task" in shop.rung
    assert editor.post("/templates/sync", {"account": "nobody"}).status_code == 404
    with shop.house.store.write() as conn:
        mine = tasks.claim(conn, task, shop.house.clock.now())
        found = {"added": ["a es", HOSTILE], "changed": [], "gone": [], "category_changes": []}
        none = {name: [] for name in found}
        tasks.end(conn, mine, "done", shop.house.clock.now(), result={"shop": found, "other": none})
    page = editor.get(f"/templates/done/{task.id}", part=True).text
    assert "2 new:" in page
    assert "Nothing is new." in page
    assert "<script>alert" not in page


FORM = {
    "account": "shop", "name": "table_ready", "language": "es", "category": "utility", "header": "",
    "body": "Hola {{first_name}}, su mesa ya está lista para usted.", "example.first_name": "Ana", "footer": "Gracias",
    "button.0.kind": "QUICK_REPLY", "button.0.label": "Voy", "shown": "first_name",
}  # fmt: skip


def test_a_new_one_is_handed_in(shop):
    answer = shop("publisher").post("/templates/submit", FORM, part=True)
    assert answer.status_code == 200
    (task,) = asked(shop, "templates.create")
    body = task.args["template"]
    assert (body["name"], body["category"], body["parameter_format"]) == ("table_ready", "UTILITY", "NAMED")
    assert [part["type"] for part in body["components"]] == ["BODY", "FOOTER", "BUTTONS"]
    assert task.id in answer.text
    with shop.house.store.write() as conn:
        mine = tasks.claim(conn, task, shop.house.clock.now())
        result = {"name": "table_ready", "language": "es", "status": "PENDING", "category": "marketing"}
        tasks.end(conn, mine, "done", shop.house.clock.now(), result=result)
    done = shop("publisher").get(f"/templates/done/{task.id}", part=True).text
    assert "table_ready is submitted" in done
    assert "marketing" in done


def test_what_meta_would_refuse_is_not_handed_in(shop):
    wrong = FORM | {"name": "Bad Name", "body": "{{first_name}}", "button.0.label": HOSTILE[:90]}
    for part in (True, False):
        answer = shop("publisher").post("/templates/submit", wrong, part=part)
        assert answer.status_code == 422
        assert "only small letters" in answer.text
        assert 'value="Bad Name"' in answer.text
        assert "<script>alert" not in answer.text
    assert not asked(shop, "templates.create")


def test_it_is_checked_while_it_is_typed(shop):
    publisher = shop("publisher")
    good = publisher.post("/templates/draft", FORM, part=True).text
    assert "Nothing is known to be wrong." in good
    assert "Ana" in good
    assert "hx-partial" not in good
    other = publisher.post("/templates/draft", FORM | {"body": "Hola {{name}}, su mesa ya está lista hoy."}, part=True)
    assert "hx-partial" in other.text
    assert 'name="example.name"' in other.text
    assert "has no example" in other.text


def test_buttons_and_parts_come_and_go(shop):
    publisher = shop("publisher")
    more = publisher.post("/templates/draft", FORM | {"add": "URL"}, part=True).text
    assert 'name="button.1.value"' in more
    assert 'value="Voy"' in more
    less = publisher.post("/templates/draft", FORM | {"remove": "0"}, part=True).text
    assert "button.0.kind" not in less
    assert (
        'name="header_text"'
        in publisher.post("/templates/draft", FORM | {"whole": "1", "header": "TEXT"}, part=True).text
    )
    code = publisher.post("/templates/draft", FORM | {"whole": "1", "category": "authentication"}, part=True).text
    assert 'name="minutes"' in code
    assert 'name="body"' not in code


@pytest.mark.parametrize("size", [100_000, 7000])
def test_long_and_strange_texts(shop, size):
    answer = shop("publisher").post("/templates/draft", FORM | {"body": "é\u202e{{" * (size // 4)}, part=True)
    assert answer.status_code == (413 if size > 50_000 else 200)


def test_an_edit_shows_what_is_there(shop):
    page = shop("publisher").get("/templates/shop/quote_ready/edit?language=es").text
    assert "su cotización está lista." in page
    assert 'value="Ana"' in page
    assert "readonly" in page
    form = FORM | {"name": "quote_ready", "edit": "1"}
    assert shop("publisher").post("/templates/submit", form).status_code == 303
    assert len(asked(shop, "templates.edit")) == 1
    assert shop("publisher").post("/templates/submit", FORM | {"name": "nothing", "edit": "1"}).status_code == 404


def test_one_is_deleted_once_its_name_is_typed(shop):
    publisher, path = shop("publisher"), "/templates/shop/quote_ready/delete"
    page = publisher.get("/templates/shop/quote_ready").text
    assert "These live documents stop working:" in page
    assert publisher.post(path, {"confirm": "quote"}, part=True).status_code == 422
    assert not asked(shop, "templates.delete")
    assert publisher.post(path, {"confirm": "quote_ready", "language": "es"}, part=True).status_code == 200
    (task,) = asked(shop, "templates.delete")
    assert task.args == {"account": "shop", "name": "quote_ready", "language": "es"}
