"""What one item may cost: CPU as this process spent it, memory as Python asked for it."""

import time
import tracemalloc
from collections.abc import Callable
from typing import TypeVar

ITEM = 0.05  # seconds of CPU for one item
SLACK = 10  # times: it must not hang, how fast it is on a busy machine is another question
MB = 1024 * 1024
Result = TypeVar("Result")


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
