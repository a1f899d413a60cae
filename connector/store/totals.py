"""Sums since the beginning, for /metrics: noted while a transaction works, added as its last statement.

Last, because many transactions add to the same few rows: whoever holds one of these waits for nothing else, so nobody
waits in a ring, and holds it only while it commits."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from connector.store.tables import totals

EVENTS = "events"  # a = kind
STATUSES = "statuses"  # a = sent delivered read failed ...
CHANGES = "changes"  # a = account, b = state it came to
SENDS = "sends"  # a = account, b = what a request came to
ENDED = "sends_ended"  # a = failed refused expired cancelled
REFUSALS = "refusals"  # a = send | change, b = code
DELIVERIES = "deliveries"  # a = account
_NOTED = "totals"  # in the connection's own notes
_T = totals.c
_ADD = sa.text(
    "INSERT INTO totals (name, a, b, n) VALUES (:name, :a, :b, :n) "
    "ON CONFLICT (name, a, b) DO UPDATE SET n = totals.n + excluded.n"
)
Key = tuple[str, str, str]


def note(conn: sa.Connection, name: str, a: str = "", b: str = "", n: int = 1) -> None:
    """One more of these, when this transaction commits."""
    noted: dict[Key, int] = conn.info.setdefault(_NOTED, {})
    noted[name, a, b] = noted.get((name, a, b), 0) + n


def note_all(conn: sa.Connection, keys: Iterable[Key]) -> None:
    """Many at once."""
    for name, a, b in keys:
        note(conn, name, a, b)


def begin(conn: sa.Connection) -> None:
    """What a transaction that was rolled back had noted is nothing."""
    conn.info.pop(_NOTED, None)


def flush(conn: sa.Connection) -> None:
    """Adds what was noted; the last statement of its transaction. Names in order."""
    noted: dict[Key, int] = conn.info.pop(_NOTED, None) or {}
    if noted:
        rows = [{"name": name, "a": a, "b": b, "n": noted[name, a, b]} for name, a, b in sorted(noted)]
        conn.execute(_ADD, rows)


def read(conn: sa.Connection) -> list[Any]:
    """(name, a, b, n) of every sum."""
    return list(conn.execute(sa.select(totals).order_by(_T.name, _T.a, _T.b)))
