"""When each account's webhooks came, by the hour: counted by a chore from the deliveries, a few seconds behind."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.store import figures, snapshots, totals
from connector.store.tables import deliveries, from_ms

HEARD = "webhooks"  # figures: name = account, by hour; also the snapshot {"place": seq, "last": {account: ms}}
MEMORY = timedelta(days=15)
SETTLED = timedelta(seconds=15)  # a delivery is committed within a second, or it was answered 503
MOST = 200_000  # rows of one look
_HOUR = int(figures.HOUR.total_seconds() * 1000)
_D = deliveries.c


def count(conn: sa.Connection, now: datetime) -> None:
    """One look at what came since the last one; in a transaction that writes."""
    kept: dict[str, Any] = (snapshots.get(conn, HEARD) or ({}, now))[0]
    place, last = int(kept.get("place", 0)), dict(kept.get("last", {}))
    upto = _upto(conn, place, now)
    if upto > place:
        at = sa.type_coerce(_D.received_at, sa.BigInteger)
        hour = (at // _HOUR).label("hour")
        query = sa.select(_D.account, hour, sa.func.count().label("n"), sa.func.max(at).label("last"))
        for row in conn.execute(query.where(_D.seq > place, _D.seq <= upto).group_by(_D.account, hour)).all():
            figures.add(conn, HEARD, {row.account: row.n}, from_ms(row.hour * _HOUR))
            totals.note(conn, totals.DELIVERIES, row.account, n=row.n)
            last[row.account] = max(int(last.get(row.account, 0)), row.last)
        snapshots.put(conn, HEARD, {"place": upto, "last": last}, now)
    figures.forget(conn, HEARD, now - MEMORY)


def _upto(conn: sa.Connection, place: int, now: datetime) -> int:
    """The newest row that nothing older can appear before any more."""
    some = sa.select(_D.seq, _D.received_at).where(_D.seq > place).order_by(_D.seq).limit(MOST).subquery()
    young = sa.select(sa.func.min(some.c.seq)).where(some.c.received_at > now - SETTLED)
    first = conn.execute(young).scalar()
    newest = conn.execute(sa.select(sa.func.max(some.c.seq))).scalar()
    return int(first - 1 if first is not None else newest or place)


def hours(conn: sa.Connection, now: datetime) -> dict[str, list[datetime]]:
    """{account: the hours in which webhooks came, oldest first} of the last two weeks."""
    found: dict[str, list[datetime]] = {}
    for row in figures.read(conn, HEARD, now - MEMORY):
        found.setdefault(row.name, []).append(row.at)
    return found


def last(conn: sa.Connection) -> dict[str, datetime]:
    """{account: when its last webhook came}, as last counted."""
    kept = snapshots.get(conn, HEARD)
    return {account: from_ms(ms) for account, ms in (kept[0].get("last", {}) if kept else {}).items()}
