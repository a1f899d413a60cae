"""Sums by hour or day that pages show without counting; what is kept how: docs/decisions/0016."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.store.bulk import insert_many
from connector.store.tables import figures, from_ms, sends, to_ms

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
DAYS = 7
HOURS = 48
MATCHED = "matched"  # events a document matched; name = document, by day
EVENTS = "events"  # name = the direction of the event, by hour
SENDS = "send:"  # + group; sends by the day they were made; name = document
_T = figures.c
_S = sends.c
_ADD = sa.text(
    "INSERT INTO figures (kind, name, at, n) VALUES (:kind, :name, :at, :n) "
    "ON CONFLICT (kind, name, at) DO UPDATE SET n = figures.n + excluded.n"
).bindparams(sa.bindparam("at", type_=_T.at.type))


def beginning(at: datetime, of: timedelta) -> datetime:
    """When the hour or day of this moment began, in UTC."""
    ms, step = to_ms(at), int(of.total_seconds() * 1000)
    return from_ms(ms - ms % step)


def first_id(at: datetime) -> str:
    """No uuid7 of this moment or later is smaller."""
    digits = f"{max(0, to_ms(at)):012x}"
    return f"{digits[:8]}-{digits[8:]}"


def add(conn: sa.Connection, kind: str, sums: Mapping[str, int], at: datetime) -> None:
    """Adds to some sums of one kind and time. Last in a transaction, names in order: nobody waits in a ring."""
    rows = [{"kind": kind, "name": name, "at": at, "n": sums[name]} for name in sorted(sums)]
    if rows:
        conn.execute(_ADD, rows)


def matched(conn: sa.Connection, documents: Iterable[str], now: datetime) -> None:
    """One for each event and document that matched it."""
    sums: dict[str, int] = {}
    for name in documents:
        sums[name] = sums.get(name, 0) + 1
    add(conn, MATCHED, sums, beginning(now, DAY))


def replace(conn: sa.Connection, kinds: str, at: datetime, sums: Mapping[tuple[str, str], int]) -> None:
    """The sums of every kind that begins so, of one time, are exactly these {(kind, name): n}."""
    mine = sa.and_(_T.kind >= kinds, _T.kind < kinds + "\x7f", _T.at == at)
    conn.execute(sa.delete(figures).where(mine))
    insert_many(conn, figures, [{"kind": k, "name": name, "at": at, "n": n} for (k, name), n in sorted(sums.items())])


def read(conn: sa.Connection, kind: str, since: datetime) -> Sequence[Any]:
    """(name, at, n) of one kind since then, oldest first."""
    query = sa.select(_T.name, _T.at, _T.n).where(_T.kind == kind, _T.at >= since)
    return conn.execute(query.order_by(_T.at, _T.name)).all()


def forget(conn: sa.Connection, kind: str, before: datetime) -> None:
    """What is older is nobody's business any more."""
    conn.execute(sa.delete(figures).where(_T.kind == kind, _T.at < before))


def week(now: datetime) -> datetime:
    """The beginning of the last 7 days, today among them."""
    return beginning(now, DAY) - (DAYS - 1) * DAY


def sums(conn: sa.Connection, kind: str, since: datetime) -> dict[str, int]:
    """{name: the sum of one kind since then}."""
    query = sa.select(_T.name, sa.func.sum(_T.n)).where(_T.kind == kind, _T.at >= since).group_by(_T.name)
    return {row[0]: int(row[1]) for row in conn.execute(query)}


def sends_of_days(conn: sa.Connection, now: datetime, document: str = "") -> dict[str, int]:
    """{group: sends of the last 7 days that stand there}, of one document or of all; as the chore last counted."""
    mine = sa.and_(_T.kind >= SENDS, _T.kind < SENDS + "\x7f", _T.at >= week(now))
    query = sa.select(_T.kind, sa.func.sum(_T.n)).where(mine, _T.name == document if document else sa.true())
    return {row[0].removeprefix(SENDS): int(row[1]) for row in conn.execute(query.group_by(_T.kind))}
