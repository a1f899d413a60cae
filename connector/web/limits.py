"""Wrong secrets that nobody could guess, counted in memory: tokens, one-time links, trigger links.

They have 256 random bits, so this is against load and noise, not the only wall; a row for each wrong call would be a
load of its own. What can be guessed (passwords, codes) is counted in the database: store/users.py.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

FREE, WINDOW = 20, 60.0  # wrong ones in so many seconds
GOOD = 3600.0  # seconds that a right one is remembered: who shares an address with a forger goes on working
MOST = 10_000  # of what is remembered; the oldest goes


class Limiter:
    """`held` before the secret is looked at, then `wrong` or `right`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, free: int = FREE, window: float = WINDOW) -> None:
        self._clock, self._free, self._window = clock, free, window
        self._wrong: OrderedDict[str, tuple[float, int]] = OrderedDict()  # since when, how many
        self._right: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def held(self, key: str, secret: str = "") -> int:
        """Seconds until the next try of `key` is looked at, 0 = now; a `secret` that was right lately is not held."""
        if not key:
            return 0
        now = self._clock()
        with self._lock:
            if secret and self._right.get(secret, float("-inf")) > now - GOOD:
                return 0
            since, n = self._wrong.get(key, (now, 0))
        left = since + self._window - now
        return max(1, round(left)) if n >= self._free and left > 0 else 0

    def wrong(self, key: str) -> None:
        """Counts one."""
        if not key:
            return
        now = self._clock()
        with self._lock:
            since, n = self._wrong.get(key, (now, 0))
            if since + self._window <= now:
                since, n = now, 0
            self._wrong[key] = (since, n + 1)
            self._wrong.move_to_end(key)
            if len(self._wrong) > MOST:
                self._wrong.popitem(last=False)

    def right(self, secret: str) -> None:
        """Remembers it (give a hash of it)."""
        with self._lock:
            self._right[secret] = self._clock()
            self._right.move_to_end(secret)
            if len(self._right) > MOST:
                self._right.popitem(last=False)
