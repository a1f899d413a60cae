"""How much of their limits the CRMs say is used: each worker keeps what its last answers said, now and then."""

import logging
import time
from collections.abc import Callable, Mapping

from connector.connections import Connections
from connector.errors import StoreDown
from connector.store import snapshots
from connector.store.measures import USAGE

log = logging.getLogger("connector.worker")
EVERY = 20.0  # seconds between two notes of one account by one worker
Told = Mapping[str, tuple[int, int]]


class Usage:
    """`note` stores what the answers of each account said, unless it did so just now."""

    def __init__(self, connections: Connections, clock: Callable[[], float] = time.monotonic) -> None:
        self._connections, self._clock = connections, clock
        self._noted: dict[str, tuple[float, Told]] = {}

    def note(self) -> None:
        """After a drain, which may have gone on into others; a CRM that was not called here has nothing to say."""
        for account, told in self._connections.used().items():
            at, before = self._noted.get(account, (float("-inf"), {}))
            if told and told != before and self._clock() - at >= EVERY:
                self._noted[account] = (self._clock(), told)
                self._keep(account, told)

    def _keep(self, account: str, told: Told) -> None:
        c = self._connections
        try:
            with c.store.write() as conn:
                snapshots.put(conn, f"{USAGE}{account}", {n: list(pair) for n, pair in told.items()}, c.clock.now())
        except StoreDown as error:
            log.debug("the limits were not noted: %s", error)
