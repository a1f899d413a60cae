"""One scrape of /metrics, with a million events, 100,000 contacts and 400,000 sends, on both databases.

The settings are those of tests.bench.bench_console."""

import os
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from connector.store import days, measures
from connector.store.engine import open_store
from connector.web.exposition import text
from tests.bench import big, servers
from tests.bench.bench_console import address
from tests.bench.report import Result, Row

TRIES = 15
MOST = 100  # ms


def run() -> Result:
    """Both databases, one after the other."""
    result, rounds = Result(), dict[str, Any]()
    for dialect in ("sqlite", "postgresql"):
        with ExitStack() as stack:
            home = stack.enter_context(servers.folder())
            url, kept, _ = address(stack, dialect, home)
            if not kept:
                big.fill(url, float(os.environ.get("CONSOLE_SHARE", "1")))
            store = open_store(url, home=home)
            stack.callback(store.close)
            for _ in range(4):
                days.tally(store)
            times, size = [], 0
            for _ in range(TRIES):
                started, now = time.perf_counter(), datetime.now(UTC)
                with store.read() as conn:
                    found = measures.load(conn, now)
                size = len(text(found, {"redis": 1, "workers": 2}, "bench", now))
                times.append((time.perf_counter() - started) * 1000)
            rounds[dialect] = [round(t, 2) for t in times]
            median, p95 = sorted(times)[TRIES // 2], sorted(times)[int(TRIES * 0.95)]
            note = f"p95 {p95:.1f} ms, {size:,} bytes"
            result.rows.append(Row(f"{dialect}: a scrape", round(median, 1), "ms", at_most=MOST, note=note))
            print(f"{dialect:<11} a scrape {median:8.1f} ms, p95 {p95:.1f}", flush=True)
    result.rounds = rounds
    return result
