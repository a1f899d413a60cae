"""A CRM that came by an entry point stands in the console beside ours, and nothing there was told of it."""

import io
import zipfile
from dataclasses import asdict

import pytest

from connector.core.template import from_graph
from connector.pipeline.documents import publish
from connector.ports import HOOK_MARK, Field
from connector.store import accounts, catalogue, documents, snapshots, tasks, templates
from tests.newcomer import newcomer
from tests.web.pages.test_mappings import INVITE, newest

__all__ = ["newcomer"]
FIELDS = [Field(name=name, label=name, type="text") for name in ("given", "answer", "telephone")]


@pytest.fixture
def shop(newcomer, make_console, store):
    """A console that began when it was installed, with one account of it and a template."""
    console = make_console(store)
    house = console.house
    with store.write() as conn:
        now = house.clock.now()
        crm = accounts.add(conn, house.keyring, newcomer, "ours", {}, {"key": "tiny-key"}, now)
        wa = accounts.add(conn, house.keyring, "whatsapp", "main", {"phone_number_id": "1"}, {"token": "x"}, now)
        catalogue.put(conn, crm.id, "people", [asdict(f) for f in FIELDS], now)
        templates.put(conn, wa.id, [from_graph(INVITE)], now)
        found = {"shop_id": "77", "fields": {"people": 3}}
        snapshots.put(conn, f"account:{crm.id}", {"issues": [], "found": found}, now)
    return console


def test_its_form_is_offered_and_taken(shop):
    browser = shop()
    assert 'href="/setup/connect/tiny"' in browser.get("/setup/").text
    form = browser.client.get("/setup/connect/tiny", headers={"Accept-Language": "es"}).text
    assert "Su clave" in form
    assert 'name="shop-id"' in form
    assert "Read from Tiny when left empty" in form  # nobody has put it into other words
    browser.post("/setup/connect/tiny/save", {"name": "second", "key": "tiny-key"}, part=True)
    with shop.house.store.read() as conn:
        task = tasks.get(conn, tasks.list_(conn)[0].id)
    assert (task.kind, task.args["kind"]) == ("account.save", "tiny")


def test_the_checklist_and_its_page_say_whose_it_is(shop):
    assert "Account 77: 3 fields read" in shop("viewer").get("/setup/").text
    page = shop().get("/setup/accounts/ours").text
    assert "Tiny: Settings, Calls." in page
    assert "A page for Tiny." in page
    assert "<dt>Shop</dt>" in page
    assert "/hooks/crm/ours" in page


def test_a_house_without_a_crm_is_told_of_it(newcomer, make_console, store):
    page = make_console(store)().get("/setup/").text
    assert "Tiny CRM)" in page


@pytest.mark.parametrize("kind", ["mapping", "send", "flow"])
def test_a_new_document_speaks_its_language_and_passes(shop, kind):
    form = {"kind": kind, "name": "mine", "crm": "ours", "template": INVITE["name"]}
    assert shop("editor").post("/mappings/+new", form).status_code == 303
    text = newest(shop, "mine").text
    assert publish.judge(text, publish.unknown).good
    said = {"mapping": ["answer:"], "send": ["order.state: {becomes: paid}", "contact.telephone"],
            "flow": ["contact.given", "save: answer"]}  # fmt: skip
    assert [words for words in said[kind] if words not in text] == []


def test_its_lists_are_offered_for_a_broadcast(shop):
    text = f"send: news\ncrm: ours\nwhen: {{segment: any}}\ntemplate: {INVITE['name']}\nlanguage: en\n"
    with shop.house.store.write() as conn:
        documents.publish(conn, "send", "news", text, "test", shop.house.clock.now())
    page = shop("editor").get("/sends/broadcasts/new").text
    assert "Tiny CRM)" in page.partition('value="list"')[2].partition("</option>")[0]
    assert "Tiny CRM" not in page.partition('value="query"')[2].partition("</option>")[0]


def test_its_package_is_downloaded(shop):
    house = shop.house
    browser = shop()
    browser.post("/setup/accounts/ours/package", part=True)
    with house.store.write() as conn:
        (waiting,) = tasks.claimable(conn, house.clock.now())
        mine = tasks.claim(conn, waiting, house.clock.now())
        result = {"account": "ours", "files": {"page.json": f"{house.public_url}{HOOK_MARK}"}}
        tasks.end(conn, mine, "done", house.clock.now(), result=result)
    answer = browser.get(f"/setup/packages/{waiting.id}.zip")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.read("page.json").decode().endswith("/hooks/crm/ours")
