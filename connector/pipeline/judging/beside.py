"""The writer beside the handler: while one waits for the CRM the other works, in one worker process."""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from types import TracebackType

from connector.errors import TryAgain
from connector.pipeline.drain import log


class Beside:
    """`with Beside(work) as beside`: `go()` runs `work` in a thread, again after each go; the end waits for it."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._calls: SimpleQueue[bool] = SimpleQueue()  # True: work; False: the end
        self._asked = False
        self._thread: threading.Thread | None = None

    def go(self) -> None:
        """There is work; returns at once. Many calls while it works are one."""
        if not self._asked:
            self._asked = True
            self._calls.put(True)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="beside")
            self._thread.start()

    def __enter__(self) -> "Beside":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._calls.put(False)
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while self._calls.get():
            self._asked = False
            try:
                self._work()
            except TryAgain as error:
                log.warning("the writer waits: %s", error)
            except Exception:  # noqa: BLE001 - the last line of defence of a thread
                log.exception("the writer failed; the sweep rings for it again")
