"""Deliveries: what came in, byte for byte, from the moment it is safe until it is unpacked."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store.among import among
from connector.store.intake import Intake
from connector.store.once import once
from connector.store.tables import deliveries, in_state

__all__ = [
    "Delivery",
    "Intake",
    "claim_deliveries",
    "dead",
    "fail_delivery",
    "finish_deliveries",
    "get",
    "mark_dead",
    "waiting",
]

LARGEST = 16 * 1024 * 1024  # bytes of bodies one claim loads; a body is 3 MB at most
_T = deliveries.c
_COLUMNS = (_T.seq, _T.id, _T.account, _T.received_at, _T.headers, _T.body, _T.attempts)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One stored webhook call; `body` are its bytes as they came."""

    seq: int
    id: str
    account: str
    received_at: datetime
    headers: Mapping[str, str]
    body: bytes
    attempts: int


def claim_deliveries(conn: sa.Connection, limit: int) -> list[Delivery]:
    """New ones, oldest first: at most `limit`, and fewer when their bodies are large. Hold the lock `unpack`."""
    last, total = 0, 0
    for row in _sizes(conn, limit):
        total += row.size
        if last and total > LARGEST:
            break
        last = row.seq
    if not last:
        return []
    return _deliveries(_claim(conn, last, limit))


@once
def _sizes(_: sa.Connection, limit: int) -> sa.Executable:
    size = sa.func.length(_T.body).label("size")
    return sa.select(_T.seq, size).where(in_state(deliveries, "new")).order_by(_T.seq).limit(limit)


@once
def _claim(_: sa.Connection, last: int, limit: int) -> sa.Executable:
    return sa.select(*_COLUMNS).where(in_state(deliveries, "new"), _T.seq <= last).order_by(_T.seq).limit(limit)


def waiting(conn: sa.Connection) -> bool:
    """There is a new one."""
    return _waiting(conn).first() is not None


@once
def _waiting(_: sa.Connection) -> sa.Executable:
    return sa.select(_T.seq).where(in_state(deliveries, "new")).limit(1)


def get(conn: sa.Connection, id: str) -> Delivery | None:
    """One delivery whatever its state."""
    found = conn.execute(sa.select(*_COLUMNS).where(_T.id == id).order_by(_T.seq).limit(1))
    return next(iter(_deliveries(found)), None)


def bodies(conn: sa.Connection, id: str) -> list[sa.Row[Any]]:
    """(seq, account, body, headers) of what was stored under this id."""
    return list(conn.execute(sa.select(_T.seq, _T.account, _T.body, _T.headers).where(_T.id == id)))


def dead(conn: sa.Connection, limit: int, id: str = "") -> list[sa.Row[Any]]:
    """(id, account, received_at, error) of what could not be unpacked, newest first; or only the one of this id."""
    query = sa.select(_T.id, _T.account, _T.received_at, _T.error).where(_T.state == sa.literal_column("'dead'"))
    query = query.where(_T.id == id) if id else query
    return list(conn.execute(query.order_by(_T.seq.desc()).limit(limit)))


def finish_deliveries(conn: sa.Connection, ids: Sequence[str], state: str) -> None:
    """From new to `state` (unpacked dead), in the transaction that stores their events."""
    _finish(conn, ids, state)


@once
def _finish(conn: sa.Connection, ids: Sequence[str], state: str) -> sa.Executable:
    return sa.update(deliveries).where(among(conn, _T.id, ids), _T.state == "new").values(state=state)


def mark_dead(conn: sa.Connection, id: str, error: str) -> None:
    """It cannot be unpacked; `error` says why in plain words. A person can look at it, and it can be put back."""
    conn.execute(sa.update(deliveries).where(_T.id == id, _T.state == "new").values(state="dead", error=error))


def fail_delivery(conn: sa.Connection, id: str, error: str, *, dead_after: int) -> None:
    """One more failed attempt; dead once there were `dead_after` of them."""
    state = sa.case((_T.attempts + 1 >= dead_after, "dead"), else_=_T.state)
    values = {"attempts": _T.attempts + 1, "error": error, "state": state}
    conn.execute(sa.update(deliveries).where(_T.id == id, _T.state == "new").values(**values))


def _deliveries(rows: Iterable[Any]) -> list[Delivery]:
    return [
        Delivery(r.seq, r.id, r.account, r.received_at, json.loads(r.headers), bytes(r.body), r.attempts) for r in rows
    ]
