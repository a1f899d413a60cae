"""Documents as a list: kind, what is live, on or off, and how each fared in the last 7 days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store import figures, snapshots
from connector.store.days import OPEN
from connector.store.states import ENDED
from connector.store.tables import document_versions, documents, parks

_D, _V = documents.c, document_versions.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One document. `matched` counts events and `failed` messages of the last 7 days, `review` open questions now."""

    name: str
    kind: str  # mapping send flow
    live: int | None  # the version that works, None = off
    newest: int
    newest_state: str  # draft shadow live retired
    shadow: int | None  # a version that is compared beside the live one
    author: str  # of the newest version
    at: datetime  # of the newest version
    paused: str  # why its messages are held back; "" = they are not
    matched: int
    review: int
    failed: int
    sent: int  # messages that reached WhatsApp


def listing(conn: sa.Connection, now: datetime) -> list[Row]:
    """Every document by name."""
    newest = sa.select(_V.document, sa.func.max(_V.n).label("n")).group_by(_V.document).subquery()
    query = (
        sa.select(_D.id, _D.name, _D.kind, _V.n, _V.state, _V.author, _V.at)
        .join(newest, newest.c.document == _D.id)
        .join(document_versions, sa.and_(_V.document == _D.id, _V.n == newest.c.n))
    )
    rows = conn.execute(query.order_by(_D.name)).all()
    live, shadow = _versions(conn, "live"), _versions(conn, "shadow")
    matched = figures.sums(conn, figures.MATCHED, figures.week(now))
    kept = snapshots.get(conn, OPEN)
    open_: Mapping[str, int] = kept[0] if kept else {}
    sent = _sent(conn, now)
    paused = _paused(conn, now)
    return [
        Row(
            name=row.name, kind=row.kind, live=live.get(row.id), newest=row.n, newest_state=row.state,
            shadow=shadow.get(row.id), author=row.author, at=row.at, paused=paused.get(row.name, ""),
            matched=matched.get(row.name, 0), review=open_.get(row.name, 0), **sent.get(row.name, _NONE),
        )
        for row in rows
    ]  # fmt: skip


_NONE = {"failed": 0, "sent": 0}


def _versions(conn: sa.Connection, state: str) -> dict[str, int]:
    query = sa.select(_V.document, sa.func.max(_V.n)).where(_V.state == state).group_by(_V.document)
    return {row[0]: row[1] for row in conn.execute(query)}


def _sent(conn: sa.Connection, now: datetime) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for group in (*ENDED, "sent", "delivered", "read"):
        for name, n in figures.sums(conn, figures.SENDS + group, figures.week(now)).items():
            mine = found.setdefault(name, dict(_NONE))
            mine["failed" if group in ENDED else "sent"] += n
    return found


def _paused(conn: sa.Connection, now: datetime) -> dict[str, str]:
    p = parks.c
    rows: Any = conn.execute(sa.select(p.key, p.reason).where(p.scope == "document", p.until > now))
    return {row.key: row.reason or "It is paused." for row in rows}
