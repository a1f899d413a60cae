"""When each regular chore was last begun; the rows share the table of the polls' cursors, under no account."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa

from connector.store.bulk import insert_many
from connector.store.once import once
from connector.store.tables import cursors

_T = cursors.c
NOBODY = ""  # the account of a chore's row


def due(conn: sa.Connection, every: Mapping[str, timedelta], now: datetime) -> list[str]:
    """The chores whose time has come, in the order given; one never begun is due."""
    last = {row.object: row.at for row in _begun(conn)}
    return [name for name, rest in every.items() if name not in last or last[name] + rest <= now]


@once
def _begun(_: sa.Connection) -> sa.Executable:
    return sa.select(_T.object, _T.at).where(_T.account == NOBODY)


def begin(conn: sa.Connection, name: str, every: timedelta, now: datetime) -> bool:
    """True for the one process that does it this time."""
    first = insert_many(
        conn, cursors, [{"account": NOBODY, "object": name, "at": now}], ignore_conflicts=True, returning=["object"]
    )
    if first:
        return True
    return _begin(conn, name, now - every, now).rowcount == 1


@once
def _begin(_: sa.Connection, name: str, before: datetime, now: datetime) -> sa.Executable:
    mine = sa.and_(_T.account == NOBODY, _T.object == name, _T.at <= before)
    return sa.update(cursors).where(mine).values(at=now)


def last(conn: sa.Connection) -> datetime | None:
    """When any of them was last begun: what the clock rings for and a worker does."""
    return conn.execute(sa.select(_T.at).where(_T.account == NOBODY).order_by(_T.at.desc()).limit(1)).scalar()


def soon(conn: sa.Connection, name: str) -> None:
    """Something happened that should not wait for the chore's hour."""
    conn.execute(sa.delete(cursors).where(_T.account == NOBODY, _T.object == name))


def back(conn: sa.Connection, name: str, at: datetime) -> None:
    """As if it had been begun then."""
    conn.execute(sa.update(cursors).where(_T.account == NOBODY, _T.object == name).values(at=at))
