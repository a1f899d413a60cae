"""Named locks that die with the process: Postgres session advisory locks, or byte ranges of one file beside SQLite.

Both are re-entrant within one session or process, so a set of the names held stands beside them.
"""

import fcntl
import hashlib
import os
import select
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connector.errors import StoreDown, TryAgain

if TYPE_CHECKING:
    import psycopg

LOOK_AGAIN = 0.02  # seconds between two tries for a name that another process holds


def key_of(name: str) -> int:
    """A name as 62 bits: fits an advisory lock (signed 64) and a file offset (signed 64, with room for the length)."""
    return int.from_bytes(hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=8).digest(), "big") >> 2


class _Locks:
    """The set of names this process holds; subclasses take and give back the real locks."""

    def __init__(self) -> None:
        self._mutex = threading.Condition()
        self._held: set[str] = set()
        self.lost = 0  # how often everything held was lost at once

    @contextmanager
    def hold(self, names: Sequence[str]) -> Iterator[frozenset[str]]:
        """Takes as many of `names` as are free, never waiting; given back at exit. Raises StoreDown."""
        with self._mutex:
            free = [name for name in dict.fromkeys(names) if name not in self._held]
            taken = frozenset(self._take(free)) if free else frozenset[str]()
            self._held |= taken
            session = self.lost
        try:
            yield taken
        finally:
            with self._mutex:
                if taken and session == self.lost:
                    self._held -= taken
                    self._give_back(taken)
                    self._mutex.notify_all()

    @contextmanager
    def wait(self, name: str, timeout: float) -> Iterator[None]:
        """Takes one name, waiting up to `timeout` seconds for it. Raises TryAgain when it stays taken, StoreDown."""
        end = time.monotonic() + timeout
        while True:
            with self.hold([name]) as taken:
                if taken:
                    yield
                    return
            left = end - time.monotonic()
            if left <= 0:
                raise TryAgain(
                    f"The lock {name} is still held.", hint="Another process is at work; try again.", code="lock_held"
                )
            with self._mutex:
                self._mutex.wait(min(LOOK_AGAIN, left))

    def still_held(self, names: Iterable[str]) -> bool:
        """True while none of these names was lost; costs no round trip. Ask at each row boundary."""
        wanted = set(names)
        with self._mutex:
            return not wanted or (self._alive() and wanted <= self._held)

    def close(self) -> None:
        """Ends the session; a file of locks stays open, what is held there is given back by its holders."""

    def forget(self) -> None:
        """After a fork: what the parent holds is not ours."""
        self._mutex = threading.Condition()
        self._lose()

    def _lose(self) -> None:
        """Nothing is held any more; those who held it give nothing back."""
        self._held = set()
        self.lost += 1

    def _alive(self) -> bool:
        return True

    def _take(self, names: Sequence[str]) -> Iterable[str]:
        raise NotImplementedError

    def _give_back(self, names: Iterable[str]) -> None:
        raise NotImplementedError


class FileLocks(_Locks):
    """One byte of a file for each name. Opened once a process, never closed: any close frees every lock."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _take(self, names: Sequence[str]) -> Iterator[str]:
        for name in names:
            with suppress(BlockingIOError, PermissionError):  # POSIX allows either for "another process has it"
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, key_of(name))
                yield name

    def _give_back(self, names: Iterable[str]) -> None:
        for name in names:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, key_of(name))


_files: dict[Path, FileLocks] = {}
_opening = threading.Lock()


def file_locks(path: Path) -> FileLocks:
    """The locks of this file, the same object for every store of this process."""
    with _opening:
        known = path.resolve()
        if known not in _files:
            _files[known] = FileLocks(known)
        return _files[known]


class PostgresLocks(_Locks):
    """Advisory locks of one dedicated session (never through a transaction pooler); one round trip for many names."""

    def __init__(self, conninfo: str) -> None:
        super().__init__()
        self._conninfo = conninfo
        self._conn: psycopg.Connection[Any] | None = None

    def close(self) -> None:
        with self._mutex:
            if self._conn is not None:
                self._conn.close()
                self._conn = None
                self._lose()

    def forget(self) -> None:
        if self._conn is not None:
            _left_behind.append(self._conn)  # closing it here would end the parent's session
            self._conn = None
        super().forget()

    def _take(self, names: Sequence[str]) -> list[str]:
        by_key = {key_of(name): name for name in names}
        query = "SELECT k FROM unnest(%s::bigint[]) AS k WHERE pg_try_advisory_lock(k)"
        return [by_key[key] for (key,) in self._run(query, list(by_key))]

    def _give_back(self, names: Iterable[str]) -> None:
        with suppress(StoreDown):  # the session is gone, and its locks with it
            self._run(
                "SELECT count(pg_advisory_unlock(k)) FROM unnest(%s::bigint[]) AS k", [key_of(name) for name in names]
            )

    def _run(self, query: str, keys: list[int]) -> list[tuple[int]]:
        import psycopg

        try:
            return self._session().execute(query, [keys]).fetchall()
        except psycopg.OperationalError as error:
            self._end()
            raise StoreDown("The database did not answer in time.", code=type(error).__name__) from error

    def _session(self) -> "psycopg.Connection[Any]":
        import psycopg

        self._alive()
        if self._conn is None:
            self._conn = psycopg.connect(self._conninfo, autocommit=True)
        return self._conn

    def _alive(self) -> bool:
        """A healthy idle session has nothing to say; when it has, we ask whether it still stands."""
        import psycopg

        if self._conn is None:
            return False
        ear = select.poll()
        ear.register(self._conn.fileno(), select.POLLIN)
        if ear.poll(0):
            try:
                self._conn.execute("SELECT 1")
            except psycopg.OperationalError:
                self._end()
                return False
        return True

    def _end(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None
            self._lose()


_left_behind: list[Any] = []
