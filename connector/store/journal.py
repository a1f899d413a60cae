"""A second record beside the database: what came in and what left since the last backup, appended before it counts.

One file for each process and day in JOURNAL_DIR, which belongs on another disk. Whoever appends waits for the disk;
what cannot be appended is not acknowledged and not sent, as with a database that is away (docs/decisions/0027).
"""

import base64
import heapq
import json
import logging
import os
import secrets
import struct
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidTag

from connector.errors import NotAllowed, StoreDown
from connector.store import sealing

log = logging.getLogger("connector.store")
ENDING = ".journal"
MAGIC, SEALED = b"connector journal 1\n", b"connector journal 1 sealed\n"
HEAD = struct.Struct(">II")  # length and CRC-32 of what follows
LARGEST = 64 * 1024 * 1024  # bytes of one record: a delivery has 3 MB at most
NONCE = 12
Entry = dict[str, Any]  # {kind, at (ms), ...}


class Journal:
    """`append` returns once the disk has it. One for each process; threads take turns."""

    def __init__(self, folder: Path, key: str = "", days: int = 8) -> None:
        self.folder, self._key = folder, key
        self._kept = days * 86_400  # seconds that a file stays: longer than any backup that needs it
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None
        self._name = ("", 0)  # day, pid
        self._cipher: Any = None

    def append(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Bytes among the values are kept as they are. Raises StoreDown."""
        packed = [_packed(entry) for entry in entries]
        if not packed:
            return
        with self._lock:
            try:
                file = self._opened()
                file.write(b"".join(_framed(self._sealed(one)) for one in packed))
                file.flush()
                os.fsync(file.fileno())
            except OSError as error:
                self._forget()
                log.error("the journal cannot be written: %s", error.strerror or type(error).__name__)
                raise StoreDown(
                    "The journal cannot be written.", hint="Is JOURNAL_DIR there, and is its disk full?",
                    code="journal",
                ) from error  # fmt: skip

    def close(self) -> None:
        with self._lock:
            self._forget()

    def renew(self) -> None:
        """After a fork: the parent's file stays the parent's."""
        self._lock, self._file, self._name = threading.Lock(), None, ("", 0)

    def _forget(self) -> None:
        """The next one begins a new file: the end of this one may be half a record."""
        if self._file is not None:
            try:
                self._file.close()
            except OSError:
                log.warning("a journal could not be closed")
        self._file, self._name = None, ("", 0)

    def _opened(self) -> BinaryIO:
        day = f"{datetime.now(UTC):%Y%m%d}"
        if self._file is None or self._name != (day, os.getpid()):
            self._forget()
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self.folder / f"{day}-{os.getpid()}-{secrets.token_hex(4)}{ENDING}"
            self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
            self._name = (day, os.getpid())
            self._begin(self._file)
            prune(self.folder, time.time() - self._kept)
            _sync(self.folder)
        return self._file

    def _begin(self, file: BinaryIO) -> None:
        if not self._key:
            file.write(MAGIC)
            return
        salt = os.urandom(sealing.SALT)
        self._cipher = sealing.cipher(self._key, salt, "journal")
        file.write(SEALED + salt)

    def _sealed(self, plain: bytes) -> bytes:
        if self._cipher is None:
            return plain
        nonce = os.urandom(NONCE)
        return nonce + bytes(self._cipher.encrypt(nonce, plain, SEALED))


def _packed(entry: Mapping[str, Any]) -> bytes:
    plain = {k: {"b64": base64.b64encode(v).decode()} if isinstance(v, bytes) else v for k, v in entry.items()}
    return zlib.compress(json.dumps(plain, separators=(",", ":")).encode(), 1)


def _unpacked(data: bytes) -> Entry:
    entry = json.loads(zlib.decompress(data))
    return {k: base64.b64decode(v["b64"]) if isinstance(v, dict) and v.keys() == {"b64"} else v
            for k, v in entry.items()}  # fmt: skip


def _framed(data: bytes) -> bytes:
    return HEAD.pack(len(data), zlib.crc32(data)) + data


def _sync(folder: Path) -> None:
    """The file's name is on the disk too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# ---- reading -----------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class Reading:
    """What was found: files, entries read, and files with a broken place (what is behind it there is lost)."""

    files: int = 0
    entries: int = 0
    broken: list[str] | None = None


def read(folders: Sequence[Path], key: str = "", told: Reading | None = None) -> Iterator[Entry]:
    """Every entry of every file, in the order of their times; a last one that is not whole was never waited for.

    Raises NotAllowed when a sealed file does not open with the key."""
    told = told or Reading()
    paths = sorted({path for folder in folders for path in folder.glob(f"*{ENDING}")})
    told.files = len(paths)
    streams = [_entries(path, key, told) for path in paths]
    for entry in heapq.merge(*streams, key=lambda one: one["at"]):
        told.entries += 1
        yield entry


def _entries(path: Path, key: str, told: Reading) -> Iterator[Entry]:
    with path.open("rb") as file:
        first = file.readline()
        aead = None
        if first == SEALED:
            if not key:
                raise NotAllowed(f"{path.name} is sealed.", hint="Set BACKUP_KEY.", code="backup_key")
            aead = sealing.cipher(key, file.read(sealing.SALT), "journal")
        elif first != MAGIC:
            if first:
                _break(told, path)
            return
        while head := file.read(HEAD.size):
            data = file.read(size) if len(head) == HEAD.size and (size := HEAD.unpack(head)[0]) <= LARGEST else b""
            if not data or len(data) < size or zlib.crc32(data) != HEAD.unpack(head)[1]:
                if file.read(1):
                    _break(told, path)
                return
            try:
                yield _unpacked(aead.decrypt(data[:NONCE], data[NONCE:], SEALED) if aead else data)
            except InvalidTag:
                hint = "Give the BACKUP_KEY it was written with."
                raise NotAllowed(f"{path.name} does not open with this key.", hint=hint, code="backup_key") from None


def _break(told: Reading, path: Path) -> None:
    told.broken = [*(told.broken or []), path.name]


def prune(folder: Path, before: float) -> int:
    """Deletes the files that nobody wrote to since then (seconds); how many."""
    old = [path for path in folder.glob(f"*{ENDING}") if path.stat().st_mtime < before]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
