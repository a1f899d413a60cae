"""One run of the whole business, on good days and bad ones: no secret is seen anywhere but encrypted."""

# ruff: noqa: F811 - fixtures

import logging
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask
from werkzeug.routing import Rule

from connector import crm, whatsapp, works
from connector.app import kinds
from connector.errors import ConnectorError
from connector.ports import Account, ContactKey, Granted
from connector.store import accounts, api_tokens, users
from connector.store import tasks as task_rows
from connector.web.auth.passwords import hashed
from connector.web.pages import flask_app
from connector.webapp import house as web_house
from connector.webhooks import standard
from tests.canaries import Canaries, Parrot, dump
from tests.leave import give_leave, signed_in
from tests.pipeline.asking import ask, do
from tests.pipeline.conftest import ANA, NUMBER, WABA
from tests.pipeline.street import Street, lane  # noqa: F401 - fixtures
from tests.web.console import COMPILED

REPLY = "mapping: stage\ncrm: {crm}\nwhen: {{answer_to: anything}}\nset: {{{field}: {{value: lead}}}}\nlog: message\n"
BAD_DAYS = ("expired", "5xx", "half", "down", "429", "drop_after")
PASSWORD = "c4nary-pass-word-of-ana"


@pytest.fixture
def parrot() -> Iterator[Parrot]:
    found = Parrot()
    yield found
    found.close()


def pem() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


# ---- the clients alone: whatever comes back ------------------------------------------------------------------------
HIDDEN = {
    "hubspot": {"token": "pat-c4nary-hubspot", "client_secret": "c4nary-hubspot-secret"},
    "hubspot by oauth": {"client_secret": "c4nary-hubspot-secret"},
    "salesforce": {"client_secret": "c4nary-salesforce-secret"},
    "salesforce by oauth": {"client_secret": "c4nary-salesforce-secret"},
    "salesforce by key": {"client_secret": "c4nary-salesforce-secret", "jwt_key": ""},
    "whatsapp": {"token": "c4nary-whatsapp-token", "app_secret": "c4nary-app-secret", "verify_token": "c4nary-verify"},
}
STORED = {"access_token": "c4nary-access", "refresh_token": "c4nary-refresh", "renew_at": 0, "expires_at": 9e12}


class Kept:
    """The Tokens port: one stored token."""

    def __init__(self, token: Any) -> None:
        self.token = token

    def current(self) -> Any:
        return self.token

    def refresh(self, stale: str | None, fetch: Any) -> Any:
        del stale
        return fetch(self.token)


def calls(account: Account, oauth: bool) -> list[Any]:
    """What an account is asked for."""
    if account.kind == "whatsapp":
        api = whatsapp.connect(account)
        return [api.templates, api.number, lambda: api.check(fix=True), lambda: api.mark_read("wamid.1"), api.close]
    token = {**STORED, "instance_url": account.settings["base_url"]} if oauth else None
    connected = crm.connect(account, Kept(token))
    ana = ContactKey(contact="c", objects=(connected.can.object,), wa_id=ANA)
    granted = Granted("c4nary-code", "c4nary-verifier", "https://x/cb")
    return [
        lambda: connected.check(fix=True), connected.whoami, lambda: connected.fields(connected.can.object),
        lambda: connected.find([ana], []), lambda: crm.exchange(account, granted),
        lambda: crm.revoke(account, token),
    ]  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("kind", list(HIDDEN))
def test_an_answer_made_of_what_we_sent_tells_nothing(kind: str, parrot: Parrot, caplog) -> None:
    """In no error, its cause, its traceback, its facts, no finding, no log at DEBUG; of all three client libraries."""
    caplog.set_level(logging.DEBUG)
    name = kind.partition(" ")[0]
    secrets = HIDDEN[kind] | ({"jwt_key": pem()} if kind.endswith("key") else {})
    place = {"whatsapp": "graph"}.get(name, name)
    settings = {"base_url": f"{parrot.url}/{place}", "client_id": "app", "waba_id": WABA, "phone_number_id": NUMBER}
    settings |= {"username": "u"} if kind.endswith("key") else {}
    settings |= {"oauth": "yes"} if kind.endswith("oauth") else {}
    account = Account(id="a", kind=name, name="shop", settings=settings, secrets=secrets)
    canaries, told = Canaries(), []
    canaries.add("secret", *secrets.values(), "c4nary-access", "c4nary-refresh", "c4nary-code", "c4nary-verifier")
    for status in (400, 401, 403, 404, 409, 429, 500, 299, 302):
        parrot.status = status
        for call in calls(account, "oauth" in kind):
            try:
                told.append(repr(call()))
            except ConnectorError as error:
                told += [str(error), error.hint, repr(error.facts), error.code, *traceback.format_exception(error)]
    assert canaries.seen("\n".join([*told, caplog.text, repr(account)])) == []
    assert len(told) > 20


