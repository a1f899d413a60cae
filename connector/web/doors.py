"""Who may call: each account's webhook by name and by id, kept in memory and read anew when that may help."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from connector.errors import ConnectorError, NotAuthentic, StoreDown
from connector.ports import RawRequest, Webhook

log = logging.getLogger("connector.web")
STALE = 5.0  # seconds after which the accounts are read anew anyway
AGAIN = 1.0  # seconds between two reads that unknown names or bad signatures can cause
WAIT = 1.0  # seconds a call waits for a read


@dataclass(frozen=True, slots=True)
class Door:
    """One account's webhook. `system` is the hook's path segment: whatsapp or crm."""

    account: str  # id
    name: str
    system: str
    webhook: Webhook


class Doors:
    """`load` reads every account and may raise StoreDown; `strangers` verify for accounts that do not exist."""

    def __init__(
        self,
        load: Callable[[], Iterable[Door]],
        strangers: Mapping[str, Webhook],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load, self._strangers, self._clock = load, strangers, clock
        self._doors: dict[tuple[str, str], Door] = {}
        self._tried = self._loaded = float("-inf")
        self._down: StoreDown | None = None
        self._lock = threading.Lock()

    def verified(self, system: str, key: str, request: RawRequest) -> Door:
        """The account that `key` (name or id) names, its call verified. Raises StoreDown when we cannot know.

        Raises NotAuthentic, alike and after the same work, for a stranger and for a forger.
        """
        if self._clock() - self._loaded > STALE:
            self._refresh()
        door = self._doors.get((system, key))
        try:
            return self._check(door, system, request)
        except NotAuthentic:
            self._read_again()
            now = self._doors.get((system, key))
            if now == door:
                raise
            return self._check(now, system, request)

    def _check(self, door: Door | None, system: str, request: RawRequest) -> Door:
        (door.webhook if door else self._strangers[system]).verify(request)
        if door is None:
            raise NotAuthentic("This call is not authentic.")
        return door

    def _refresh(self) -> None:
        """One thread reads while the others go on with what is known; a database that is away changes nothing yet."""
        if self._lock.acquire(blocking=False):
            self._read_in_time()

    def _read_again(self) -> None:
        """Before a refusal: at most once a second. Raises StoreDown when the last read failed, or does not end."""
        if not self._lock.acquire(timeout=WAIT) or not self._read_in_time():
            raise StoreDown("The accounts cannot be read in time.", code="slow")
        if self._down is not None:
            raise self._down

    def _read_in_time(self) -> bool:
        """Did it end in time? The caller holds the lock, and gives it away: a database that says nothing must not
        hold a caller, who may be Meta, for as long as that lasts."""
        if self._clock() - self._tried < AGAIN:
            self._lock.release()
            return True
        thread = threading.Thread(target=self._read_and_release, name="accounts", daemon=True)
        thread.start()
        thread.join(WAIT)
        return not thread.is_alive()

    def _read_and_release(self) -> None:
        try:
            self._read()
        finally:
            self._lock.release()

    def _read(self) -> None:
        try:
            doors = list(self._load())
        except ConnectorError as error:  # also a secret that our keys do not open: a forger's answer would be a lie
            self._down = StoreDown("The accounts cannot be read.", code=error.code)
            log.warning("the accounts cannot be read: %s", error)
        else:
            self._down, self._loaded = None, self._clock()
            self._doors = {(door.system, key): door for door in doors for key in (door.name, door.account)}
        finally:
            self._tried = self._clock()  # after it: a slow failure must not be repeated by everyone who waited for it
