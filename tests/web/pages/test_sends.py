"""Sends: the list, one message, holding back, ending, settling, importing."""

import io
from datetime import timedelta

import pytest
import sqlalchemy as sa

from connector.core.template import Template
from connector.store import accounts, documents, holding, parks, tasks, templates
from connector.store.bulk import insert_many
from connector.store.tables import events as event_rows
from connector.store.tables import send_attempts, sends, statuses
from connector.store.tables import templates as template_rows

HOSTILE = '"><script>alert(1)</script>\u202eevil\u200b' + "x" * 3000
NUMBER = "106"
DOCUMENT = """send: quote-ready
crm: hubspot
when: {webhook: quote}
to: {contact: contact}
template: quote_ready
language: es
"""
BODY = {"type": "template", "template": {
    "name": "quote_ready", "language": {"code": "es"},
    "components": [{"type": "body", "parameters": [{"type": "text", "parameter_name": "first_name", "text": HOSTILE}]}],
}}  # fmt: skip


@pytest.fixture
def shop(console):
    """A number, a CRM, a template, a live document, and the ids of a send in each state."""
    house, now = console.house, console.house.clock.now()
    with house.store.write() as conn:
        mine = accounts.add(conn, house.keyring, "whatsapp", "shop", {"phone_number_id": NUMBER}, {}, now)
        crm = accounts.add(conn, house.keyring, "hubspot", "hubspot", {}, {}, now)
        documents.publish(conn, "send", "quote-ready", DOCUMENT, "me", now)
        components = ({"type": "BODY", "text": "Hola {{first_name}}, su cotización está lista."},)
        made = Template(name="quote_ready", language="es", category="utility", components=components, format="named")
        templates.put(conn, mine.id, [made], now)
        event = {"id": "e1", "dedupe_key": "k1", "kind": "TriggerCalled", "payload": {"trigger": "quote"},
                 "state": "done", "received_at": now, "account": crm.id}  # fmt: skip
        insert_many(conn, event_rows, [event])
        insert_many(conn, sends, [_row(n, state, mine.id, crm.id, now) for n, state in enumerate(STATES)])
        insert_many(conn, send_attempts, [{"send": "s-failed", "n": 1, "number": NUMBER, "started_at": now,
                                           "outcome": "failed", "text": HOSTILE}])  # fmt: skip
        insert_many(conn, statuses, [{"wamid": "w-read", "status": "read", "event": "x", "send": "s-read", "at": now}])
    return console


STATES = ("waiting", "ready", "unknown", "accepted", "read", "failed", "refused", "cancelled")


def _row(n, state, account, crm, now):
    codes = {"waiting": "quiet_hours", "refused": "consent", "failed": "graph_131026", "ready": "parked"}
    return {
        "id": f"s-{state}", "cause": f"c{n}", "event": "e1", "account": account, "crm": crm, "number": NUMBER,
        "document": "quote-ready", "version": 1, "template": "quote_ready", "language": "es", "category": "utility",
        "to": f"+5730012300{n:02}", "state": state, "code": codes.get(state, ""), "reason": f"Reason of {state}.",
        "who": "Meta" if state == "failed" else "", "at": now - timedelta(minutes=n), "body": BODY, "tell": 0,
        "next_at": now + timedelta(hours=2) if state == "waiting" else None, "wamid": f"w-{state}",
        "record": [crm, "deals", "9001"],
    }  # fmt: skip


def state_of(console, id_):
    with console.house.store.read() as conn:
        return conn.execute(sends.select().where(sends.c.id == id_)).one()


def audited(console):
    with console.house.store.read() as conn:
        return [row[0] for row in conn.exec_driver_sql("SELECT action FROM audit ORDER BY seq")]


# ---- the list ----------------------------------------------------------------------------------------------------
def test_an_empty_list_says_what_to_do_next(console):
    page = console("viewer").get("/sends/").text
    assert "No message was sent yet" in page
    assert "Mappings" in page


def test_the_list_shows_each_state_why_and_who_mends_it(shop):
    page = shop("viewer").get("/sends/").text
    assert all(f"+5730012300{n:02}" in page for n in range(len(STATES)))
    assert "Reason of waiting." in page
    assert "Meta must mend it" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    ("query", "there", "absent"),
    [
        ("group=waiting", {"waiting", "ready"}, {"failed", "read"}),
        ("group=unknown", {"unknown"}, {"waiting"}),
        ("group=failed", {"failed"}, {"refused"}),
        ("document=quote-ready&group=read", {"read"}, {"failed"}),
        ("template=other", set(), {"read"}),
        (f"number={NUMBER}&group=cancelled", {"cancelled"}, {"read"}),
        ("q=w-read", {"read"}, {"failed"}),
        ("group=nonsense", set(STATES), set()),
    ],
)
def test_filters(shop, query, there, absent):
    page = shop("viewer").get(f"/sends/?{query}").text
    assert {state for state in STATES if f'/sends/s-{state}"' in page} >= there
    assert not any(f'/sends/s-{state}"' in page for state in absent)


