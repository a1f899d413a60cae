"""That this database was restored from a backup: the time between the backup and the restore is known in part only.

What happened in it may have been written to the CRM and sent already, by rows that are gone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.ids import made_at
from connector.store.bulk import insert_many
from connector.store.once import once
from connector.store.tables import deliveries, from_ms, in_state, plans, settings, to_ms

NAME = "restored"  # of the row in `settings`
WORDS = "The database was restored from a backup: this may have been sent before. Look at the chat, then decide."
DOUBT = {"state": "unknown", "code": "restored", "reason": WORDS, "who": "you", "next_at": None}  # no status is awaited
_T = settings.c


@dataclass(frozen=True, slots=True)
class Window:
    """From the backup to the restore; `journal`: what left meanwhile is known."""

    since: datetime
    until: datetime
    journal: bool

    def covers(self, at: datetime) -> bool:
        return self.since <= at < self.until

    def made(self, id: str) -> bool:
        """An id of ours was made before the restore: what it led to may have been done."""
        return made_at(id) <= to_ms(self.until)


def window(conn: sa.Connection) -> Window | None:
    """The last one; None = this database was never restored."""
    held = _held(conn).scalar()
    return Window(from_ms(held["since"]), from_ms(held["until"]), bool(held["journal"])) if held else None


@once
def _held(_: sa.Connection) -> sa.Executable:
    return sa.select(_T.value).where(_T.name == NAME)


def mark(conn: sa.Connection, found: Window, now: datetime, more: dict[str, Any]) -> None:
    """Keeps it, and what the restore did."""
    conn.execute(sa.delete(settings).where(_T.name == NAME))
    value = {"since": to_ms(found.since), "until": to_ms(found.until), "journal": found.journal, **more}
    insert_many(conn, settings, [{"name": NAME, "value": value, "at": now}])


def replaying(conn: sa.Connection) -> bool:
    """Webhooks of that time still wait to be unpacked or judged: what a poll finds now is theirs to tell."""
    found = window(conn)
    if found is None:
        return False
    old = sa.exists().where(in_state(deliveries, "new"), deliveries.c.received_at < found.until)
    held = sa.exists().where(in_state(plans, "new"), plans.c.journey == "trigger", plans.c.event < _edge(found))
    return bool(conn.execute(sa.select(sa.or_(old, held))).scalar())


def _edge(found: Window) -> str:
    """Every id of ours that was made before the restore is below it."""
    digits = f"{to_ms(found.until):012x}"
    return f"{digits[:8]}-{digits[8:]}"
