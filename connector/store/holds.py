"""A person holds sends back, lets them go on, or ends them; and what a list of sends can be narrowed to."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.store import findings, parks
from connector.store.bulk import in_chunks
from connector.store.tables import in_state, sends

_T = sends.c
_HELD = in_state(sends, "waiting", "ready")
FOREVER = timedelta(days=3650)  # until somebody says otherwise
RESENT = "resent_after_unknown"
PAUSES = ("document_parked", "template_changed")  # findings of a document that rests
LISTED = ("id", "document", "to", "state", "label", "reason", "next_at")


def pause(conn: sa.Connection, scope: str, key: str, reason: str, now: datetime) -> None:
    """Nothing of this document or number leaves until it is resumed; what waits goes on waiting."""
    parks.park(conn, scope, key, now + FOREVER, reason)


def resume(conn: sa.Connection, scope: str, key: str, now: datetime) -> bool:
    """It goes on now, and what waited for it is looked at now. False when it did not rest."""
    lifted = parks.lift(conn, scope, key)
    mine = (_T.document if scope == "document" else _T.number) == key
    conn.execute(sa.update(sends).where(_HELD, mine, _T.code == "parked").values(next_at=now, code="", reason=""))
    if scope == "document":
        findings.clear_of(conn, PAUSES, key)
    return lifted


def cancel(conn: sa.Connection, now: datetime, *, ids: Sequence[str] = (), document: str = "") -> int:
    """Ends what has not left yet, of one document or by id; how many. Whoever waits for them hears of it.

    By id also one of which nobody knows whether it has left: then a person is done with it."""
    step = sa.update(sends).values(
        state="cancelled", code="cancelled", reason="A person cancelled it.", who="you", next_at=None, ended_at=now,
        tell=sa.case((_T.crm != "", 1), else_=0),
    )  # fmt: skip
    if document:
        return conn.execute(step.where(_HELD, _T.document == document)).rowcount
    step = step.where(in_state(sends, "waiting", "ready", "unknown"))
    return sum(conn.execute(step.where(_T.id.in_(chunk))).rowcount for chunk in in_chunks(list(ids)))


def resend(conn: sa.Connection, ids: Sequence[str], now: datetime) -> int:
    """A person has looked, and says that these were not sent: once more; how many."""
    again = sa.update(sends).where(in_state(sends, "unknown"))
    again = again.values(state="ready", code="", reason="", who="", label=RESENT, next_at=now)
    return sum(conn.execute(again.where(_T.id.in_(chunk))).rowcount for chunk in in_chunks(list(ids)))


def listing(conn: sa.Connection, limit: int, *, state: str = "", document: str = "") -> list[dict[str, Any]]:
    """The newest: LISTED, as `sends list --json` has them, with the template and step beside."""
    query = sa.select(*(sends.c[name] for name in (*LISTED, "template", "step"))).order_by(_T.at.desc(), _T.id)
    query = query.where(_T.state == state) if state else query
    query = query.where(_T.document == document) if document else query
    return [dict(row._mapping) for row in conn.execute(query.limit(limit))]
