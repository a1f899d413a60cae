"""What /metrics tells, asked anew at each scrape: by indexes, kept sums and bounded counts, never counting history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store import alarms, backup_notes, chores, counters, health, snapshots, tallies, totals
from connector.store.health import Lag
from connector.store.migrations import run
from connector.store.tables import accounts, changes, deliveries, findings, in_state, numbers, plans, sends, templates

MOST = 10_000  # rows that are counted; more are told as so many
USAGE = "usage:"  # and the account's id: the snapshot {limit: [used, allowed]} of a CRM, as its answers last said
OPEN = ("waiting", "ready", "in_flight", "unknown")  # sends that have not ended
_P, _C, _S = plans.c, changes.c, sends.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """One moment of one deployment."""

    names: Mapping[str, str]  # account id -> name
    kinds: Mapping[str, str]  # account id -> kind
    states: Mapping[str, str]  # account id -> ok paused needs_person
    lags: Sequence[Lag]
    waiting: Mapping[str, int]  # stage -> rows, at most MOST
    open_sends: Mapping[str, int]  # state -> rows, at most MOST
    totals: Sequence[Any]  # (name, a, b, n)
    events: int
    deliveries: int
    refused_calls: Mapping[str, int]
    numbers: Sequence[Any]
    usage: Mapping[str, Mapping[str, Sequence[int]]]  # account id -> limit -> (used, allowed)
    findings: Mapping[str, int]
    broken: Mapping[str, int]  # invariants, as the doctor last found them
    alarms: Mapping[str, int]
    templates: Mapping[str, int]  # status -> templates
    backup: datetime | None
    chored_at: datetime | None
    bytes: int
    schema: str


def load(conn: sa.Connection, now: datetime) -> Measures:
    """All of it, in one read."""
    a = accounts.c
    known = conn.execute(sa.select(a.id, a.name, a.kind, a.state).where(a.kind != "link")).all()
    doctor, usage = _kept(conn)
    sums = tallies_of(conn)
    return Measures(
        names={row.id: row.name for row in known}, kinds={row.id: row.kind for row in known},
        states={row.id: row.state for row in known}, lags=health.lags(conn, now), waiting=waiting(conn, now),
        open_sends={state: _count(conn, sa.select(_S.id).where(in_state(sends, state))) for state in OPEN},
        totals=totals.read(conn), events=sums["events"], deliveries=sums["deliveries"],
        refused_calls=counters.read(conn), numbers=conn.execute(sa.select(numbers)).all(), usage=usage,
        findings=_by(conn, findings.c.code), broken=doctor, alarms=alarms.ringing(conn),
        templates=_by(conn, templates.c.status), backup=backup_notes.last_good(conn), chored_at=chores.last(conn),
        bytes=size(conn), schema=str(conn.execute(sa.select(run.VERSION.c.version_num)).scalar() or ""),
    )  # fmt: skip


def waiting(conn: sa.Connection, now: datetime) -> dict[str, int]:
    """{stage: rows that wait and whose time has come}, each from its partial index."""
    plan_due = sa.or_(_P.next_at.is_(None), _P.next_at <= now)
    change_due = sa.or_(_C.next_at.is_(None), _C.next_at <= now)
    plan = sa.select(_P.event).where(in_state(plans, "new"), plan_due)
    queries = {
        "unpack": sa.select(deliveries.c.seq).where(in_state(deliveries, "new")),
        "handle": plan.where(_P.journey == "reply"),
        "trigger": plan.where(_P.journey == "trigger"),
        "write": sa.select(_C.seq).where(in_state(changes, "new", "in_flight"), change_due),
        "send": sa.select(_S.id).where(in_state(sends, "ready"), _S.next_at <= now),
        "tell": sa.select(_S.id).where(sa.literal_column("tell = 1")),
    }
    return {stage: _count(conn, query) for stage, query in queries.items()}


def _count(conn: sa.Connection, query: sa.Select[Any]) -> int:
    some = query.limit(MOST).subquery()
    return int(conn.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())


def _by(conn: sa.Connection, column: sa.Column[Any]) -> dict[str, int]:
    query = sa.select(column, sa.func.count()).group_by(column)
    return {str(name): int(n) for name, n in conn.execute(query)}


def _kept(conn: sa.Connection) -> tuple[dict[str, int], dict[str, dict[str, Sequence[int]]]]:
    """What chores and workers last found: broken invariants, and the CRMs' limits."""
    from connector.store.doctor import INVARIANTS

    doctor = snapshots.get(conn, "doctor")
    found = doctor[0]["findings"] if doctor else ()
    broken = {one["code"]: int(one["count"]) for one in found if one["code"] in INVARIANTS}
    usage = {name.removeprefix(USAGE): body for name, body in snapshots.beginning(conn, USAGE).items()}
    return broken, usage


def tallies_of(conn: sa.Connection) -> dict[str, int]:
    """{"events", "deliveries": how many there are}."""
    found = {}
    for part in tallies.parts(conn):
        row = conn.execute(sa.select(part.kept.label("kept"), part.behind.label("behind"))).one()
        found[part.name] = int((row.kept or 0) + row.behind)
    return found


def size(conn: sa.Connection) -> int:
    """Bytes of the database."""
    if conn.dialect.name == "postgresql":
        return int(conn.execute(sa.text("SELECT pg_database_size(current_database())")).scalar_one())
    pages = int(conn.exec_driver_sql("PRAGMA page_count").scalar_one())
    return pages * int(conn.exec_driver_sql("PRAGMA page_size").scalar_one())
