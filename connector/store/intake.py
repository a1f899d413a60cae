"""Group commit: many callers, one writer thread, one transaction for all that waits. Every webhook goes through it.

It goes straight to the driver, because one row a transaction is 3 to 27 times slower (measured).
"""

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol

from connector.errors import StoreDown
from connector.ids import new_id
from connector.store import journaling
from connector.store.tables import to_ms

if TYPE_CHECKING:
    import psycopg

    from connector.store.engine import Store

log = logging.getLogger("connector.store")
# Headers of use once the signature is verified; never one that holds a secret.
KEPT = ("content-type", "webhook-id", "idempotency-key", "x-hook-query")  # the last is ours: see web/hooks.py
GROUP = 1_000  # rows of one transaction
LARGEST = 64 * 1024 * 1024  # bytes that may wait: a body is 3 MB at most
PAUSE = 0.1  # seconds between two tries to reach a database that is away
# Seconds a busy writer lets callers gather: half the CPU of a delivery at 16 connections (measured). Going on as soon
# as there are as many as the last time keeps groups small: a fifth more CPU at 64 (measured, not kept).
LINGER = 0.001
CACHE = "PRAGMA cache_size=-1024"  # KiB: it only appends; SQLite's 16 MB for readers would fill with what was written
RING = 0.005  # seconds between two rings: one ring serves everything that was committed before it is heard

Row = tuple[str, str, int, str, bytes]  # id, account, received_at (ms), headers, body


class _Waiting:
    """One call and the one-shot signal that wakes it; `gave_up` = nobody waits for it any more."""

    __slots__ = ("done", "error", "gave_up", "row")

    def __init__(self, row: Row) -> None:
        self.row = row
        self.done = threading.Lock()  # cheaper than an Event: held until the outcome is known
        self.done.acquire()
        self.error: Exception | None = None
        self.gave_up = False


class _Backend(Protocol):
    def begin(self) -> None: ...

    def commit(self, rows: Sequence[Row]) -> None: ...

    def close(self) -> None: ...


