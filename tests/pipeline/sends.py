"""Sends for the tests of the sender: rows as TRIGGER and the replies store them, and a phone that answers as told."""

import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.ids import new_id
from connector.pipeline.sending.send import Sender
from connector.ports import OutboundMessage, Receipt
from connector.store import sends
from connector.store.engine import Store
from connector.store.tables import accounts, contact_keys, contacts, numbers, send_attempts
from connector.store.tables import sends as table

NUMBER, WABA = "106540352242922", "waba-1"
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
_count = itertools.count(1)


@dataclass
class Clock:
    """A clock that the test moves."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    def pass_(self, **more: float) -> datetime:
        self.at += timedelta(**more)
        return self.at


def wamid() -> str:
    return f"wamid.out{next(_count)}"


@dataclass
class Phone:
    """A messenger that says what it was told to say; without orders everything is accepted."""

    answers: list[Receipt | Callable[[str], Receipt]] = field(default_factory=list)
    sent: list[tuple[str, OutboundMessage]] = field(default_factory=list)
    mute: set[str] = field(default_factory=set)  # keys that never get an answer
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, message: OutboundMessage, key: str) -> Receipt:
        with self._lock:
            self.sent.append((key, message))
            if key in self.mute:
                return Receipt(outcome="unknown", text="Meta did not answer.", who="Meta")
            answer = self.answers.pop(0) if self.answers else Receipt(outcome="accepted", wamid=wamid())
        return answer(key) if callable(answer) else answer

    @property
    def keys(self) -> list[str]:
        return [key for key, _ in self.sent]


@dataclass
class Desk:
    """One number with a store, a clock and a phone."""

    store: Store
    clock: Clock = field(default_factory=Clock)
    phone: Phone = field(default_factory=Phone)

    def __post_init__(self) -> None:
        with self.store.write() as conn:
            row = {"id": WABA, "kind": "whatsapp", "name": "whatsapp", "settings": {"phone_number_id": NUMBER}}
            conn.execute(sa.insert(accounts).values(**row, created_at=NOW))
            conn.execute(sa.insert(numbers).values(id=NUMBER, account=WABA, throughput=1000))

    def contact(self, wa_id: str = "", *, wrote: datetime | None = None) -> str:
        """A person with this WhatsApp id."""
        id_ = new_id()
        with self.store.write() as conn:
            conn.execute(sa.insert(contacts).values(id=id_, name="", last_inbound_at=wrote, created_at=NOW))
            if wa_id:
                conn.execute(sa.insert(contact_keys).values(kind="wa_id", value=wa_id, contact=id_, at=NOW))
        return id_

    def add(self, **more: Any) -> str:
        """One ready send; the wanted columns differ."""
        row = ready(self.clock.now(), **more)
        with self.store.write() as conn:
            assert sends.add(conn, [row]) == 1
        return str(row["id"])

    def add_all(self, rows: Sequence[dict[str, Any]]) -> None:
        with self.store.write() as conn:
            sends.add(conn, rows)

    def sender(self, **more: Any) -> Sender:
        """Its clock is the test's: it may be far off the database's, and nobody waits for the pace."""
        given = {"wrong_clock": timedelta(days=99999), "monotonic": itertools.count(1.0).__next__} | more
        return Sender(self.store, NUMBER, self.phone, self.clock, **given)  # type: ignore[arg-type]

    def drain(self) -> None:
        self.sender().drain(lambda: False)

    def row(self, id_: str) -> Any:
        with self.store.read() as conn:
            return conn.execute(sa.select(table).where(table.c.id == id_)).one()

    def state(self, id_: str) -> tuple[str, str]:
        row = self.row(id_)
        return row.state, row.code

    def attempts(self, id_: str) -> list[tuple[int, str | None]]:
        with self.store.read() as conn:
            query = sa.select(send_attempts).where(send_attempts.c.send == id_).order_by(send_attempts.c.n)
            return [(row.n, row.outcome) for row in conn.execute(query)]

    def status(self, send: str | None, wamid: str, word: str, **more: Any) -> None:
        fact = {"wamid": wamid, "status": word, "event": new_id(), "send": send, "at": self.clock.now(), "reason": ""}
        with self.store.write() as conn:
            sends.add_statuses(conn, [fact | more])


BODY: Mapping[str, Any] = {
    "type": "template",
    "template": {"name": "quote_ready", "language": {"code": "es"}, "components": []},
}
TEXT: Mapping[str, Any] = {"type": "text", "text": {"body": "Thank you!", "preview_url": False}}


def ready(now: datetime, **more: Any) -> dict[str, Any]:
    """A row of `sends`: a utility template, frozen."""
    row = {
        "id": new_id(), "cause": new_id(), "event": None, "account": WABA, "crm": "", "lane": None, "number": NUMBER,
        "document": "quote-ready", "version": 1, "template": "quote_ready", "language": "es", "category": "utility",
        "priority": 1, "to": "+573001112222", "user_id": None, "body": BODY, "context": {}, "state": "ready",
        "label": "", "next_at": now, "give_up_at": None, "at": now,
    }  # fmt: skip
    return row | more
