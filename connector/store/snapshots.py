"""The last answer to a question that is slow to ask, so that pages need not ask it."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store.bulk import insert_many
from connector.store.tables import snapshots

_T = snapshots.c


def put(conn: sa.Connection, name: str, body: Any, now: datetime) -> None:
    """Keeps `body` (JSON-ready) as the newest answer."""
    if conn.execute(sa.update(snapshots).where(_T.name == name).values(body=body, at=now)).rowcount == 0:
        insert_many(conn, snapshots, [{"name": name, "body": body, "at": now}], ignore_conflicts=True)


def get(conn: sa.Connection, name: str) -> tuple[Any, datetime] | None:
    """(body, when); None when it was never answered."""
    row = conn.execute(sa.select(_T.body, _T.at).where(_T.name == name)).first()
    return None if row is None else (row.body, row.at)
