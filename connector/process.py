"""What every long-running process of ours shares: it stops on SIGTERM, and it does not outlive its parent."""

import ctypes
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

PR_SET_PDEATHSIG = 1  # linux/prctl.h
SUPERVISOR = "CONNECTOR_SUPERVISOR"  # in the environment of a supervisor's children: its pid
LOOK = 1.0  # seconds between two looks at the parent, where the kernel does not tell


class Stop:
    """SIGTERM and SIGINT as a question, and as something to wait for. Make it in the main thread."""

    def __init__(self) -> None:
        self._asked = False
        self._error: type[Exception] | None = None
        self._out, self._in = os.pipe()
        os.set_blocking(self._in, False)
        os.set_blocking(self._out, False)
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._signalled)

    def __call__(self) -> bool:
        return self._asked

    def wait(self, seconds: float) -> bool:
        """Sleeps so long, or until we are asked to stop; True when we are."""
        if not self._asked:
            select.select([self._out], [], [], max(0.0, seconds))
        return self._asked

    @contextmanager
    def interrupting(self, error: type[Exception]) -> Iterator[None]:
        """Inside, a signal raises `error` out of whatever call is waiting; nothing but waiting may stand inside."""
        self._error = error
        try:
            if self._asked:
                raise error
            yield
        finally:
            self._error = None

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._asked = True
        os.write(self._in, b"!")  # no lock: a handler runs in the middle of anything
        if self._error is not None:
            raise self._error


def die_with_parent(parent: int | None = None) -> None:
    """SIGTERM for this process when its parent dies, however it dies: by Linux's kernel; elsewhere a thread looks."""
    parent = parent or os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    else:
        threading.Thread(target=_watch, args=(parent,), name="parent", daemon=True).start()
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def supervised() -> bool:
    """Our supervisor started us and says so: then we do not outlive it."""
    parent = os.environ.get(SUPERVISOR, "")
    if parent.isdigit():
        die_with_parent(int(parent))
    return bool(parent)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK)
    os.kill(os.getpid(), signal.SIGTERM)
