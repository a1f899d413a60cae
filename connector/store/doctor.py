"""The promises as queries: each returns what must not exist; and the four words that every event is counted by.

Not here, because no table can tell: a 200 without a delivery, and a delivery whose items were all known already.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from connector.store.changes import WRITTEN
from connector.store.counts import counts
from connector.store.sends import RANKS
from connector.store.tables import (
    accounts,
    broadcast_people,
    changes,
    consents,
    contacts,
    conversations,
    deliveries,
    events,
    holds,
    in_state,
    parks,
    plans,
    send_attempts,
    sends,
    statuses,
)
from connector.store.waiting import REPLACED

__all__ = ["INVARIANTS", "Invariant", "counts", "findings"]

PATIENCE = timedelta(minutes=5)  # after that, waiting needs a reason
IN_FLIGHT = timedelta(minutes=2)
EXAMPLES = 5
STARTED = ("in_flight", "unknown", *RANKS)  # states of a send that may have reached the customer
LATE_MS = 15_000  # milliseconds an opt-out that was answered 200 may take to be unpacked and committed
Query = sa.Select[Any]  # one column: what to look at


@dataclass(frozen=True, slots=True)
class Invariant:
    """`query(now)` must return no row; `hint` says what to do when it does."""

    hint: str
    query: Callable[[datetime], Query]


def findings(conn: sa.Connection, now: datetime) -> list[dict[str, Any]]:
    """Every broken promise: {code, count, examples (ids), hint}."""
    out = []
    for code, invariant in INVARIANTS.items():
        query = invariant.query(now)
        examples = list(conn.execute(query.limit(EXAMPLES)).scalars())
        if examples:
            count = conn.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one()
            out.append({"code": code, "count": count, "examples": examples, "hint": invariant.hint})
    return out


# ---- the invariants ----------------------------------------------------------------------------------------------
def _event_without_delivery(_: datetime) -> Query:
    kept = sa.exists().where(deliveries.c.id == events.c.delivery)
    return sa.select(events.c.id).where(events.c.delivery.is_not(None), ~kept)


def _event_without_plan(_: datetime) -> Query:
    """A new event that no plan will ever finish."""
    open_ = sa.exists().where(plans.c.event == events.c.id, in_state(plans, "new"))
    return sa.select(events.c.id).where(in_state(events, "new"), ~open_)


def _event_done_too_early(_: datetime) -> Query:
    query = sa.select(events.c.id).join(plans, plans.c.event == events.c.id)
    return query.where(in_state(plans, "new"), events.c.state == "done").distinct()


def _change_missing(_: datetime) -> Query:
    """Ordinals of one plan's changes run from 0 without a gap."""
    t = changes.c
    return sa.select(t.event).group_by(t.event, t.account).having(sa.func.max(t.ordinal) + 1 != sa.func.count())


def _change_without_plan(_: datetime) -> Query:
    made = sa.exists().where(plans.c.event == changes.c.event, plans.c.account == changes.c.account)
    return sa.select(changes.c.event).where(~made).distinct()


def _in_flight_too_long(now: datetime) -> Query:
    """A writer that died leaves rows in flight; the next one looks after them, once the account is not parked."""
    old = sa.and_(in_state(changes, "in_flight"), changes.c.started_at < now - IN_FLIGHT)
    return sa.select(changes.c.event).where(old, ~_rests(changes.c.account, now))


class _FieldOf(FunctionElement[str]):
    """The field's name, and what is before it, cut out of a SetField's body: `core.changes.dump` writes the value last.

    JSON functions cannot do it: Postgres' refuse the U+0000 that a value may hold."""

    type = sa.Text()
    inherit_cache = True
    name = "field_of"


@compiles(_FieldOf)
def _cut_out(element: Any, compiler: Any, **more: Any) -> str:
    body = compiler.process(element.clauses, **more)
    find = "strpos" if compiler.dialect.name == "postgresql" else "instr"
    start, end = f"{find}({body}, '\"field\":')", f"{find}({body} || ',\"value\":', ',\"value\":')"
    return f"rtrim(substr({body}, {start}, {end} - {start}), '}}')"


def _out_of_order(_: datetime) -> Query:
    """A later value of a field was written before an earlier one (timeline entries come after all fields)."""
    t = changes.c
    one_field = [t.account, t.object, t.record, _FieldOf(sa.type_coerce(t.body, sa.Text))]
    earlier = sa.func.max(t.done_at).over(partition_by=one_field, order_by=t.seq, rows=(None, -1))
    fields = sa.and_(t.state == "done", t.kind == "SetField", t.record != "")
    ordered = sa.select(t.event, t.done_at, earlier.label("earlier")).where(fields).subquery()
    return sa.select(ordered.c.event).where(ordered.c.earlier > ordered.c.done_at)


