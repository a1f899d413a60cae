"""The sums that reports read: one row for each day, document, template, number and thing that is counted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store.bulk import insert_many
from connector.store.figures import DAY
from connector.store.reporting import Key
from connector.store.tables import report_days, sends

REACHED = "reached"  # added when it happens, never counted anew
DIMENSIONS = ("template", "document", "number")
_T = report_days.c
_ADD = sa.text(
    "INSERT INTO report_days (day, document, template, number, what, key, n) "
    "VALUES (:day, :document, :template, :number, :what, :key, :n) "
    "ON CONFLICT (day, document, template, number, what, key) DO UPDATE SET n = report_days.n + excluded.n"
).bindparams(sa.bindparam("day", type_=_T.day.type))


def replace(conn: sa.Connection, day: datetime, sums: Mapping[Key, int]) -> None:
    """What was counted of one day is exactly this."""
    conn.execute(sa.delete(report_days).where(_T.day == day, _T.what != REACHED))
    insert_many(conn, report_days, _rows(day, sums))


def add(conn: sa.Connection, sums: Mapping[tuple[datetime, Key], int]) -> None:
    """Adds to some sums, in order: nobody waits in a ring."""
    for day in sorted({day for day, _ in sums}):
        rows = _rows(day, {key: n for (at, key), n in sums.items() if at == day})
        conn.execute(_ADD, rows)


def _rows(day: datetime, sums: Mapping[Key, int]) -> list[dict[str, Any]]:
    return [{"day": day, **key._asdict(), "n": n} for key, n in sorted(sums.items()) if n]


def by(
    conn: sa.Connection, dimension: str, since: datetime, until: datetime, only: Mapping[str, str]
) -> dict[str, Counter[tuple[str, str]]]:
    """{document, template or number: {(what, key): n}} of these days; `only`: of one of the dimensions' values."""
    name = report_days.c[dimension]
    query = sa.select(name, _T.what, _T.key, sa.func.sum(_T.n)).where(*_mine(since, until, only))
    found: dict[str, Counter[tuple[str, str]]] = {}
    for value, what, key, n in conn.execute(query.group_by(name, _T.what, _T.key)):
        found.setdefault(value, Counter())[what, key] = int(n)
    return found


def days(
    conn: sa.Connection, since: datetime, until: datetime, only: Mapping[str, str]
) -> dict[datetime, Counter[str]]:
    """{day: {state: n}} for a drawing."""
    query = sa.select(_T.day, _T.key, sa.func.sum(_T.n)).where(*_mine(since, until, only), _T.what == "state")
    found: dict[datetime, Counter[str]] = {}
    for day, key, n in conn.execute(query.group_by(_T.day, _T.key)):
        found.setdefault(day, Counter())[key] = int(n)
    return found


def lines(
    conn: sa.Connection, day: datetime, only: Mapping[str, str]
) -> dict[tuple[str, str, str], Counter[tuple[str, str]]]:
    """{(document, template, number): {(what, key): n}} of one day."""
    found: dict[tuple[str, str, str], Counter[tuple[str, str]]] = {}
    for row in conn.execute(sa.select(report_days).where(*_mine(day, day + DAY, only))):
        found.setdefault((row.document, row.template, row.number), Counter())[row.what, row.key] = row.n
    return found


def values(conn: sa.Connection, dimension: str, since: datetime, until: datetime) -> Sequence[str]:
    """What there is to choose from in these days."""
    name = report_days.c[dimension]
    query = sa.select(name).distinct().where(*_mine(since, until, {}), name != "").order_by(name)
    return conn.execute(query.limit(1000)).scalars().all()


def _mine(since: datetime, until: datetime, only: Mapping[str, str]) -> list[sa.ColumnElement[bool]]:
    narrow = [report_days.c[name] == value for name, value in only.items() if name in DIMENSIONS and value]
    return [_T.day >= since, _T.day < until, *narrow]


def oldest(conn: sa.Connection) -> datetime | None:
    """When the first message was made."""
    found: datetime | None = conn.execute(sa.select(sends.c.at).order_by(sends.c.at).limit(1)).scalar()
    return found
