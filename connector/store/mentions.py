"""Wherever else a person is named: every table is looked through once, a window at a time, without holding a lock."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.core import redact
from connector.core.events import DeliveryStatus, Noted, Unrecognised
from connector.store import audit_chain, blanking
from connector.store.broadcasts import PEOPLE
from connector.store.family import Family
from connector.store.tables import (
    Json,
    alarm_calls,
    alarms,
    audit,
    broadcasts,
    changes,
    consents,
    contact_keys,
    conversations,
    deliveries,
    events,
    findings,
    holds,
    media,
    parks,
    plans,
    record_values,
    send_attempts,
    sends,
    shadows,
    snapshots,
    statuses,
    tasks,
)
from connector.store.veil import Veil

WINDOW = 2000  # rows one query looks through; of bodies that may be large, a tenth
OWNERLESS = (Noted.kind, Unrecognised.kind, DeliveryStatus.kind)  # kinds that may be theirs though no contact had them
VEILED = frozenset({"dedupe_key", "event", "cause", "wamid"})  # columns others look things up by
Columns = Sequence[sa.Column[Any]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where to look: these columns; `since` is the column that tells rows of the time after the erasure."""

    table: sa.Table
    columns: Columns
    since: sa.Column[Any] | None = None
    window: int = WINDOW
    whole: bool = False  # few rows, or a first key column that many share: one query looks through all


def _place(table: sa.Table, *names: str, since: str = "", window: int = WINDOW, whole: bool = False) -> Place:
    return Place(table, [table.c[n] for n in names], table.c[since] if since else None, window, whole)


