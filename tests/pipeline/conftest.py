"""The whole journey in one process: stored bytes in, rows, and HTTP out to a real sandbox. Only the bell is a list."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from connector import config as settings
from connector.app import App, upkeep
from connector.ids import new_id
from connector.pipeline.chores.regular import Chores
from connector.pipeline.intake.unpack import Unpacker
from connector.pipeline.why import event as why
from connector.store import changes, doctor
from connector.store import documents as document_rows
from connector.store.tables import accounts, deliveries
from tests.town import Sandbox

NUMBER, WABA = "106540352242922", "102290129340398"
ANA = "573001112222"  # in the sandbox's HubSpot as contact 1512, lifecyclestage lead


@dataclass
class ListBell:
    """Remembers what was rung."""

    rung: list[str] = field(default_factory=list)

    def ring(self, *names: str) -> None:
        self.rung += names

    def heard(self, name: str) -> None:
        self.rung = [n for n in self.rung if n != name]

    def waiting(self) -> bool:
        return False


@dataclass
class House:
    """A connected business: what a test does to it and reads from it."""

    app: App
    sandbox: Sandbox
    bell: ListBell
    sent: int = 0

    def publish(self, text: str) -> None:
        from connector.core import documents as language

        document = language.read(text)
        self.app.fields_of(refresh=True)(document)
        with self.app.store.write() as conn:
            document_rows.publish(conn, document.kind, document.name, text, "test", datetime(2026, 1, 1, tzinfo=UTC))

    def deliver(self, *bodies: Any, account: str = "whatsapp") -> None:
        """Stores webhook bodies as the web process does."""
        with self.app.store.write() as conn:
            id_ = conn.execute(sa.select(accounts.c.id).where(accounts.c.name == account)).scalar_one()
            for body in bodies:
                raw = body if isinstance(body, bytes) else json.dumps(body).encode()
                row = {"id": new_id(), "account": id_, "received_at": datetime.now(UTC), "body": raw}
                conn.execute(sa.insert(deliveries).values(row))

    def restart(self) -> None:
        """As another process would see it."""
        config = self.app.config
        self.app.close()
        self.app = App(config, self.bell)

    def unpack(self) -> None:
        """Deliveries to events, and no further."""
        Unpacker(self.app.store, self.app.directory, self.app.webhook, self.app.clock).drain(lambda: False)

    def settle(self, rounds: int = 12) -> None:
        """Drains every bell that has work until none has."""
        for _ in range(rounds):
            names = self.app.bells()
            if not names:
                return
            for name in names:
                self.app.drain(name, stop=lambda: False)

    def why(self, key: str) -> dict[str, Any]:
        found = why.explain(self.app.store, key, {a.id: a.name for a in self.app.accounts()})
        return found[0]

    def fields(self, key: str) -> dict[str, tuple[str, Any]]:
        """{field: (outcome, value)} over every document that judged the message."""
        return {f["field"]: (f["outcome"], f["value"]) for d in self.why(key)["documents"] for f in d["fields"]}

    def counts(self) -> dict[str, int]:
        with self.app.store.read() as conn:
            assert doctor.findings(conn, datetime.now(UTC)) == []
            return doctor.counts(conn)

    def hubspot(self, id: str) -> dict[str, Any]:
        record = self.sandbox.record("hubspot", "contacts", id)
        return dict(record["properties"])

    def writes(self, service: str) -> list[dict[str, Any]]:
        """Calls that changed contacts, in order."""
        return [c for c in self.sandbox.ledger(service) if c["method"] in ("POST", "PATCH") and c.get("record")]

    def sent_template(self, wa_id: str, template: str, **more: Any) -> str:
        """A message another tool sent; its wamid."""
        from connector.pipeline.intake.imports import import_sends

        self.sent += 1
        wamid = f"wamid.sent{self.sent}"
        row = {"wamid": wamid, "to": wa_id, "template": template, "sent_at": datetime.now(UTC).isoformat()} | more
        result = import_sends(self.app.store, [row], datetime.now(UTC))
        assert result.refused == []
        return wamid

    def rows(self, wamid: str) -> list[Any]:
        with self.app.store.read() as conn:
            return list(changes.of_event(conn, self.why(wamid)["event"]))


def connect(app: App, base: str) -> None:
    """The sandbox's accounts, under the names the documents use."""
    from connector.app import kinds

    known = kinds()
    app.add_account(
        known["whatsapp"],
        "whatsapp",
        {"phone_number_id": NUMBER, "waba_id": WABA, "base_url": f"{base}/graph"},
        {"token": "sandbox-whatsapp-token", "app_secret": "sandbox-app-secret", "verify_token": "sandbox-verify-token"},
    )
    app.add_account(
        known["hubspot"],
        "hubspot",
        {"portal_id": "24681357", "country": "CO", "base_url": f"{base}/hubspot"},
        {"token": "pat-na1-sandbox-hubspot", "client_secret": "sandbox-hubspot-client-secret"},
    )
    app.add_account(
        known["salesforce"],
        "salesforce",
        {"client_id": "sandbox-salesforce-client", "org_id": "00D5e000000SBOXEA2", "base_url": f"{base}/salesforce"},
        {"client_secret": "sandbox-salesforce-secret"},
    )


# What they do has tests of its own; each settling would do them all.
COUNTING = ("figures", "tally", "reports", "doctor", "retention", "alarms", "meta", "drift")


def few_chores(app: App, *also: str) -> Chores:
    """The regular chores that a message may wait for, and these."""
    app.around = Chores(app.store, app.clock, {})
    out = {*COUNTING} - {*also}
    return Chores(app.store, app.clock, {name: chore for name, chore in upkeep(app).items() if name not in out})


@pytest.fixture
def house(store_url: str, home: Path, sandbox: Sandbox) -> Iterator[House]:
    config = settings.load(
        {"DATABASE_URL": store_url, "CONNECTOR_HOME": str(home), "REDIS_URL": "redis://127.0.0.1:1/0"}
    )
    bell = ListBell()
    app = App(config, bell)
    connect(app, sandbox.url)
    app.chores = few_chores(app)
    built = House(app, sandbox, bell)
    yield built
    built.app.close()
