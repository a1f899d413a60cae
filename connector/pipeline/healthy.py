"""The page of Health: counts, lags with their reasons, the last 48 hours, refusals, limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.pipeline import activity
from connector.pipeline.activity import Line
from connector.store import counters, doctor, findings, health, states
from connector.store.health import Lag


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """`counts`: deliveries, events = done + waiting + review + refused, exact at this moment."""

    counts: Mapping[str, int]
    lags: list[Lag]
    oldest: list[Line]  # what waits longest at each stage, with its reason
    hours: list[tuple[datetime, dict[str, int]]]  # the last 48, oldest first: {in, out, status, other}
    refusals: list[dict[str, Any]]  # of 24 h: what code reason who n
    limits: Mapping[str, list[Any]]  # numbers, accounts, parks
    counters: Mapping[str, int]  # refused calls and the like
    findings: list[dict[str, Any]]  # what doctor was told: code count examples hint; not its slow invariants


def load(conn: Any, names: Mapping[str, str], now: datetime) -> Health:
    """All of it."""
    found = health.lags(conn, now)
    rows = health.oldest_waiting(conn, found)
    words = states.words(conn, {row.id: row.state for row in rows})
    return Health(
        counts=doctor.counts(conn), lags=found, oldest=activity.shape(conn, rows, words, names, now),
        hours=health.hours(conn, now), refusals=health.refusals(conn, now), limits=health.limits(conn, now),
        counters=counters.read(conn), findings=findings.summed(conn),
    )  # fmt: skip
