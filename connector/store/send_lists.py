"""Sends for a person to look through: by state, document, number, template or what is typed; and how many there are."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.core.text import clean
from connector.store import search
from connector.store.cursors import Cursor, read
from connector.store.holding import COLUMNS, explained
from connector.store.states import ENDED, WAITS
from connector.store.tables import in_state, send_attempts, sends, statuses

GROUPS: Mapping[str, tuple[str, ...]] = {  # what a person calls them -> states
    "waiting": WAITS, "unknown": ("unknown",), "sent": ("accepted", "sent"), "delivered": ("delivered",),
    "read": ("read", "played"), **{state: (state,) for state in ENDED},
}  # fmt: skip
OPEN = ("waiting", "ready", "in_flight", "unknown")
LOOKED = 10_000  # sends that one page looks at
COUNTED = 100_000  # more than that is told as that many
_T = sends.c
_MORE = (_T.body, _T.pricing, _T.wamid, _T.give_up_at, _T.record, _T.person, _T.callback)  # of one send


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a person looks for; empty = all."""

    group: str = ""  # one of GROUPS
    document: str = ""
    number: str = ""  # phone_number_id
    template: str = ""
    code: str = ""
    typed: str = ""  # a send's id, a wamid, a phone, a name


@dataclass(frozen=True, slots=True)
class Found:
    """One page of sends as `holding.explained` tells them, newest first."""

    rows: list[dict[str, Any]]
    older: str
    looked_back_to: datetime | None = None


def page(conn: sa.Connection, wanted: Wanted, now: datetime, before: str = "", limit: int = 50) -> Found:
    """The newest sends that are wanted, before the cursor."""
    cursor = read(before)
    if wanted.typed.strip():
        rows = _typed(conn, wanted, cursor, limit + 1)
        floor = None
    else:
        floor = _floor(conn, wanted, cursor)
        rows = _listed(conn, wanted, cursor, floor, limit + 1)
    older, looked = "", None
    if len(rows) > limit:
        rows = rows[:limit]
        older = Cursor(0, rows[-1].id).text()
    elif floor is not None:
        older, looked = Cursor(0, floor.id).text(), floor.at
    return Found(explained(conn, rows, now), older, looked)


def _set(wanted: Wanted) -> sa.ColumnElement[bool]:
    """The states that are wanted, with the condition of the partial index that has them by id."""
    states = GROUPS.get(wanted.group, ())
    if not states:
        return sa.true()
    if states[0] in OPEN:
        return sa.and_(in_state(sends, *OPEN), in_state(sends, *states))
    return in_state(sends, *states)


def _floor(conn: sa.Connection, wanted: Wanted, cursor: Cursor) -> Any:
    """Where this page stops looking: the row LOOKED further on in the same walk; None = the walk ends before."""
    walk = _set(wanted) if wanted.group in (*ENDED, "waiting", "unknown") else sa.true()
    query = sa.select(_T.id, _T.at).where(walk, _T.id < cursor.id).order_by(_T.id.desc())
    return conn.execute(query.offset(LOOKED).limit(1)).first()


def _listed(conn: sa.Connection, wanted: Wanted, cursor: Cursor, floor: Any, size: int) -> list[Any]:
    query = sa.select(*COLUMNS).where(_set(wanted), _T.id < cursor.id, *_narrow(wanted))
    query = query.where(_T.id >= floor.id) if floor is not None else query
    return list(conn.execute(query.order_by(_T.id.desc()).limit(size)))


def _narrow(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    """By an expression each: the walk is the one by id, whatever other index a column has."""
    asked = ((_T.document, wanted.document), (_T.number, wanted.number), (_T.template, wanted.template))
    return [column + "" == value for column, value in (*asked, (_T.code, wanted.code)) if value]


def _typed(conn: sa.Connection, wanted: Wanted, cursor: Cursor, size: int) -> list[Any]:
    """By its own id or the vendor's; else those of the people who are meant."""
    text = clean(wanted.typed.strip(), search.LONGEST)
    query = sa.select(*COLUMNS).where(_T.id < cursor.id)
    rows = list(conn.execute(query.where(sa.or_(_T.id == text, _T.wamid == text)).limit(size)))
    people = search.lanes(conn, search.people(conn, text)) if not rows else []
    if not people:
        return rows
    theirs = query.where(_T.lane.in_(people), _set(wanted), *_narrow(wanted))
    return list(conn.execute(theirs.order_by((_T.id + "").desc()).limit(size)))


def counts(conn: sa.Connection) -> dict[str, int]:
    """{waiting, ready, in_flight, unknown: how many}, each by its partial index, at most COUNTED."""
    found = {}
    for state in OPEN:
        some = sa.select(sa.literal(1)).select_from(sends).where(in_state(sends, state)).limit(COUNTED).subquery()
        found[state] = int(conn.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())
    return found


def one(conn: sa.Connection, id: str, now: datetime) -> dict[str, Any] | None:
    """One send with its body, its attempts and its statuses; by its id."""
    row = conn.execute(sa.select(*COLUMNS).where(_T.id == id)).first()
    if row is None:
        return None
    more = conn.execute(sa.select(*_MORE).where(_T.id == id)).one()
    a, s = send_attempts.c, statuses.c
    tries = conn.execute(sa.select(send_attempts).where(a.send == id).order_by(a.n)).all()
    heard = sa.or_(s.send == id, s.wamid == more.wamid)
    facts = conn.execute(sa.select(statuses).where(heard).order_by(s.at)).all()
    return explained(conn, [row], now)[0] | dict(more._mapping) | {"tries": tries, "facts": facts}


def newer(conn: sa.Connection, wanted: Wanted, after: str, most: int) -> int:
    """How many that are wanted came above this one, at most `most`; of what is typed none is told."""
    if wanted.typed.strip():
        return 0
    query = sa.select(sa.literal(1)).select_from(sends).where(_T.id > after, _set(wanted), *_narrow(wanted))
    some = query.limit(most).subquery()
    return int(conn.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())


def of_template(conn: sa.Connection, template: str, limit: int) -> list[Any]:
    """The newest sends of one template, of all that were made lately: id, document, to, lane, event, crm, at, body."""
    newest = sa.select(_T.id, _T.template).order_by(_T.id.desc()).limit(LOOKED).subquery()
    ids = sa.select(newest.c.id).where(newest.c.template == template).order_by(newest.c.id.desc()).limit(limit)
    query = sa.select(_T.id, _T.document, _T.to, _T.lane, _T.event, _T.crm, _T.at, _T.body, _T.language)
    return list(conn.execute(query.where(_T.id.in_(ids)).order_by(_T.id.desc())))


def open_of(conn: sa.Connection, document: str) -> int:
    """How many of a document have not left yet, at most COUNTED."""
    held = sa.and_(in_state(sends, "waiting", "ready"), _T.document == document)
    some = sa.select(sa.literal(1)).select_from(sends).where(held).limit(COUNTED).subquery()
    return int(conn.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())


def bodies(conn: sa.Connection, ids: Collection[str]) -> dict[str, Any]:
    """{send: its frozen message} of one page."""
    query = sa.select(_T.id, _T.body).where(_T.id.in_(list(ids)))
    return {row.id: row.body for row in conn.execute(query)} if ids else {}
