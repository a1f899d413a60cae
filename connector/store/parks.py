"""What must rest until a time: an account, number, template or contact, with the reason in plain words."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store.among import among
from connector.store.bulk import insert_many
from connector.store.once import once
from connector.store.tables import parks

_T = parks.c


def park(conn: sa.Connection, scope: str, key: str, until: datetime, reason: str, *, tries: int = 0) -> None:
    """Parks one thing; parked again, the newest word counts. `tries` is the caller's count of failures in a row."""
    values = {"until": until, "reason": reason, "tries": tries}
    if conn.execute(sa.update(parks).where(_T.scope == scope, _T.key == key).values(**values)).rowcount == 0:
        insert_many(conn, parks, [{"scope": scope, "key": key, **values}], ignore_conflicts=True)


def parked(conn: sa.Connection, scope: str, keys: Sequence[str], now: datetime) -> dict[str, tuple[datetime, str]]:
    """{key: (until, reason)} of those that rest now."""
    rows = _parked(conn, scope, keys, now) if keys else ()
    return {row.key: (row.until, row.reason) for row in rows}


@once
def _parked(conn: sa.Connection, scope: str, keys: Sequence[str], now: datetime) -> sa.Executable:
    mine = sa.and_(_T.scope == scope, among(conn, _T.key, keys), _T.until > now)
    return sa.select(_T.key, _T.until, _T.reason).where(mine)


def all_of(conn: sa.Connection, scopes: Sequence[str], now: datetime, limit: int = 200) -> list[sa.Row[Any]]:
    """(scope, key, until, reason) of what rests now, of these scopes."""
    query = sa.select(_T.scope, _T.key, _T.until, _T.reason).where(_T.scope.in_(scopes), _T.until > now)
    return list(conn.execute(query.order_by(_T.scope, _T.key).limit(limit)))


def rest(conn: sa.Connection, scope: str, key: str) -> str:
    """Until when it rests and why, in words; "" when nothing was noted."""
    row = conn.execute(sa.select(_T.until, _T.reason).where(_T.scope == scope, _T.key == key)).first()
    return "" if row is None else f"{row.reason} Next try at {row.until:%H:%M:%S} UTC."


def tries(conn: sa.Connection, scope: str, key: str) -> int:
    """How many failures in a row were noted; 0 once cleared."""
    return _tries(conn, scope, key).scalar() or 0


@once
def _tries(_: sa.Connection, scope: str, key: str) -> sa.Executable:
    return sa.select(_T.tries).where(_T.scope == scope, _T.key == key)


def clear(conn: sa.Connection, scope: str, key: str, now: datetime) -> None:
    """It works again. A park still in force stays: what was under way when it was put says nothing about it."""
    clear_many(conn, scope, [key], now)


def clear_many(conn: sa.Connection, scope: str, keys: Sequence[str], now: datetime) -> None:
    """As `clear`, of many."""
    if keys:
        _clear(conn, scope, set(keys), now)


@once
def _clear(conn: sa.Connection, scope: str, keys: set[str], now: datetime) -> sa.Executable:
    return sa.delete(parks).where(_T.scope == scope, among(conn, _T.key, keys), _T.until <= now)
