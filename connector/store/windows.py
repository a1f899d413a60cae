"""When a person last wrote to each of our numbers: the customer service window counts for the number."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa

from connector.store.among import among
from connector.store.bulk import insert_many
from connector.store.once import once
from connector.store.tables import windows

_T = windows.c
Key = tuple[str, str]  # contact, number


def seen(conn: sa.Connection, given: Mapping[Key, datetime]) -> None:
    """The newest time stands."""
    if not given:
        return
    rows = [{"contact": c, "number": n, "at": at} for (c, n), at in sorted(given.items())]
    fresh = insert_many(conn, windows, rows, ignore_conflicts=True, returning=["contact", "number"])
    if len(fresh) == len(rows):
        return
    b = sa.bindparam
    older = sa.and_(_T.contact == b("c"), _T.number == b("n"), _T.at < b("t", type_=_T.at.type))
    query = sa.update(windows).where(older).values(at=b("t", type_=_T.at.type))
    conn.execute(query, [{"c": r["contact"], "n": r["number"], "t": r["at"]} for r in rows])


def load(conn: sa.Connection, contacts: Iterable[str]) -> dict[str, dict[str, datetime]]:
    """{contact: {number: when}}; a contact who wrote before these times were kept is absent."""
    found: dict[str, dict[str, datetime]] = {}
    wanted = set(contacts)
    for row in _load(conn, wanted) if wanted else ():
        found.setdefault(row.contact, {})[row.number] = row.at
    return found


@once
def _load(conn: sa.Connection, contacts: set[str]) -> sa.Executable:
    return sa.select(windows).where(among(conn, _T.contact, contacts))


def last(
    known: Mapping[str, Mapping[str, datetime]], contact: str, number: str, any_: datetime | None
) -> datetime | None:
    """When the contact last wrote to this number; `any_` = to any, for one of whom no number is known."""
    return known[contact].get(number) if contact in known else any_


def merge(conn: sa.Connection, into: str, gone: str) -> None:
    """The later word to each number counts."""
    seen(conn, {(into, number): at for number, at in load(conn, [gone]).get(gone, {}).items()})
    conn.execute(sa.delete(windows).where(_T.contact == gone))
