"""The house itself: locks, bells, the clock."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol


class Locks(Protocol):
    """Named locks that die with the process; they give order and spare work, correctness is a compare-and-set."""

    def hold(self, names: Sequence[str]) -> AbstractContextManager[frozenset[str]]:
        """Take as many of `names` as are free, never waiting; the ones taken are released at exit."""
        ...


class Bell(Protocol):
    """A hint that work waits under `name`; lost rings cost latency only."""

    def ring(self, *names: str) -> None: ...

    def heard(self, name: str) -> None:
        """A drain's first act."""
        ...

    def waiting(self) -> bool:
        """Another drain waits for a worker: stop at the next row boundary and ring again."""
        ...


class Clock(Protocol):
    def now(self) -> datetime: ...
