"""Sends on their way out: which are due, what the last gates must know, the claim, and the moves between states."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.core.message import files
from connector.store import totals
from connector.store.among import among
from connector.store.bulk import insert_many
from connector.store.once import once
from connector.store.tables import (
    accounts,
    in_state,
    numbers,
    parks,
    send_attempts,
    sends,
)

ENDED = ("failed", "refused", "expired", "cancelled")
CANCELLED = "cancel:"  # before the scope of a park: what was planned until then is cancelled
# Replies, what an event set off, broadcasts; each is asked for alone: the index then ends at the rows that are due.
PRIORITIES = (0, 1, 2)
_T = sends.c
_first = sends.alias("first")
# What is said to a person goes one by one: the message before has not left yet.
_BEHIND = sa.exists().where(_first.c.id == _T.behind, in_state(_first, "waiting", "ready", "in_flight"))
_Jumps = tuple[Callable[[sa.Connection], sa.CursorResult[Any]], Callable[[sa.Connection, str], sa.CursorResult[Any]]]
_COLUMNS = (
    _T.id, _T.account, _T.crm, _T.lane, _T.number, _T.document, _T.template, _T.language, _T.category, _T.to,
    _T.user_id, _T.context, _T.give_up_at, _T.attempts, _T.label, _T.next_at, _T.at, _T.broadcast,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One send goes on to another state, with the reason in plain words."""

    id: str
    state: str
    code: str = ""
    reason: str = ""
    who: str = ""
    next_at: datetime | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Started:
    """A claimed send: attempt `n` of it is under way."""

    id: str
    n: int
    number: str
    account: str
    crm: str
    lane: str | None
    to: str
    user_id: str | None
    template: str
    category: str
    body: Mapping[str, Any]
    files: Mapping[str, str] = field(default_factory=dict)  # key of a file it carries -> WhatsApp's id of it


# ---- what is due -------------------------------------------------------------------------------------------------
def due(conn: sa.Connection, number: str, now: datetime, limit: int) -> list[Any]:
    """Ready rows of one number whose time has come: replies first, then the longest due."""
    found: list[Any] = []
    for priority in PRIORITIES:
        ready = _ready if priority else _replies
        found += ready(conn, number, priority, now, limit - len(found))
        if len(found) >= limit:
            break
    return found


@once
def _ready(_: sa.Connection, number: str, priority: int, now: datetime, limit: int) -> sa.Executable:
    mine = sa.and_(in_state(sends, "ready"), _T.number == number, _T.priority == priority, _T.next_at <= now)
    return sa.select(*_COLUMNS).where(mine).order_by(_T.next_at).limit(limit)


@once
def _replies(_: sa.Connection, number: str, priority: int, now: datetime, limit: int) -> sa.Executable:
    mine = sa.and_(in_state(sends, "ready"), _T.number == number, _T.priority == priority, _T.next_at <= now)
    return sa.select(*_COLUMNS).where(mine, ~_BEHIND).order_by(_T.next_at).limit(limit)


def numbers_due(conn: sa.Connection, now: datetime, settled: datetime) -> list[str]:
    """Numbers with work now: something to send, in flight since before `settled`, or unknown and due for a look.

    Of parked numbers, and those of parked or paused accounts, only what may have been sent is looked after."""
    first: set[str] = set()
    for number in _distinct(conn, _NUMBERS["ready"]):
        for row in due(conn, number, now, 1):
            if not rests(conn, number, row.account, now):
                first.add(number)
    for state, look, at in (("in_flight", _ownerless, settled), ("unknown", _doubted, now)):
        first.update(number for number in _distinct(conn, _NUMBERS[state]) if look(conn, number, at).first())
    return sorted(first)


@once
def _ownerless(_: sa.Connection, number: str, settled: datetime) -> sa.Executable:
    mine = sa.and_(in_state(sends, "in_flight"), _T.number == number, _T.started_at < settled)
    return sa.select(_T.id).where(mine).limit(1)


@once
def _doubted(_: sa.Connection, number: str, now: datetime) -> sa.Executable:
    mine = sa.and_(in_state(sends, "unknown"), _T.number == number, _T.next_at <= now)
    return sa.select(_T.id).where(mine).limit(1)


def crms_due(conn: sa.Connection, now: datetime) -> list[str]:
    """CRM accounts with a send that waits and whose time has come."""
    return [crm for crm in _distinct(conn, _CRMS) if _crm_waits(conn, crm, now).first()]


@once
def _crm_waits(_: sa.Connection, crm: str, now: datetime) -> sa.Executable:
    return sa.select(_T.id).where(in_state(sends, "waiting"), _T.crm == crm, _T.next_at <= now).limit(1)


def rests(conn: sa.Connection, number: str, account: str, now: datetime) -> str:
    """Why nothing of this number may be sent now, in words; "" when it may."""
    state = _state(conn, account).first()
    if state is not None and state.state != "ok":
        return state.reason or "The WhatsApp account is paused."
    row = _parked(conn, number, account, now).first()
    return "" if row is None else row.reason or "It is parked."


@once
def _state(_: sa.Connection, account: str) -> sa.Executable:
    return sa.select(accounts.c.state, accounts.c.reason).where(accounts.c.id == account)


