"""Changes: the work of `write`, one row per intended change, merged per record on the way to the CRM."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store import totals
from connector.store.among import among
from connector.store.engine import in_chunks
from connector.store.once import once
from connector.store.tables import accounts, changes, crm_links, events, in_state, plans

WRITTEN = ("SetField", "LogActivity", "CreateTask", "CompleteAction", "AttachFile")  # what the CRM writer carries out
FILE = "AttachFile"  # waits for a file, and nothing waits for it
WORKFLOW = "workflow"  # the object of a CompleteAction; its record is the callback


@dataclass(frozen=True, slots=True)
class Row:
    """One change to be written. `record` is the CRM id, "" while the contact has none."""

    seq: int
    event: str
    lane: str
    object: str
    record: str
    kind: str
    body: Mapping[str, Any]
    attempts: int
    nth: int = 0  # of its kind and event: fields that need no writing do not count

    @property
    def target(self) -> tuple[str, str]:
        """What the change is about: (object, record id), or the contact while it has no record."""
        return (self.object, self.record) if self.record else ("", self.lane)


def due(conn: sa.Connection, account: str, now: datetime, limit: int) -> list[Row]:
    """Due rows in order, from at least `limit` rows; none of a target with an earlier row in flight or not due."""
    out: list[Row] = []
    blocked: set[tuple[str, str]] = set()
    last = 0
    while True:  # rows that cannot be taken must not hide the ones behind them
        page: Sequence[Any] = _due(conn, account, last, limit).all()
        for row in page:
            item = Row(*row[:9])
            waits = row.state == "in_flight" or (row.next_at is not None and row.next_at > now)
            if item.target in blocked or waits:
                if row.kind != FILE:
                    blocked.add(item.target)
            else:
                out.append(item)
        if out or len(page) < limit:
            return out
        last = page[-1].seq


@once
def _due(_: sa.Connection, account: str, last: int, limit: int) -> sa.Executable:
    t, link = changes.c, crm_links.c
    record = sa.case((t.record != "", t.record), else_=sa.func.coalesce(link.record_id, "")).label("record")
    found = sa.case((t.record != "", t.object), else_=sa.func.coalesce(link.object, t.object)).label("object")
    joined = sa.outerjoin(changes, crm_links, sa.and_(link.contact == t.lane, link.account == t.account))
    pending = sa.and_(t.account == account, in_state(changes, "new", "in_flight"), t.kind.in_(WRITTEN))
    nth = sa.case((t.kind == "SetField", 0), else_=_nth())
    query = sa.select(
        t.seq, t.event, t.lane, found, record, t.kind, t.body, t.attempts, nth, t.state, t.next_at
    ).select_from(joined)
    return query.where(pending, t.seq > last).order_by(t.seq).limit(limit)


def _nth() -> sa.ScalarSelect[int]:
    before, t = changes.alias("before"), changes.c
    same = sa.and_(before.c.event == t.event, before.c.account == t.account, before.c.kind == t.kind)
    return sa.select(sa.func.count()).select_from(before).where(same, before.c.ordinal < t.ordinal).scalar_subquery()


def start(conn: sa.Connection, seqs: Sequence[int], now: datetime) -> set[int]:
    """Compare-and-set new -> in_flight; the ones that were ours to take."""
    return set(_start(conn, seqs, now).scalars())


@once
def _start(conn: sa.Connection, seqs: Sequence[int], now: datetime) -> sa.Executable:
    t = changes.c
    query = sa.update(changes).where(among(conn, t.seq, seqs), t.state == "new")
    return query.values(state="in_flight", started_at=now, attempts=t.attempts + 1).returning(t.seq)


def give_back(conn: sa.Connection, seqs: Sequence[int]) -> None:
    """Rows that were started and not called for, in the transaction that started them."""
    t = changes.c
    for chunk in in_chunks(list(seqs)):
        conn.execute(sa.update(changes).where(t.seq.in_(chunk)).values(state="new", attempts=t.attempts - 1))


def let_go(conn: sa.Connection, rows: Sequence[Row]) -> set[int]:
    """Of started rows without a record, those whose contact was merged or got one since are new again."""
    t, link = changes.c, crm_links.c
    lanes = {row.seq: row.lane for row in rows}
    joined = sa.outerjoin(changes, crm_links, sa.and_(link.contact == t.lane, link.account == t.account))
    moved: set[int] = set()
    for chunk in in_chunks(list(lanes)):
        query = sa.select(t.seq, t.lane, t.record, link.record_id).select_from(joined).where(t.seq.in_(chunk))
        moved |= {r.seq for r in conn.execute(query) if r.lane != lanes[r.seq] or r.record or r.record_id}
    give_back(conn, sorted(moved))
    return moved


def _end() -> sa.Update:
    t, b = changes.c, sa.bindparam
    query = sa.update(changes).where(t.seq == b("row"), t.state == "in_flight")
    return query.values(state=b("to"), outcome=b("told"), next_at=b("then"), done_at=b("ended"))


_END = _end()
_END_MINE = _END.where(changes.c.started_at == sa.bindparam("mark"))


def end(
    conn: sa.Connection, results: Mapping[int, tuple[str, Mapping[str, Any], datetime | None]], now: datetime,
    account: str = "", marks: Mapping[int, datetime] | None = None,
) -> None:  # fmt: skip
    """Stores outcomes, {seq: (state, outcome, next_at)}, in one statement: hardly two outcomes are alike.

    `new` puts a row back (another try at next_at), anything else is final. `marks`: when each was started by the
    caller. A row that another has started since is left to that one, unless it is done."""
    if not results:
        return
    rows: dict[bool, list[dict[str, Any]]] = {}
    for seq, (state, outcome, next_at) in results.items():
        row = {"row": seq, "to": state, "told": outcome, "then": next_at, "ended": None if state == "new" else now}
        marked = marks is not None and state != "done"
        rows.setdefault(marked, []).append({**row, "mark": marks[seq]} if marks is not None and marked else row)
    for marked, some in rows.items():
        conn.execute(_END_MINE if marked else _END, some)
    for state, outcome, _ in results.values():
        if state != "new":
            totals.note(conn, totals.CHANGES, account, state)
        if state in ("refused", "review"):
            totals.note(conn, totals.REFUSALS, "change", str(outcome.get("code") or state))


def renew(conn: sa.Connection, seqs: Collection[int], began: datetime, now: datetime) -> bool:
    """Rows that were started together are started anew, compare-and-set; False: some are not the caller's any more."""
    t = changes.c
    mine = sa.and_(among(conn, t.seq, seqs), t.state == "in_flight", t.started_at == began)
    return conn.execute(sa.update(changes).where(mine).values(started_at=now)).rowcount == len(seqs)


