"""How soon it works again: one message of the load, from the moment something came back until it is handled."""

import random
import time
from dataclasses import dataclass

from tests.chaos import books
from tests.chaos.load import Load
from tests.chaos.rig import Rig

LOOK = 0.02  # seconds between two looks at its plans
LONGEST = 60.0  # seconds on a quick machine; what takes longer counts as so long


@dataclass(slots=True)
class Probe:
    """`probe(since)`: seconds until its message was accepted and until it was handled; None when the load is over.

    While a CRM is down nothing can be handled, and nothing is measured."""

    rig: Rig
    load: Load
    dice: random.Random

    def __call__(self, since: float) -> tuple[float, float] | None:
        """`since`: time.monotonic() of the return."""
        found = None if self.rig.sandbox.down else self.load.probe(self.dice)
        if found is None:
            return None
        key, accepted = found
        until = time.monotonic() + self.longest
        while not self._handled(key) and time.monotonic() < until:
            time.sleep(LOOK)
        return accepted - since, time.monotonic() - since

    @property
    def longest(self) -> float:
        return LONGEST * self.rig.slowness

    def _handled(self, key: str) -> bool:
        """Every plan of its event is made: what is to be written is stored."""
        return self.rig.asks(lambda conn: books.handled(conn, key), False)


def middle(seconds: list[float], share: float) -> float:
    """The value below which this share of them lies."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
