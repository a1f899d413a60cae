"""How the whole fares, by indexes: how far each stage is behind, what was refused, what limits are near."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.store import figures, snapshots
from connector.store.among import among
from connector.store.figures import HOURS, first_id
from connector.store.review import LOOKED
from connector.store.sending import PRIORITIES
from connector.store.states import ENDED
from connector.store.tables import (
    accounts,
    changes,
    deliveries,
    events,
    from_ms,
    in_state,
    numbers,
    parks,
    plans,
    sends,
)

_E, _P, _C, _S = events.c, plans.c, changes.c, sends.c
HOUR_MS = 3_600_000
BAD = "bad_hours"  # snapshot: {hour in ms: {review, refused: events}}
JOURNEYS = {"reply": "handle", "trigger": "trigger"}


@dataclass(frozen=True, slots=True)
class Lag:
    """One stage: since when its oldest work waits, and what that is; None = nothing waits."""

    stage: str  # unpack handle trigger write send tell
    since: datetime | None = None
    event: str = ""  # "" where it is a delivery
    account: str = ""  # whose it is, by id


def lags(conn: sa.Connection, now: datetime) -> list[Lag]:
    """Every stage, in the order of the journey. What waits for its own time (a timer, quiet hours) is not late."""
    d = deliveries.c
    first = conn.execute(
        sa.select(d.received_at, d.account).where(in_state(deliveries, "new")).order_by(d.seq).limit(1)
    )
    unread = first.first()
    found = [Lag("unpack", unread.received_at, "", unread.account) if unread else Lag("unpack")]
    ids = list(conn.execute(sa.select(accounts.c.id).order_by(accounts.c.id)).scalars())
    for journey, stage in JOURNEYS.items():
        found.append(_oldest(stage, [_plan(conn, id_, journey, now) for id_ in ids]))
    found.append(_oldest("write", [_change(conn, id_, now) for id_ in ids]))
    found.append(
        _oldest("send", [_ready(conn, number, priority, now) for number in _numbers(conn) for priority in PRIORITIES])
    )
    found.append(_oldest("tell", [_tell(conn, id_) for id_ in ids]))
    return found


def _oldest(stage: str, rows: Sequence[Any]) -> Lag:
    """Of the first of each queue; every row is (since, event, account)."""
    first = min((row for row in rows if row is not None), key=lambda row: row[0], default=None)
    return Lag(stage, first[0], first[1] or "", first[2]) if first else Lag(stage)


def _plan(conn: sa.Connection, account: str, journey: str, now: datetime) -> Any:
    due = sa.or_(_P.next_at.is_(None), _P.next_at <= now)
    mine = sa.and_(in_state(plans, "new"), _P.account == account, _P.journey == journey, due)
    query = sa.select(_E.received_at, _P.event, _P.account).join(events, _E.id == _P.event)
    return conn.execute(query.where(mine).order_by(_P.event_seq).limit(1)).first()


def _change(conn: sa.Connection, account: str, now: datetime) -> Any:
    due = sa.or_(_C.next_at.is_(None), _C.next_at <= now)
    mine = sa.and_(in_state(changes, "new", "in_flight"), _C.account == account, due)
    query = sa.select(_E.received_at, _C.event, _C.account).join(events, _E.id == _C.event)
    return conn.execute(query.where(mine).order_by(_C.seq).limit(1)).first()


def _numbers(conn: sa.Connection) -> list[str]:
    """The numbers with something ready, one jump each."""
    found: list[str] = []
    query = sa.select(sa.func.min(_S.number)).where(in_state(sends, "ready"))
    value = conn.execute(query).scalar()
    while value is not None:
        found.append(value)
        value = conn.execute(query.where(_S.number > value)).scalar()
    return found


def _ready(conn: sa.Connection, number: str, priority: int, now: datetime) -> Any:
    mine = sa.and_(in_state(sends, "ready"), _S.number == number, _S.priority == priority, _S.next_at <= now)
    return conn.execute(sa.select(_S.next_at, _S.event, _S.account).where(mine).order_by(_S.next_at).limit(1)).first()


def _tell(conn: sa.Connection, crm: str) -> Any:
    """Of some that wait: they are told together, in no order of their own."""
    some = sa.select(_S.at, _S.started_at, _S.ended_at, _S.event, _S.crm)
    rows = conn.execute(some.where(sa.literal_column("tell = 1"), _S.crm == crm).limit(500)).all()
    told = [(row.ended_at or row.started_at or row.at, row.event, row.crm) for row in rows]
    return min(told, key=lambda one: one[0], default=None)


def oldest_waiting(conn: sa.Connection, found: Sequence[Lag]) -> list[Any]:
    """The event rows behind these lags, oldest first, each once."""
    ids = {lag.event for lag in found if lag.event}
    rows = conn.execute(sa.select(events).where(_E.id.in_(sorted(ids)))) if ids else ()
    return sorted(rows, key=lambda row: row.seq)


def hours(conn: sa.Connection, now: datetime) -> list[tuple[datetime, dict[str, int]]]:
    """((hour, {in, out, status, other: events}), ...) of the last 48 hours, oldest first, as the chore counted."""
    since = figures.beginning(now, figures.HOUR) - (HOURS - 1) * figures.HOUR
    found: dict[datetime, dict[str, int]] = {since + n * figures.HOUR: {} for n in range(HOURS)}
    for row in figures.read(conn, figures.EVENTS, since):
        found.setdefault(row.at, {})[row.name] = row.n
    return sorted(found.items())


def last_bad_hours(conn: sa.Connection, now: datetime) -> dict[datetime, dict[str, int]]:
    """`bad_hours` as the chore of the figures last found them, with the hours they stand beside; else as they are."""
    kept = snapshots.get(conn, BAD)
    if kept is None:
        return bad_hours(conn, now)
    return {from_ms(int(at)): sums for at, sums in kept[0].items()}


def bad_hours(conn: sa.Connection, now: datetime) -> dict[datetime, dict[str, int]]:
    """{hour: {review, refused: events}} of the last 48 hours, as they stand now; of at most the newest LOOKED rows.

    By the indexes of what ended badly; an event's id tells its hour."""
    since = first_id(figures.beginning(now, figures.HOUR) - (HOURS - 1) * figures.HOUR)
    review = _newest(
        conn, since, (changes, ("review",)), (plans, ("dead",)), (events, ("dead",)), (sends, ("unknown",))
    )
    refused = _newest(conn, since, (changes, ("refused",)), (sends, ENDED)) - review
    found: dict[datetime, dict[str, int]] = {}
    for word, ids, more in (("review", review, ()), ("refused", refused, _no_more())):
        hour = sa.type_coerce(_E.received_at, sa.BigInteger) // HOUR_MS
        query = sa.select(hour, sa.func.count()).where(among(conn, _E.id, ids), *more).group_by(hour)
        for at, n in conn.execute(query) if ids else ():
            found.setdefault(from_ms(at * HOUR_MS), {})[word] = n
    return found


