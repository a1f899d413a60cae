"""What CRM records were like when we last heard (`becomes` is a difference), and how far a catch-up has come."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from connector.core.contact import Value
from connector.store.bulk import in_chunks, insert_many
from connector.store.tables import accounts, crm_links, cursors, record_values

Place = tuple[str, str]  # object, record id
_T = record_values.c


@dataclass(frozen=True, slots=True)
class Known:
    """A field as it was at that time."""

    value: str | None
    at: datetime


def as_text(value: Value) -> str:
    """A field as the CRM's webhooks write it."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def values(conn: sa.Connection, account: str, places: Iterable[Place]) -> dict[Place, dict[str, Known]]:
    """{record: {field: what we know}}; records we know nothing of are absent."""
    found: dict[Place, dict[str, Known]] = defaultdict(dict)
    for object_, ids in _by_object(places).items():
        for chunk in in_chunks(ids):
            query = sa.select(_T.record, _T.field, _T.value, _T.at)
            query = query.where(_T.account == account, _T.object == object_, _T.record.in_(chunk))
            for row in conn.execute(query):
                found[object_, row.record][row.field] = Known(row.value, row.at)
    return dict(found)


def note(conn: sa.Connection, account: str, seen: Mapping[tuple[Place, str], Known]) -> None:
    """Keeps what was seen, {(record, field): it}; what is known to be newer stays."""
    rows = [
        {"account": account, "object": p[0], "record": p[1], "field": field, "value": known.value, "at": known.at}
        for (p, field), known in sorted(seen.items(), key=lambda item: item[0])
    ]
    fresh = insert_many(conn, record_values, rows, ignore_conflicts=True, returning=["object", "record", "field"])
    new = {(row.object, row.record, row.field) for row in fresh}
    b = sa.bindparam
    older = [
        {"o": r["object"], "r": r["record"], "f": r["field"], "v": r["value"], "t": r["at"]}
        for r in rows
        if (r["object"], r["record"], r["field"]) not in new
    ]
    if older:
        mine = (_T.account == account, _T.object == b("o"), _T.record == b("r"), _T.field == b("f"), _T.at <= b("t"))
        conn.execute(sa.update(record_values).where(*mine).values(value=b("v"), at=b("t")), older)


def move(conn: sa.Connection, account: str, gone: Place, into: Place) -> None:
    """A record was merged or converted into another: what we know of it, and whose it is, goes with it."""
    known = values(conn, account, [gone]).get(gone, {})
    note(conn, account, {(into, field): value for field, value in known.items()})
    mine = (_T.account == account, _T.object == gone[0], _T.record == gone[1])
    conn.execute(sa.delete(record_values).where(*mine))
    t = crm_links.c
    linked = sa.update(crm_links).where(t.account == account, t.record_id == gone[1], t.object == gone[0])
    conn.execute(linked.values(object=into[0], record_id=into[1]))


def forget(conn: sa.Connection, account_name: str, fields: Sequence[str]) -> int:
    """Nothing is known of these fields any more: the next word on each is the first. How many values."""
    account = sa.select(accounts.c.id).where(accounts.c.name == account_name).scalar_subquery()
    mine = (_T.account == account, _T.field.in_(list(fields)))
    return conn.execute(sa.delete(record_values).where(*mine)).rowcount if fields else 0


# ---- catch-up ----------------------------------------------------------------------------------------------------
def cursor(conn: sa.Connection, account: str, object_: str) -> datetime | None:
    """Up to which modification the object was polled; None = never."""
    t = cursors.c
    return conn.execute(sa.select(t.at).where(t.account == account, t.object == object_)).scalar()


def polled(conn: sa.Connection, account: str, objects: Sequence[str]) -> datetime | None:
    """When the least lately polled of these objects was polled; None when one never was."""
    t = cursors.c
    rows = conn.execute(sa.select(t.polled_at).where(t.account == account, t.object.in_(objects))).scalars().all()
    times = [at for at in rows if at is not None]
    return min(times) if times and len(times) == len(set(objects)) else None


def set_cursor(conn: sa.Connection, account: str, object_: str, at: datetime, now: datetime) -> None:
    """The poll came up to `at`; it never goes back."""
    t = cursors.c
    row = {"account": account, "object": object_, "at": at, "polled_at": now}
    insert_many(conn, cursors, [row], ignore_conflicts=True)
    mine = (t.account == account, t.object == object_)
    conn.execute(sa.update(cursors).where(*mine, t.at < at).values(at=at))
    conn.execute(sa.update(cursors).where(*mine).values(polled_at=now))


def _by_object(places: Iterable[Place]) -> dict[str, list[str]]:
    grouped: dict[str, set[str]] = defaultdict(set)
    for object_, record in places:
        grouped[object_].add(record)
    return {object_: sorted(ids) for object_, ids in grouped.items()}