class Intake:
    """Makes deliveries safe. Open it in the process that uses it, and close it there.

    `on_commit` is called on another thread, once for all that was committed since: it rings the bell."""

    def __init__(
        self, store: "Store", *, timeout: float = 0.8, queue: int = 10_000, on_commit: Callable[[], None] | None = None
    ) -> None:
        self._timeout, self._limit = timeout, queue
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._bytes = 0
        self._counting = threading.Lock()
        self._backend = backend(store)
        self._journal = store.journal
        self._on_commit = on_commit
        self._committed = threading.Event()
        self._closed = False
        self._threads = [threading.Thread(target=self._write, name="intake", daemon=True)]
        if on_commit is not None:
            self._threads.append(threading.Thread(target=self._ring, name="intake-bell", daemon=True))
        for thread in self._threads:
            thread.start()

    def submit(self, account: str, headers: Mapping[str, str], body: bytes, received_at: datetime) -> None:
        """Returns once it is committed. Raises StoreDown when it was not, or not in time: answer 503 then."""
        kept = json.dumps({name: headers[name] for name in KEPT if name in headers})
        waiting = _Waiting((new_id(), account, to_ms(received_at), kept, body))
        self._enqueue(waiting)
        if not waiting.done.acquire(timeout=self._timeout):
            waiting.gave_up = True
            raise StoreDown("The database did not answer in time.", code="slow")
        if waiting.error is not None:
            raise StoreDown("The database is away.", code=type(waiting.error).__name__) from waiting.error

    def close(self) -> None:
        """Writes what waits, then ends the threads."""
        with self._counting:
            self._closed = True
            self._queue.put(None)
        for thread in self._threads:  # the writer first: its last group is rung for too
            thread.join()
            self._committed.set()
        self._backend.close()

    def _enqueue(self, waiting: _Waiting) -> None:
        size = len(waiting.row[4])
        with self._counting:
            if self._closed or self._queue.qsize() >= self._limit or (self._bytes and self._bytes + size > LARGEST):
                raise StoreDown("Too much is waiting to be stored.", code="full")
            self._bytes += size
            self._queue.put(waiting)

    # ---- the writer ----------------------------------------------------------------------------------------------
    def _write(self) -> None:
        crowded = False  # a lonely caller waits for nobody
        while (first := self._queue.get()) is not None:
            if crowded:
                time.sleep(LINGER)
            group = [first]
            error = self._store(group)
            crowded = len(group) > 1
            with self._counting:
                self._bytes -= sum(len(waiting.row[4]) for waiting in group)
            for waiting in group:
                waiting.error = error
                waiting.done.release()
            if error is None:
                self._committed.set()
            else:
                log.error("deliveries cannot be stored: %s", type(error).__name__)
                time.sleep(PAUSE)

    def _store(self, group: list[_Waiting]) -> Exception | None:
        """Commits the group and all that comes in while the database makes ready; once more on a new connection."""
        error: Exception | None = None
        for _ in range(2):
            try:
                self._backend.begin()
                self._gather(group)
                rows = [waiting.row for waiting in group if not waiting.gave_up]
                self._backend.commit(rows)
                if self._journal is not None:  # what is stored here and not there is not acknowledged: it comes again
                    self._journal.append(map(journaling.delivery, rows))
            except Exception as failed:  # noqa: BLE001 - whatever it is, each caller must hear it and the thread must live
                self._backend.close()
                error = failed
            else:
                return None
        return error

    def _gather(self, group: list[_Waiting]) -> None:
        with suppress(Empty):
            while len(group) < GROUP:
                waiting = self._queue.get_nowait()
                if waiting is None:
                    self._queue.put(None)  # closing: this group is the last but one
                    return
                group.append(waiting)

    def _ring(self) -> None:
        assert self._on_commit is not None
        while self._committed.wait():
            self._committed.clear()
            try:
                self._on_commit()
            except Exception:
                log.exception("the bell could not be rung; the sweep will")
            if self._closed:
                return
            time.sleep(RING)


# ---- the two databases -------------------------------------------------------------------------------------------
def backend(store: "Store") -> _Backend:
    """A connection of its own that opens itself again."""
    if store.dialect == "sqlite":
        return _Sqlite(str(store.engine.url.database))
    from connector.store.engine import conninfo

    return _Postgres(conninfo(store.engine.url))


class _Sqlite:
    """BEGIN IMMEDIATE first: whatever arrives while another process writes joins the group."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._conn: sqlite3.Connection | None = None

    def begin(self) -> None:
        from connector.store.engine import BUSY, prepare_sqlite

        if self._conn is None:
            self._conn = sqlite3.connect(self._path, timeout=BUSY, isolation_level=None, check_same_thread=False)
            prepare_sqlite(self._conn)
            self._conn.execute(CACHE).close()
        self._conn.execute("BEGIN IMMEDIATE").close()

    def commit(self, rows: Sequence[Row]) -> None:
        assert self._conn is not None
        query = "INSERT INTO deliveries (id, account, received_at, headers, body) VALUES (?, ?, ?, ?, ?)"
        self._conn.executemany(query, rows).close()
        self._conn.execute("COMMIT").close()

    def close(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None


class _Postgres:
    """One statement is one transaction and one round trip."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._conn: psycopg.Connection[Any] | None = None

    def begin(self) -> None:
        import psycopg

        if self._conn is None:
            self._conn = psycopg.connect(self._address, autocommit=True)

    def commit(self, rows: Sequence[Row]) -> None:
        assert self._conn is not None
        if rows:
            query = """INSERT INTO deliveries (id, account, received_at, headers, body)
                SELECT * FROM unnest(%b::text[], %b::text[], %b::bigint[], %b::text[], %b::bytea[])"""
            self._conn.execute(query, [list(column) for column in zip(*rows, strict=True)], prepare=True)

    def close(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None