# ---- everything ----------------------------------------------------------------------------------------------------
def gather(lane: Street) -> Canaries:
    """Accounts of every kind that there can be, people, tokens: and what of them is secret."""
    app, canaries = lane.app, Canaries()
    with signed_in(app, lane.url) as browser:
        settings = {"client_id": "sandbox-hubspot-client", "base_url": f"{lane.sandbox.url}/hubspot"}
        hidden = {"client_secret": "sandbox-hubspot-client-secret"}
        begun = do(lane, "account.begin", hidden, kind="hubspot", name="by-leave", settings=settings)
        assert give_leave(browser, begun["start"]).status_code == 303
        canaries.add("session", str(browser.cookies["connector"]))
    known = kinds()
    settings = {"client_id": "sandbox-salesforce-client", "base_url": f"{lane.sandbox.url}/salesforce"}
    settings |= {"username": "connector@sandbox-store.example"}
    given = {"client_secret": "sandbox-salesforce-secret", "jwt_key": pem()}
    app.add_account(known["salesforce"], "by-key", settings, given)
    app.add_account(known["webhook"], "called", {"url": "https://hooks.example/in"}, {"secret": standard.new_secret()})
    app.drain("task", stop=lambda: False)
    for account in app.accounts():
        works.accounts.check(app, account, fix=True)
    now = app.clock.now()
    with app.store.write() as conn:
        user = users.add(conn, "ana@example.com", "Ana", "admin", now)
        users.change(conn, user, password=hashed(PASSWORD))
        canaries.add("invite", users.invite(conn, user, now))
        canaries.add("api token", api_tokens.add(conn, "ci", "admin", "test", now)[1])
    canaries.add("password", PASSWORD)
    canaries.add("keys", *(lane.app.config.home / "secret.key").read_text().split())
    canaries.add_accounts(app)
    return canaries


def live_through(lane: Street, parrot: Parrot) -> None:
    """Replies, a change that sends, bad days of every kind, a vendor that repeats what it hears, wrong credentials."""
    lane.publish(REPLY.format(crm="hubspot", field="lifecyclestage"))
    lane.customer(ANA, text="hello")
    lane.move("hubspot", "deals", "3001", dealstage="presentationscheduled")
    path, secret = lane.link("visit-slots")
    lane.call(path, {"phone": "+573001112222", "event_id": "e1"}, {"Authorization": f"Bearer {secret}"})
    lane.settle()
    for kind in BAD_DAYS:
        lane.sandbox.faults({"route": "* /hubspot/*", "kind": kind}, {"route": "* /salesforce/*", "kind": kind})
        for name in ("by-leave", "by-key"):
            account = lane.app.account(name)
            assert account is not None
            works.accounts.check(lane.app, account, fix=False)
    lane.sandbox.faults()
    for name, place in {"hubspot": "hubspot", "salesforce": "salesforce", "whatsapp": "graph"}.items():
        lane.setting(name, base_url=f"{parrot.url}/{place}")
    lane.customer(ANA, text="and again")
    for status in (400, 401, 500, 299):
        parrot.status = status
        lane.unpark()
        for bell in lane.app.bells():
            lane.app.drain(bell, stop=lambda: False)
        for name in ("hubspot", "salesforce", "whatsapp"):
            ask(lane, "account.check", account=name)
        ask(lane, "templates.sync")
        lane.app.drain("task", stop=lambda: False)


def pages(lane: Street) -> Iterator[tuple[str, bytes]]:
    """(path, bytes) of everything that can be got from the console, as an admin sees it."""
    flask = flask_app(web_house(lane.app, {}))
    flask.jinja_env.bytecode_cache = COMPILED
    client = flask.test_client()
    with lane.app.store.write() as conn:
        now = lane.app.clock.now()
        token = users.sign_in(conn, users.get(conn, "ana@example.com").id, now)
        tasks = [task.id for task in task_rows.list_(conn)]
    client.set_cookie("connector", token)
    for rule in flask.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and not rule.rule.startswith("/static"):
            for path in paths(flask, rule, lane, tasks):
                answer = client.get(path)
                yield path, repr(dict(answer.headers)).encode() + answer.get_data()
    wrong = client.post("/signin", data={"email": "ana@example.com", "password": PASSWORD + "x"})
    yield "/signin", wrong.get_data()