PLACES: Mapping[str, Place] = {
    place.table.name: place
    for place in (
        _place(deliveries, "body", "headers", "error", since="received_at", window=WINDOW // 10),
        _place(events, "payload", "dedupe_key", "error", since="received_at"),
        _place(plans, "body", "error"),
        _place(changes, "body", "outcome"),
        _place(sends, "to", "user_id", "body", "buttons", "context", "cause", "reason", "person", since="at"),
        _place(send_attempts, "code", "text", since="started_at"),
        _place(statuses, "wamid", "event"),
        _place(consents, "evidence", "event"),
        _place(shadows, "body", since="at"),
        _place(conversations, "state", "reason", since="started_at"),
        _place(holds, "text", since="at"),
        _place(broadcasts, "forecast", since="at", whole=True),
        _place(media, "name", "reason", "url", since="at"),
        _place(audit, "who", "object", "detail", since="at"),
        _place(tasks, "args", "result", "error", "cursor", since="at", whole=True),
        _place(findings, "key", "message", "hint", since="at", whole=True),
        _place(alarms, "key", "message", "hint", since="at", whole=True),
        _place(alarm_calls, "body", "outcome", since="at", whole=True),
        _place(snapshots, "body", whole=True),
        _place(parks, "key", "reason", whole=True),
        _place(record_values, "value", since="at", whole=True),
        _place(contact_keys, "value", since="at", whole=True),
    )
}
DELETED = frozenset({"snapshots", "contact_keys"})  # made anew by themselves; a hint to somebody who is gone


def look(
    conn: sa.Connection, name: str, ids: Sequence[str], at: datetime, after: Any
) -> tuple[list[sa.Row[Any]], Any, int]:
    """(rows that name the person, where the next window begins or None at the end, rows looked through)."""
    place = PLACES[name]
    first = next(iter(place.table.primary_key.columns))
    rows = sa.select(place.table).where(sa.or_(*(_holds(conn, c, i) for c in place.columns for i in ids)))
    if place.since is not None:
        rows = rows.where(place.since <= at)
    if place.whole:
        return list(conn.execute(rows)), None, 0
    begins = sa.select(first) if after is None else sa.select(first).where(first > after)
    end = conn.execute(begins.order_by(first).offset(place.window - 1).limit(1)).scalar()
    rows = rows if after is None else rows.where(first > after)
    rows = rows if end is None else rows.where(first <= end)
    return list(conn.execute(rows)), end, place.window


def _holds(conn: sa.Connection, column: sa.Column[Any], id: str) -> sa.ColumnElement[bool]:
    if isinstance(column.type, sa.LargeBinary):
        given = sa.literal(id.encode(), sa.LargeBinary)
        if conn.dialect.name == "postgresql":
            return sa.func.position(given.op("IN")(column)) > 0
        return sa.func.instr(column, given) > 0
    find = sa.func.strpos if conn.dialect.name == "postgresql" else sa.func.instr
    return find(sa.type_coerce(column, sa.Text), id) > 0


def count(conn: sa.Connection) -> int:
    """How many rows there are to look through."""
    windows = [place.table for place in PLACES.values() if not place.whole]
    return sum(conn.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in windows)


# ---- what is done about it ---------------------------------------------------------------------------------------
def mend(conn: sa.Connection, name: str, rows: Sequence[sa.Row[Any]], family: Family, veil: Veil) -> dict[str, int]:
    """These rows without the person; they are read again here, under the write's own eyes."""
    table = PLACES[name].table
    keys = list(table.primary_key.columns)
    done: dict[str, int] = {}
    for seen in rows:
        mine = sa.and_(*(key == getattr(seen, key.name) for key in keys))
        row = conn.execute(sa.select(table).where(mine).with_for_update()).first()
        if row is None:
            continue
        for place, n in MENDERS.get(name, _scrubbed)(conn, table, mine, row, family, veil).items():
            done[place] = done.get(place, 0) + n
    return done


Mender = Callable[[sa.Connection, sa.Table, sa.ColumnElement[bool], Any, Family, Veil], dict[str, int]]


def _scrubbed(
    conn: sa.Connection, table: sa.Table, mine: sa.ColumnElement[bool], row: Any, family: Family, veil: Veil
) -> dict[str, int]:
    """[erased] where the person stood; ids of messages and events are veiled as a whole."""
    named = redact.pattern(family.ids)
    if named is None:
        return {}
    if table.name in DELETED:
        return {table.name: conn.execute(sa.delete(table).where(mine)).rowcount}
    values = {}
    for column in PLACES[table.name].columns:
        old = getattr(row, column.name)
        new = _without(column, old, named, veil)
        if new != old:
            values[column.name] = new
    return {table.name: conn.execute(sa.update(table).where(mine).values(**values)).rowcount} if values else {}


def _without(column: sa.Column[Any], old: Any, named: Any, veil: Veil) -> Any:
    if old is None or isinstance(old, bytes):
        return old
    if column.name in VEILED:
        return veil.key(old) if named.search(old) else old
    if column.table.name == "sends" and column.name in ("to", "user_id"):
        return "" if named.search(old) else old
    return redact.scrub(old, named) if isinstance(column.type, Json | sa.Text) else old


def _delivery(
    conn: sa.Connection, table: sa.Table, mine: sa.ColumnElement[bool], row: Any, family: Family, veil: Veil
) -> dict[str, int]:
    """What is not unpacked yet is left: unpacking knows who was erased, and must see what came after."""
    if row.state == "new":
        return {}
    done = blanking.redact_delivery(conn, row, family.traces(row.account))
    rest = _scrubbed(conn, table, mine, conn.execute(sa.select(table).where(mine)).one(), family, veil)
    return {table.name: 1} if done or rest else {}


def _event(
    conn: sa.Connection, table: sa.Table, mine: sa.ColumnElement[bool], row: Any, family: Family, veil: Veil
) -> dict[str, int]:
    """Theirs, though no contact had it: as their own rows. Somebody else's: only the name goes."""
    if is_theirs(row, family):
        return blanking.blank(conn, [row], family, veil)
    if row.lane is None and row.kind in OWNERLESS:
        _, payload = redact.cut(row.payload, family.traces(row.account))
        conn.execute(sa.update(table).where(mine).values(payload=payload))
        row = conn.execute(sa.select(table).where(mine)).one()
        return {"events": 1} | _scrubbed(conn, table, mine, row, family, veil)
    return _scrubbed(conn, table, mine, row, family, veil)


def _audited(
    conn: sa.Connection, table: sa.Table, mine: sa.ColumnElement[bool], row: Any, family: Family, veil: Veil
) -> dict[str, int]:
    """A line of the audit log: its chain is told, at the line's own time, so that it says nothing about anybody."""
    named = redact.pattern(family.ids)
    if named is None:
        return {}
    new = {c.name: _without(c, getattr(row, c.name), named, veil) for c in PLACES[table.name].columns}
    values = {name: value for name, value in new.items() if value != getattr(row, name)}
    return {table.name: audit_chain.blanked(conn, mine, row, values, row.at)} if values else {}


def _forecast(
    conn: sa.Connection, table: sa.Table, mine: sa.ColumnElement[bool], row: Any, family: Family, veil: Veil
) -> dict[str, int]:
    """It names people beside their phones: all its examples go, the counts stay."""
    del veil
    named = redact.pattern(family.ids)
    told = {name: value for name, value in (row.forecast or {}).items() if name not in PEOPLE}
    told = redact.scrub(told, named) if named is not None else told
    return {table.name: conn.execute(sa.update(table).where(mine).values(forecast=told or None)).rowcount}


def is_theirs(row: Any, family: Family) -> bool:
    """An event that no contact had, and that is this person's as a whole."""
    if row.lane is not None or row.kind not in OWNERLESS:
        return False
    whole, payload = redact.cut(row.payload, family.traces(row.account))
    return whole or bool(row.payload.get("raw") and not payload.get("raw"))


MENDERS: Mapping[str, Mender] = {
    "deliveries": _delivery, "events": _event, "broadcasts": _forecast, "audit": _audited,
}  # fmt: skip
