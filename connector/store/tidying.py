"""What can explain nothing any more, hour by hour: each table says itself what that is."""

from collections.abc import Callable
from datetime import datetime

from connector.store import alarms, broadcasts, callbacks, own_writes, removing, shadows, tasks, uploads
from connector.store.engine import Store


def tidy(store: Store, now: datetime, stop: Callable[[], bool]) -> None:
    """One short transaction; then what is left of accounts that were removed."""
    with store.write() as conn:
        own_writes.prune(conn, now)
        callbacks.expire(conn, now)
        tasks.prune(conn, now)
        shadows.prune(conn, now)
        broadcasts.prune(conn, now)
        uploads.prune(conn, now)
        alarms.prune(conn, now)
    removing.sweep(store, now, stop)
