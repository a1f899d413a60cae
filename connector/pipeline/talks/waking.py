"""The times of conversations: each becomes one event in its contact's lane, once, however many clocks there are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.core import events
from connector.core.events import TimerDue
from connector.ids import new_id
from connector.pipeline.drain import Stop, alone
from connector.pipeline.talks.talks import WAKE
from connector.ports import Clock
from connector.store import contacts, conversations, holds
from connector.store import events as event_rows
from connector.store.conversations import LOST
from connector.store.engine import Store

BATCH = 200  # conversations a transaction
BELL = "wake"


@dataclass(slots=True)
class Waker:
    """One at a time over all processes; what it makes is handled like a message of the contact."""

    store: Store
    crms: Callable[[], Sequence[str]]  # the CRM accounts there are
    clock: Clock

    def drain(self, stop: Stop) -> tuple[str, ...]:
        """Until none is due; the bells of who handles them."""
        touched: set[str] = set()

        def work() -> None:
            while not stop():
                found = self.step()
                touched.update(f"handle:{account}" for account in found)
                if len(found) < BATCH:
                    return

        alone(self.store, BELL, work, self.more, stop)
        return tuple(sorted(touched))

    def more(self) -> bool:
        with self.store.read() as conn:
            return bool(conversations.due(conn, self.clock.now(), 1))

    def step(self) -> list[str]:
        """One batch: the CRM account of each."""
        now, known = self.clock.now(), set(self.crms())
        with self.store.read() as conn:
            rows = conversations.due(conn, now, BATCH)
        if not rows:
            return []
        with self.store.write() as conn:
            made = [row for row in rows if conversations.waken(conn, row)]
            for row in made:
                if row.account in known:
                    ring(conn, row, f"{WAKE}:{row.wake_at.isoformat()}", now, at=row.wake_at)
                else:
                    gone = "The CRM account of its flow is not connected any more."
                    conversations.finish(conn, conversations.is_(row.id), LOST, gone, now)
        return [row.account for row in rows]


def ring(conn: Any, row: Any, what: str, now: datetime, *, at: datetime | None = None) -> str:
    """The event of one conversation, once for each of its moves; its id, "" when it is there already."""
    event = TimerDue(
        id=f"conversation:{row.id}:{row.revision}:{what}", at=at or now, document=row.flow, object="conversation",
        record=row.id, value=what,
    )  # fmt: skip
    if event_rows.known_keys(conn, [(row.account, event.id)]):
        return ""
    key = new_id()
    stored = {
        "id": key, "delivery": None, "account": row.account, "dedupe_key": event.id,
        "lane": contacts.heirs(conn, [row.contact]).get(row.contact, row.contact), "kind": event.kind,
        "payload": events.dump(event), "received_at": now, "state": "new", "attempts": 0, "error": None,
    }  # fmt: skip
    event_rows.add(conn, [stored], [row.account])
    return key


def tidy(store: Store, now: datetime) -> None:
    """Ends conversations whose flow was switched off, forgets holds that are over."""
    with store.write() as conn:
        holds.over(conn, now)
        conversations.without_flow(conn, now)
