"""The web process as the outside knows it: a body is delivered until it is answered 200, whoever sends it."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

FINE = (0, 200, 503)
PAUSE = 0.05  # seconds before a body is delivered again
Headers = Callable[[], Mapping[str, str]]


@dataclass(slots=True)
class Door:
    """Safe for many threads, each with a connection of its own; `close` lets nobody in or wait any more."""

    port: int
    posts: int = 0
    again: int = 0  # bodies that came once more although they were answered 200
    under_way: int = 0
    answers: Counter[int] = field(default_factory=Counter)  # how often each status came; 0 = the connection broke
    broken: list[tuple[float, float]] = field(default_factory=list)  # posts that got no 200: from, to
    ended: threading.Event = field(default_factory=threading.Event)
    change: threading.Condition = field(default_factory=threading.Condition)
    _mine: threading.local = field(default_factory=threading.local)

    def deliver(self, path: str, body: bytes, headers: Headers) -> None:
        """Returns once it is answered 200, or when the door is closed."""
        while not self.ended.is_set():
            started = time.time()
            if self.once(path, body, headers()) == 200:
                return
            self.broken.append((started, time.time()))
            self.ended.wait(PAUSE)

    def repeat(self, path: str, body: bytes, headers: Headers) -> None:
        """Once more, as every vendor does now and then."""
        with self.change:
            self.again += 1
        self.deliver(path, body, headers)

    def busy(self, timeout: float) -> bool:
        """A request is under way now."""
        with self.change:
            return self.change.wait_for(lambda: self.under_way > 0, timeout)

    def once(self, path: str, body: bytes, headers: Mapping[str, str]) -> int:
        """One attempt; its status, 0 for a connection that broke."""
        status = self._post(path, body, headers)
        with self.change:
            self.answers[status] += 1
        return status

    def strange(self) -> list[str]:
        """Answers that a caller must never get: whatever happens, it is 200 or "try again"."""
        return [f"{n} posts were answered {status}" for status, n in sorted(self.answers.items()) if status not in FINE]

    def close(self) -> None:
        self.ended.set()
        with self.change:
            self.change.notify_all()

    def _post(self, path: str, body: bytes, headers: Mapping[str, str]) -> int:
        """The status; 0 for a connection that broke."""
        mine = self._mine.__dict__
        if "connection" not in mine:
            mine["connection"] = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        self._count(1)
        try:
            mine["connection"].request("POST", path, body, dict(headers))
            answer = mine["connection"].getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            with suppress(OSError):
                mine.pop("connection").close()
            return 0
        else:
            return int(answer.status)
        finally:
            self._count(-1)

    def leave(self) -> None:
        """The calling thread needs its connection no more."""
        connection = self._mine.__dict__.pop("connection", None)
        if connection is not None:
            connection.close()

    def _count(self, by: int) -> None:
        with self.change:
            self.under_way += by
            self.posts += by > 0
            if by > 0:
                self.change.notify_all()
