"""The database: one engine per process, short transactions, and every outage told as StoreDown.

Two doors: `read()` cannot write (both databases refuse it), `write()` commits or rolls back as a whole.
"""

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from connector.errors import StoreDown
from connector.store import totals
from connector.store.bulk import in_chunks, insert_many
from connector.store.files import Files
from connector.store.journal import Journal
from connector.store.locks import FileLocks, PostgresLocks, file_locks
from connector.store.secrets import Keyring

__all__ = ["Store", "in_chunks", "insert_many", "open_store", "schema_state", "translated", "upgrade"]

BUSY = 10.0  # seconds SQLite waits for another writer; six saturating writers waited up to 4 s (measured)
SQLITE = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # a commit survives a power cut
    "PRAGMA journal_size_limit=67108864",  # bytes; without it the WAL keeps its largest size for ever
    "PRAGMA cache_size=-16384",  # KiB
    "PRAGMA temp_store=MEMORY",
    "PRAGMA secure_delete=ON",  # what is erased is overwritten, not only unlinked; our deletes are few
    "PRAGMA foreign_keys=OFF",
)
ALIVE = {"idle": 10, "interval": 5, "count": 3}  # seconds, seconds, times: how a silent connection is asked after
USER_TIMEOUT = 15_000  # milliseconds until a side that answers nothing is given up
POSTGRES: Mapping[str, Any] = {
    "connect_timeout": 3,
    "application_name": "connector",
    **{f"keepalives_{name}": n for name, n in ALIVE.items()},
    "tcp_user_timeout": USER_TIMEOUT,
}
# The server keeps the locks of a host that vanished until it has noticed, and Linux asks for the first time after two
# hours. Not sooner than a drain ends by itself (20 s): a host that cannot hear of it has stopped by then.
GIVEN_UP = 25_000  # milliseconds
SERVER = " ".join(
    [
        "-c statement_timeout=30000 -c idle_in_transaction_session_timeout=60000",  # milliseconds
        *(f"-c tcp_keepalives_{name}={n}" for name, n in ALIVE.items()),
        f"-c tcp_user_timeout={GIVEN_UP}",
    ]
)
# SQLite's primary result codes that speak of the moment, not of our SQL (sqlite.org/rescode.html).
# A damaged file is among them: it wants a restart or a backup, and until then nothing may be answered 200 or 500.
PASSING = frozenset(
    {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN,
     sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}
)  # fmt: skip


# An upgrade under load: a table that somebody holds is asked for again soon, and nobody queues behind us meanwhile.
IN_THE_WAY = frozenset({"LockNotAvailable", "DeadlockDetected"})
UPGRADE_TRIES, UPGRADE_PAUSE = 40, 1.0


class Store:
    """One database and its locks. Open it in the process that uses it; a fork gets connections of its own."""

    def __init__(self, engine: sa.Engine, locks: FileLocks | PostgresLocks, files: Files) -> None:
        self.engine = engine
        self.dialect = engine.dialect.name
        self.locks = locks
        self.files = files
        engine.update_execution_options(connector_store=weakref.ref(self))  # a connection's keys: the audit log's
        self._reader = engine.execution_options(connector_read=True, postgresql_readonly=True)
        self._turn = threading.Lock()
        self.keyring: Keyring | None = None  # opens what only we may read: the salt of erased people's hashes
        self.journal: Journal | None = None  # the second record, on another disk
        self.erased_in: tuple[Path, ...] = ()  # folders whose list says who was erased: a backup may bring them back
        _stores.add(self)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection that only reads: one snapshot on SQLite. Raises StoreDown."""
        with translated(), self._reader.connect() as conn:
            yield conn

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction, committed at the end, rolled back on any error. Raises StoreDown."""
        with self._in_turn(), translated(), self.engine.begin() as conn:
            totals.begin(conn)
            yield conn
            totals.flush(conn)

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """SQLite has one writer: threads of one process that queue here do not meet its busy handler, which sleeps."""
        if self.dialect != "sqlite":
            yield
            return
        if not self._turn.acquire(timeout=BUSY):
            raise StoreDown("Another write of this process takes too long.", hint="The same call may work later.")
        try:
            yield
        finally:
            self._turn.release()

    def renew(self) -> None:
        """After a fork: a lock that a thread of the parent held would never be released."""
        self._turn = threading.Lock()
        if self.journal is not None:
            self.journal.renew()

    def close(self) -> None:
        """Gives back every connection and every lock."""
        if self.journal is not None:
            self.journal.close()
        self.locks.close()
        self.engine.dispose()

    def __repr__(self) -> str:
        return f"<Store {self.dialect}>"


_stores: "weakref.WeakSet[Store]" = weakref.WeakSet()
_left_behind: list[sa.Pool] = []  # a child must never close what its parent still talks through


