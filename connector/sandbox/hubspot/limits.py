"""HubSpot's rate limits: a rolling window of ten seconds, the day, and search's own second (usage guidelines, 2026)."""

import threading
from collections import deque

from connector.sandbox.hubspot.settings import HubSpotOptions

WINDOW = 10.0


class Limits:
    """`count(now)` takes one call and names the policy it breaks, None when it may pass."""

    def __init__(self, options: HubSpotOptions) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._calls: deque[float] = deque()
        self._searches: deque[float] = deque()
        self.today = 0

    def count(self, now: float) -> str | None:
        """A call that is not a search."""
        options = self._options
        with self._lock:
            if self.today >= options.daily:
                return "DAILY"
            if _full(self._calls, now, WINDOW, options.limit):
                return "TEN_SECONDLY_ROLLING"
            self._calls.append(now)
            self.today += 1
        return None

    def count_search(self, now: float) -> str | None:
        """A search: five in a second, and nothing of the other two."""
        with self._lock:
            if _full(self._searches, now, 1.0, self._options.search_limit):
                return "SECONDLY"
            self._searches.append(now)
        return None

    def headers(self) -> dict[str, str]:
        """What every answer but a search's carries."""
        options = self._options
        limit = options.limit or 1_000_000
        return {
            "X-HubSpot-RateLimit-Daily": str(options.daily),
            "X-HubSpot-RateLimit-Daily-Remaining": str(max(0, options.daily - self.today)),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(WINDOW * 1000)),
            "X-HubSpot-RateLimit-Max": str(limit),
            "X-HubSpot-RateLimit-Remaining": str(max(0, limit - len(self._calls))),
        }


def _full(calls: deque[float], now: float, window: float, limit: int) -> bool:
    while calls and calls[0] <= now - window:
        calls.popleft()
    return bool(limit) and len(calls) >= limit
