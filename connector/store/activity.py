"""The activity: events newest first, a page at a time, found by state, kind, account, document or what is typed.

No page counts history or walks all of it: what is rare comes from the partial indexes, anything else is looked for
among at most LOOKED events, and the page says how far back it looked."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.core.text import clean
from connector.store import search
from connector.store.among import among
from connector.store.cursors import MOST, START, Cursor, read
from connector.store.events import get, of_record, of_send
from connector.store.states import ENDED, WAITS, words
from connector.store.tables import changes, events, in_state, plans, sends

LOOKED = 3000  # events that one page looks at
MORE = 4  # times as many are looked at each time a batch did not fill the page
FEW = 5000  # a set up to this size is read whole
HIDDEN = "DeliveryStatus"  # shown with its message
_E = events.c
_LIGHT = (_E.seq, _E.id, _E.kind, _E.account, _E.state, _E.received_at)
Rows = list[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a person looks for; empty = everything but delivery statuses."""

    state: str = ""  # one of states.WORDS
    kinds: Collection[str] = ()
    account: str = ""  # the id of the account that received it, or whose documents looked at it
    document: str = ""  # a document that matched, or sent
    typed: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """One page: event rows with their words, and where the next page begins ("" = there is none)."""

    rows: Rows = field(default_factory=list)
    states: Mapping[str, str] = field(default_factory=dict)
    older: str = ""
    looked_back_to: datetime | None = None  # set when the page is not full though history goes on


