"""What every drain shares: one holder at a time where that is asked for, fair stops, and parks."""

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta

from connector import errors
from connector.core import retry
from connector.ports import Bell
from connector.store import accounts, parks
from connector.store.engine import Store

log = logging.getLogger("connector.pipeline")
Stop = Callable[[], bool]
LONGEST = 20.0  # seconds a drain may run before it rings again and makes room (architecture 5)
# Seconds a drain works before it makes room for another bell: each new start costs a ramp of CRM calls, and two drains
# that give way at once never work.
TURN = 1.0
SETTLE = 5.0  # seconds a request of a dead owner may still be under way at the CRM (docs/decisions/0004)
LONGEST_PARK = 60.0  # seconds an account that was away for hours is left alone before it is asked again


def alone(store: Store, lock: str, work: Callable[[], None], more: Callable[[], bool], stop: Stop) -> None:
    """Runs `work` while we hold `lock`; a ring that came between the last scan and the release is not missed."""
    while True:
        with store.locks.hold([lock]) as held:
            if not held:
                return
            work()
        if stop() or not more():
            return


def park_account(store: Store, account: str, error: errors.ConnectorError, now: datetime) -> datetime | None:
    """Holds an account after a failed call: until when; None when only a person can mend it."""
    with store.write() as conn:
        if isinstance(error, errors.NeedsPerson):
            accounts.ask_person(conn, account, str(error))
            return None
        tries = parks.tries(conn, "account", account)
        after = error.after if isinstance(error, errors.TryAgain) else None
        if after is None and isinstance(error, errors.Unreachable) and error.sent:
            after = max(SETTLE, min(LONGEST_PARK, 2.0 ** min(tries, 10)))
        until = retry.next_try(tries + 1, now, after=after, base=1.0, cap=LONGEST_PARK, jitter=random.random())  # noqa: S311
        until = until or now + timedelta(seconds=LONGEST_PARK)
        parks.park(conn, "account", account, until, error.message, tries=tries + 1)
        return until


def of_one_row(error: Exception) -> bool:
    """The error speaks of the rows in hand (or of our code), not of the account, the database or a document."""
    return isinstance(error, errors.GiveUp) or not isinstance(error, errors.ConnectorError)


def parked(store: Store, account: str, now: datetime) -> bool:
    """The account is held, or waits for a person."""
    with store.read() as conn:
        if accounts.state(conn, account) != "ok":
            return True
        return bool(parks.parked(conn, "account", [account], now))


def fair(stop: Stop, bell: Bell, started: float, clock: Callable[[], float]) -> Stop:
    """Stop on SIGTERM, after LONGEST seconds, or when another bell waits for a worker and we had our turn.

    The turn begins with the first question, so that a drain does something however slow its first look was."""
    first: float | None = None

    def should() -> bool:
        nonlocal first
        now = clock()
        first = now if first is None else first
        return stop() or now - started > LONGEST or (now - first > TURN and bell.waiting())

    return should
