"""Staying under HubSpot's limits: a rolling window learned from its headers, and a fixed one for search."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping

from connector.errors import Busy

PATIENCE = 2.0  # seconds a call waits for its turn; longer, and the account is parked instead of a worker
SLACK = 0.5  # seconds a call may travel: HubSpot counts arrivals, we count departures
SHARE = 0.95  # of the limit; the rest is for whoever else uses the same token
LIMIT, INTERVAL = 100, 10.0  # the smallest plan's, until the first answer tells (usage guidelines, 2026)
SEARCH_LIMIT = 4  # a second; HubSpot allows 5 per account and sends no header for it


class Window:
    """At most `limit` calls in any `interval` seconds, by this process and, as far as the headers tell, by others."""

    def __init__(
        self,
        limit: int,
        interval: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.limit, self.interval = limit, interval
        self._clock, self._sleep = clock, sleep
        self._calls: deque[float] = deque()
        self._others, self._others_until = 0, 0.0
        self._lock = threading.Lock()

    def enter(self) -> None:
        """Wait for a turn; Busy when that would take longer than PATIENCE (nothing was sent)."""
        deadline = self._clock() + PATIENCE
        while wait := self._take():
            if self._clock() + wait > deadline:
                raise Busy("We are at HubSpot's rate limit.", after=wait, code="paced")
            self._sleep(wait)

    def learn(self, limit: int, interval: float, remaining: int) -> None:
        """What an answer's headers said: whatever is used beyond our own calls is used by others."""
        with self._lock:
            self.limit, self.interval = max(1, int(limit * SHARE)), interval
            now = self._clock()
            self._forget(now)
            self._others = max(0, limit - remaining - len(self._calls))
            self._others_until = now + interval

    def _take(self) -> float:
        """0.0 and the call counts, or the seconds until there is room."""
        with self._lock:
            now = self._clock()
            self._forget(now)
            others = self._others if now < self._others_until else 0
            room = self.limit - others
            if len(self._calls) < room:
                self._calls.append(now)
                return 0.0
            if room <= 0:
                return max(0.001, self._others_until - now)
            return max(0.001, self._calls[len(self._calls) - room] + self.interval + SLACK - now)

    def _forget(self, now: float) -> None:
        while self._calls and self._calls[0] <= now - self.interval - SLACK:
            self._calls.popleft()


class Turns:
    """One call every 1/limit of a second, in turn."""

    def __init__(
        self,
        limit: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._step, self._clock, self._sleep = 1.0 / limit, clock, sleep
        self._next = 0.0
        self._lock = threading.Lock()

    def enter(self) -> None:
        """Wait for a turn; Busy when that would take longer than PATIENCE (the turn is left to another)."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            if turn - now > PATIENCE:
                raise Busy("We are at HubSpot's search limit.", after=turn - now, code="paced")
            self._next = turn + self._step
        if turn > now:
            self._sleep(turn - now)


def read_limit(headers: Mapping[str, str]) -> tuple[int, float, int] | None:
    """(calls per interval, seconds, calls left) of an answer; None where the headers are absent, as on search."""
    try:
        limit = int(headers["X-HubSpot-RateLimit-Max"])
        milliseconds = int(headers["X-HubSpot-RateLimit-Interval-Milliseconds"])
        remaining = int(headers["X-HubSpot-RateLimit-Remaining"])
    except (KeyError, ValueError):
        return None
    return (limit, milliseconds / 1000, remaining) if limit > 0 and 0 < milliseconds <= 60_000 else None


def read_used(headers: Mapping[str, str]) -> dict[str, tuple[int, int]]:
    """{"daily", "ten_seconds": (used, allowed)} of an answer, as far as its headers tell."""
    found = {}
    for name, most, left in (
        ("daily", "X-HubSpot-RateLimit-Daily", "X-HubSpot-RateLimit-Daily-Remaining"),
        ("ten_seconds", "X-HubSpot-RateLimit-Max", "X-HubSpot-RateLimit-Remaining"),
    ):
        allowed, remaining = headers.get(most, ""), headers.get(left, "")
        if all(text.isascii() and text.isdigit() and len(text) < 12 for text in (allowed, remaining)):
            found[name] = (max(0, int(allowed) - int(remaining)), int(allowed))
    return found