def unburn(conn: sa.Connection, seqs: Sequence[int], marks: Mapping[int, datetime] | None = None) -> None:
    """The call surely did nothing: the attempt does not count. Before `end`, so that it counts down once; `marks` as
    there."""
    t = changes.c
    together: dict[datetime | None, list[int]] = {}
    for seq in seqs:
        together.setdefault(marks[seq] if marks is not None else None, []).append(seq)
    for mark, some in together.items():
        for chunk in in_chunks(some):
            mine = sa.and_(t.seq.in_(chunk), t.state == "in_flight", t.attempts > 0)
            mine = mine if mark is None else sa.and_(mine, t.started_at == mark)
            conn.execute(sa.update(changes).where(mine).values(attempts=t.attempts - 1))


def recover(conn: sa.Connection, account: str, before: datetime, *, most: int) -> int:
    """Ownerless in_flight rows (the caller holds the account) started before then are new again; how many.

    One that was started `most` times may be what ends its writers: a person looks at it."""
    text = {"text": f"The worker ended {most} times while this was being written."}
    _give_up(conn, account, before, most, text)
    return _anew(conn, account, before).rowcount


def _stale(account: str, before: datetime) -> sa.ColumnElement[bool]:
    t = changes.c
    stale = sa.and_(t.state == "in_flight", t.started_at < before)
    return sa.and_(t.account == account, in_state(changes, "new", "in_flight"), stale)


@once
def _give_up(_: sa.Connection, account: str, before: datetime, most: int, text: Mapping[str, str]) -> sa.Executable:
    mine = sa.and_(_stale(account, before), changes.c.attempts >= most)
    return sa.update(changes).where(mine).values(state="review", outcome=text, done_at=before)


@once
def _anew(_: sa.Connection, account: str, before: datetime) -> sa.Executable:
    return sa.update(changes).where(_stale(account, before)).values(state="new", next_at=None)


def resolve_records(conn: sa.Connection, account: str, found: Mapping[str, tuple[str, str]]) -> None:
    """Puts the record id on the rows of contacts that have just got a record, {lane: (object, record id)}."""
    if not found:
        return
    t = changes.c
    pending = in_state(changes, "new", "in_flight")
    kinds = sa.or_(*(t.kind == kind for kind in WRITTEN))  # no IN: it cannot be sent for many rows at once
    mine = sa.and_(t.account == account, t.lane == sa.bindparam("l"), sa.func.length(t.record) == 0, pending, kinds)
    conn.execute(
        sa.update(changes).where(mine).values(record=sa.bindparam("r"), object=sa.bindparam("o")),
        [{"l": lane, "o": object_, "r": record} for lane, (object_, record) in found.items()],
    )


