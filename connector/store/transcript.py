"""What was said in one conversation: the person's messages while it ran, and the sends of its steps."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from connector.core.events import InboundMessage
from connector.store.tables import contacts, events, sends

Rows = Sequence[sa.Row[Any]]


def of(conn: sa.Connection, row: Any, limit: int) -> tuple[Rows, Rows]:
    """(events of the person, sends of the flow), oldest first."""
    lanes = [
        row.contact,
        *conn.execute(sa.select(contacts.c.id).where(contacts.c.merged_into == row.contact)).scalars(),
    ]
    e, s = events.c, sends.c
    first = conn.execute(sa.select(e.seq).where(e.id == row.started_by)).scalar() if row.started_by else 0
    theirs = sa.select(events).where(e.lane.in_(lanes), e.kind == InboundMessage.kind, e.seq >= (first or 0))
    last = conn.execute(sa.select(e.seq).where(e.id == row.ended_by)).scalar() if row.ended_by else None
    if last is not None:
        theirs = theirs.where(e.seq <= last)
    elif row.ended_at is not None:
        theirs = theirs.where(e.received_at <= row.ended_at)
    mine = sa.and_(
        s.lane.in_(lanes), s.at >= row.started_at, s.cause.startswith(f"flow:{row.flow}:{row.id}:", autoescape=True)
    )
    ours = sa.select(sends).where(mine)
    return (
        conn.execute(theirs.order_by(e.seq).limit(limit)).all(),
        conn.execute(ours.order_by(s.at, s.id).limit(limit)).all(),
    )
