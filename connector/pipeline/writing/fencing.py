"""Rows in flight by when they were marked so: the writer's question at the fence (docs/decisions/0004)."""

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from connector import errors
from connector.pipeline.drain import SETTLE
from connector.ports import Clock, fence
from connector.store import changes
from connector.store.engine import Store

# A request leaves so soon after its rows were marked, or they are marked anew: SETTLE after the mark they may be in
# other hands. A process that stood still, or one whose session at the database is long gone.
FRESH = timedelta(seconds=SETTLE / 2)


class Mark:
    """Rows that were marked as in flight together. Safe for the threads of one call."""

    def __init__(self, seqs: Collection[int], at: datetime) -> None:
        self.seqs, self.at = list(seqs), at
        self._lock = threading.Lock()

    @contextmanager
    def fenced(self, store: Store, clock: Clock, seqs: Collection[int], doubtful: set[int]) -> Iterator[None]:
        """Around one call for some of them: asked now, and before each of its requests leaves.

        A call that is broken off by Late may have done something once a request had left: `doubtful` takes its rows."""
        left = threading.Event()

        def question() -> None:
            self.ask(store, clock)
            left.set()

        self.ask(store, clock)
        try:
            with fence.asked(question):
                yield
        except fence.Late:
            if left.is_set():
                doubtful.update(seqs)
            raise

    def ask(self, store: Store, clock: Clock) -> None:
        """Returns while they are surely ours. Raises Late when they may not be, or when nobody can say."""
        with self._lock:
            if self._fresh(clock.now()):
                return
            self._renew(store, clock.now())
            if not self._fresh(clock.now()):  # the database took its time
                raise fence.Late

    def _fresh(self, now: datetime) -> bool:
        return timedelta() <= now - self.at <= FRESH  # a clock that was set back tells nothing

    def _renew(self, store: Store, now: datetime) -> None:
        """All of them or none: they were marked together, and taken by another together."""
        try:
            with store.write() as conn:
                if not changes.renew(conn, self.seqs, self.at, now):
                    raise fence.Late
        except errors.StoreDown:
            raise fence.Late from None
        self.at = now
