"""How fast to send: a number's throughput, the limit per recipient, and the wait after a refusal.

Pure: every function is told the time. Source of the limits: Meta, "Throughput" and "Pair rate limits", checked 2026-11.
"""

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta

SECOND = 1_000_000  # microseconds; whole numbers, so that nothing is granted early by a rounded float
BURST = 5  # a fifth of a second's grants may be saved up while nobody asks
PAIR_EVERY = timedelta(seconds=6)  # to one person: one message every 6 seconds ...
PAIR_BURST = 45  # ... and up to 45 at once, borrowed from the future
LONGEST_BACKOFF = 6  # 4^6 s is over an hour


class Rate:
    """At most `per_second` grants in any 1,000 ms; `now` is seconds of any one clock that does not jump.

    Two limits together: an exact window over the last second, and a small bucket that keeps the grants even. A new
    holder cannot know what the one before it did in its last moment (it may have been killed), so it starts with the
    bucket owing what that one may have saved up: the sum stays within the limit across any number of holders.
    """

    def __init__(self, per_second: int, now: float) -> None:
        if per_second < 1:
            raise ValueError("A rate is at least one message a second.")
        self.per_second = per_second
        self._burst = max(1, per_second // BURST) * SECOND  # the bucket counts millionths of a grant
        self._level = -self._burst
        self._last = round(now * SECOND)
        self._grants: deque[tuple[int, int]] = deque()  # (when, how many) of the last second
        self._used = 0

    def take(self, n: int, now: float) -> int:
        """How many of `n` messages may start now; what is granted counts as sent."""
        at = self._advance(now)
        granted = max(0, min(n, self._level // SECOND, self.per_second - self._used))
        if granted:
            self._level -= granted * SECOND
            self._used += granted
            self._grants.append((at, granted))
        return granted

    def next(self, now: float) -> float:
        """Seconds until `take` grants at least one; 0.0 when it would now."""
        at = self._advance(now)
        missing = SECOND - self._level
        wait = -(-missing // self.per_second) if missing > 0 else 0  # rounded up
        if self._used >= self.per_second:
            wait = max(wait, self._grants[0][0] + SECOND - at)
        return wait / SECOND

    def _advance(self, now: float) -> int:
        """Fill the bucket and forget what is a second old; a clock that goes back stands still."""
        at = max(self._last, round(now * SECOND))
        self._level = min(self._burst, self._level + (at - self._last) * self.per_second)
        self._last = at
        while self._grants and self._grants[0][0] <= at - SECOND:
            self._used -= self._grants.popleft()[1]
        return at


def pair_wait(starts: Iterable[datetime], now: datetime) -> timedelta:
    """How long this person must still be left in peace, given when earlier messages to them started.

    Every message occupies 6 seconds; up to 45 may be owed. Meta may ask for the whole debt of a burst first: it then
    says 131056, which is safe to repeat after `backoff`, while waiting in advance would delay every quick answer.
    """
    paid: datetime | None = None  # when the last of them is paid for
    for start in sorted(starts):
        paid = (max(paid, start) if paid else start) + PAIR_EVERY
    return max(timedelta(0), paid - (PAIR_BURST - 1) * PAIR_EVERY - now) if paid else timedelta(0)


def backoff(tries: int) -> timedelta:
    """4^tries seconds, as Meta asks for after 131056: 1, 4, 16, ...; `tries` = refusals before this one."""
    return timedelta(seconds=4 ** min(max(tries, 0), LONGEST_BACKOFF))
