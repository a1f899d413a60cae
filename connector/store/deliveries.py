"""Deliveries: what came in, byte for byte, from the moment it is safe until it is unpacked."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store.among import among
from connector.store.intake import Intake
from connector.store.tables import deliveries

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
    sizes = (
        sa.select(_T.seq, sa.func.length(_T.body).label("size")).where(_T.state == "new").order_by(_T.seq).limit(limit)
    )
    last, total = 0, 0
    for row in conn.execute(sizes):
        total += row.size
        if last and total > LARGEST:
            break
        last = row.seq
    if not last:
        return []
    return _read(conn, sa.and_(_T.state == "new", _T.seq <= last), limit)


def waiting(conn: sa.Connection) -> bool:
    """There is a new one."""
    return conn.execute(sa.select(_T.seq).where(_T.state == "new").limit(1)).first() is not None


def get(conn: sa.Connection, id: str) -> Delivery | None:
    """One delivery whatever its state."""
    return next(iter(_read(conn, _T.id == id, 1)), None)


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
    conn.execute(sa.update(deliveries).where(among(conn, _T.id, ids), _T.state == "new").values(state=state))


def mark_dead(conn: sa.Connection, id: str, error: str) -> None:
    """It cannot be unpacked; `error` says why in plain words. A person can look at it, and it can be put back."""
    conn.execute(sa.update(deliveries).where(_T.id == id, _T.state == "new").values(state="dead", error=error))


def fail_delivery(conn: sa.Connection, id: str, error: str, *, dead_after: int) -> None:
    """One more failed attempt; dead once there were `dead_after` of them."""
    state = sa.case((_T.attempts + 1 >= dead_after, "dead"), else_=_T.state)
    values = {"attempts": _T.attempts + 1, "error": error, "state": state}
    conn.execute(sa.update(deliveries).where(_T.id == id, _T.state == "new").values(**values))


def _read(conn: sa.Connection, where: sa.ColumnElement[bool], limit: int) -> list[Delivery]:
    query = sa.select(_T.seq, _T.id, _T.account, _T.received_at, _T.headers, _T.body, _T.attempts)
    rows = conn.execute(query.where(where).order_by(_T.seq).limit(limit))
    return [
        Delivery(r.seq, r.id, r.account, r.received_at, json.loads(r.headers), bytes(r.body), r.attempts) for r in rows
    ]
