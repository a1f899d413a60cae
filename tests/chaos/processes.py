"""The processes of one run: each in its own session, killed, swept and started again as a launcher does."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
LOOK = 0.05  # seconds between two looks at the processes


@dataclass(slots=True)
class Slot:
    """A process that should be there. `name` is also its database user: the locks it holds show whose they are."""

    name: str
    kind: str
    argv: Sequence[str]
    env: Mapping[str, str]
    log: Path
    root: Path = ROOT  # the checkout whose code it runs
    process: subprocess.Popen[bytes] | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)

    def start(self) -> None:
        with self.lock, self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.argv, env=dict(self.env), cwd=self.root, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    def kill(self) -> float:
        """SIGKILL to the process alone; when it was sent. Gone when this returns, with all it left behind."""
        with self.lock:
            assert self.process is not None
            at = time.time()
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait(20)
            self._sweep()
            return at

    def children(self) -> list[psutil.Process]:
        """What the process started itself: granian's workers."""
        try:
            return psutil.Process(self.pid).children()
        except psutil.NoSuchProcess:
            return []

    def _sweep(self) -> None:
        """As the launcher does before it starts a process anew: children of a dead one must not keep its port."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


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
                with slot.lock:
                    if slot.process is None or slot.process.poll() is None:
                        continue
                    if slot.process.returncode != -signal.SIGKILL:
                        self.fallen.append(f"{slot.name} ({slot.process.returncode})")
                    slot._sweep()
                    slot.start()
