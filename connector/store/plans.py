"""Plans: the work of `handle` and `trigger`, one row per event and CRM account, taken lane by lane in event order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store.among import among
from connector.store.engine import in_chunks, insert_many
from connector.store.once import once
from connector.store.tables import accounts, changes, events, in_state, plans

MAX_ATTEMPTS = 5  # that ended in an error of this row
MAX_STARTS = 10  # also counting those whose worker died; a deploy or a kill says little about the row


@dataclass(frozen=True, slots=True)
class Work:
    """One plan to be made."""

    event: str
    account: str
    seq: int
    lane: str
    attempts: int
    kind: str
    payload: Mapping[str, Any]
    received_at: datetime
    source: str  # the account that received it


class Moved(Exception):
    """A compare-and-set found another state: somebody was quicker, or the lane was merged. Roll back, look again."""


def due_lanes(
    conn: sa.Connection, account: str, now: datetime, limit: int, skip: Sequence[str] = (), journey: str = "reply"
) -> list[str]:
    """Lanes of this journey whose first waiting plan is due, oldest first."""
    return list(dict.fromkeys(_due_lanes(conn, account, now, limit, skip, journey).scalars()))


@once
def _due_lanes(
    conn: sa.Connection, account: str, now: datetime, limit: int, skip: Sequence[str], journey: str
) -> sa.Executable:
    p, q = plans.alias("p"), plans.alias("q")
    earlier = sa.exists().where(
        in_state(q, "new"),
        q.c.lane == p.c.lane,
        q.c.account + "" == p.c.account,  # by the lane's index: the account's would walk every plan before this one
        q.c.event_seq < p.c.event_seq,
        q.c.next_at > now,
    )
    query = sa.select(p.c.lane).where(in_state(p, "new"), p.c.account == account, p.c.journey == journey, ~earlier)
    query = query.where(sa.or_(p.c.next_at.is_(None), p.c.next_at <= now), ~among(conn, p.c.lane, skip))
    return query.order_by(p.c.event_seq).limit(limit)


def take(
    conn: sa.Connection, account: str, lanes: Sequence[str], now: datetime, limit: int, journey: str = "reply"
) -> list[Work]:
    """The due plans of these (held) lanes in the order of their events; a lane stops at its first that is not due."""
    out: list[Work] = []
    late: set[str] = set()
    for row in _take(conn, account, lanes, limit, journey):
        if row.lane in late or (row.next_at is not None and row.next_at > now):
            late.add(row.lane)
            continue
        out.append(
            Work(
                row.event,
                row.account,
                row.event_seq,
                row.lane,
                row.attempts,
                row.kind,
                row.payload,
                row.received_at,
                row.source,
            )
        )
    return out


@once
def _take(conn: sa.Connection, account: str, lanes: Sequence[str], limit: int, journey: str) -> sa.Executable:
    t, e = plans.c, events.c
    query = sa.select(
        t.event, t.account, t.event_seq, t.lane, t.attempts, t.next_at, e.kind, e.payload, e.received_at,
        e.account.label("source"),
    )  # fmt: skip
    mine = sa.and_(in_state(plans, "new"), t.account == account, t.journey == journey, among(conn, t.lane, lanes))
    return query.join(events, e.id == t.event).where(mine).order_by(t.event_seq).limit(limit)


def count_attempt(conn: sa.Connection, work: Sequence[Work], by: int = 1) -> None:
    """Committed before the work, so that a row that kills its worker is known; never below nought."""
    for account in {w.account for w in work}:
        _count_attempt(conn, account, [w.event for w in work if w.account == account], by, -by)


@once
def _count_attempt(conn: sa.Connection, account: str, ids: Sequence[str], by: int, least: int) -> sa.Executable:
    asked = among(conn, plans.c.event, ids)
    mine = sa.and_(plans.c.account == account, asked, plans.c.state == "new", plans.c.attempts >= least)
    return sa.update(plans).where(mine).values(attempts=plans.c.attempts + by)


def _finish() -> sa.Update:
    b = sa.bindparam
    mine = sa.and_(plans.c.event == b("e"), plans.c.account == b("a"), plans.c.lane == b("l"), plans.c.state == "new")
    return sa.update(plans).where(mine).values(state="done", body=b("body"), done_at=b("now"), next_at=None)


_FINISH = _finish()


def finish(
    conn: sa.Connection, done: Sequence[tuple[Work, Any]], rows: Sequence[dict[str, Any]], now: datetime
) -> None:
    """Stores plans and their changes; raises Moved unless every plan was still `new` in its lane."""
    values = [{"e": w.event, "a": w.account, "l": w.lane, "body": body, "now": now} for w, body in done]
    if conn.execute(_FINISH, values).rowcount != len(values):
        raise Moved
    insert_many(conn, changes, list(rows))


def postpone(conn: sa.Connection, work: Work, until: datetime, error: str) -> None:
    """Tries this plan again later; its lane waits behind it."""
    mine = sa.and_(plans.c.event == work.event, plans.c.account == work.account, plans.c.state == "new")
    conn.execute(sa.update(plans).where(mine).values(next_at=until, error=error))


def bury(conn: sa.Connection, work: Work, error: str) -> None:
    """This plan cannot be made: it is dead, shown to a person, and its lane goes on."""
    mine = sa.and_(plans.c.event == work.event, plans.c.account == work.account, plans.c.state == "new")
    conn.execute(sa.update(plans).where(mine).values(state="dead", error=error))


def of_event(conn: sa.Connection, event: str) -> Sequence[sa.Row[Any]]:
    """The plans of one event, by account."""
    return conn.execute(sa.select(plans).where(plans.c.event == event).order_by(plans.c.account)).all()


def talked(conn: sa.Connection, account: str, ids: Sequence[str]) -> int:
    """How many of these events a conversation took in this account: its plan keeps what was said."""
    found = 0
    for chunk in in_chunks(list(ids)):
        kept = sa.type_coerce(plans.c.body, sa.Text).contains('"flow":{')
        mine = sa.and_(plans.c.account == account, plans.c.event.in_(chunk), kept)
        found += conn.execute(sa.select(sa.func.count()).select_from(plans).where(mine)).scalar_one()
    return found


def waiting(conn: sa.Connection, account: str, ids: Sequence[str]) -> set[str]:
    """Those of these events whose plan in this account is still to be made."""
    found: set[str] = set()
    for chunk in in_chunks(list(ids)):
        mine = sa.and_(plans.c.account == account, plans.c.event.in_(chunk), plans.c.state == "new")
        found.update(conn.execute(sa.select(plans.c.event).where(mine)).scalars())
    return found


def accounts_due(conn: sa.Connection, now: datetime, journey: str = "reply") -> list[str]:
    """Accounts with a plan of this journey that is due; each is asked for one row only."""
    return list(_accounts_due(conn, now, journey).scalars())


@once
def _accounts_due(_: sa.Connection, now: datetime, journey: str) -> sa.Executable:
    due = sa.or_(plans.c.next_at.is_(None), plans.c.next_at <= now)
    mine = sa.and_(plans.c.account == accounts.c.id, plans.c.journey == journey, in_state(plans, "new"))
    return sa.select(accounts.c.id).where(sa.exists().where(mine, due))


def append(conn: sa.Connection, work: Work, body: list[Any], rows: Sequence[dict[str, Any]], now: datetime) -> None:
    """Adds to a plan what a replay or a person decided later; an event without a plan in this account gets one."""
    mine = sa.and_(plans.c.event == work.event, plans.c.account == work.account)
    row = conn.execute(sa.select(plans.c.body).where(mine)).first()
    if row is None:
        fresh = {
            "event": work.event,
            "account": work.account,
            "event_seq": work.seq,
            "lane": work.lane,
            "state": "done",
        }
        insert_many(conn, plans, [fresh | {"attempts": 0, "body": body, "done_at": now}])
    else:
        conn.execute(sa.update(plans).where(mine).values(body=[*(row.body or []), *body]))
    insert_many(conn, changes, list(rows))
