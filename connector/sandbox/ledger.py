"""The ledger: one JSON line for every request a stand-in heard, whatever became of it."""

import json
import threading
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from connector.sandbox.http import Request, Response

KEPT = 500_000  # lines in memory; the oldest go first
KEPT_BYTES = 512 * 1024 * 1024


class Ledger:
    """Lines of `{at, service, method, path, record, body, status}`, and `fault` where one struck.

    `status` is null for a request that was dropped before any work; one that was dropped after it has the status
    the work came to. With `file` each line is also appended there, flushed.
    """

    def __init__(self, file: Path | None = None, kept: int = KEPT, kept_bytes: int = KEPT_BYTES) -> None:
        self._lines: deque[tuple[int, str, bytes]] = deque()
        self._kept, self._kept_bytes, self._bytes = kept, kept_bytes, 0
        self._lock = threading.Lock()
        self._file: BinaryIO | None = file.open("ab", buffering=0) if file else None

    def note(self, at: float, service: str, request: Request, response: Response | None, fault: str | None) -> None:
        """Write one line; `at` in Unix seconds."""
        line = _line(at, service, request, response, fault)
        with self._lock:
            self._lines.append((_micros(at), service, line))
            self._bytes += len(line)
            while len(self._lines) > self._kept or self._bytes > self._kept_bytes:
                self._bytes -= len(self._lines.popleft()[2])
            if self._file:
                self._file.write(line)

    def read(self, since: float = 0.0, service: str | None = None, limit: int | None = None) -> Iterator[bytes]:
        """Lines after `since`, oldest first; with `limit`, the newest that many."""
        with self._lock:
            lines = list(self._lines)
        found = [line for at, name, line in lines if at > _micros(since) and service in (None, name)]
        return iter(found if limit is None else found[max(0, len(found) - limit) :])

    def clear(self) -> None:
        """Forget the lines in memory; the file keeps its own."""
        with self._lock:
            self._lines.clear()
            self._bytes = 0


def _micros(at: float) -> int:
    return round(at * 1_000_000)  # as `at` shows it: a line's own time must not count as later than itself


def _line(at: float, service: str, request: Request, response: Response | None, fault: str | None) -> bytes:
    moment = datetime.fromtimestamp(_micros(at) / 1_000_000, UTC).isoformat(timespec="microseconds")
    entry = {
        "at": moment.replace("+00:00", "Z"),
        "service": service,
        "method": request.method,
        "path": request.target,
        "record": response.record if response else None,
        "body": _readable(request),
        "status": response.status if response else None,
    }
    if fault:
        entry["fault"] = fault
    return json.dumps(entry, separators=(",", ":")).encode() + b"\n"


def _readable(request: Request) -> object:
    try:
        return request.json()
    except ValueError:
        return request.body.decode(errors="replace")
