"""The last answers to questions that are slow to ask: a chore asks, pages show."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store.bulk import insert_many
from connector.store.tables import snapshots

_T = snapshots.c


def get(conn: sa.Connection, name: str) -> tuple[Any, datetime] | None:
    """(body, when it was taken), None when it never was."""
    row = conn.execute(sa.select(_T.body, _T.at).where(_T.name == name)).first()
    return None if row is None else (row.body, row.at)


def put(conn: sa.Connection, name: str, body: Any, now: datetime) -> None:
    """Keeps the newest answer."""
    step = sa.update(snapshots).where(_T.name == name).values(body=body, at=now)
    if conn.execute(step).rowcount == 0:
        insert_many(conn, snapshots, [{"name": name, "body": body, "at": now}], ignore_conflicts=True)


def beginning(conn: sa.Connection, prefix: str) -> dict[str, Any]:
    """{name: body} of those whose name begins so."""
    mine = _T.name.startswith(prefix, autoescape=True)
    return {row.name: row.body for row in conn.execute(sa.select(_T.name, _T.body).where(mine))}
