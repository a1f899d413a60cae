"""A file on its way to another system: where it lies, what it is, and the multipart body that carries it."""

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

CHUNK = 64 * 1024
_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(; ?[A-Za-z0-9_-]+=[A-Za-z0-9_.+-]+)*")  # RFC 6838
_UNSAFE = re.compile(r'[\x00-\x1f\x7f"\\/\r\n\ud800-\udfff]')


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """One file of ours. `name` is what a person calls it."""

    path: Path
    name: str
    mime: str
    size: int
    sha256: str = ""  # hex


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedFile:
    """What was fetched: its type, its size, its hash (hex)."""

    mime: str
    size: int
    sha256: str


class Multipart:
    """A multipart/form-data body that is read from disk as it is sent: `len()`, iteration and `read(n)` for any client.

    `parts`: name -> (type, text); the file comes last, under `field`."""

    def __init__(self, parts: Mapping[str, tuple[str, str]], field: str, file: StoredFile) -> None:
        boundary = "connector" + secrets.token_hex(16)
        lines = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n'
            + (f"Content-Type: {kind}\r\n" if kind else "") + f"\r\n{text}\r\n"
            for name, (kind, text) in parts.items()
        ]  # fmt: skip
        named = _UNSAFE.sub("_", file.name) or "file"
        lines.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{named}"\r\n'
            f"Content-Type: {file.mime if _TYPE.fullmatch(file.mime) else 'application/octet-stream'}\r\n\r\n"
        )
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._head, self._tail = "".join(lines).encode(), f"\r\n--{boundary}--\r\n".encode()
        self._file = file
        self._left: Iterator[bytes] | None = None
        self._rest = b""

    def __len__(self) -> int:
        return len(self._head) + self._file.size + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        """Its bytes, from the start; never more than a chunk in memory. Raises OSError when the file has changed."""
        yield self._head
        left = self._file.size
        with self._file.path.open("rb") as source:
            while left > 0:
                chunk = source.read(min(CHUNK, left))
                if not chunk:
                    raise OSError("the stored file is shorter than it was")
                left -= len(chunk)
                yield chunk
        yield self._tail

    def read(self, size: int = -1) -> bytes:
        """The next bytes, b"" at the end."""
        if self._left is None:
            self._left = iter(self)
        while size < 0 or len(self._rest) < size:
            chunk = next(self._left, b"")
            if not chunk:
                break
            self._rest += chunk
        cut = len(self._rest) if size < 0 else size
        found, self._rest = self._rest[:cut], self._rest[cut:]
        return found
