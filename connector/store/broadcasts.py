"""Broadcasts: one row each; every step is a compare-and-set, so that two clicks, clocks or workers make one."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.store.bulk import insert_many
from connector.store.cursors import read
from connector.store.tables import broadcasts, in_state

DRAFT, SCHEDULED, PLANNING, RUNNING, DONE, CANCELLED = (
    "draft", "scheduled", "planning", "running", "done", "cancelled",
)  # fmt: skip
PEOPLE = ("rows", "samples")  # parts of a forecast that name people
DRAFTS = timedelta(days=7)  # that a draft is kept
OPEN = (SCHEDULED, PLANNING, RUNNING)
_B = broadcasts.c


def add(conn: sa.Connection, row: Mapping[str, Any]) -> bool:
    """A new one, in state draft; False when its key is there already."""
    return bool(insert_many(conn, broadcasts, [row], ignore_conflicts=True, returning=["id"]))


def get(conn: sa.Connection, id_: str) -> Any:
    """One row, by its id; None = there is none."""
    return conn.execute(sa.select(broadcasts).where(_B.id == id_)).first()


def by_key(conn: sa.Connection, key: str) -> Any:
    return conn.execute(sa.select(broadcasts).where(_B.key == key)).first()


def page(conn: sa.Connection, before: str = "", limit: int = 50, state: str = "") -> Sequence[Any]:
    """The newest, before this id."""
    query = sa.select(broadcasts).where(_B.id < read(before).id)
    if state:
        query = query.where(_B.state == state)
    return conn.execute(query.order_by(_B.id.desc()).limit(limit)).all()


def open_(conn: sa.Connection) -> Sequence[Any]:
    """Those that are not over, by the partial index."""
    return conn.execute(sa.select(broadcasts).where(in_state(broadcasts, *OPEN)).order_by(_B.id)).all()


def move(conn: sa.Connection, id_: str, frm: Sequence[str], to: str, **values: Any) -> bool:
    """Compare-and-set of its state; True for the one that did it."""
    mine = sa.and_(_B.id == id_, _B.state.in_(frm))
    return conn.execute(sa.update(broadcasts).where(mine).values(state=to, **values)).rowcount == 1


def rest(conn: sa.Connection, id_: str, now: datetime) -> bool:
    """Paused, in whatever open state it is at this very moment; False when it is over."""
    mine = sa.and_(_B.id == id_, _B.state.in_(OPEN))
    return conn.execute(sa.update(broadcasts).where(mine).values(paused_at=now)).rowcount == 1


def note(conn: sa.Connection, id_: str, **values: Any) -> None:
    """Facts that decide nothing."""
    conn.execute(sa.update(broadcasts).where(_B.id == id_).values(**values))


def planned(conn: sa.Connection, id_: str, now: datetime) -> None:
    """Everybody is planned."""
    move(conn, id_, [PLANNING], RUNNING, planned_at=now)
    forget(conn, id_)


def forget(conn: sa.Connection, id_: str) -> None:
    """The forecast keeps its counts, and no longer whom it spoke of."""
    row = get(conn, id_)
    told = {name: value for name, value in (row.forecast or {}).items() if name not in PEOPLE}
    note(conn, id_, forecast=told or None)


def prune(conn: sa.Connection, now: datetime) -> int:
    """Drafts that nobody started; how many."""
    old = sa.and_(_B.state == DRAFT, _B.at < now - DRAFTS)
    return conn.execute(sa.delete(broadcasts).where(old)).rowcount


def turn(conn: sa.Connection, id_: str, page_: int, cursor: Any) -> bool:
    """Page number `page_` is planned in this very transaction; False when another planner did it, or it was ended."""
    mine = sa.and_(_B.id == id_, _B.page == page_, _B.state == PLANNING)
    return conn.execute(sa.update(broadcasts).where(mine).values(page=page_ + 1, cursor=cursor)).rowcount == 1


def count(conn: sa.Connection, id_: str, counts: Mapping[str, int]) -> None:
    """More rows read, planned, refused."""
    more = {name: _B[name] + n for name, n in counts.items()}
    conn.execute(sa.update(broadcasts).where(_B.id == id_).values(more))
