"""Workflow actions that wait for what becomes of their message."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.store.bulk import in_chunks, insert_many
from connector.store.tables import callbacks, in_state

LASTS = timedelta(weeks=1)  # as long as a blocked action waits when the CRM is not told otherwise
_T = callbacks.c


def add(conn: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Rows {account, callback, send, event, wait_for, expires_at}; one that is there already stays as it is."""
    insert_many(conn, callbacks, rows, ignore_conflicts=True)


def waiting(conn: sa.Connection, account: str, sends: Iterable[str]) -> list[sa.Row[Any]]:
    """What waits for these sends."""
    found: list[sa.Row[Any]] = []
    for chunk in in_chunks(sorted(set(sends))):
        query = sa.select(callbacks).where(_T.account == account, _T.send.in_(chunk), in_state(callbacks, "waiting"))
        found += conn.execute(query).all()
    return found


def complete(conn: sa.Connection, account: str, ids: Iterable[str], state: str = "completed") -> list[str]:
    """Compare-and-set waiting -> `state`; the ones that were still waiting."""
    won: list[str] = []
    for chunk in in_chunks(sorted(set(ids))):
        mine = (_T.account == account, _T.callback.in_(chunk), _T.state == "waiting")
        won += conn.execute(sa.update(callbacks).where(*mine).values(state=state).returning(_T.callback)).scalars()
    return won


def expire(conn: sa.Connection, now: datetime) -> int:
    """Those that waited longer than the CRM does; how many. What their messages come to is told to nobody else."""
    due = sa.and_(in_state(callbacks, "waiting"), _T.expires_at <= now)
    return conn.execute(sa.update(callbacks).where(due).values(state="expired")).rowcount
