"""The way to a vendor's consent page and back: bound to the session, good once, ten minutes, nowhere else."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import sqlalchemy as sa

from connector.store import accounts, tasks
from connector.store.engine import Store, open_store
from connector.store.tables import metadata
from connector.store.tasks import unsealed

SANDBOX = "http://127.0.0.1:8010/hubspot"


@pytest.fixture
def store(sqlite_url: str, home: Path) -> Iterator[Store]:
    """On one database: no lock is at stake."""
    opened = open_store(sqlite_url, home=home)
    yield opened
    opened.close()


@pytest.fixture
def console(make_console, store):
    return make_console(store, public_url="http://wa.example")


def rows_of(store: Store, table: str) -> list[tuple]:
    with store.read() as conn:
        return [tuple(row) for row in conn.execute(sa.select(metadata.tables[table]))]


def add(console, kind="hubspot", name="hub", **settings):
    given = {"client_id": "c1", "base_url": SANDBOX, **settings}
    with console.house.store.write() as conn:
        return accounts.add(
            conn, console.house.keyring, kind, name, given, {"client_secret": "s"}, console.house.clock.now()
        )


def begin(browser, name="hub", kind="hubspot"):
    answer = browser.get(f"/oauth/{kind}/start?account={name}")
    assert answer.status_code == 302
    return answer.headers["Location"], dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def task(console):
    with console.house.store.read() as conn:
        (row,) = tasks.list_(conn)
        return tasks.get(conn, row.id)


def test_there_and_back(console):
    account = add(console)
    browser = console()
    link, asked = begin(browser)
    assert link.startswith(f"{SANDBOX}/oauth/authorize?")
    assert asked["redirect_uri"] == "http://wa.example/oauth/hubspot/callback"
    assert len(asked["state"]) > 40
    stored = str(rows_of(console.house.store, "consents_asked"))
    assert asked["state"] not in stored
    done = browser.get(f"/oauth/hubspot/callback?code=c0de&state={asked['state']}&next=https://evil.example")
    found = task(console)
    assert (done.status_code, done.headers["Location"]) == (303, f"/setup/outcome/{found.id}")
    assert (found.kind, found.args["account"]) == ("account.connect", account.id)
    assert "c0de" not in str(rows_of(console.house.store, "tasks"))
    assert unsealed(console.house.keyring, found)["code"] == "c0de"
    assert console.rung == ["task"]


def test_a_state_is_good_once(console):
    add(console)
    browser = console()
    _, asked = begin(browser)
    path = f"/oauth/hubspot/callback?code=c&state={asked['state']}"
    assert [browser.get(path).status_code for _ in range(2)] == [303, 400]


@pytest.mark.parametrize("wrong", ["other session", "other kind", "too old", "made up", "none", "long", "account gone"])
def test_a_state_of_somebody_or_something_else(console, clock, wrong):
    account = add(console)
    add(console, "salesforce", "sf", domain="x.my.salesforce.com", base_url="")
    browser, kind = console(), "hubspot"
    _, asked = begin(browser)
    state = asked["state"]
    if wrong == "other session":
        browser = console(email="second@example.com")
    elif wrong == "other kind":
        kind = "salesforce"
    elif wrong == "too old":
        clock.at += timedelta(minutes=10)
    elif wrong == "account gone":
        with console.house.store.write() as conn:
            accounts.delete(conn, account.id)
    else:
        state = {"made up": "x" * 43, "none": "", "long": "x" * 3000}[wrong]
    answer = browser.get(f"/oauth/{kind}/callback?code=c&state={state}")
    assert answer.status_code == 400
    assert "Begin again" in answer.text
    with console.house.store.read() as conn:
        assert tasks.list_(conn) == []


def test_the_vendors_refusal_is_text(console):
    add(console)
    browser = console()
    _, asked = begin(browser)
    said = "error=access_denied&error_description=%3Cscript%3Ealert(1)%3C/script%3E"
    page = browser.get(f"/oauth/hubspot/callback?{said}&state={asked['state']}")
    assert page.status_code == 400
    assert "access_denied" in page.text
    assert "<script>alert" not in page.text


@pytest.mark.parametrize("role", ["viewer", "editor", "publisher"])
def test_only_an_admin_may(console, role):
    add(console)
    browser = console(role)
    assert browser.get("/oauth/hubspot/start?account=hub").status_code == 403
    assert browser.get("/oauth/hubspot/callback?code=c&state=s").status_code == 403
    assert console.stranger.get("/oauth/hubspot/start?account=hub").status_code == 302


def test_what_cannot_be_connected_this_way(console):
    add(console)
    browser = console()
    for path in ("hubspot/start?account=no", "whatsapp/start?account=hub", "salesforce/start?account=hub"):
        assert browser.get(f"/oauth/{path}").status_code == 404
    add(console, name="bare", client_id="")
    page = browser.get("/oauth/hubspot/start?account=bare")
    assert (page.status_code, "client-id" in page.text) == (422, True)
    add(console, name="evil", base_url="https://evil.example")
    page = browser.get("/oauth/hubspot/start?account=evil")
    assert (page.status_code, "hubapi.com" in page.text) == (422, True)


def test_the_form_begins_it_without_a_token(console):
    browser = console()
    page = browser.get("/setup/connect/hubspot").text
    assert "http://wa.example/oauth/hubspot/callback" in page
    form = {"name": "hub", "client-id": "c1", "client-secret": "very-secret", "base-url": SANDBOX}
    assert browser.post("/setup/connect/hubspot/begin", form, part=True).status_code == 200
    found = task(console)
    assert (found.kind, found.args["settings"]["client_id"]) == ("account.begin", "c1")
    assert "very-secret" not in str(rows_of(console.house.store, "tasks"))
    assert browser.post("/setup/connect/whatsapp/begin", form, part=True).status_code == 404
