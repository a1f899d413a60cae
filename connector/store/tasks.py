"""Tasks: long or slow work that a person asks for and a worker does; another goes on with what a dead one leaves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.errors import Rejected
from connector.ids import new_id
from connector.store.bulk import insert_many
from connector.store.once import once
from connector.store.secrets import Keyring
from connector.store.tables import in_state, tasks

_T = tasks.c
DEAD = timedelta(seconds=60)  # without a sign of life: the worker is gone
MOST = 100  # open tasks of one author: workers do little at once, and others wait behind them
KEPT = timedelta(days=30)  # that a task is remembered after its end
SEALED = "secrets_sealed"  # the argument that holds what a form's secrets were encrypted to
LARGE = "text"  # the argument that may hold a whole file
ENDED = ("done", "failed", "cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One row. In a listing `result` and `cursor` are None: they may be large."""

    id: str
    kind: str
    args: Mapping[str, Any]
    state: str  # new running paused done failed cancelled
    done: int
    total: int
    at: datetime  # when it was asked for
    result: Any = None
    author: str
    wish: str  # what a person wants of it while it runs: pause cancel
    error: str
    started_at: datetime | None  # moved on by every rest, so that beat_at - started_at is the time it was worked on
    beat_at: datetime | None
    ended_at: datetime | None
    cursor: Any = None
    attempts: int  # starts since it last got on

    @property
    def rate(self) -> float | None:
        """Rows a second; None while that cannot be told."""
        if self.started_at is None or self.beat_at is None or not self.done:
            return None
        seconds = (self.beat_at - self.started_at).total_seconds()
        return self.done / seconds if seconds > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """How long it takes from here; None while that cannot be told."""
        rate = self.rate
        return max(0, self.total - self.done) / rate if rate and self.total and self.state not in ENDED else None

    def as_json(self) -> dict[str, Any]:
        """What a page or a program is told; its arguments and its cursor are nobody's business."""
        names = ("id", "kind", "state", "wish", "done", "total", "rate", "seconds_left", "author", "error", "result")
        times = ("at", "started_at", "beat_at", "ended_at")
        told = {name: at.isoformat() if (at := getattr(self, name)) else None for name in times}
        return {name: getattr(self, name) for name in names} | told


# ---- asked for ---------------------------------------------------------------------------------------------------
def add(
    conn: sa.Connection,
    kind: str,
    args: Mapping[str, Any],
    author: str,
    now: datetime,
    *,
    keyring: Keyring | None = None,
    secrets: Mapping[str, str] | None = None,
) -> str:
    """A new task; its id. Raises Rejected when its author has too many open; ring `task` after the commit.

    `secrets` are kept encrypted, for this task only."""
    waiting = sa.select(_T.id).where(in_state(tasks, "new", "running", "paused"), _T.author == author)
    if len(conn.execute(waiting.limit(MOST)).all()) >= MOST:
        raise Rejected(f"{MOST} tasks of yours wait already.", hint="Let some end, or cancel them.", code="many_tasks")
    id_ = new_id()
    given = dict(args)
    if secrets is not None:
        assert keyring is not None
        given[SEALED] = keyring.encrypt(dict(secrets), _place(id_))
    insert_many(conn, tasks, [{"id": id_, "kind": kind, "args": given, "state": "new", "at": now, "author": author}])
    return id_


def unsealed(keyring: Keyring, task: Task) -> dict[str, str]:
    """The secrets that came with a task. Raises NotAllowed when our keys do not open them."""
    sealed = task.args.get(SEALED)
    return dict(keyring.decrypt(sealed, _place(task.id))) if sealed else {}


def _place(id_: str) -> str:
    return f"{id_}:task"


def get(conn: sa.Connection, id_: str) -> Task | None:
    """All of one task."""
    row = conn.execute(sa.select(tasks).where(_T.id == id_)).first()
    return None if row is None else _task(row)


def list_(conn: sa.Connection, *, kinds: Sequence[str] = (), open_: bool = False, limit: int = 100) -> list[Task]:
    """Newest first, without results; `open_` leaves out what has ended."""
    query = sa.select(*(c for c in _T if c.name not in ("result", "cursor")))
    if kinds:
        query = query.where(_T.kind.in_(list(kinds)))
    if open_:
        query = query.where(_T.state.not_in(ENDED))
    return [_task(row) for row in conn.execute(query.order_by(_T.at.desc(), _T.id.desc()).limit(limit))]


def wish(conn: sa.Connection, id_: str, what: str, now: datetime) -> bool:
    """pause, resume or cancel; True when the task was in a state for it. A running one obeys at its next row.

    resume also takes up a failed task that can go on from where it came to."""
    row = conn.execute(sa.select(tasks).where(_T.id == id_).with_for_update()).first()
    if row is None:
        return False
    values = _wished(_task(row), what, now)
    if values is None:
        return False
    conn.execute(sa.update(tasks).where(_T.id == id_).values(**values))
    return True


