"""Counts in memory what was turned away and stores the sums every few seconds: a flood costs one row."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping

from connector.errors import TryAgain

log = logging.getLogger("connector.web")
EVERY = 2.0  # seconds


class Tally:
    """`store` adds sums to the counters and may raise StoreDown; they are then kept for the next time."""

    def __init__(self, store: Callable[[Mapping[str, int]], None]) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._sums: Counter[str] = Counter()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tally", daemon=True)
        self._thread.start()

    def count(self, name: str) -> None:
        with self._lock:
            self._sums[name] += 1

    def close(self) -> None:
        """Stores what is left."""
        self._ended.set()
        self._thread.join(timeout=EVERY)

    def _run(self) -> None:
        while not self._ended.wait(EVERY):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        with self._lock:
            sums, self._sums = self._sums, Counter()
        if not sums:
            return
        try:
            self._store(sums)
        except TryAgain as error:
            log.warning("refused calls are counted later: %s", error)
            with self._lock:
                self._sums.update(sums)
