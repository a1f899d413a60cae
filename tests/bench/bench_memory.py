"""Resident memory of the web and worker processes after 10,000 replies have gone all the way, Valkey aside."""

from typing import Any

import psutil

from tests.bench.bench_latency import serving_web
from tests.bench.business import business, workers
from tests.bench.load import Load, post
from tests.bench.report import Result, Row

EVENTS, PEOPLE, WORKERS = 10_000, 2_000, 2
MB = 1024 * 1024


def run() -> Result:
    """SQLite, one web process, two workers and the clock, as `connector up` starts them."""
    with business("hubspot", PEOPLE) as shop, workers(shop, WORKERS, clock=True) as pids, serving_web(shop) as web:
        bodies = [post(shop.body(shop.people[n % PEOPLE][0])) for n in range(EVENTS)]
        found = Load(web.port, 16, 60.0).run(bodies)
        if found["all"] != EVENTS or found["refused"] > EVENTS / 20:
            raise RuntimeError(f"{found['all']} answered, {found['refused']} refused")
        shop.settled(EVENTS - found["refused"])  # a busy machine answers a few 503, and Meta would send them again
        server = psutil.Process(web.process.pid)
        serving = [_resident(child) for child in server.children()]
        own = {
            "web_launcher_mb": _resident(server),
            "web_mb": serving,
            "worker_mb": [_resident(psutil.Process(p)) for p in pids],
        }
    rows = [
        Row(
            "web process, resident",
            max(serving),
            "MB",
            at_most=70,
            note=f"its launcher {own['web_launcher_mb']:.0f} MB",
        ),
        Row("worker process, resident", max(own["worker_mb"]), "MB", at_most=130, note=f"the larger of {WORKERS}"),
    ]
    rounds: dict[str, Any] = {"after_events": EVENTS, **own}
    return Result(rows, rounds)


def _resident(process: psutil.Process) -> float:
    return round(process.memory_info().rss / MB, 1)
