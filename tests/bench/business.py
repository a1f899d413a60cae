"""A connected business for the benches: a sandbox in its own process, accounts, a live document, linked contacts."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from connector import config
from connector.app import App, kinds
from connector.bell import RedisBell
from connector.core import documents as language
from connector.ids import new_id
from connector.ports import RecordChange
from connector.store import documents as document_rows
from connector.store.engine import insert_many, upgrade
from connector.store.tables import changes, contact_keys, contacts, crm_links, deliveries, events
from connector.supervisor import command
from tests.bench import servers
from tests.bench.load import NUMBER, ROOT, SECRET, WABA, reply
from tests.web.front import environment

DOCUMENT = """\
mapping: bench
crm: {crm}
when: {{answer_to: anything, type: text}}
contact: {{find_by: [whatsapp, phone], if_missing: create, if_several: review}}
set:
  {field}: "{{{{ answer.text }}}}"
log: message
"""
FIELD = {"hubspot": "whatsapp_last_answer", "salesforce": "Description"}
OBJECT = {"hubspot": "contacts", "salesforce": "Contact"}
ACCOUNTS: Mapping[str, tuple[dict[str, str], dict[str, str]]] = {
    "hubspot": (
        {"portal_id": "24681357"},
        {"token": "pat-na1-sandbox-hubspot", "client_secret": "sandbox-hubspot-client-secret"},
    ),
    "salesforce": (
        {"client_id": "sandbox-salesforce-client", "org_id": "00D5e000000SBOXEA2"},
        {"client_secret": "sandbox-salesforce-secret"},
    ),
}


@dataclass
class Business:
    """What a bench does to the product, and what it reads from the stand-in."""

    app: App
    bell: RedisBell
    env: Mapping[str, str]
    sandbox: httpx.Client
    crm: str
    account: str = ""  # the CRM account's id
    shop: str = ""  # the WhatsApp account's id
    people: list[tuple[str, str]] = field(default_factory=list)  # (wa_id, record id)
    sent: int = 0

    def connect(self, people: int) -> None:
        """Accounts, the live document, and so many contacts that the CRM and we know already."""
        base = str(self.sandbox.base_url).rstrip("/")
        whatsapp = {"phone_number_id": NUMBER, "waba_id": WABA, "base_url": f"{base}/graph"}
        secrets = {"token": "sandbox-whatsapp-token", "app_secret": SECRET, "verify_token": "verify-token"}
        self.shop = self.app.add_account(kinds()["whatsapp"], "shop", whatsapp, secrets).id
        settings, hidden = ACCOUNTS[self.crm]
        given = {**settings, "base_url": f"{base}/{self.crm}"}
        account = self.app.add_account(kinds()[self.crm], self.crm, given, dict(hidden))
        self.account = account.id
        text = DOCUMENT.format(crm=self.crm, field=FIELD[self.crm])
        document = language.read(text)
        with self.app.store.write() as conn:
            document_rows.publish(conn, document.kind, document.name, text, "bench", datetime(2026, 1, 1, tzinfo=UTC))
        self._meet([f"57300{n:07}" for n in range(people)])

    def _meet(self, wa_ids: list[str]) -> None:
        account = self.app.account(self.crm)
        assert account is not None
        made = [
            RecordChange(
                id=w, object=OBJECT[self.crm], wa_id=w, user_id=f"CO.{w}", fields={}, name=f"Ana {w}", phone=f"+{w}"
            )
            for w in wa_ids
        ]
        now = datetime.now(UTC)
        ids = {w: new_id() for w in wa_ids}
        outcomes = self.app.crm(account).write(made)
        self.people = [(w, str(o.record)) for w, o in zip(wa_ids, outcomes, strict=True)]
        assert all(o.record for o in outcomes), outcomes[0]
        keys = [("wa_id", w, ids[w]) for w in wa_ids] + [("bsuid", f"CO.{w}", ids[w]) for w in wa_ids]
        with self.app.store.write() as conn:
            insert_many(conn, contacts, [{"id": i, "name": "Ana", "created_at": now} for i in ids.values()])
            insert_many(conn, contact_keys, [{"kind": k, "value": v, "contact": c, "at": now} for k, v, c in keys])
            links = [
                {
                    "contact": ids[w],
                    "account": account.id,
                    "object": OBJECT[self.crm],
                    "record_id": r,
                    "found_by": "id",
                    "at": now,
                }
                for w, r in self.people
            ]
            insert_many(conn, crm_links, links)

    def body(self, wa_id: str) -> bytes:
        """A new text of this customer."""
        self.sent += 1
        return reply(self.sent, wa_id, f"wamid.bench{os.getpid()}.{self.sent}", at=int(time.time()))

    def store(self, wa_ids: list[str]) -> None:
        """One delivery for each, as the web process stores them; nobody is told."""
        now = datetime.now(UTC)
        rows = [{"id": new_id(), "account": self.shop, "received_at": now, "body": self.body(w)} for w in wa_ids]
        with self.app.store.write() as conn:
            conn.execute(deliveries.insert(), rows)

    def settled(self, messages: int, patience: float = 120) -> float:
        """Waits until so many events are stored and every change is final; when that was (time.time())."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            with self.app.store.read() as conn:
                waits = conn.execute(changes.select().where(changes.c.state.in_(["new", "in_flight"])).limit(1)).first()
                late = conn.execute(events.select().where(events.c.state == "new").limit(1)).first()
                many = (
                    waits is None and late is None and conn.exec_driver_sql("SELECT count(*) FROM events").scalar_one()
                )
            if many >= messages:
                return time.time()
            time.sleep(0.02)
        raise RuntimeError("the events did not settle in time")

    def slow(self, ms: float) -> None:
        """From now on the CRM takes so long to answer."""
        fault = {"route": f"* /{self.crm}/*", "kind": "delay", "ms": ms}
        self.sandbox.post("/_faults", json=[fault]).raise_for_status()

    def ledger(self, since: float) -> list[dict[str, Any]]:
        """What the CRM heard after that time (Unix seconds), oldest first."""
        answer = self.sandbox.get("/_ledger", params={"service": self.crm, "since": str(since)}).raise_for_status()
        return [json.loads(line) for line in answer.text.splitlines()]


