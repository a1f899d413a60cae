"""Which message of ours an event answers, and what came in with it, for the pages that show both."""

from typing import Any

import sqlalchemy as sa

from connector.store.tables import events, sends

_S = sends.c
_COLUMNS = (_S.id, _S.at, _S.event, _S.account, _S.document, _S.template, _S.language, _S.step, _S.state, _S.body)


def answered(conn: sa.Connection, event: Any) -> Any:
    """The row of the message an event answers: the one it names, else the one that counts as answered by it."""
    context = event.payload.get("context_id")
    if context:
        found = conn.execute(sa.select(*_COLUMNS).where(_S.wamid == context)).first()
        if found is not None:
            return found
    if not event.lane:
        return None
    mine = sa.and_(_S.lane == event.lane, _S.answered_by == event.id)
    return conn.execute(sa.select(*_COLUMNS).where(mine).order_by(_S.at.desc()).limit(1)).first()


def one(conn: sa.Connection, id: str) -> Any:
    """The row of one event, by our id; None when there is none."""
    return conn.execute(sa.select(events).where(events.c.id == id)).first()
