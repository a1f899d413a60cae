"""The keys and their file: made once, read again when it was changed, changed whole or not at all."""

import base64
import binascii
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from connector.errors import ConnectorError

Keys = tuple[str, ...]


class BadConfig(ConnectorError):
    """One or more settings cannot be used; the message lists them all."""


def split(text: str) -> tuple[str, ...]:
    """The parts between commas and spaces."""
    return tuple(text.replace(",", " ").split())


def is_key(key: str) -> bool:
    """A Fernet key: 32 bytes in URL-safe base64."""
    try:
        return len(key) == 44 and len(base64.b64decode(key.encode(), altchars=b"-_", validate=True)) == 32
    except (binascii.Error, ValueError):
        return False


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


def key_file(home: Path) -> tuple[str, ...]:
    """The keys of <HOME>/secret.key, one a line, the newest first; made (0600) when there is none."""
    path = home / "secret.key"
    if not path.exists():
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = home / f".secret.key.{os.getpid()}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(base64.urlsafe_b64encode(os.urandom(32)) + b"\n")
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # the first one wins; whoever comes second reads that one
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return usable(path)


def usable(path: Path) -> Keys:
    """The keys in a file. Raises BadConfig when there is none, or something else."""
    keys = split(path.read_text(encoding="ascii", errors="replace"))
    if not keys or not all(is_key(key) for key in keys):
        why = f"{path} holds no usable key."
        raise BadConfig(why, hint="Restore it from your backup: stored secrets open only with it.")
    return keys
