"""Lists in, one outcome each out: the helpers both CRMs call."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

THREADS = 4  # calls at once per CRM account (architecture 5)


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Consecutive slices of at most `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))


def waves(items: Sequence[T], key: Callable[[T], Hashable]) -> list[list[T]]:
    """Lists in which no key stands twice, in order: a CRM refuses a batch that names one record twice."""
    found: list[list[T]] = []
    seen: dict[Hashable, int] = {}
    for item in items:
        wave = seen[key(item)] = seen.get(key(item), -1) + 1
        if wave == len(found):
            found.append([])
        found[wave].append(item)
    return found


def at_once(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """`work` of each item, in order, up to THREADS at a time; the first error is raised after all have ended."""
    if len(items) < 2:
        return [work(item) for item in items]
    around = [copy_context() for _ in items]  # the fence, which the threads would not know of
    with ThreadPoolExecutor(min(THREADS, len(items))) as pool:
        return list(pool.map(lambda context, item: context.run(work, item), around, items))
