"""Several processes as one: started in order, restarted when they die, stopped in reverse, none left behind."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from connector import valkey
from connector.config import Config, local_url
from connector.errors import ConnectorError
from connector.process import SUPERVISOR, Stop

log = logging.getLogger("connector.supervisor")
TICK = 0.1  # seconds between two looks at the children
READY = 30.0  # seconds a child may take to be ready
GRACE = 25.0  # seconds a child may take to end: longer than one HTTP call (20 s)
CALM = 60.0  # seconds a child must live for its back-off to be forgotten
LONGEST = 30.0  # seconds between two starts of a child that keeps dying


class NotStarted(ConnectorError):
    """A child could not be started; its own lines say why."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One child. Those of one `tier` are stopped together; `once` = it does its work and ends (migrations)."""

    name: str
    argv: Sequence[str]
    tier: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] | None = None
    once: bool = False


@dataclass(slots=True)
class _Child:
    """A child that should be there. `deaths` in a row decide when it is started again."""

    spec: Spec
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    again_at: float = 0.0
    deaths: int = 0

    def start(self) -> None:
        """In a session of its own, so that Ctrl-C reaches only us; its lines go where ours go."""
        env = {**os.environ, **self.spec.env, SUPERVISOR: str(os.getpid())}
        self.process = subprocess.Popen(  # noqa: S603 - our own commands
            self.spec.argv, env=env, start_new_session=True, stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno()
        )
        self.started = time.monotonic()

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def bury(self) -> None:
        """Notes a death: whatever it left in its session ends too; the first restart is at once, then back off."""
        assert self.process is not None
        code, now = self.process.returncode, time.monotonic()
        self.sweep()
        self.deaths = 1 if now - self.started > CALM else self.deaths + 1
        wait = 0.0 if self.deaths == 1 else min(LONGEST, 0.5 * 2 ** (self.deaths - 2))
        self.again_at, self.process = now + wait, None
        log.warning("%s ended (%s); it is started again in %.1f s", self.spec.name, _code(code), wait)

    def ask(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def sweep(self) -> None:
        """Ends what is left in the child's session."""
        assert self.process is not None
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return  # the usual case: nothing is left


class Supervisor:
    """`Supervisor(specs, stop).run(started)`: the exit code; `started` is called once everything is up."""

    def __init__(self, specs: Sequence[Spec], stop: Stop) -> None:
        self._specs, self._stop = specs, stop
        self._children: list[_Child] = []

    def run(self, started: Callable[[], None] = lambda: None) -> int:
        """Runs until SIGTERM or SIGINT: 0. Raises NotStarted when a child cannot be brought up the first time."""
        try:
            for spec in self._specs:
                if not self._bring_up(spec):
                    return 0
            started()
            while not self._stop.wait(TICK):
                self._tend()
            return 0
        finally:
            self._end()

    def _bring_up(self, spec: Spec) -> bool:
        """Starts one child and waits until it is ready; False when we are asked to stop meanwhile."""
        child = _Child(spec)
        child.start()
        self._children.append(child)
        until = time.monotonic() + READY
        while not self._up(child):
            if not spec.once and not child.alive():
                raise NotStarted(f"{spec.name} ended while it was starting.", hint="Its own lines above say why.")
            if time.monotonic() > until:
                raise NotStarted(f"{spec.name} was not ready within {READY:.0f} s.")
            if self._stop.wait(0.02):
                return False
            for other in self._children[:-1]:
                self._mend(other)
        return True

    def _up(self, child: _Child) -> bool:
        if not child.spec.once:
            return child.spec.ready is None or child.spec.ready()
        if child.alive():
            return False
        self._children.remove(child)
        if child.process is not None and child.process.returncode != 0:
            raise NotStarted(f"{child.spec.name} failed.", hint="Its own lines above say why.")
        return True

    def _tend(self) -> None:
        for child in self._children:
            self._mend(child)

    def _mend(self, child: _Child) -> None:
        if child.process is None:
            if time.monotonic() >= child.again_at:
                child.start()
        elif not child.alive():
            child.bury()

    def _end(self) -> None:
        """In reverse order, one tier at a time; what does not end in time is killed."""
        for _, tier in groupby(reversed(self._children), key=lambda child: child.spec.tier or child.spec.name):
            leaving = [child for child in tier if child.process is not None]
            for child in leaving:
                child.ask(signal.SIGTERM)
            until = time.monotonic() + GRACE
            for child in leaving:
                _wait(child, until)


def _wait(child: _Child, until: float) -> None:
    assert child.process is not None
    try:
        child.process.wait(max(0.1, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        log.warning("%s did not end in time and is killed", child.spec.name)
    child.sweep()
    child.process.wait()


def _code(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit {code}"


def command(*words: str) -> list[str]:
    """One of our own commands, run by this Python."""
    return [sys.executable, "-m", "connector.cli", *words]


def house(config: Config, port: int) -> list[Spec]:
    """Everything one machine needs: Valkey (unless REDIS_URL names one), migrations, web, workers, clock."""
    specs = []
    if config.own_redis:
        argv = [sys.executable, "-m", "connector.valkey", *valkey.arguments(config)]
        specs.append(Spec("valkey", argv, ready=lambda: valkey.answers(config)))
    web = {"PORT": str(port)} if config.port == 0 else {}
    url = local_url(config.host, port)
    specs += [
        Spec("migrations", command("db", "upgrade"), once=True),
        Spec("web", command("web"), env=web, ready=lambda: healthy(url)),
        *workers(config.workers),
        Spec("clock", command("clock"), tier="workers"),
    ]
    return specs


def stand_ins(url: str) -> Spec:
    """The sandbox, on this machine."""

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"{url}/", timeout=2):  # noqa: S310 - our own address
                return True
        except (urllib.error.URLError, OSError):
            return False

    return Spec("sandbox", command("sandbox", "--port", url.rpartition(":")[2]), ready=answers)


def workers(count: int) -> list[Spec]:
    """So many worker processes."""
    return [Spec(f"worker {n}", command("worker", "--single"), tier="workers") for n in range(1, count + 1)]


def healthy(url: str) -> bool:
    """The web server takes webhooks."""
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=2) as answer:  # noqa: S310 - our own address
            return bool(json.load(answer)["ok"])
    except (urllib.error.URLError, OSError, ValueError):
        return False
