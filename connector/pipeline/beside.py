"""The writer beside the handler: while one waits for the CRM the other works, in one worker process."""

import threading
from collections.abc import Callable
from types import TracebackType

from connector.errors import TryAgain
from connector.pipeline.drain import log

HEAD_START = 0.03  # seconds an idle worker gets to take the work before we do: another process shares no GIL with us


class Beside:
    """`with Beside(work) as beside`: `go()` runs `work` in a thread, again for each go; the end waits for it."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._wanted = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def go(self) -> None:
        """There is work; returns at once."""
        self._wanted.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="beside")
            self._thread.start()

    def __enter__(self) -> "Beside":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while self._wanted.wait() and not self._closing.wait(HEAD_START):
            self._wanted.clear()
            try:
                self._work()
            except TryAgain as error:
                log.warning("the writer waits: %s", error)
            except Exception:  # noqa: BLE001 - a thread's last line of defence
                log.exception("the writer failed; the bell rings it again")
