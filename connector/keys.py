"""The file of keys: read again when it was changed, and changed whole or not at all."""

import base64
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from connector.errors import ConnectorError

Keys = tuple[str, ...]


def new_key() -> str:
    """A Fernet key."""
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


class Watched:
    """The keys of a file: one look at its date at each use, so that running processes follow a rotation by themselves.

    A file that is gone or broken while we run changes nothing: what we hold still opens what is stored."""

    def __init__(self, path: Path, read: Callable[[], Keys]) -> None:
        self._path, self._read = path, read
        self._lock = threading.Lock()
        self._keys: Keys = ()
        self._mark: tuple[int, int, int] | None = None

    def __call__(self) -> Keys:
        mark = self._seen()
        if self._keys and mark in (self._mark, None):
            return self._keys
        with self._lock:
            try:
                keys = self._read()
            except (ConnectorError, OSError):
                if not self._keys:
                    raise
                return self._keys
            self._keys, self._mark = keys, mark or self._seen()
            return keys

    def _seen(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size


def write(path: Path, keys: Sequence[str]) -> None:
    """The file anew, 0600: another one is put in its place, so that nobody reads a half of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write("".join(f"{key}\n" for key in keys))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)  # a power cut must not bring back a file without the key that new secrets stand under
    finally:
        os.close(directory)
