"""What one item may cost: CPU as this process spent it, memory as Python asked for it."""

import os
import time
import tracemalloc
from collections.abc import Callable
from typing import TypeVar

from hypothesis import HealthCheck, settings

from tests.depth import examples

ITEM = 0.05  # seconds of CPU for one item
QUICK = 0.04  # seconds that `_loop` takes on a quick machine
MB = 1024 * 1024
Result = TypeVar("Result")


def _loop() -> float:
    before, sum_ = time.process_time(), 0
    for n in range(1_000_000):
        sum_ += n
    return time.process_time() - before


# Times: it must not hang; how fast it is on a slow or busy machine is another question.
SLACK = 10 * max(1.0, 2 * _loop() / QUICK)


def timed(act: Callable[[], Result]) -> tuple[Result, float]:
    """What it gave, and the seconds of CPU it took."""
    before = time.process_time()
    found = act()
    return found, time.process_time() - before


def cheap(act: Callable[[], Result], items: Callable[[Result], int] = lambda _: 1) -> Result:
    """What it gave; it must not have cost more than its items may."""
    found, seconds = timed(act)
    most = ITEM * SLACK * max(items(found), 1)
    assert seconds < most, f"{seconds:.2f} s of CPU, at most {most:.2f}"
    return found


def memory(act: Callable[[], object]) -> int:
    """The bytes it had at its highest, over what was there before."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        act()
        _, peak = tracemalloc.get_traced_memory()
        return peak - before
    finally:
        tracemalloc.stop()


def tries(wanted: int) -> settings:
    """A deep run's number of examples; the same ones in every `make test`, others for each seed of `make fuzz`."""
    health = [
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
        HealthCheck.large_base_example,
    ]
    random = "CONNECTOR_FUZZ" in os.environ
    return settings(
        max_examples=examples(wanted),
        deadline=None,
        derandomize=not random,
        database=None,
        suppress_health_check=health,
    )


def says(text: str) -> None:
    """A refusal is told in words."""
    assert text.strip()
