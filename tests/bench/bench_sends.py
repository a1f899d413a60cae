"""Sending: how fast one process is and at what CPU, how exactly it keeps a number's limit, and how a backlog feels."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.request import urlopen

from connector.store import holding, sends
from connector.store.engine import Store
from tests.bench.load import ROOT
from tests.bench.report import Result, Row, median, percentile
from tests.bench.sends import NUMBER, WABA, business, fill, row

ROUNDS = 3
MESSAGES, THREADS = 5_000, 160
LIFTED = 100_000  # messages a second: no limit at all
WAITING = 100_000


def run() -> Result:
    rows: list[Row] = []
    rounds: dict[str, Any] = {}
    for part in (_speed, _limits, _backlog):
        made, kept = part()
        rows += made
        rounds |= kept
    return Result(rows, rounds)


# ---- speed -------------------------------------------------------------------------------------------------------
def _speed() -> tuple[list[Row], dict[str, Any]]:
    found: dict[str, list[dict[str, float]]] = {"sqlite": [], "postgresql": [], "bare": []}
    for _ in range(ROUNDS):
        for dialect in ("sqlite", "postgresql"):
            with business(dialect, LIFTED) as (store, url, home), graph(0) as api:
                fill(store, MESSAGES)
                told = process("ours", url, str(home), api.url, "120")
                stats = api.stats()
                _complete(stats, MESSAGES)
                found[dialect].append(_each(told))
        with graph(0) as api:
            told = process("bare", api.url, str(MESSAGES), str(THREADS))
            found["bare"].append(_each(told))
    bare = median(found["bare"], lambda r: r["cpu_ms"])
    rows = []
    for dialect in ("sqlite", "postgresql"):
        speed, cpu = (median(found[dialect], lambda r, k=k: r[k]) for k in ("per_second", "cpu_ms"))
        note = f"{cpu:.2f} ms of CPU each, a bare httpx.Client {bare:.2f}"
        rows.append(Row(f"{dialect}: sends a second, one process", speed, "/s", at_least=1000))
        rows.append(Row(f"{dialect}: CPU of a send, times a bare client's", cpu / bare, "x", at_most=1.4, note=note))
    return rows, {"speed": found}


def _each(told: dict[str, Any]) -> dict[str, float]:
    return {"per_second": MESSAGES / told["seconds"], "cpu_ms": told["cpu"] * 1000 / MESSAGES}


# ---- limits ------------------------------------------------------------------------------------------------------
def _limits() -> tuple[list[Row], dict[str, Any]]:
    rows, kept = [], {}
    for limit, most, seconds in ((80, 81, 8), (1000, 1010, 5)):
        with business("postgresql", limit) as (store, url, home), graph(limit) as api:
            fill(store, limit * seconds)
            process("ours", url, str(home), api.url, "60")
            stats = api.stats()
            _complete(stats, limit * seconds)
            grants = _fullest(store)
        rows.append(Row(f"grants in the fullest second at {limit}/s", grants, "", at_most=most))
        rows.append(Row(f"refusals (130429) at {limit}/s", stats["refused"], "", at_most=0))
        kept[f"limit_{limit}"] = {"arrivals_in_fullest_second": stats["fullest"], "grants": grants}
    return rows, {"limits": kept}


def _fullest(store: Store) -> int:
    """The most attempts that started within any 1,000 ms."""
    with store.read() as conn:
        times = [n for (n,) in conn.exec_driver_sql("SELECT started_at FROM send_attempts ORDER BY started_at")]
    most = first = 0
    for last, at in enumerate(times):
        while times[first] <= at - 1000:
            first += 1
        most = max(most, last - first + 1)
    return most


# ---- a backlog ---------------------------------------------------------------------------------------------------
def _backlog() -> tuple[list[Row], dict[str, Any]]:
    rows, kept = [], {}
    for dialect in ("sqlite", "postgresql"):
        with business(dialect, 80) as (store, url, home), graph(0) as api:
            fill(store, WAITING)
            lags, memory = _replies(store, url, str(home), api)
            times = {what: _timed(store, act) for what, act in ACTS.items()}
            written = _written(store)
        for what, took in times.items():
            rows.append(Row(f"{dialect}: {what} with {WAITING:,} waiting", took, "s", at_most=1))
        rows.append(Row(f"{dialect}: a reply overtakes them, p95", percentile(lags, 95), "s", at_most=2))
        rows.append(Row(f"{dialect}: memory gained meanwhile", memory[-1] - memory[2], "MB", at_most=10))
        rows.append(Row(f"{dialect}: until every cancelled row says so", written, "s", note="5,000 a transaction"))
        kept[dialect] = {"times": times, "reply_lags": lags, "memory_mb": memory}
    return rows, {"backlog": kept}


def _replies(store: Store, url: str, home: str, api: "Api") -> tuple[list[float], list[float]]:
    """A reply every 0.3 s while the backlog goes out: from its commit to its request."""
    argv = [sys.executable, "-m", "tests.bench.sender", "ours", url, home, api.url, "15"]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as sender:
        time.sleep(2)
        made: dict[str, float] = {}
        for _ in range(35):
            one = row(None, "+573110000001", priority=0, template="", category="utility")
            one |= {"template": "order_out"}
            with store.write() as conn:
                sends.add(conn, [one])
            made[one["id"]] = time.time()
            time.sleep(0.3)
        assert sender.stdout is not None
        told = json.loads(sender.stdout.readline())
    times = api.stats()["times"]
    return [times[key] - at for key, at in made.items()], told["memory_mb"]


def _plan(conn: Any, now: datetime) -> None:
    sends.add(conn, [row(None, "+573110000002")])


def _pause(conn: Any, now: datetime) -> None:
    holding.pause(conn, "document", "order-out", "Stock is out.", now)


def _list(conn: Any, now: datetime) -> None:
    holding.listing(conn, {}, 100, now)


def _cancel(conn: Any, now: datetime) -> None:
    count = holding.cancel(conn, "document", "order-out", "", now)
    if count < WAITING * 0.9:
        raise RuntimeError(f"{count} were cancelled")


ACTS: dict[str, Callable[[Any, datetime], None]] = {
    "planning one more": _plan,
    "pausing": _pause,
    "listing": _list,
    "cancelling": _cancel,
}


def _written(store: Store) -> float:
    started = time.perf_counter()
    while True:
        with store.write() as conn:
            if not holding.carry_out(conn, datetime.now(UTC)):
                return time.perf_counter() - started


def _timed(store: Store, act: Callable[[Any, datetime], None]) -> float:
    started = time.perf_counter()
    with store.write() as conn:
        act(conn, datetime.now(UTC))
    return time.perf_counter() - started


# ---- processes ---------------------------------------------------------------------------------------------------
class Api:
    """The tiny Graph."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def stats(self) -> dict[str, Any]:
        with urlopen(f"{self.url}/_stats") as answer:
            found: dict[str, Any] = json.load(answer)
        return found


@contextmanager
def graph(limit: int) -> Iterator[Api]:
    argv = [sys.executable, "-m", "tests.bench.graph", str(limit)]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield Api(int(server.stdout.readline()))
        finally:
            server.terminate()
            server.wait(10)


def process(*args: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.sender", *args], cwd=ROOT, capture_output=True, text=True, timeout=240
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _complete(stats: dict[str, Any], wanted: int) -> None:
    if stats["count"] - stats["refused"] != wanted or (stats["doubled"] and not stats["refused"]):
        told = {name: stats[name] for name in ("count", "doubled", "refused")}
        raise RuntimeError(f"{wanted} messages were to be sent once: {told}, {NUMBER} of {WABA}")