@once
def _parked(_: sa.Connection, number: str, account: str, now: datetime) -> sa.Executable:
    p = parks.c
    mine = sa.or_(sa.and_(p.scope == "number", p.key == number), sa.and_(p.scope == "account", p.key == account))
    return sa.select(p.reason).where(mine, p.until > now)


def _distinct(conn: sa.Connection, jumps: _Jumps) -> list[str]:
    """The values of an index's first column, one jump each: the rows behind them may be a hundred thousand."""
    first, after = jumps
    found: list[str] = []
    value = first(conn).scalar()
    while value is not None:
        found.append(value)
        value = after(conn, value).scalar()
    return found


def _jumps(column: sa.Column[str], state: str) -> _Jumps:
    @once
    def first(_: sa.Connection) -> sa.Executable:
        return sa.select(sa.func.min(column)).where(in_state(sends, state))

    @once
    def after(_: sa.Connection, value: str) -> sa.Executable:
        return sa.select(sa.func.min(column)).where(in_state(sends, state), column > value)

    return first, after


_NUMBERS = {state: _jumps(_T.number, state) for state in ("ready", "in_flight", "unknown")}
_CRMS = _jumps(_T.crm, "waiting")


# ---- the claim ---------------------------------------------------------------------------------------------------
def start(
    conn: sa.Connection, rows: Sequence[sa.Row[Any]], now: datetime, ids: Mapping[str, Any] | None = None
) -> list[Started]:
    """Compare-and-set ready -> in_flight, with the attempt written down before any request is made.

    `ids`: what WhatsApp calls the files that they carry."""
    if not rows:
        return []
    by_id = {row.id: row for row in rows}
    taken = {row.id: row for row in _start(conn, by_id, now)}
    started = [
        Started(
            r.id, taken[r.id].attempts, r.number, r.account, r.crm, r.lane, r.to, r.user_id, r.template, r.category,
            taken[r.id].body or {}, {key: ids[key].media_id for key in files(taken[r.id].body) if ids and key in ids},
        )
        for r in rows if r.id in taken
    ]  # fmt: skip
    tried = [{"send": s.id, "n": s.n, "lane": s.lane, "number": s.number, "started_at": now} for s in started]
    insert_many(conn, send_attempts, tried)
    return started


@once
def _start(conn: sa.Connection, ids: Collection[str], now: datetime) -> sa.Executable:
    query = sa.update(sends).where(among(conn, _T.id, ids), in_state(sends, "ready"))
    query = query.values(state="in_flight", started_at=now, attempts=_T.attempts + 1, code="", reason="", next_at=None)
    return query.returning(_T.id, _T.attempts, _T.body)


def move(conn: sa.Connection, moves: Sequence[Move], now: datetime, *, frm: str = "ready") -> None:
    """Compare-and-set from one state: refused, expired, or as it was with a later time; whoever waits for it hears."""
    if not moves:
        return
    b = sa.bindparam
    end = b("end", type_=_T.at.type)
    query = sa.update(sends).where(_T.id == b("i"), _T.state == frm)
    query = query.values(
        state=b("st"), code=b("c"), reason=b("r"), who=b("wh"), next_at=b("nx"),
        tell=sa.case((sa.and_(end.is_not(None), _T.crm != ""), 1), else_=_T.tell),
        label=sa.case((b("l") != "", b("l")), else_=_T.label), ended_at=sa.func.coalesce(end, _T.ended_at),
    )  # fmt: skip
    values = [
        {"i": m.id, "st": m.state, "c": m.code, "r": m.reason, "wh": m.who, "nx": m.next_at, "l": m.label,
         "end": now if m.state in ENDED else None}
        for m in sorted(moves, key=lambda m: m.id)
    ]  # fmt: skip
    conn.execute(query, values)
    totals.note_all(conn, ((totals.ENDED, m.state, "") for m in moves if m.state in ENDED))
    totals.note_all(conn, ((totals.REFUSALS, "send", m.code or m.state) for m in moves if m.state in ENDED))


def homeless(conn: sa.Connection, number: str, now: datetime) -> int:
    """Nobody has this number any more: what a document sends is made ready anew, from a number there is; how many.

    A reply has only the number that was written to: it is refused."""
    ready = sa.and_(in_state(sends, "ready"), _T.number == number)
    again = sa.and_(ready, _T.crm != "", _T.document != "", _T.priority != PRIORITIES[0])
    why = {"code": "number_missing", "reason": f"There is no number {number} to send from any more.", "who": "you"}
    moved = conn.execute(sa.update(sends).where(again).values(state="waiting", next_at=now, **why)).rowcount
    ended = {"state": "refused", "next_at": None, "ended_at": now, "tell": sa.case((_T.crm != "", 1), else_=_T.tell)}
    return moved + conn.execute(sa.update(sends).where(ready).values(**ended, **why)).rowcount


# ---- the number --------------------------------------------------------------------------------------------------
def throughput(conn: sa.Connection, number: str) -> int | None:
    """Messages a second that Meta allows this number; None = it never said."""
    return _throughput(conn, number).scalar()


@once
def _throughput(_: sa.Connection, number: str) -> sa.Executable:
    return sa.select(numbers.c.throughput).where(numbers.c.id == number)


def database_time(conn: sa.Connection) -> datetime | None:
    """What the database's clock says; None where it is this computer's own."""
    if conn.dialect.name != "postgresql":
        return None
    found = conn.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return found if isinstance(found, datetime) else None