def page(
    conn: sa.Connection, wanted: Wanted, accounts: Collection[str] = (), before: str = "", limit: int = 50
) -> Found:
    """The newest events that are wanted, before the cursor. `accounts`: whose records an id may be of."""
    source = _source(conn, wanted, accounts)
    cursor, kept, states, looked = read(before), list[Any](), dict[str, str](), 0
    last: Any = None
    more, size = True, limit + 1 + (limit // 2 if wanted != Wanted() else 0)
    while more and len(kept) < limit and looked < LOOKED:
        batch = source(cursor, size)
        more = len(batch) == size
        if not batch:
            break
        last, looked = batch[-1], looked + len(batch)
        size = max(1, min(size * MORE, LOOKED - looked))
        cursor = Cursor(last.seq, last.id)
        fits, of = _fitting(conn, batch, wanted)
        kept, states = kept + fits, states | of
    if len(kept) > limit:
        kept, more = kept[:limit], True
        last = kept[-1]
    older = Cursor(last.seq, last.id).text() if more and last is not None else ""
    short = older and len(kept) < limit
    return Found(_whole(conn, kept), states, older, last.received_at if short else None)


def newer(conn: sa.Connection, after: int, most: int = 100) -> int:
    """How many events came after this one, at most `most`: what a live page says above its first line."""
    some = sa.select(_E.seq).where(_told(), _E.seq > after).limit(most).subquery()
    return int(conn.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())


def _whole(conn: sa.Connection, light: Rows) -> Rows:
    query = sa.select(events).where(_E.seq.in_([row.seq for row in light])).order_by(_E.seq.desc())
    return list(conn.execute(query)) if light else []


# ---- which of a batch are wanted ---------------------------------------------------------------------------------
def _fitting(conn: sa.Connection, batch: Rows, wanted: Wanted) -> tuple[Rows, dict[str, str]]:
    rows = [row for row in batch if (row.kind in wanted.kinds if wanted.kinds else row.kind != HIDDEN)]
    if wanted.account:
        theirs = _judged(conn, {row.id for row in rows}, wanted.account)
        rows = [row for row in rows if row.account == wanted.account or row.id in theirs]
    if wanted.document:
        about = _about(conn, {row.id for row in rows}, wanted.document)
        rows = [row for row in rows if row.id in about]
    states = words(conn, {row.id: row.state for row in rows})
    return [row for row in rows if wanted.state in ("", states[row.id])], states


def _judged(conn: sa.Connection, ids: Collection[str], account: str) -> set[str]:
    query = sa.select(plans.c.event).where(among(conn, plans.c.event, ids), plans.c.account == account)
    return set(conn.execute(query).scalars()) if ids else set()


def _about(conn: sa.Connection, ids: Collection[str], document: str) -> set[str]:
    """The events that this document matched, or for which it sent something."""
    if not ids:
        return set()
    sent = sa.select(sends.c.event).where(among(conn, sends.c.event, ids), sends.c.document == document)
    found = set(conn.execute(sent).scalars())
    return found | _matched(conn, ids, document)


def _matched(conn: sa.Connection, ids: Collection[str], document: str) -> set[str]:
    """By what stands behind the document's name in plans: `core.changes.dump_plan` writes version and matched there.

    Cut out by the database: a plan names every live document, and is long. Forty characters have no room for the same
    words inside of the next part, `because`."""
    needle = f'"document":{json.dumps(document)},"version":'
    body = sa.type_coerce(plans.c.body, sa.Text)
    find = sa.func.strpos if conn.dialect.name == "postgresql" else sa.func.instr
    named = sa.select(plans.c.event, body.label("body"), find(body, needle).label("at"))
    some = named.where(among(conn, plans.c.event, ids)).subquery().c
    cut = sa.func.substr(some.body, some.at + len(needle), 40)
    return set(conn.execute(sa.select(some.event).where(some.at > 0, find(cut, ',"matched":true') > 0)).scalars())


# ---- where candidates come from: each gives the next ones before a cursor, newest first --------------------------
def _source(conn: sa.Connection, wanted: Wanted, accounts: Collection[str]) -> Any:
    if wanted.typed.strip():
        return _typed(conn, wanted, accounts)
    if wanted.state == "review":
        return lambda cursor, size: _by_ids(conn, _newest(conn, REVIEW, cursor, size))
    if wanted.state == "refused":
        return lambda cursor, size: _by_ids(conn, _newest(conn, REFUSED, cursor, size))
    if wanted.state == "waiting" and (few := _few(conn)) is not None:
        return lambda cursor, size: _by_ids(conn, [id_ for id_ in few if id_ < cursor.id][:size])
    told = sa.literal(True) if HIDDEN in wanted.kinds else _told()
    return lambda cursor, size: list(
        conn.execute(sa.select(*_LIGHT).where(told, _E.seq < cursor.seq).order_by(_E.seq.desc()).limit(size))
    )


def _told() -> sa.ColumnElement[bool]:
    """As the partial index spells it."""
    return sa.literal_column("kind <> 'DeliveryStatus'", sa.Boolean)


def _by_ids(conn: sa.Connection, ids: Collection[str]) -> Rows:
    rows = conn.execute(sa.select(*_LIGHT).where(among(conn, _E.id, ids))) if ids else ()
    return sorted(rows, key=lambda row: row.id, reverse=True)


REVIEW = ((changes, ("review",)), (plans, ("dead",)), (events, ("dead",)), (sends, ("unknown",)))
REFUSED = ((changes, ("refused",)), (sends, ENDED))
OPEN = (
    (events, ("new",)), (plans, ("new",)), (changes, ("new", "in_flight")), *((sends, (state,)) for state in WAITS)
)  # fmt: skip


def _newest(conn: sa.Connection, sources: Any, cursor: Cursor, size: int) -> list[str]:
    """The next event ids of some sets; ids are uuid7, so they sort as the events came."""
    found: set[str] = set()
    for table, states in sources:
        column = table.c.id if table is events else table.c.event
        query = sa.select(column).where(in_state(table, *states), column < cursor.id).distinct()
        found.update(conn.execute(query.order_by(column.desc()).limit(size)).scalars())
    return sorted(found, reverse=True)[:size]


def _few(conn: sa.Connection) -> list[str] | None:
    """Every event that waits, newest first; None when they are too many to be read at once."""
    found: set[str] = set()
    for table, states in OPEN:
        column = table.c.id if table is events else table.c.event
        rows = conn.execute(sa.select(column).where(in_state(table, *states)).limit(FEW + 1)).scalars().all()
        if len(rows) > FEW:
            return None
        found.update(id_ for id_ in rows if id_ is not None)
    return sorted(found, reverse=True)


def _typed(conn: sa.Connection, wanted: Wanted, accounts: Collection[str]) -> Any:
    text = clean(wanted.typed.strip(), search.LONGEST)
    rows = get(conn, text) or of_send(conn, text)
    people = search.lanes(conn, search.people(conn, text)) if not rows else []
    if people:
        return lambda cursor, size: _of_people(conn, people, cursor, size)
    rows = rows or of_record(conn, accounts, text, MOST)
    return lambda cursor, size: [row for row in rows if row.seq < cursor.seq][:size]


def _of_people(conn: sa.Connection, lanes: Collection[str], cursor: Cursor, size: int) -> Rows:
    """What they wrote, and what sent them something. Sorted by an expression: by the lanes' index, not all history."""
    t, newest = sends.c, (_E.seq + 0).desc()
    wrote = sa.select(_E.seq).where(among(conn, _E.lane, lanes), _E.seq < cursor.seq, _E.kind != HIDDEN)
    heard = sa.select(_E.seq).join(sends, t.event == _E.id).where(among(conn, t.lane, lanes), _E.seq < cursor.seq)
    found = {*conn.execute(wrote.order_by(newest).limit(size)).scalars()}
    found.update(conn.execute(heard.order_by(newest).limit(size)).scalars())
    top = sorted(found, reverse=True)[:size]
    return list(conn.execute(sa.select(*_LIGHT).where(_E.seq.in_(top)).order_by(_E.seq.desc()))) if top else []


__all__ = ["START", "Found", "Wanted", "newer", "page"]
