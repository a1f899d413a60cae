"""Alarms and the calls that tell of them: rows first, calls later; what they are judged by."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.core.alarms import Alarm, Ringing, Steps
from connector.ids import new_id
from connector.store.bulk import insert_many
from connector.store.once import once
from connector.store.tables import alarm_calls, alarms

KEPT = timedelta(days=90)  # how long ended alarms are remembered
_A, _C = alarms.c, alarm_calls.c
_OPEN = _A.resolved_at.is_(None)


def known(conn: sa.Connection) -> list[Ringing]:
    """Those that have not ended."""
    rows = conn.execute(sa.select(alarms).where(_OPEN).order_by(_A.at))
    return [Ringing(r.id, Alarm(r.code, r.key, r.message, r.hint), r.told_at) for r in rows]


def ringing(conn: sa.Connection) -> dict[str, int]:
    """{code: how many ring}."""
    query = sa.select(_A.code, sa.func.count()).where(_OPEN).group_by(_A.code)
    return {code: int(n) for code, n in conn.execute(query)}


def listing(conn: sa.Connection, limit: int = 100) -> Sequence[Any]:
    """What rings, then what ended, newest first; each with how its last call went (`target`, `call`, `outcome`)."""
    every = alarm_calls.alias()
    newest = sa.select(sa.func.max(every.c.id)).where(every.c.alarm == _A.id).correlate(alarms).scalar_subquery()
    call = [_C.target, _C.state.label("call"), _C.outcome, _C.attempts]
    query = sa.select(alarms, *call).select_from(alarms).outerjoin(alarm_calls, _C.id == newest)
    return conn.execute(query.order_by(_A.resolved_at.is_not(None), _A.at.desc()).limit(limit)).all()


def take(conn: sa.Connection, steps: Steps, targets: Sequence[str], now: datetime) -> int:
    """Stores what changed, with a call to each target; how many calls. Two lookers cannot raise one alarm twice."""
    calls = []
    for alarm in steps.raised:
        row = {"id": new_id(), "code": alarm.code, "key": alarm.key, "message": alarm.message, "hint": alarm.hint}
        made = insert_many(conn, alarms, [row | {"at": now, "told_at": now}], ignore_conflicts=True, returning=["id"])
        calls += _calls("raised", str(row["id"]), alarm, targets, now) if made else []
    for one, alarm in steps.repeated:
        mine = sa.and_(_A.id == one.id, _OPEN, _A.told_at == one.told_at)
        step = sa.update(alarms).where(mine).values(told_at=now, message=alarm.message, hint=alarm.hint)
        if conn.execute(step).rowcount == 1:
            calls += _calls("repeated", one.id, alarm, targets, now)
    for one in steps.resolved:
        over = sa.update(alarms).where(_A.id == one.id, _OPEN).values(resolved_at=now)
        if conn.execute(over).rowcount == 1:
            calls += _calls("resolved", one.id, one.alarm, targets, now)
    insert_many(conn, alarm_calls, calls)
    return len(calls)


def try_out(conn: sa.Connection, targets: Sequence[str], now: datetime) -> list[str]:
    """A call to each target that only says that it works; their ids."""
    alarm = Alarm("test", "", "This is a test: alarms of the connector arrive here.")
    rows = _calls("test", None, alarm, targets, now)
    insert_many(conn, alarm_calls, rows)
    return [str(row["id"]) for row in rows]


def _calls(what: str, id_: str | None, alarm: Alarm, targets: Sequence[str], now: datetime) -> list[dict[str, Any]]:
    body = {"code": alarm.code, "key": alarm.key, "message": alarm.message, "hint": alarm.hint}
    return [
        {"id": new_id(), "alarm": id_, "target": target, "what": what, "body": body, "next_at": now, "at": now}
        for target in targets
    ]


# ---- calls -------------------------------------------------------------------------------------------------------
def due(conn: sa.Connection, now: datetime, limit: int) -> Sequence[Any]:
    """Calls whose time has come, oldest first."""
    return _due(conn, now, limit).all()


@once
def _due(_: sa.Connection, now: datetime, limit: int) -> sa.Executable:
    waits = sa.and_(sa.literal_column("state = 'new'"), _C.next_at <= now)
    return sa.select(alarm_calls).where(waits).order_by(_C.next_at).limit(limit)


def begin(conn: sa.Connection, id_: str, attempts: int, until: datetime) -> bool:
    """Counts an attempt before it is made; True for the one process that makes it."""
    mine = sa.and_(_C.id == id_, _C.state == "new", _C.attempts == attempts)
    return conn.execute(sa.update(alarm_calls).where(mine).values(attempts=attempts + 1, next_at=until)).rowcount == 1


def end(conn: sa.Connection, id_: str, state: str, outcome: str, next_at: datetime | None) -> None:
    """What it came to: done, failed, or new again at `next_at`."""
    step = sa.update(alarm_calls).where(_C.id == id_, _C.state == "new")
    conn.execute(step.values(state=state, outcome=outcome[:300], next_at=next_at))


def call(conn: sa.Connection, id_: str) -> Any:
    """One call as it stands."""
    return conn.execute(sa.select(alarm_calls).where(_C.id == id_)).one()


def prune(conn: sa.Connection, now: datetime) -> None:
    """What ended long ago."""
    conn.execute(sa.delete(alarm_calls).where(_C.at < now - KEPT, _C.state != "new"))
    conn.execute(sa.delete(alarms).where(_A.resolved_at < now - KEPT))