def _rank_behind(_: datetime) -> Query:
    """A send stands below a status that was stored for it."""
    rank = sa.case(*((statuses.c.status == name, n) for name, n in RANKS.items()), else_=0)
    query = sa.select(sends.c.id).join(statuses, statuses.c.wamid == sends.c.wamid)
    return query.where(sends.c.rank < rank).distinct()


def _ms(time: sa.ColumnElement[datetime]) -> sa.ColumnElement[int]:
    """A time as the milliseconds it is kept as."""
    return sa.type_coerce(time, sa.BigInteger)


def _sent_after_opt_out(_: datetime) -> Query:
    """A send of a document of ours started although the newest word on all, or on its category, was an opt-out.

    The word counts from when it reached us, and a little later: it is stored in a transaction of its own."""
    c, t = consents.c, sends.c
    known = _ms(t.started_at) - LATE_MS
    heard = (
        sa.exists().where(events.c.dedupe_key == c.event, _ms(events.c.received_at) > known).correlate(consents, sends)
    )

    def stopped(category: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
        before = sa.and_(c.contact == t.lane, category, _ms(c.at) <= known, ~heard)
        word = sa.select(c.state).where(before).order_by(c.at.desc(), c.seq.desc()).limit(1).scalar_subquery()
        return word == "opted_out"

    ours = sa.and_(t.document != "", t.started_at.is_not(None), t.state.in_(STARTED))
    return sa.select(t.id).where(
        ours, sa.or_(stopped(c.category == "all"), stopped(c.category == sa.func.lower(t.category)))
    )


def _accepted_twice(_: datetime) -> Query:
    a = send_attempts.c
    return sa.select(a.send).where(a.outcome == "accepted").group_by(a.send).having(sa.func.count() > 1)


def _send_in_flight_too_long(now: datetime) -> Query:
    t = sends.c
    return sa.select(t.id).where(in_state(sends, "in_flight"), t.started_at < now - IN_FLIGHT)


def _send_waits(now: datetime) -> Query:
    """Its time came long ago, and neither its number, its account nor a queue that moves explains it."""
    t, p = sends.c, parks.c
    late = sa.and_(t.at < now - PATIENCE, sa.or_(t.next_at.is_(None), t.next_at < now - PATIENCE))
    here = sa.or_(
        sa.and_(p.scope.in_(["number", "pace"]), p.key == t.number), sa.and_(p.scope == "pace", p.key == t.crm),
        sa.and_(p.scope == "broadcast", p.key == t.broadcast),
    )  # fmt: skip
    told = sa.exists().where(here, p.until > now)
    first = sends.alias("first")
    behind = sa.exists().where(first.c.id == t.behind, in_state(first, "waiting", "ready", "in_flight"))
    ready = sa.select(t.id).where(in_state(sends, "ready"), late, ~told, ~behind, ~_rests(t.account, now))
    waiting = sa.select(t.id).where(in_state(sends, "waiting"), late, ~told, ~_rests(t.crm, now))
    both = ready.union_all(waiting).subquery()
    return sa.select(both.c.id)


def _broadcast_people(_: datetime) -> Query:
    """Recipients of a broadcast not equal to its sends: a person without theirs, one that nobody was planned for, two.

    A send that failed and was made anew is no second one."""
    p, t = broadcast_people.c, sends.c
    theirs = sa.exists().where(t.id == p.send, t.broadcast == p.broadcast)
    missing = sa.select(p.send).where(p.state == "planned", ~theirs)
    mine = sa.and_(t.broadcast != "", t.label != REPLACED)
    strange = sa.select(t.id).where(mine, ~sa.exists().where(p.send == t.id, p.broadcast == t.broadcast))
    doubled = sa.select(sa.func.min(t.id)).where(mine).group_by(t.broadcast, t.lane).having(sa.func.count() > 1)
    found = missing.union_all(strange, doubled).subquery()
    return sa.select(found.c[0])


def _delivery_waits(now: datetime) -> Query:
    t = deliveries.c
    return sa.select(t.id).where(in_state(deliveries, "new"), t.error.is_(None), t.received_at < now - PATIENCE)


def _plan_waits(now: datetime) -> Query:
    """Nothing explains it: no error, no later time, no plan before it that has one, no parked or paused account."""
    first = plans.alias("first")
    behind = sa.exists().where(
        first.c.lane == plans.c.lane, first.c.account == plans.c.account, in_state(first, "new"),
        first.c.event_seq < plans.c.event_seq, sa.or_(first.c.error.is_not(None), first.c.next_at > now),
    )  # fmt: skip
    due = sa.or_(plans.c.next_at.is_(None), plans.c.next_at < now - PATIENCE)  # a timer's event came a day before
    late = sa.and_(events.c.received_at < now - PATIENCE, due)
    query = sa.select(plans.c.event).join(events, events.c.id == plans.c.event)
    return query.where(in_state(plans, "new"), plans.c.error.is_(None), late, ~behind, ~_rests(plans.c.account, now))


def _change_waits(now: datetime) -> Query:
    """As for plans; a change that was tried says in its outcome why it waits."""
    t, first = changes.c, changes.alias("first")
    why = sa.or_(first.c.outcome.is_not(None), first.c.next_at > now)
    before = sa.and_(first.c.account == t.account, in_state(first, "new", "in_flight"), first.c.seq < t.seq, why)
    behind = sa.or_(
        sa.exists().where(before, first.c.lane == t.lane),
        sa.exists().where(before, first.c.record == t.record, t.record != ""),
    )
    since = sa.func.coalesce(t.next_at, plans.c.done_at)
    query = sa.select(t.event).join(plans, sa.and_(plans.c.event == t.event, plans.c.account == t.account))
    query = query.where(in_state(changes, "new"), t.kind.in_(WRITTEN), t.outcome.is_(None), since < now - PATIENCE)
    return query.where(~behind, ~_rests(t.account, now))


def _two_conversations(_: datetime) -> Query:
    t = conversations.c
    return sa.select(t.contact).where(t.ended_at.is_(None)).group_by(t.contact).having(sa.func.count() > 1)


def _conversation_stuck(_: datetime) -> Query:
    """It runs, but no timer will ever wake it, and no person holds its contact."""
    t = conversations.c
    held = sa.exists().where(holds.c.contact == t.contact)
    return sa.select(t.id).where(t.ended_at.is_(None), t.wake_at.is_(None), ~held)


def _conversation_late(now: datetime) -> Query:
    """Its timer was due long ago, and its CRM account does not rest."""
    t = conversations.c
    open_ = sa.exists().where(plans.c.lane == t.contact, plans.c.account == t.account, in_state(plans, "new"))
    late = sa.and_(t.ended_at.is_(None), t.wake_at < now - PATIENCE)
    return sa.select(t.id).where(late, ~open_, ~_rests(t.account, now))


def _conversation_of_nobody(_: datetime) -> Query:
    """It runs for a contact that was merged into another."""
    t = conversations.c
    gone = sa.exists().where(contacts.c.id == t.contact, contacts.c.merged_into.is_not(None))
    return sa.select(t.id).where(t.ended_at.is_(None), gone)


def _rests(account: sa.ColumnElement[str], now: datetime) -> sa.ColumnElement[bool]:
    parked = sa.exists().where(parks.c.scope == "account", parks.c.key == account, parks.c.until > now)
    held = sa.exists().where(accounts.c.id == account, accounts.c.state != "ok")
    return sa.or_(parked, held)


_REPORT = "This must not happen: keep the database as it is and report it with these ids."
_WORKERS = "Are workers running? `connector why <id>` shows one."
INVARIANTS: Mapping[str, Invariant] = {
    "event_without_delivery": Invariant(_REPORT, _event_without_delivery),
    "event_without_plan": Invariant(_REPORT, _event_without_plan),
    "event_done_too_early": Invariant(_REPORT, _event_done_too_early),
    "change_missing": Invariant(_REPORT, _change_missing),
    "change_without_plan": Invariant(_REPORT, _change_without_plan),
    "in_flight_too_long": Invariant(_WORKERS, _in_flight_too_long),
    "out_of_order": Invariant(_REPORT, _out_of_order),
    "rank_behind": Invariant(_REPORT, _rank_behind),
    "sent_after_opt_out": Invariant(_REPORT, _sent_after_opt_out),
    "accepted_twice": Invariant(_REPORT, _accepted_twice),
    "send_in_flight_too_long": Invariant(_WORKERS, _send_in_flight_too_long),
    "send_waits": Invariant("Are workers running? `connector sends list` says why each one waits.", _send_waits),
    "broadcast_people": Invariant(_REPORT, _broadcast_people),
    "delivery_waits": Invariant(_WORKERS, _delivery_waits),
    "plan_waits": Invariant(_WORKERS, _plan_waits),
    "change_waits": Invariant(_WORKERS, _change_waits),
    "two_conversations": Invariant(_REPORT, _two_conversations),
    "conversation_stuck": Invariant(_REPORT, _conversation_stuck),
    "conversation_late": Invariant("Is the clock running? `connector flows show <id>` shows one.", _conversation_late),
    "conversation_of_nobody": Invariant(_REPORT, _conversation_of_nobody),
}