def _after_fork() -> None:
    for store in list(_stores):
        _left_behind.append(store.engine.pool)
        store.engine.dispose(close=False)
        store.renew()
        store.locks.forget()


os.register_at_fork(after_in_child=_after_fork)


def open_store(url: str, *, home: Path, media: Path | None = None) -> Store:
    """Opens `sqlite:///path` or `postgresql+psycopg://...`; `home` keeps SQLite's lock file, `media` people's files."""
    address = sa.make_url(url)
    files = Files(media or home / "media")
    if address.get_backend_name() == "sqlite":
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Store(_sqlite(address), file_locks(home / "locks"), files)
    return Store(_postgres(address), PostgresLocks(conninfo(address)), files)


def _sqlite(url: sa.URL) -> sa.Engine:
    settings = {"timeout": BUSY, "isolation_level": None, "check_same_thread": False}
    engine = sa.create_engine(
        url, connect_args=settings, poolclass=sa.QueuePool, pool_size=8, max_overflow=24, hide_parameters=True
    )
    event.listen(engine, "connect", lambda raw, _: prepare_sqlite(raw))
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def prepare_sqlite(raw: Any) -> None:
    """Settings of every SQLite connection of ours."""
    for pragma in SQLITE:
        raw.execute(pragma).close()


def _begin_sqlite(conn: sa.Connection) -> None:
    """A writer takes its place at once: reading first and writing later fails under load (measured)."""
    reads = conn.get_execution_options().get("connector_read", False)
    raw = conn.connection.dbapi_connection  # straight: it cannot fail, and a transaction of one row pays for each call
    assert raw is not None
    if conn.info.get("reads") is not reads:  # as the last transaction of this connection left it
        raw.execute(f"PRAGMA query_only={'ON' if reads else 'OFF'}").close()
        conn.info["reads"] = reads
    if reads:
        raw.execute("BEGIN").close()  # takes nothing yet
    else:
        conn.exec_driver_sql("BEGIN IMMEDIATE")


def _postgres(url: sa.URL) -> sa.Engine:
    return sa.create_engine(
        url,
        connect_args=dict(server_settings(url)),
        pool_size=5,
        max_overflow=15,
        pool_timeout=5,
        pool_pre_ping=True,
        hide_parameters=True,
    )


def server_settings(url: sa.URL) -> Mapping[str, Any]:
    """What every Postgres connection of ours is opened with; `options` of the address come last and win."""
    return {**POSTGRES, "options": f"{SERVER} {url.query.get('options', '')}".strip()}


def conninfo(url: sa.URL) -> str:
    """The address as libpq reads it, with our settings: for the two connections that go straight through the driver."""
    from psycopg.conninfo import make_conninfo

    parts = {"host": url.host, "port": url.port, "user": url.username, "password": url.password, "dbname": url.database}
    given = {name: value for name, value in {**parts, **url.query}.items() if value is not None}
    return make_conninfo("", **{**given, **server_settings(url)})


@contextmanager
def translated() -> Iterator[None]:
    """Turns what the database could not do now into StoreDown; a bug in our SQL stays what it is."""
    try:
        yield
    except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
        if not _passing(error):
            raise
        code = type(getattr(error, "orig", None) or error).__name__
        raise StoreDown(
            "The database did not answer in time.", hint="Nothing is lost; try again.", code=code
        ) from error


def _passing(error: Exception) -> bool:
    if isinstance(error, sa.exc.TimeoutError):
        return True
    assert isinstance(error, sa.exc.DBAPIError)
    number = getattr(error.orig, "sqlite_errorcode", None)
    if number is not None:
        return number & 0xFF in PASSING
    return error.connection_invalidated or isinstance(error, sa.exc.OperationalError)


# ---- schema ------------------------------------------------------------------------------------------------------
def upgrade(url: str) -> None:
    """Brings the tables up to this code's version: one process at a time, all or nothing. Raises StoreDown."""
    from connector.store.migrations import run

    address = sa.make_url(url)
    engine = _sqlite(address) if address.get_backend_name() == "sqlite" else _postgres(address)
    if address.database and address.get_backend_name() == "sqlite":
        Path(address.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        for left in range(UPGRADE_TRIES - 1, -1, -1):
            try:
                with translated(), engine.begin() as conn:
                    run.upgrade(conn)
                return
            except StoreDown as error:
                if error.code not in IN_THE_WAY or not left:
                    raise
                time.sleep(UPGRADE_PAUSE)  # whoever queued behind us has their turn
    finally:
        engine.dispose()


def schema_state(store: Store) -> str:
    """current, older (run `connector upgrade`), newer (goes on: migrations only add) or empty."""
    from connector.store.migrations import run

    with store.read() as conn:
        return run.state(conn)
