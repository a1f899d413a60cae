"""The next moment of each document that has a time of its own; a timer survives a restart."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store.bulk import in_chunks, insert_many
from connector.store.tables import timers

_T = timers.c


def load(conn: sa.Connection, documents: Sequence[str]) -> dict[str, sa.Row[Any]]:
    """{document: (document, next_at, spec)}."""
    found: dict[str, sa.Row[Any]] = {}
    for chunk in in_chunks(sorted(set(documents))):
        found |= {row.document: row for row in conn.execute(sa.select(timers).where(_T.document.in_(chunk)))}
    return found


def put(conn: sa.Connection, document: str, next_at: datetime, spec: str) -> None:
    """Sets the next moment; another spec was computed anew."""
    row = {"document": document, "next_at": next_at, "spec": spec}
    insert_many(conn, timers, [row], ignore_conflicts=True)
    conn.execute(sa.update(timers).where(_T.document == document).values(next_at=next_at, spec=spec))


def advance(conn: sa.Connection, document: str, due: datetime, next_at: datetime) -> bool:
    """Compare-and-set due -> next; False when another clock was quicker."""
    mine = (_T.document == document, _T.next_at == due)
    return conn.execute(sa.update(timers).where(*mine).values(next_at=next_at)).rowcount == 1