def test_the_pager_goes_on_without_repeating(shop):
    house, now = shop.house, shop.house.clock.now()
    with house.store.write() as conn:
        rows = [
            _row(n, "accepted", "a", "b", now) | {"id": f"z{n:03}", "wamid": None, "cause": f"z{n}"} for n in range(60)
        ]
        insert_many(conn, sends, rows)
    viewer = shop("viewer")
    first = viewer.get("/sends/").text
    assert "/sends/z059" in first
    assert "/sends/z009" not in first
    older = first.split('rel="next"')[0].rpartition('href="')[2].rpartition('"')[0].replace("&amp;", "&")
    second = viewer.get(older).text
    assert "/sends/z009" in second
    assert "/sends/z010" not in second


def test_new_ones_are_announced_and_the_list_stays(shop):
    viewer = shop("viewer")
    assert "new: show" not in viewer.get("/sends/new?after=s-zzz", part=True).text
    assert "4 new: show" in viewer.get("/sends/new?after=s-read", part=True).text
    assert "1 new: show" in viewer.get("/sends/new?after=s-read&group=unknown", part=True).text


# ---- one message -------------------------------------------------------------------------------------------------
def test_one_message_with_its_frozen_values_its_gates_and_its_way(shop):
    page = shop("viewer").get("/sends/s-failed").text
    for words in ("Hola ", "<mark", "first_name", "Attempt 1", "WhatsApp refused it", "deals", "9001", "/activity/e1"):
        assert words in page, words
    assert "<script>alert" not in page
    assert "RLO" in page
    assert "Send anew" not in page  # a viewer
    assert "read" in shop("viewer").get("/sends/s-read").text


def test_a_waiting_one_says_until_when_and_at_which_gate(shop):
    page = shop("viewer").get("/sends/s-waiting").text
    assert "Reason of waiting." in page
    assert "in 2 h" in page
    assert page.index("Allowed hours") < page.index("24-hour window")
    assert 'class="stopped"' in page


def test_what_there_is_not_is_not_found(shop):
    for path in ("/sends/nobody", "/sends/" + "x" * 500, "/sends/a%00b"):
        assert shop("viewer").get(path).status_code == 404


def test_a_deleted_template_leaves_what_is_known(shop):
    with shop.house.store.write() as conn:
        conn.execute(sa.delete(template_rows))
    page = shop("viewer").get("/sends/s-read").text
    assert "Its text is not known here." in page
    assert "first_name" in page


# ---- what a person does ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "role"),
    [("/sends/pause", "publisher"), ("/sends/resume", "publisher"), ("/sends/cancel", "publisher"),
     ("/sends/s-waiting/cancel", "publisher"), ("/sends/s-failed/retry", "publisher"),
     ("/sends/s-unknown/again", "publisher"), ("/sends/s-unknown/arrived", "editor"), ("/sends/import", "editor")],
)  # fmt: skip
def test_who_may(shop, path, role):
    below = {"publisher": "editor", "editor": "viewer"}[role]
    assert shop(below).post(path).status_code == 403
    assert shop(role).post(path, {"what": "all"}).status_code != 403


def test_everything_is_paused_and_goes_on(shop):
    publisher, now = shop("publisher"), shop.house.clock.now()
    answer = publisher.post("/sends/pause?group=waiting", {"what": "all", "reason": HOSTILE[:200]}, part=True)
    assert answer.status_code == 200
    assert "toast" in answer.headers["HX-Trigger"]
    assert "is paused." in answer.text
    assert "<script>alert" not in answer.text
    with shop.house.store.read() as conn:
        assert parks.parked(conn, "number", [NUMBER], now)
    assert "is paused." in shop("viewer").get("/sends/").text
    assert "Resume" not in shop("viewer").get("/sends/").text
    assert publisher.post("/sends/resume", {"what": f"number:{NUMBER}"}, part=True).status_code == 200
    assert f"send:{NUMBER}" in shop.rung
    with shop.house.store.read() as conn:
        assert not parks.parked(conn, "number", [NUMBER], now)
    assert state_of(shop, "s-ready").next_at == now
    assert audited(shop)[-2:] == ["sends.pause", "sends.resume"]


@pytest.mark.parametrize(
    ("what", "status"),
    [("document:quote-ready", 303), ("document:nothing", 404), ("number:999", 404), ("moon", 400), ("", 400),
     ("contact:x", 400)],
)  # fmt: skip
def test_what_can_be_paused(shop, what, status):
    assert shop("publisher").post("/sends/pause", {"what": what}).status_code == status


def test_a_documents_messages_end_once_its_name_is_typed(shop):
    publisher = shop("publisher")
    form = {"document": "quote-ready", "confirm": "quote"}
    assert publisher.post("/sends/cancel", form, part=True).status_code == 422
    assert state_of(shop, "s-waiting").state == "waiting"
    answer = publisher.post("/sends/cancel?document=quote-ready", form | {"confirm": "quote-ready"}, part=True)
    assert answer.status_code == 200
    assert [state_of(shop, f"s-{s}").state for s in ("waiting", "ready", "unknown")] == ["cancelled"] * 2 + ["unknown"]
    assert state_of(shop, "s-waiting").reason == "Cancelled by publisher@example.com."


