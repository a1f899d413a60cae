"""The house with its front door: vendors' webhooks come in by HTTP, signed; our calls go out to the sandbox."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from io import BytesIO
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import pytest
import sqlalchemy as sa

from connector import config as settings
from connector import webhooks
from connector.app import App, kinds
from connector.store import accounts, doctor, holding
from connector.store.tables import counters, deliveries, events, findings, parks, plans, send_attempts, sends
from connector.webapp import web_app
from connector.webhooks import standard
from tests.commands import Zygote
from tests.pipeline.conftest import House, ListBell, connect, few_chores
from tests.town import Sandbox
from tests.web.front import ROOT, environment

HUBSPOT, SALESFORCE, GRAPH = "hubspot", "salesforce", "graph"
CLIENT_SECRET = "sandbox-hubspot-client-secret"
ORG = "00D5e000000SBOXEA2"
PATIENCE = 20  # seconds for the sandbox's webhooks of one round
LINKS = {"visit-slots": "5a" * 16, "visit-reminder": "5b" * 16}  # documents with a trigger link of their own
CRMS = {"visit-slots": HUBSPOT, "visit-reminder": SALESFORCE}
QUICK = {"status_seconds": 0.02}  # WhatsApp's statuses come at once


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """The tests read what was stored, not a log."""


def _away(environ: dict[str, Any], start: Any) -> list[bytes]:
    """Reads what it is sent, as a proxy in front of a dead server does."""
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start("503 Service Unavailable", [("Content-Length", "0")])
    return [b""]


def _bounded(app: Any) -> Any:
    """Like our own server: a body ends where its length says."""

    def whole(environ: dict[str, Any], start: Any) -> Any:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        return app(environ | {"wsgi.input": BytesIO(environ["wsgi.input"].read(length))}, start)

    return whole


@dataclass
class Clock:
    """The host's clock, and how far the test has moved it."""

    moved: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.moved