def _newest(conn: sa.Connection, since: str, *sources: tuple[sa.Table, tuple[str, ...]]) -> set[str]:
    """Ids of the events in one of these states, of each the newest LOOKED since that id."""
    found: set[str] = set()
    for table, among_states in sources:
        column = table.c.id if table is events else table.c.event
        mine = sa.and_(in_state(table, *among_states), column >= since)
        found |= set(conn.execute(sa.select(column).where(mine).order_by(column.desc()).limit(LOOKED)).scalars())
    return found


def _no_more() -> tuple[sa.ColumnElement[bool], ...]:
    """Nothing else came of an event that was refused, or will; as `states.word` has it."""
    more = _C.state.in_(("done", "new", "in_flight", "review"))
    return (
        _E.state.not_in(("new", "dead")),
        ~sa.exists().where(_P.event == _E.id, _P.state.in_(("new", "dead"))),
        ~sa.exists().where(_C.event == _E.id, more),
        ~sa.exists().where(_S.event == _E.id, _S.state.not_in(ENDED)),
    )


def refusals(conn: sa.Connection, now: datetime) -> list[dict[str, Any]]:
    """What was refused or failed in the last 24 hours, most first: {what: send | field, code, reason, who, n}.

    Of at most the newest LOOKED of each kind."""
    since = first_id(now - timedelta(hours=24))
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for state in ENDED:
        over = sa.and_(in_state(sends, state), _S.id >= since)
        for row in _alike(conn, sa.select(_S.code, _S.reason, _S.who, _S.id.label("at")).where(over)):
            _add(found, "send", row.code or state, row.reason, row.who, row.n)
    outcome = sa.type_coerce(_C.outcome, sa.Text).label("outcome")  # as text: many say the same
    for state in ("refused", "review"):
        mine = sa.and_(in_state(changes, state), _C.event >= since, _C.kind != "Ask")
        for row in _alike(conn, sa.select(outcome, _C.event.label("at")).where(mine)):
            told = json.loads(row.outcome) if row.outcome else {}
            code, text = str(told.get("code") or told.get("text", ""))[:100], str(told.get("text", ""))
            _add(found, "field", code, text, "", row.n)
    return sorted(found.values(), key=lambda one: -one["n"])


def _alike(conn: sa.Connection, query: sa.Select[Any]) -> list[Any]:
    """The newest LOOKED rows of a query, by `at`, those that say the same as one with `n`; the newest word first."""
    some = query.order_by(sa.desc("at")).limit(LOOKED).subquery()
    said = [column for column in some.c if column.name != "at"]
    newest = sa.func.max(some.c.at)
    grouped = sa.select(*said, sa.func.count().label("n")).group_by(*said).order_by(newest.desc())
    return list(conn.execute(grouped))


def _add(found: dict[tuple[str, str], dict[str, Any]], what: str, code: str, reason: str, who: str, n: int) -> None:
    fresh = {"what": what, "code": code, "reason": reason[:300], "who": who, "n": 0}
    found.setdefault((what, code), fresh)["n"] += n


def limits(conn: sa.Connection, now: datetime) -> dict[str, list[Any]]:
    """{"numbers": rows with tier, throughput, quality, alerts; "accounts": rows with state; "parks": in force}."""
    a, p = accounts.c, parks.c
    held = sa.select(p.scope, p.key, p.until, p.reason, p.tries).where(p.until > now).order_by(p.scope, p.key)
    return {
        "numbers": list(conn.execute(sa.select(numbers).order_by(numbers.c.name, numbers.c.id))),
        "accounts": list(conn.execute(sa.select(a.id, a.name, a.kind, a.state, a.reason).order_by(a.name))),
        "parks": list(conn.execute(held.limit(200))),
    }
