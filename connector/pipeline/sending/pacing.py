"""How many messages of one number may start now, and how soon the next; one holder of the number at a time."""

import math
from collections.abc import Callable

from connector.core.pace import Rate

DEFAULT = 80  # messages a second of a number that Meta says nothing else of; Graph docs, throughput, checked 2026-09
BEAT = 0.05  # seconds between two claims at least: each costs a transaction
FEW, MANY = 80, 256  # requests at once: of an ordinary number, of one that sends more than FAST a second
FAST = 200


class Pace:
    """`room(running)` before a claim, `take` for those that passed the gates. `trouble` lets one through at a time."""

    def __init__(self, per_second: int | None, clock: Callable[[], float], threads: int | None = None) -> None:
        self.per_second = per_second if per_second and per_second > 0 else DEFAULT
        self.threads = threads or (MANY if self.per_second > FAST else FEW)
        self.trouble = False
        self._clock = clock
        self._beat = max(BEAT, 4 / self.per_second)
        self._rate = Rate(self.per_second, clock())
        self._claimed = -math.inf

    def wait(self, running: int) -> float:
        """Seconds until a claim makes sense; infinity while all threads are busy."""
        if running >= (1 if self.trouble else self.threads):
            return math.inf
        now = self._clock()
        return max(self._rate.next(now), self._claimed + self._beat - now, 0.0)

    def room(self, running: int) -> int:
        """How many rows to look for: what two beats may grant, as far as there are threads. The next beat begins."""
        self._claimed = self._clock()
        free = (1 if self.trouble else self.threads) - running
        return max(0, min(free, math.ceil(2 * self._beat * self.per_second)))

    def take(self, n: int) -> int:
        """How many of `n` may start now."""
        return self._rate.take(n, self._clock())
