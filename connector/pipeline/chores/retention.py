"""The daily chore that forgets what was kept long enough: short transactions, stopped at any of them, done again."""

from collections.abc import Callable
from datetime import datetime

from connector.ports import Clock
from connector.store import media, options, retention, snapshots
from connector.store.engine import Store

Stop = Callable[[], bool]
FILES = 100  # of one transaction
LONG = ("bodies", "texts")  # steps that go through a whole history: each night goes on where the last one ended ...
WHOLE = 6  # ... and on Sundays from the beginning, for what still waited then
PLACES = "retention"  # of the snapshot that keeps how far they came


def run(store: Store, now: datetime, stop: Stop) -> dict[str, int]:
    """{step: rows that changed}; what `stop` left comes with the next time."""
    with store.read() as conn:
        held, kept = options.get(conn), snapshots.get(conn, PLACES)
    places = dict(kept[0]) if kept is not None and now.weekday() != WHOLE else {}
    done: dict[str, int] = {}
    for name, step in retention.STEPS.items():
        after, more = places.get(name), True
        while more and not stop():
            if name in LONG and after is not None:
                places[name] = after  # all before it is done, or waits
            with store.write() as conn:
                found = step(conn, held, now, after)
            done[name] = done.get(name, 0) + found.done
            after, more = found.after, found.after is not None
    with store.write() as conn:
        snapshots.put(conn, PLACES, places, now)
    if not stop():
        done["files"] = _files(store, held.before("text", now), held.retain_text, stop)
        store.files.sweep(now.timestamp())
    return done


def _files(store: Store, before: datetime, days: int, stop: Stop) -> int:
    """Files go with the texts they came with: from the disk first, so that none stays that no row knows of."""
    done, more = 0, True
    while more and not stop():
        with store.read() as conn:
            ids = media.old(conn, before, FILES)
        for id_ in ids:
            store.files.delete(id_)
        with store.write() as conn:
            done += media.gone(conn, ids, f"File removed after {days} days.")
        more = len(ids) == FILES
    return done


def chore(store: Store, clock: Clock) -> Callable[[Stop], None]:
    """The same, as a chore."""

    def do(stop: Stop) -> None:
        run(store, clock.now(), stop)

    return do
