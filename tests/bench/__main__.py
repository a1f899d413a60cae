"""`python -m tests.bench [part ...]`: measures, prints a table, keeps the figures in tests/bench/results."""

import importlib
import os
import sys
import time

from tests.bench import report

PARTS = {  # part: the module whose run() measures it
    "ingest": "tests.bench.bench_ingest",
    "evaluate": "tests.bench.bench_evaluate",
    "flow": "tests.bench.bench_flow",
    "writeback": "tests.bench.bench_writeback",
    "latency": "tests.bench.bench_latency",
    "claim": "tests.bench.bench_claim",
    "sends": "tests.bench.bench_sends",
    "trigger": "tests.bench.bench_trigger",
    "broadcast": "tests.bench.bench_broadcast",
    "console": "tests.bench.bench_console",
    "reads": "tests.bench.bench_reads",
    "scrape": "tests.bench.bench_scrape",
    "memory": "tests.bench.bench_memory",
}
LONG = {"scale": "tests.bench.bench_scale"}  # only by its name


def main(asked: list[str]) -> int:
    """0 when everything was measured, whatever the figures; 2 for an unknown part."""
    every = PARTS | LONG
    unknown = [name for name in asked if name not in every]
    if unknown:
        print(f"there is no part {', '.join(unknown)}; parts are {', '.join(every)}", file=sys.stderr)
        return 2
    for name in asked or PARTS:
        load, started = os.getloadavg()[0], time.monotonic()
        result = importlib.import_module(every[name]).run()
        path = report.write(name, result, load)
        print(f"\n{name} ({time.monotonic() - started:.0f} s, load before {load:.1f}) -> {path.name}")
        print(report.table(result.rows), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
