"""The processes of one run: each in its own session, killed, swept and started again as a launcher does."""

import atexit
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
LOOK = 0.05  # seconds between two looks at the processes
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h: orphans below us become our children
GRACE = 30.0  # seconds a process may take to end when asked to: longer than one HTTP call (20 s)


class Forked:
    """A process of the zygote's: what the rig needs of subprocess.Popen."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._file = os.pidfd_open(pid)

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._file], [], [], 0)[0]:
            _, status = os.waitpid(self.pid, 0)
            self.returncode = os.waitstatus_to_exitcode(status)
            os.close(self._file)
        return self.returncode

    def wait(self, timeout: float) -> int:
        if self.returncode is None and not select.select([self._file], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(str(self.pid), timeout)
        code = self.poll()
        assert code is not None
        return code


class Zygote:
    """Imports once what every process needs. One for all runs of this process."""

    def __init__(self) -> None:
        argv = [sys.executable, "-m", "tests.chaos.zygote"]
        self._process = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._turn = threading.Lock()
        atexit.register(self.close)

    def fork(self, asked: Mapping[str, Any]) -> Forked:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._turn:
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            return Forked(json.loads(self._process.stdout.readline())["pid"])

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


@cache
def zygote() -> Zygote | None:
    """None where the kernel cannot give us its children."""
    return Zygote() if sys.platform == "linux" else None


def adopt(orphans: bool) -> None:
    """While a run lasts its processes are ours, whoever forked them."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, int(orphans), 0, 0, 0)


@dataclass(slots=True)
class Slot:
    """A process that should be there. `name` is also its database user: the locks it holds show whose they are."""

    name: str
    kind: str
    argv: Sequence[str]
    env: Mapping[str, str]
    log: Path
    altered: str = ""
    root: Path = ROOT  # the checkout whose code it runs
    process: "subprocess.Popen[bytes] | Forked | None" = None
    lock: threading.RLock = field(default_factory=threading.RLock)
    began: float = 0.0  # time.monotonic() of its last start

    def start(self) -> None:
        with self.lock:
            self.began = time.monotonic()
            nursery = zygote() if self.root == ROOT else None
            if nursery is not None:
                self.process = nursery.fork(
                    {"argv": list(self.argv), "env": dict(self.env), "cwd": str(ROOT), "log": str(self.log),
                     "altered": self.altered}
                )  # fmt: skip
                return
            words = ("-m", "tests.chaos.mutants", self.altered) if self.altered else ("-m", "connector.cli")
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(
                    [sys.executable, *words, *self.argv], env=dict(self.env), cwd=self.root, stdin=subprocess.DEVNULL,
                    stdout=log, stderr=log, start_new_session=True,
                )  # fmt: skip

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    def kill(self) -> float:
        """SIGKILL to the process alone; when it was sent. Gone when this returns, with all it left behind."""
        with self.lock:
            assert self.process is not None
            at = time.time()
            if self.process.poll() is None:
                os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait(20)
            self.sweep()
            return at

    def end(self) -> tuple[float, int]:
        """SIGTERM, as a deploy sends it: when, and the exit code. It must end by itself."""
        with self.lock:
            assert self.process is not None
            at = time.time()
            if self.process.poll() is None:
                os.kill(self.process.pid, signal.SIGTERM)
            try:
                code = self.process.wait(GRACE)
            except subprocess.TimeoutExpired:
                self.kill()
                return at, -signal.SIGKILL
            self.sweep()
            return at, code

    def signal(self, number: signal.Signals) -> int:
        """To the process and its children; the pid it went to, 0 when it is gone."""
        with self.lock:
            if self.process is None or self.process.poll() is not None:
                return 0
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)
            return self.pid

    def children(self) -> list[psutil.Process]:
        """What the process started itself: granian's workers."""
        try:
            return psutil.Process(self.pid).children()
        except psutil.NoSuchProcess:
            return []

    def sweep(self) -> None:
        """As the launcher does before it starts a process anew: children of a dead one must not keep its port."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            while True:
                os.waitpid(-self.pid, 0)


class Keeper:
    """Starts again whatever has ended; `fallen` names those that ended although nobody killed them."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        self.slots = list(slots)
        self.fallen: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._tend, name="keeper", daemon=True)

    def start(self) -> None:
        for slot in self.slots:
            slot.start()
        self._thread.start()

    def close(self) -> None:
        """Nothing is started any more, and everything ends."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        for slot in self.slots:
            with slot.lock:
                if slot.process is not None:
                    slot.kill()

    def _tend(self) -> None:
        while not self._stop.wait(LOOK):
            for slot in self.slots:
                if not slot.lock.acquire(blocking=False):
                    continue  # somebody is at it: the others must not wait for that
                try:
                    self._mend(slot)
                finally:
                    slot.lock.release()

    def _mend(self, slot: Slot) -> None:
        if slot.process is None or slot.process.poll() is None:
            return
        if slot.process.returncode != -signal.SIGKILL:
            self.fallen.append(f"{slot.name} ({slot.process.returncode})")
        slot.sweep()
        slot.start()