def paths(flask: Flask, rule: Rule, lane: Street, tasks: list[str]) -> list[str]:
    """An address of the rule for each thing there is; one made up where we know of none."""
    if not rule.arguments:
        return [rule.rule]
    names = [account.name for account in lane.app.accounts()]
    values = {"task": tasks, "id": [*tasks[:1], "x"], "name": names, "kind": ["hubspot", "salesforce", "whatsapp"]}
    first = sorted(rule.arguments)[0]
    found = []
    for value in values.get(first, ["x"]):
        with flask.test_request_context():
            given = dict.fromkeys(rule.arguments, "x") | {first: value}
            found.append(str(flask.url_map.bind("").build(rule.endpoint, given)))
    return found


SHOWN = {  # pages that exist to show an admin the hook's own address, which for Salesforce is a secret
    "/setup/accounts/salesforce": ["salesforce:"], "/setup/accounts/by-key": ["by-key:"],
}  # fmt: skip
COMMANDS = (
    ["accounts", "check", "hubspot"], ["doctor", "--json"], ["tasks", "list"], ["why", ANA, "--json"],
    ["sends", "list"], ["keys", "list"],
)  # fmt: skip


@pytest.mark.long
def test_the_whole_business_tells_no_secret(lane: Street, parrot: Parrot, caplog, tmp_path: Path) -> None:
    caplog.set_level(logging.DEBUG)
    canaries = gather(lane)
    live_through(lane, parrot)
    canaries.add_accounts(lane.app)
    assert len(canaries.known) > 20
    assert canaries.seen(dump(lane.app)) == []
    files = [path for path in (*tmp_path.rglob("connector.db*"), *lane.app.config.home.rglob("*")) if path.is_file()]
    assert {str(path.name): seen for path in files if (seen := canaries.seen(path.read_bytes(), ["keys"]))} == {}
    told = {path: seen for path, text in pages(lane) if (seen := canaries.seen(text, SHOWN.get(path, ())))}
    assert told == {}
    said = {}
    for words in COMMANDS:
        lane.cli(*words)
        said[" ".join(words)] = canaries.seen(lane.said)
    assert {words: seen for words, seen in said.items() if seen} == {}
    assert canaries.seen(caplog.text) == []
    things = (lane.app.config, lane.app.keyring, lane.app.store, *lane.app.accounts())
    assert canaries.seen("".join(map(repr, things))) == []
    assert isinstance(accounts.tokens(lane.app.store, lane.app.keyring, "x"), object)


# ---- addresses that hold a password --------------------------------------------------------------------------------
def test_an_address_with_a_password_is_never_told(lane: Street, caplog) -> None:
    """The database and Redis away, and wrong settings: on stderr of commands, and in our own log."""
    canaries = Canaries()
    canaries.add("password", "c4nary-of-postgres", "c4nary-of-redis")
    assert lane.zygote is not None
    env = {
        "CONNECTOR_HOME": str(lane.app.config.home), "REDIS_URL": "redis://:c4nary-of-redis@127.0.0.1:1/0",
        "DATABASE_URL": "postgresql://ana:c4nary-of-postgres@127.0.0.1:1/db", "LOG_LEVEL": "DEBUG", "PATH": "/usr/bin",
    }  # fmt: skip
    root = Path(__file__).parents[2]
    for words, more in (
        (["doctor"], {}), (["accounts", "list"], {}), (["db", "upgrade"], {}), (["keys", "list"], {}),
        (["doctor"], {"DATABASE_URL": "mysql://ana:c4nary-of-postgres@h/db"}),
        (["doctor"], {"REDIS_URL": "http://:c4nary-of-redis@h"}),
    ):  # fmt: skip
        done = lane.zygote.call(words, env | more, root)
        assert done.code != 0
        assert canaries.seen(done.out + done.err) == []
    assert canaries.seen(caplog.text) == []


def test_redis_holds_names_of_bells_and_nothing_else(valkey: str) -> None:
    import redis

    from connector.bell import RedisBell

    bell = RedisBell(valkey)
    bell.ring("unpack", "handle:0192", "send:106540352242922")
    bell.close()
    client = redis.Redis.from_url(valkey)
    held = []
    for key in client.scan_iter():
        kind = client.type(key)
        held.append(repr(key) + repr(client.hgetall(key) if kind == b"hash" else client.dump(key)))
    client.close()
    assert held
    canaries = Canaries()
    canaries.add("content", "106540352242922x", "sandbox-")
    assert canaries.seen("".join(held)) == []