@contextmanager
def business(crm: str, people: int, database_url: str = "", limit: int = 100_000) -> Iterator[Business]:
    """A connected business on its own database (SQLite unless an address is given), with a Valkey; nothing runs yet."""
    with ExitStack() as stack:
        home = stack.enter_context(servers.folder())
        url = database_url or f"sqlite:///{home / 'connector.db'}"
        upgrade(url)
        valkey = stack.enter_context(servers.valkey())
        env = environment(home, LOG_LEVEL="ERROR", DATABASE_URL=url, REDIS_URL=valkey.url)
        settings = config.load(env)
        bell = RedisBell(valkey.url)
        stack.callback(bell.close)
        app = App(settings, bell)
        stack.callback(app.close)
        sandbox = stack.enter_context(_sandbox(limit))
        found = Business(app, bell, env, sandbox, crm)
        found.connect(people)
        yield found


@contextmanager
def _sandbox(limit: int) -> Iterator[httpx.Client]:
    argv = [sys.executable, "-m", "connector.sandbox", "--port", "0", "--json", "--hubspot-limit", str(limit)]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            with httpx.Client(base_url=json.loads(process.stdout.readline())["sandbox"], timeout=60) as client:
                yield client
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def workers(shop: Business, count: int, clock: bool = False) -> Iterator[list[int]]:
    """So many worker processes that listen (and the clock); their pids."""
    argvs = [command("worker", "--single")] * count + [command("clock")] * clock
    running = [subprocess.Popen(argv, cwd=ROOT, env=dict(shop.env)) for argv in argvs]
    try:
        end = time.monotonic() + 30
        while shop.bell.workers() < count:
            if time.monotonic() > end:
                raise RuntimeError("the workers do not listen")
            time.sleep(0.05)
        yield [process.pid for process in running[:count]]
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(40)
