"""Claiming work with a million events of history, beside ten thousand: partial indexes keep the cost flat."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from connector.store import changes, deliveries, plans
from connector.store.engine import Store, open_store, upgrade
from tests.bench import servers
from tests.bench.report import Result, Row

SMALL, LARGE = 10_000, 1_000_000
PART = 100_000  # rows of one statement: our connections end one that takes 30 s
WAITING = 100  # rows of each kind that wait
TRIES = 60
NUMBERS = {
    "sqlite": "(WITH RECURSIVE s(n) AS (SELECT {0} UNION ALL SELECT n + 1 FROM s WHERE n < {1}) SELECT n FROM s)",
    "postgresql": "(SELECT n FROM generate_series({0}, {1}) AS s(n))",
}
ROWS = (  # what one handled reply leaves behind
    "INSERT INTO deliveries (id, account, received_at, headers, body, state) "
    "SELECT 'd' || n, 'shop', 1795442531000 + n, '{{}}', {blob}, '{delivery}' FROM {numbers} AS x",
    "INSERT INTO events (id, delivery, account, dedupe_key, lane, kind, payload, received_at, state) "
    "SELECT 'e' || n, 'd' || n, 'shop', 'wamid.' || n, 'c' || (n - n / 5000 * 5000), 'InboundMessage', "
    '\'{{"id":"x"}}\', '
    "1795442531000 + n, '{event}' FROM {numbers} AS x",
    "INSERT INTO plans (event, account, event_seq, lane, state, attempts, body) "
    "SELECT 'e' || n, 'crm', n, 'c' || (n - n / 5000 * 5000), '{plan}', 0, '[]' FROM {numbers} AS x",
    "INSERT INTO changes (event, account, ordinal, lane, object, record, kind, body, state, attempts) "
    "SELECT 'e' || n, 'crm', 0, 'c' || (n - n / 5000 * 5000), 'contacts', '' || (n - n / 5000 * 5000), 'SetField', "
    '\'{{"field":"a","value":1}}\', '
    "'{change}', 0 FROM {numbers} AS x",
)
DONE = {"delivery": "unpacked", "event": "done", "plan": "done", "change": "done"}
NEW = {"delivery": "new", "event": "new", "plan": "new", "change": "new"}
BLOB = {"sqlite": "zeroblob(64)", "postgresql": "decode(repeat('00', 64), 'hex')"}


def run() -> Result:
    """Both databases; the two histories stand side by side and take turns."""
    rows: list[Row] = []
    rounds: dict[str, Any] = {}
    for name, stores in (("sqlite", _sqlite), ("postgresql", _postgres)):
        with stores() as (small, large):
            _fill(small, SMALL)
            _fill(large, LARGE)
            rounds[name] = {what: _beside(small, large, claim) for what, claim in CLAIMS.items()}
        for what, (few, many) in rounds[name].items():
            note = f"{few:.2f} ms with {SMALL:,} events, {many:.2f} ms with {LARGE:,}"
            rows.append(
                Row(f"{name}: claiming {what}, times the small history", many / few, "x", at_most=1.3, note=note)
            )
    return Result(rows, rounds)


# ---- what a worker asks ------------------------------------------------------------------------------------------
def _claim_deliveries(conn: sa.Connection, _: datetime) -> int:
    return len(deliveries.claim_deliveries(conn, WAITING))


def _claim_plans(conn: sa.Connection, now: datetime) -> int:
    lanes = plans.due_lanes(conn, "crm", now, WAITING)
    return len(plans.take(conn, "crm", lanes, now, WAITING))


def _claim_changes(conn: sa.Connection, now: datetime) -> int:
    found = changes.due(conn, "crm", now, WAITING)
    return len(changes.start(conn, [row.seq for row in found], now))


CLAIMS: dict[str, Callable[[sa.Connection, datetime], int]] = {
    "deliveries": _claim_deliveries,
    "plans": _claim_plans,
    "changes": _claim_changes,
}


def _beside(small: Store, large: Store, claim: Callable[[sa.Connection, datetime], int]) -> tuple[float, float]:
    """Median milliseconds of one claim, in turn on both."""
    times: dict[int, list[float]] = {0: [], 1: []}
    for _ in range(TRIES):
        for n, store in enumerate((small, large)):
            times[n].append(_once(store, claim))
    return statistics.median(times[0]), statistics.median(times[1])


def _once(store: Store, claim: Callable[[sa.Connection, datetime], int]) -> float:
    """One claim in a transaction that is undone, so that the next one finds the same."""
    with store.engine.connect() as conn, conn.begin() as undone:
        started = time.perf_counter()
        found = claim(conn, datetime.now(UTC))
        took = (time.perf_counter() - started) * 1000
        undone.rollback()
    if found != WAITING:
        raise RuntimeError(f"{found} of {WAITING} were claimed")
    return took


# ---- history -----------------------------------------------------------------------------------------------------
def _fill(store: Store, events: int) -> None:
    with store.write() as conn:
        parts = [(DONE, first, min(first + PART, events + 1) - 1) for first in range(1, events + 1, PART)]
        for states, first, last in (*parts, (NEW, events + 1, events + WAITING)):
            numbers = NUMBERS[store.dialect].format(first, last)
            for text in ROWS:
                conn.exec_driver_sql(text.format(numbers=numbers, blob=BLOB[store.dialect], **states))
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql("VACUUM ANALYZE" if store.dialect == "postgresql" else "SELECT 1")  # as autovacuum does


@contextmanager
def _sqlite() -> Iterator[tuple[Store, Store]]:
    with servers.folder() as home:
        yield from _open([f"sqlite:///{home / name}.db" for name in ("small", "large")], home)


@contextmanager
def _postgres() -> Iterator[tuple[Store, Store]]:
    with servers.postgres() as server, servers.folder() as home:
        yield from _open([server.database(), server.database()], home)


def _open(urls: list[str], home: Path) -> Iterator[tuple[Store, Store]]:
    for url in urls:
        upgrade(url)
    small, large = (open_store(url, home=home) for url in urls)
    try:
        yield small, large
    finally:
        small.close()
        large.close()
