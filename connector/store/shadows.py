"""What versions beside the live ones would have done: a row for each event that either of the two was about."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.store.bulk import insert_many
from connector.store.tables import events, shadows

KEEP = timedelta(days=30)
Row = dict[str, Any]
_T = shadows.c


def add(conn: sa.Connection, rows: Sequence[Row]) -> None:
    """Stores them beside what the caller stores; when they cannot be, the caller's rows are none the worse."""
    if not rows:
        return
    with conn.begin_nested():
        insert_many(conn, shadows, list(rows), ignore_conflicts=True)


def counts(conn: sa.Connection, document: str, version: int) -> tuple[int, int]:
    """(events both were asked about, those on which they differ)."""
    query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(_T.differs), 0))
    row = conn.execute(query.where(_T.document == document, _T.version == version)).one()
    return int(row[0]), int(row[1])


def differing(conn: sa.Connection, document: str, version: int, limit: int) -> Sequence[sa.Row[Any]]:
    """(event, id, account, body, at, payload) of the newest differences."""
    query = sa.select(_T.event, events.c.dedupe_key.label("id"), _T.account, _T.body, _T.at, events.c.payload)
    query = query.join(events, events.c.id == _T.event)
    mine = sa.and_(_T.document == document, _T.version == version, _T.differs == 1)
    found: Sequence[Any] = conn.execute(query.where(mine).order_by(_T.at.desc(), _T.event.desc()).limit(limit)).all()
    return found


def prune(conn: sa.Connection, now: datetime) -> int:
    """Forgets what is too old to decide anything."""
    return conn.execute(sa.delete(shadows).where(_T.at < now - KEEP)).rowcount