@dataclass
class Street(House):
    """A house that vendors can call; `url` is its public address."""

    url: str = ""
    clock: Clock = field(default_factory=Clock)
    said: str = ""  # what the last command printed
    zygote: Zygote | None = None
    server: WSGIServer | None = None
    close_web: Callable[[], None] = lambda: None

    def wire(self) -> None:
        """The vendors know our address, the templates are known, and the host's clock is the test's."""
        self.app.clock = self.clock  # type: ignore[assignment]
        self.app.chores = few_chores(self.app)
        self.option("graph", **QUICK)
        paths = {GRAPH: "/hooks/whatsapp/whatsapp", HUBSPOT: "/hooks/crm/hubspot", SALESFORCE: self.hook(SALESFORCE)}
        for service, path in paths.items():
            answer = self.sandbox.http.post("/_webhook", json={"service": service, "url": self.url + path})
            assert answer.is_success, answer.text
        self.app.sync(lambda: False)

    def die(self) -> None:
        """Nothing of ours runs any more; who calls hears 503."""
        assert self.server is not None
        self.server.set_app(_away)
        self.close_web()
        self.app.close()

    def rise(self) -> None:
        """Web and workers run again, with the same settings."""
        assert self.server is not None
        self.app = App(self.app.config, self.bell)
        self.app.clock = self.clock  # type: ignore[assignment]
        self.app.chores = few_chores(self.app)
        wsgi, self.close_web = web_app(self.app.config)
        self.server.set_app(_bounded(wsgi))

    def hook(self, name: str) -> str:
        """The path that is a secret itself, of a CRM that cannot sign."""
        account = self.app.account(name)
        assert account is not None
        return f"/hooks/crm/{name}/{account.secrets['hook_secret']}"

    def link(self, name: str) -> tuple[str, str]:
        """(path, secret) of the trigger link of a document in LINKS."""
        account = self.app.account(LINKS[name])
        assert account is not None
        return f"/hooks/link/{account.name}", str(account.secrets["secret"])

    # ---- what happens to it --------------------------------------------------------------------------------------
    def option(self, service: str, **values: Any) -> None:
        method, path = ("POST", "/_options") if service == GRAPH else ("PATCH", f"/{service}/_options")
        answer = self.sandbox.http.request(method, path, json=values)
        assert answer.is_success, answer.text

    def move(self, crm: str, object_: str, id: str, **values: Any) -> None:
        """A person changes a record in the CRM's screens, and the CRM tells us."""
        answer = self.sandbox.http.patch(f"/_records/{crm}/{object_}/{id}", json=values)
        assert answer.is_success, answer.text

    def customer(self, wa_id: str, **what: Any) -> str:
        """A customer writes; the message's id."""
        answer = self.sandbox.http.post(f"/_customers/{wa_id}", json=what)
        assert answer.is_success, answer.text
        return str(answer.json()["wamid"])

    def describe(self, wa_id: str, **what: Any) -> None:
        assert self.sandbox.http.patch(f"/_customers/{wa_id}", json=what).is_success

    def template(self, name: str, language: str, **what: Any) -> None:
        """Meta does something to a template, and tells us."""
        answer = self.sandbox.http.post(f"/_templates/{name}/{language}", json=what)
        assert answer.is_success, answer.text

    def call(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Somebody calls one of our hooks: (status, text)."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"Content-Type": "application/json", **(headers or {})}
        with closing(HTTPConnection(self.url.removeprefix("http://"), timeout=10)) as connection:
            connection.request("POST", path, raw, given)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    # ---- time ----------------------------------------------------------------------------------------------------
    def arrive(self) -> None:
        """Waits until every webhook that is under way has been answered."""
        answer = self.sandbox.http.get("/_webhooks", params={"wait": PATIENCE}, timeout=2 * PATIENCE).json()
        assert answer["settled"], answer

    def settle(self, rounds: int = 60) -> None:
        """Until no webhook is under way and no bell has work."""
        for _ in range(rounds):
            self.arrive()
            names = list(dict.fromkeys([*self.bell.rung, *self.app.bells()]))
            if not names:
                return
            for name in names:
                self.app.drain(name, stop=lambda: False)
        raise AssertionError(f"still busy: {self.app.bells()}")

    def pass_(self, **more: float) -> None:
        """Time goes by, and what was due meanwhile is done."""
        self.clock.moved += timedelta(**more)
        self.settle()

    # ---- what can be seen ----------------------------------------------------------------------------------------
    def rows(self, table: Any, *where: Any) -> list[Any]:
        with self.app.store.read() as conn:
            return list(conn.execute(sa.select(table).where(*where)).all())

    @property
    def sends(self) -> list[Any]:
        """Oldest first."""
        return sorted(self.rows(sends), key=lambda row: (row.at, row.id))

    def send(self) -> Any:
        """The only one."""
        (row,) = self.sends
        return row

    def outcomes(self) -> list[tuple[str, str]]:
        return [(row.state, row.code) for row in self.sends]

    def requests(self) -> list[dict[str, Any]]:
        """What WhatsApp was asked to send."""
        found = [c for c in self.sandbox.ledger(GRAPH) if c["method"] == "POST" and c["path"].endswith("/messages")]
        return [call["body"] for call in found]

    def deal(self, id: str) -> dict[str, Any]:
        return dict(self.sandbox.record(HUBSPOT, "deals", id)["properties"])

    def deliveries(self) -> int:
        return len(self.rows(deliveries))

    def stored(self) -> list[tuple[str, str]]:
        """(kind, state) of every event."""
        return [(row.kind, row.state) for row in self.rows(events)]

    def heard(self, account: str) -> bytes:
        """The newest webhook of an account, as it came."""
        row = max(self.rows(deliveries, deliveries.c.account == self._id(account)), key=lambda one: one.seq)
        return bytes(row.body)

    def hubspot_says(self, body: Any, *, secret: str = CLIENT_SECRET, age: float = 0, path: str = "") -> int:
        """A webhook signed as HubSpot does it, `age` seconds ago: the status of our answer."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        path, stamp = path or "/hooks/crm/hubspot", str(int((time.time() - age) * 1000))
        digest = hmac.new(secret.encode(), f"POST{self.url}{path}".encode() + raw + stamp.encode(), hashlib.sha256)
        proof = base64.b64encode(digest.digest()).decode()
        return self.call(path, raw, {"X-HubSpot-Request-Timestamp": stamp, "X-HubSpot-Signature-v3": proof})[0]

    def becauses(self) -> list[str]:
        """What the documents made of the CRM's events, oldest first."""
        found = sorted(self.rows(plans, plans.c.journey == "trigger"), key=lambda row: row.event_seq)
        return [entry["because"] for row in found for entry in row.body or ()]

    def _id(self, name: str) -> str:
        account = self.app.account(name)
        assert account is not None
        return account.id

    def counted(self, name: str) -> int:
        return sum(row.n for row in self.rows(counters, counters.c.name == name))

    def findings(self) -> list[str]:
        return sorted(row.code for row in self.rows(findings))

    def attempts(self) -> int:
        return len(self.rows(send_attempts))

    def unpark(self) -> None:
        """The rest that somebody asked for is over."""
        with self.app.store.write() as conn:
            conn.execute(sa.delete(parks))

    def setting(self, name: str, **settings: str) -> None:
        """A person changes an account's settings."""
        account = self.app.account(name)
        assert account is not None
        self.app.add_account(kinds()[account.kind], name, dict(settings), {})

    def cli(self, *words: str) -> int:
        """A person's command, in a process of its own; its exit code."""
        config = self.app.config
        more = {"DATABASE_URL": config.database_url, "REDIS_URL": config.redis_url, "PUBLIC_URL": self.url}
        assert self.zygote is not None
        done = self.zygote.call(list(words), environment(config.home, **more), ROOT)
        self.said = done.out + done.err
        return done.code

    def holding(self, action: str, *args: Any) -> Any:
        """A person holds something back, or lets it go."""
        with self.app.store.write() as conn:
            return getattr(holding, action)(conn, *args, self.clock.now())

    def listed(self) -> list[dict[str, Any]]:
        """The sends as a person lists them."""
        with self.app.store.read() as conn:
            return holding.listing(conn, {}, 100, self.clock.now())

    def healthy(self) -> dict[str, int]:
        """No promise is broken; the counts."""
        with self.app.store.read() as conn:
            found = list(doctor.findings(conn, self.clock.now()))
            assert found == [], found
            return doctor.counts(conn)

    def callback(self, id: str) -> dict[str, Any]:
        """The step of a HubSpot workflow as it stands."""
        runs = self.sandbox.http.get("/hubspot/_workflows").json()
        return next(dict(run) for run in runs if run["id"] == id)


@contextmanager
def open_street(store_url: str, home: Path, town: Sandbox, zygote: Zygote, **more: str) -> Iterator[Street]:
    """A connected business on `store_url`; `more` settings by their names."""
    server = _Server(("127.0.0.1", 0), _Silent)
    url = f"http://127.0.0.1:{server.server_port}"
    given = {"DATABASE_URL": store_url, "CONNECTOR_HOME": str(home), "REDIS_URL": "redis://127.0.0.1:1/0"}
    config = settings.load(given | {"PUBLIC_URL": url} | more)
    bell = ListBell()
    app = App(config, bell)
    connect(app, town.url)
    with app.store.write() as conn:
        for document, name in LINKS.items():
            given, secret = {"document": document, "crm": CRMS[document]}, {"secret": standard.new_secret()}
            accounts.add(conn, app.keyring, webhooks.LINK, name, given, secret, app.clock.now())
    wsgi, close = web_app(config)
    server.set_app(_bounded(wsgi))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        street = Street(app, town, bell, url=url, zygote=zygote, server=server, close_web=close)
        street.wire()
        yield street
        street.app.close()
    finally:
        town.http.post("/_reset")  # nobody calls a server that is gone
        server.shutdown()
        server.server_close()
        thread.join()
        street.close_web()


@pytest.fixture
def street(store_url: str, home: Path, sandbox: Sandbox, zygote: Zygote) -> Iterator[Street]:
    """Once on each database."""
    with open_street(store_url, home, sandbox, zygote) as built:
        yield built


@pytest.fixture
def lane(sqlite_url: str, home: Path, sandbox: Sandbox, zygote: Zygote) -> Iterator[Street]:
    """On SQLite only: its clock can be moved (Postgres has one of its own, and a sender believes that)."""
    with open_street(sqlite_url, home, sandbox, zygote) as built:
        yield built
