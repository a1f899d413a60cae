"""Connected by a person's leave, over HTTP to the sandbox's consent page and back; renewed by many; taken back."""

# ruff: noqa: F811 - fixtures

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import sqlalchemy as sa

from connector import webapp
from connector.app import App
from connector.errors import NotAllowed
from connector.store import accounts as rows
from connector.store.tables import accounts, changes, plans
from connector.works import leaves, removing
from tests.leave import give_leave, signed_in
from tests.pipeline.asking import ask, do, see
from tests.pipeline.conftest import ANA, ListBell
from tests.pipeline.street import Street, lane  # noqa: F401 - fixtures

CLIENTS = {
    "hubspot": {"client_id": "sandbox-hubspot-client"}, "salesforce": {"client_id": "sandbox-salesforce-client"},
}  # fmt: skip
HIDDEN = {"hubspot": "sandbox-hubspot-client-secret", "salesforce": "sandbox-salesforce-secret"}
TOKENS = {"hubspot": "/oauth/2026-09/token", "salesforce": "/services/oauth2/token"}


@pytest.fixture
def browser(lane: Street) -> Iterator[httpx.Client]:
    with signed_in(lane.app, lane.url) as found:
        yield found


def begin(lane: Street, kind: str) -> str:
    settings = {**CLIENTS[kind], "base_url": f"{lane.sandbox.url}/{kind}"}
    result = do(lane, "account.begin", {"client_secret": HIDDEN[kind]}, kind=kind, name="second", settings=settings)
    return str(result["start"])


def connected(lane: Street, browser: httpx.Client, kind: str) -> str:
    """The account's id."""
    end = give_leave(browser, begin(lane, kind))
    lane.app.drain("task", stop=lambda: False)
    task = see(lane, end.headers["location"].rpartition("/")[2])
    assert task.state == "done", task.error
    account = lane.app.account("second")
    assert account is not None
    assert (account.state, task.result["saved"]) == ("ok", True)
    return account.id


def asked(lane: Street, kind: str) -> int:
    """How often a token was asked for."""
    return sum(call["path"].endswith(TOKENS[kind]) for call in lane.sandbox.ledger(kind))


def works(app: App, id_: str) -> bool:
    account = app.account(id_)
    assert account is not None
    connected = app.crm(account)
    connected.read(connected.can.object, ["1512" if account.kind == "hubspot" else "0035e00000000AAAAA"], [])
    return True


@pytest.mark.parametrize("kind", ["hubspot", "salesforce"])
def test_a_person_connects_it_and_two_workers_renew_it_once(lane: Street, browser: httpx.Client, kind: str) -> None:
    start = begin(lane, kind)
    waiting = lane.app.account("second")
    assert waiting is not None
    assert (waiting.state, waiting.reason) == ("needs_person", leaves.WAITS)
    with pytest.raises(NotAllowed):
        works(lane.app, waiting.id)
    refused = give_leave(browser, start, allow="no")
    assert (refused.status_code, "access_denied" in refused.text) == (400, True)
    if kind == "hubspot":
        lane.option("hubspot", rotate=True, token_seconds=600)  # a spent refresh token would end it
    id_ = connected(lane, browser, kind)
    other = App(lane.app.config, ListBell())
    try:
        for _ in range(3):
            assert [works(app, id_) for app in (lane.app, other)] == [True, True]
            before = asked(lane, kind)
            lane.sandbox.http.post("/_clock", json={"advance": 7201})  # every token has run out
            with ThreadPoolExecutor(8) as pool:
                assert all(pool.map(lambda app: works(app, id_), [lane.app, other] * 4))
            assert asked(lane, kind) == before + 1
    finally:
        other.close()
    with lane.app.store.read() as conn:
        stored = str(conn.execute(sa.select(accounts.c.token, accounts.c.secrets)).all())
    token = rows.tokens(lane.app.store, lane.app.keyring, id_).current()
    assert token is not None
    assert token["refresh_token"] not in stored


def test_what_was_given_is_stored_although_the_database_was_away(
    lane: Street, browser: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = connected(lane, browser, "salesforce")
    tokens = rows.tokens(lane.app.store, lane.app.keyring, id_)
    given, stale = {"access_token": "a9", "refresh_token": "r9"}, tokens.current()["access_token"]

    def away(*_: object) -> bool:
        raise RuntimeError("the database is away")

    with monkeypatch.context() as bad:
        bad.setattr(tokens, "_swapped", away)
        with pytest.raises(RuntimeError):
            tokens.refresh(stale, lambda _: given)
    assert tokens.refresh(stale, lambda _: pytest.fail("its refresh token is spent")) == given
    assert tokens.current() == given


def test_it_is_taken_back(lane: Street, browser: httpx.Client) -> None:
    """Revoked there, deleted here, its hook deaf, and what waited ends with that reason."""
    id_ = connected(lane, browser, "hubspot")
    token = rows.tokens(lane.app.store, lane.app.keyring, id_).current()
    assert token is not None
    told = removing.remove(lane.app, lane.app.account("second"))
    assert (told["revoked"], told["hint"]) == (True, "")
    bearer = {"Authorization": f"Bearer {token['access_token']}"}
    assert lane.sandbox.http.get("/hubspot/account-info/2026-09/details", headers=bearer).status_code == 401
    assert lane.app.account("second") is None
    (row,) = lane.rows(accounts, accounts.c.id == id_)
    assert (row.state, row.secrets, row.token) == ("removed", None, None)
    # the first account, with work that waits: HubSpot is away, a reply came in
    lane.publish("mapping: stage\ncrm: hubspot\nwhen: {answer_to: anything}\nset: {lifecyclestage: {value: lead}}\n")
    lane.sandbox.faults({"route": "* /hubspot/*", "kind": "down"})
    lane.customer(ANA, text="yes")
    lane.arrive()
    lane.app.drain("unpack", stop=lambda: False)
    first = lane.app.account("hubspot")
    assert first is not None
    assert "hubspot" in {door.name for door in webapp.doors(lane.app)}
    id_ = ask(lane, "account.remove", id=first.id, name="hubspot")
    with lane.app.store.write() as conn:
        removing.removing.begin(conn, first.id, lane.clock.now())
    assert "hubspot" not in {door.name for door in webapp.doors(lane.app)}  # a stranger's: 401
    lane.app.drain("task", stop=lambda: False)
    result = see(lane, id_).result
    assert (result["revoked"], result["ended"] > 0, bool(result["hint"])) == (False, True, True)
    assert {row.state for row in lane.rows(plans, plans.c.account == first.id)} <= {"done", "dead"}
    assert lane.rows(changes, changes.c.account == first.id, changes.c.state.in_(["new", "in_flight"])) == []
    (row,) = lane.rows(accounts, accounts.c.id == first.id)
    assert (row.secrets, row.token) == (None, None)
    lane.settle()
    lane.healthy()