def test_one_is_cancelled_once(shop):
    publisher = shop("publisher")
    assert "Cancelled." in publisher.post("/sends/s-ready/cancel", part=True).headers["HX-Trigger"]
    assert "Too late" in publisher.post("/sends/s-ready/cancel", part=True).headers["HX-Trigger"]
    assert "Too late" in publisher.post("/sends/s-read/cancel", part=True).headers["HX-Trigger"]


def test_a_failed_one_is_sent_anew_once(shop):
    publisher = shop("publisher")
    answer = publisher.post("/sends/s-failed/retry", part=True)
    assert "Sent anew" in answer.headers["HX-Trigger"]
    fresh = answer.headers["HX-Push-Url"].rpartition("/")[2]
    assert state_of(shop, fresh).state == "waiting"
    assert any(bell.startswith("prepare:") for bell in shop.rung)
    again = publisher.post("/sends/s-failed/retry", part=True)
    assert "sent again already" in again.headers["HX-Trigger"]
    for id_ in ("s-refused", "s-cancelled", "s-read"):  # an opt-out, a person's word, and what has not failed
        assert "Sent anew" not in publisher.post(f"/sends/{id_}/retry", part=True).headers["HX-Trigger"]
    assert [s.state for s in (state_of(shop, "s-refused"), state_of(shop, "s-read"))] == ["refused", "read"]


def test_an_unknown_one_is_settled(shop):
    publisher = shop("publisher")
    page = publisher.get("/sends/s-unknown").text
    assert "Did it arrive?" in page
    assert "It arrived" in shop("editor").get("/sends/s-unknown").text
    assert "It did not arrive" not in shop("editor").get("/sends/s-unknown").text
    assert publisher.post("/sends/s-unknown/again").status_code == 303
    assert state_of(shop, "s-unknown").state == "ready"
    assert "Too late" in publisher.post("/sends/s-unknown/arrived", part=True).headers["HX-Trigger"]


def test_one_that_arrived_is_sent(shop):
    assert shop("editor").post("/sends/s-unknown/arrived", part=True).status_code == 200
    assert (state_of(shop, "s-unknown").state, state_of(shop, "s-unknown").next_at) == ("sent", None)


def test_what_a_person_marked_is_shown_at_once(shop):
    with shop.house.store.write() as conn:
        holding.cancel(conn, "document", "quote-ready", "Not today.", shop.house.clock.now(), at_once=0)
    assert "Not today." in shop("viewer").get("/sends/s-waiting").text


# ---- importing ---------------------------------------------------------------------------------------------------
ROWS = "wamid,to,template,sent_at\nwamid.1,573001230001,promo,2026-11-20T10:00:00Z\n"


def test_a_file_becomes_a_task(shop):
    editor = shop("editor")
    upload = {"file": (io.BytesIO(("\ufeff" + ROWS).encode()), 'li"st<b>.csv')}
    answer = editor.post("/sends/import", upload, part=True, content_type="multipart/form-data")
    assert answer.status_code == 200
    assert "task" in shop.rung
    with shop.house.store.read() as conn:
        (task,) = tasks.list_(conn, kinds=["sends.import"])
    assert task.args["text"] == ROWS
    assert f"/sends/import/{task.id}" in answer.text.replace("%2F", "/")
    assert "<b>" not in editor.get("/sends/import").text
    with shop.house.store.write() as conn:
        mine = tasks.claim(conn, task, shop.house.clock.now())
        result = {"new": 1, "known": 2, "refused": [{"row": 3, "why": HOSTILE}], "more": 4}
        tasks.end(conn, mine, "done", shop.house.clock.now(), result=result)
    with shop.house.store.write() as conn:
        other = tasks.add(conn, "doctor", {}, "me", shop.house.clock.now())
    assert editor.get(f"/sends/import/{other}").status_code == 404
    for part in (True, False):
        page = editor.get(f"/sends/import/{task.id}", part=part).text
        assert "1 message is known now. 2 were known before. 5 rows were left out." in page
        assert "<script>alert" not in page


@pytest.mark.parametrize(
    ("form", "words"),
    [({"text": "  "}, "Choose a file"), ({"text": "[1, "}, "cannot be read"), ({"text": "wamid,to"}, "no rows"),
     ({"file": (b"\xff\xfe\x00a", "a.csv")}, "not UTF-8")],
)  # fmt: skip
def test_what_is_no_list_is_told_and_stays(shop, form, words):
    sent = {k: (io.BytesIO(v[0]), v[1]) if isinstance(v, tuple) else v for k, v in form.items()}
    answer = shop("editor").post("/sends/import", sent, part=True, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert words in answer.text
    assert form.get("text", "") in answer.text