def pending_values(conn: sa.Connection, account: str, lanes: Iterable[str], records: Iterable[str]) -> list[Row]:
    """Our own changes of these lanes and records that the CRM may not show yet, in order."""
    rows: dict[int, Row] = {}
    for ask, values in ((_pending_lanes, set(lanes)), (_pending_records, set(records))):
        found: Iterable[Any] = ask(conn, account, values) if values else ()
        rows.update((row.seq, Row(*row)) for row in found)
    return [rows[seq] for seq in sorted(rows)]


@once
def _pending_lanes(conn: sa.Connection, account: str, lanes: set[str]) -> sa.Executable:
    return _pending_values(account).where(among(conn, changes.c.lane, lanes))


@once
def _pending_records(conn: sa.Connection, account: str, records: set[str]) -> sa.Executable:
    return _pending_values(account).where(among(conn, changes.c.record, records))


def _pending_values(account: str) -> sa.Select[Any]:
    t = changes.c
    query = sa.select(t.seq, t.event, t.lane, t.object, t.record, t.kind, t.body, t.attempts)
    return query.where(t.account == account, in_state(changes, "new", "in_flight"), t.kind == "SetField")


def newest(conn: sa.Connection) -> int:
    """The sequence of the newest change, 0 when there is none."""
    return int(_newest(conn).scalar() or 0)


@once
def _newest(_: sa.Connection) -> sa.Executable:
    return sa.select(sa.func.max(changes.c.seq))


def touched(conn: sa.Connection, account: str, records: Sequence[str], *, after: int) -> list[tuple[int, str]]:
    """(seq, record) of the field changes of these records that wait, or were made after `after`."""
    found = _touched(conn, account, set(records), after) if records else ()
    return [(row.seq, row.record) for row in found]


@once
def _touched(conn: sa.Connection, account: str, records: set[str], after: int) -> sa.Executable:
    t = changes.c
    recent = sa.or_(in_state(changes, "new", "in_flight"), t.seq > after)
    mine = sa.and_(t.account == account, among(conn, t.record, records), t.kind == "SetField", recent)
    return sa.select(t.seq, t.record).where(mine)


def last_written(conn: sa.Connection, account: str, record: str, field: str, *, after: int) -> Any:
    """The newest written change of a record's field behind `after`; None when there is none."""
    t = changes.c
    mine = sa.and_(t.account == account, t.record == record, t.seq > after, t.kind == "SetField", t.state == "done")
    rows = conn.execute(sa.select(t.seq, t.event, t.body).where(mine).order_by(t.seq.desc()))
    return next((row for row in rows if row.body["field"] == field), None)


def accounts_due(conn: sa.Connection, now: datetime, settled: datetime) -> list[str]:
    """Accounts with a change to write, or with a row in flight since before `settled` that may be ownerless."""
    return list(_accounts_due(conn, now, settled).scalars())


@once
def _accounts_due(_: sa.Connection, now: datetime, settled: datetime) -> sa.Executable:
    t = changes.c
    due = sa.or_(t.next_at.is_(None), t.next_at <= now)
    waits = sa.or_(sa.and_(t.state == "new", due), sa.and_(t.state == "in_flight", t.started_at < settled))
    pending = sa.and_(in_state(changes, "new", "in_flight"), t.kind.in_(WRITTEN), waits)
    any_ = sa.exists().where(t.account == accounts.c.id, pending)
    return sa.select(accounts.c.id).where(any_)


def of_event(conn: sa.Connection, event: str) -> Sequence[sa.Row[Any]]:
    """The changes of one event in the order of the plan."""
    query = sa.select(changes).where(changes.c.event == event).order_by(changes.c.account, changes.c.ordinal)
    return conn.execute(query).all()


def of_events(conn: sa.Connection, account: str, ids: Sequence[str]) -> dict[str, list[Any]]:
    """{event: (ordinal, kind, body, state) of its changes in this account, in order}."""
    t = changes.c
    found: dict[str, list[Any]] = {}
    for chunk in in_chunks(list(ids)):
        query = sa.select(t.event, t.ordinal, t.kind, t.body, t.state).where(t.event.in_(chunk), t.account == account)
        for row in conn.execute(query.order_by(t.ordinal)):
            found.setdefault(row.event, []).append(row)
    return found


def dismiss(conn: sa.Connection, event: str, now: datetime) -> int:
    """A person says that nothing more is to be done: what is in review, and dead plans, are refused; how many."""
    mine = sa.and_(changes.c.event == event, changes.c.state == "review")
    done = conn.execute(sa.update(changes).where(mine).values(state="refused", done_at=now)).rowcount
    dead = sa.and_(plans.c.event == event, plans.c.state == "dead")
    done += conn.execute(sa.update(plans).where(dead).values(state="done", done_at=now)).rowcount
    lost = sa.and_(events.c.id == event, events.c.state == "dead")
    return done + conn.execute(sa.update(events).where(lost).values(state="done")).rowcount