def _wished(task: Task, what: str, now: datetime) -> dict[str, Any] | None:
    """What changes; None when it is too late for that, or too early."""
    if what == "cancel" and task.state in ("new", "paused"):
        return _end(task, "cancelled", now)
    if what == "pause" and task.state == "new":
        return {"state": "paused"}
    if what in ("cancel", "pause") and task.state == "running":
        return None if task.wish == "cancel" else {"wish": what}
    if what == "resume" and task.state == "running" and task.wish == "pause":
        return {"wish": ""}
    if what == "resume" and (task.state == "paused" or (task.state == "failed" and task.cursor is not None)):
        return {"state": "new", "error": "", "ended_at": None, "attempts": 0}
    return None


# ---- worked ------------------------------------------------------------------------------------------------------
def _claimable(silent: datetime) -> sa.ColumnElement[bool]:
    """New, or without a sign of life since then."""
    dead = sa.or_(_T.beat_at.is_(None), _T.beat_at < silent)
    return sa.and_(in_state(tasks, "new", "running"), sa.or_(_T.state == "new", dead))


def due(conn: sa.Connection, now: datetime) -> bool:
    """Something waits for a worker."""
    return bool(_due(conn, now - DEAD).scalar())


@once
def _due(_: sa.Connection, silent: datetime) -> sa.Executable:
    return sa.select(sa.exists().where(_claimable(silent)))


def claimable(conn: sa.Connection, now: datetime, limit: int = 20) -> list[Task]:
    """What waits for a worker: never begun ones, oldest first; then those that gave way or lost theirs, by turns."""
    turn = sa.func.coalesce(sa.type_coerce(_T.beat_at, sa.BigInteger), 0)
    query = sa.select(tasks).where(_claimable(now - DEAD)).order_by(turn, _T.at, _T.id).limit(limit)
    return [_task(row) for row in conn.execute(query)]


def claim(conn: sa.Connection, task: Task, now: datetime) -> Task | None:
    """The task for the one worker that gets it, None for all others."""
    started = now if task.started_at is None or task.beat_at is None else task.started_at + (now - task.beat_at)
    mine = sa.and_(_T.id == task.id, _T.state == task.state, _T.beat_at.is_not_distinct_from(task.beat_at))
    values = {"state": "running", "started_at": started, "beat_at": now, "attempts": task.attempts + 1}
    row = conn.execute(sa.update(tasks).where(mine).values(**values).returning(tasks)).first()
    return None if row is None else _task(row)


def _mine(task: Task) -> sa.ColumnElement[bool]:
    """The row is as its owner left it: nobody has taken the task over."""
    return sa.and_(_T.id == task.id, _T.state == "running", _T.beat_at == task.beat_at)


def beat(conn: sa.Connection, task: Task, now: datetime, done: int, total: int, cursor: Any = None) -> Task | None:
    """A sign of life, and how far it came (`cursor` None: as it was); the task with its wish, None when it was lost."""
    values: dict[str, Any] = {"beat_at": now, "done": done, "total": total}
    if cursor is not None:
        values |= {"cursor": cursor, "attempts": 0}
    row = conn.execute(sa.update(tasks).where(_mine(task)).values(**values).returning(tasks)).first()
    return None if row is None else _task(row)


def rest(conn: sa.Connection, task: Task, state: str, now: datetime) -> None:
    """Lets it go for now: `paused`, or `new` for whoever goes on; a wish that has just come is honoured."""
    wished = conn.execute(sa.select(_T.wish).where(_mine(task)).with_for_update()).scalar()
    if wished == "cancel":
        end(conn, task, "cancelled", now)
        return
    state = "paused" if wished == "pause" else state
    conn.execute(sa.update(tasks).where(_mine(task)).values(state=state, wish="", attempts=0))


def end(conn: sa.Connection, task: Task, state: str, now: datetime, *, result: Any = None, error: str = "") -> bool:
    """done, failed or cancelled, by the worker that has it; False when it was lost to another."""
    values = _end(task, state, now) | {"result": result, "error": error, "beat_at": now}
    return conn.execute(sa.update(tasks).where(_mine(task)).values(**values)).rowcount == 1


def _end(task: Task, state: str, now: datetime) -> dict[str, Any]:
    """Secrets go; a file goes too, unless the task may be resumed."""
    gone = (SEALED,) if state == "failed" and task.cursor is not None else (SEALED, LARGE)
    kept = {name: value for name, value in task.args.items() if name not in gone}
    return {"state": state, "wish": "", "ended_at": now, "args": kept}


def prune(conn: sa.Connection, now: datetime) -> int:
    """Forgets what ended long ago; how many."""
    old = sa.and_(_T.at < now - KEPT, _T.ended_at < now - KEPT)
    return conn.execute(sa.delete(tasks).where(old)).rowcount


_NAMES = tuple(field.name for field in fields(Task))


def _task(row: Any) -> Task:
    given = row._mapping
    values = {name: given[name] for name in _NAMES if name in given}
    return Task(**values | {"args": given["args"] or {}})
