"""The page of Health: counts, lags with their reasons, the last 48 hours, refusals, limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.pipeline.views import activity
from connector.pipeline.views.activity import Line
from connector.store import alarms, chores, counters, counts, findings, health, snapshots, states
from connector.store.health import Lag

DOCTOR, DEEP = "doctor", "deep"  # the snapshots


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """`counts`: deliveries, events = done + waiting + review + refused, of this moment; refused (and done with it) of
    `counted_at`, where that is not None."""

    counts: Mapping[str, int]
    counted_at: datetime | None
    lags: list[Lag]
    oldest: list[Line]  # what waits longest at each stage, with its reason
    hours: list[tuple[datetime, dict[str, int]]]  # the last 48, oldest first: {in, out, status, other}
    bad_hours: Mapping[datetime, Mapping[str, int]]  # {hour: {review, refused}} of the same 48, of the same time
    refusals: list[dict[str, Any]]  # of 24 h: what code reason who n
    limits: Mapping[str, list[Any]]  # numbers, accounts, parks
    counters: Mapping[str, int]  # refused calls and the like
    findings: list[dict[str, Any]]  # what doctor was told: code count examples hint; not its slow invariants
    alarms: list[Any]  # that ring: code message hint at
    chored_at: datetime | None  # when a chore was last begun; None = never


def around(conn: Any) -> tuple[dict[str, Any], datetime] | None:
    """What the doctor's long look last found, {ok, findings}, and when."""
    return snapshots.get(conn, DEEP)


def checkup(conn: Any) -> tuple[dict[str, Any], datetime] | None:
    """What the doctor last found, {ok, findings, counts}, and when; None before its first time."""
    return snapshots.get(conn, DOCTOR)


def load(conn: Any, names: Mapping[str, str], now: datetime) -> Health:
    """All of it."""
    found = health.lags(conn, now)
    rows = health.oldest_waiting(conn, found)
    words = states.words(conn, {row.id: row.state for row in rows})
    told, counted_at = counts.last_counts(conn)
    return Health(
        counts=told, counted_at=counted_at, lags=found, oldest=activity.shape(conn, rows, words, names, now),
        hours=health.hours(conn, now), refusals=health.refusals(conn, now), limits=health.limits(conn, now),
        bad_hours=health.last_bad_hours(conn, now), counters=counters.read(conn), findings=findings.summed(conn),
        chored_at=chores.last(conn), alarms=[row for row in alarms.listing(conn) if row.resolved_at is None],
    )  # fmt: skip
