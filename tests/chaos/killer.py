"""Kills, flushes and stops in a seeded order; most kills wait for their victim to have rows in hand."""

import logging
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

import psutil

from tests.chaos.catch import LOOK, PATIENCE, Catcher
from tests.chaos.door import Door
from tests.chaos.recovery import Probe
from tests.chaos.rig import Rig
from tests.chaos.steps import Scene, Step

log = logging.getLogger("connector.chaos")
AWAY = 0.1  # seconds a request has to leave: whoever is caught sending is killed before it, after it, or in the middle
PILE = {"packed": 100, "plans": 600, "changes": 2000}  # what may wait when a step begins ...
LONGEST = 5.0  # ... after so many seconds it begins anyway
TOLD = 10  # steps between two lines that say how far it is
EAGER = 0.7  # below 1: the loads are ahead of the kills, and less is left to wait for in the end
SHARES = {"worker": 11, "web child": 4, "web main": 3, "clock": 2, "valkey": 1}


@dataclass(frozen=True, slots=True)
class Kill:
    """One SIGKILL. `rows` were in hand; of the web, the requests under way are counted when the load has ended."""

    kind: str
    at: float
    stage: str = ""
    rows: int = 0


@dataclass(slots=True)
class Killer:
    """`run(plan)` carries out a list of steps, and lets the loads go on with each: `allow` takes a share of all."""

    rig: Rig
    door: Door
    allow: Callable[[float], None]
    probe: Probe
    seed: int
    pause: tuple[float, float]  # seconds between two steps
    aim: str = ""  # the stage at which every worker should be caught; "" = any
    faults: Mapping[str, Step] = field(default_factory=dict)  # further steps, by name (tests.chaos.steps)
    kills: list[Kill] = field(default_factory=list)
    stops: int = 0
    flushes: int = 0
    scene: Scene = field(init=False)
    catcher: Catcher = field(init=False)
    _dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self.catcher = Catcher(self.rig, self._dice, self.aim)
        self.scene = Scene(self.rig, self.door, self.probe, self.catcher, self._dice)

    def plan(self, kills: int, flushes: int, stops: int, faults: Mapping[str, int]) -> list[str]:
        """The steps: kills of every kind, flushes, stops of Postgres and further faults strewn among them."""
        kinds = list(SHARES)
        shares = [kills * SHARES[kind] // sum(SHARES.values()) for kind in kinds]
        shares = [max(1, n) for n in shares] if kills >= len(kinds) else [0] * len(kinds)
        shares[0] += kills - sum(shares)
        steps = [kind for kind, n in zip(kinds, shares, strict=True) for _ in range(n)]
        steps += ["flush"] * flushes + ["stop"] * stops
        steps += [name for name, n in faults.items() for _ in range(n)]
        self._dice.shuffle(steps)
        return steps

    def run(self, steps: list[str]) -> None:
        """Carries them out, oldest first; a step may take the kills of later ones along."""
        left, total = deque(steps), len(steps)
        began = time.monotonic()
        while left:
            step = left.popleft()
            time.sleep(self._dice.uniform(*self.pause))  # the rhythm of the run, nothing is waited for
            self._keep_up()
            done = total - len(left)
            self.allow((done / (total + 1)) ** EAGER)
            if done % TOLD == 0:
                log.info("step %d of %d after %.0f s: %s", done, total, time.monotonic() - began, self.rig.pending())
            if step == "worker":
                self._workers(left)
            elif step in self.faults:
                self.faults[step].do(self.scene)
                self.scene.count(step)
            else:
                self._others[step]()
            self.scene.passed()
        self.scene.ended()
        self.allow(1.0)

    def _keep_up(self) -> None:
        """Under load, not under a pile: what is not handled stays within bounds, unless that takes too long."""
        until = time.monotonic() + LONGEST * self.rig.slowness
        while time.monotonic() < until:
            left = self.rig.pending() or {}
            if all(left.get(name, 0) <= most for name, most in PILE.items()):
                return
            time.sleep(LOOK)

    @property
    def _others(self) -> dict[str, Callable[[], None]]:
        return {
            "web main": self._web_main, "web child": self._web_child, "clock": self._clock, "valkey": self._valkey,
            "flush": self._flush, "stop": self._stop, "rest": lambda: None,
        }  # fmt: skip

    # ---- kills ---------------------------------------------------------------------------------------------------
    def _workers(self, left: deque[str]) -> None:
        """The worker that was caught, and the other one with it when that has rows in hand too."""
        caught = self.catcher.catch()
        if len(caught) > 1 and "worker" in left:
            left.remove("worker")
            caught = caught[:2]
        else:
            caught = caught[:1]
        if caught[0].stage == "send":
            time.sleep(self._dice.uniform(0, AWAY))
        with ExitStack() as held:
            for hand in caught:
                held.enter_context(self.rig.slot(hand.slot).lock)  # nobody starts it again before its rows are counted
            times = [self.rig.slot(hand.slot).kill() for hand in caught]
            rows = [self.rig.hands.rows(hand) for hand in caught]
            self.rig.hands.died()
        for hand, at, n in zip(caught, times, rows, strict=True):
            self.kills.append(Kill("worker", at, hand.stage if n else "", n))

    def _web_main(self) -> None:
        self.door.busy(PATIENCE)
        self.kills.append(Kill("web main", self.rig.slot("web").kill()))

    def _web_child(self) -> None:
        until = time.monotonic() + PATIENCE * self.rig.slowness
        while not (children := self.rig.slot("web").children()) and time.monotonic() < until:
            time.sleep(LOOK)
        if not children:
            return self._web_main()
        self.door.busy(PATIENCE)
        at = time.time()
        with suppress(psutil.NoSuchProcess):
            self._dice.choice(children).kill()
        self.kills.append(Kill("web child", at))
        return None

    def _clock(self) -> None:
        self.kills.append(Kill("clock", self.rig.slot("clock").kill()))

    def _valkey(self) -> None:
        self.kills.append(Kill("valkey", self.rig.kill_valkey()))

    # ---- the rest ------------------------------------------------------------------------------------------------
    def _flush(self) -> None:
        self.rig.flush()
        self.flushes += 1

    def _stop(self) -> None:
        assert self.rig.postgres is not None
        self.door.busy(PATIENCE)
        self.rig.postgres.stop()
        time.sleep(self._dice.uniform(0.5, 1.0))  # how long it is away
        self.rig.postgres.start()
        self.stops += 1
        self.scene.recovers("Postgres came back")

    # ---- what came of it -----------------------------------------------------------------------------------------
    def by_kind(self) -> dict[str, int]:
        return dict(Counter(kill.kind for kill in self.kills))

    def in_hand(self) -> int:
        """Kills that hit rows in hand, or a request on its way."""
        return sum(1 for kill in self.kills if kill.rows or self._cut(kill))

    def stages(self) -> dict[str, int]:
        """What the killed were at."""
        found = Counter(kill.stage for kill in self.kills if kill.stage)
        found["request"] = sum(1 for kill in self.kills if self._cut(kill))
        return dict(found)

    def _cut(self, kill: Kill) -> bool:
        """A post that had begun before a web process was killed, and broke off at it."""
        return kill.kind.startswith("web") and any(a <= kill.at <= b for a, b in self.door.broken)
