"""What may befall a run besides SIGKILLs: each fault is a step of the killer's plan, in a file of its own here.

A file of this package makes steps with `@step`; it is found by being there. `python -m tests.chaos --faults zombie=5`
strews five of them among the kills.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.chaos.catch import Catcher
    from tests.chaos.door import Door
    from tests.chaos.recovery import Probe
    from tests.chaos.rig import Rig

BOTH = ("postgres", "sqlite")
Undo = Callable[[], None]


@dataclass(slots=True)
class Scene:
    """What a step works with. What it counts stands on the page; `wrong` is what must not have happened."""

    rig: "Rig"
    door: "Door"
    probe: "Probe"
    catcher: "Catcher"
    dice: random.Random
    counts: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=dict)  # what was measured, by name
    wrong: list[str] = field(default_factory=list)
    _undo: list["_Undo"] = field(default_factory=list)

    def until(self, steps: int, undo: Undo, seconds: float = 0.0) -> None:
        """The fault stays for so many further steps and so long; at the end of the plan only for so long."""
        self._undo.append(_Undo(undo, steps, time.monotonic() + seconds))

    def count(self, what: str, n: int = 1) -> None:
        self.counts[what] += n

    def measure(self, what: str, seconds: float) -> None:
        self.seconds.setdefault(what, []).append(seconds)

    def recovers(self, what: str) -> None:
        """From now until a message is accepted, and until it is handled."""
        found = self.probed(time.monotonic())
        if found is not None:
            self.measure(f"{what}: a webhook is accepted", found[0])
            self.measure(f"{what}: its event is handled", found[1])

    def probed(self, since: float) -> tuple[float, float] | None:
        """Seconds until a message was accepted and until it was handled; one that takes too long is a fault."""
        found = self.probe(since)
        if found is not None and found[1] > self.probe.longest:
            self.wrong.append(f"a message was not handled within {found[1]:.0f} s")
        return found

    def passed(self) -> None:
        """Another step is done: faults whose time is over are mended."""
        for one in self._undo:
            one.steps -= 1
        self._mend(lambda one: one.steps <= 0 and one.at <= time.monotonic())

    def ended(self) -> None:
        """The plan is at its end: what lasts has its time, then it is mended."""
        while self._undo:
            time.sleep(max(0.0, min(one.at for one in self._undo) - time.monotonic()))
            self._mend(lambda one: one.at <= time.monotonic())

    def _mend(self, over: Callable[["_Undo"], bool]) -> None:
        done = [one for one in self._undo if over(one)]
        self._undo = [one for one in self._undo if one not in done]
        for one in done:
            one.undo()


@dataclass(slots=True, eq=False)
class _Undo:
    """What mends a fault: after so many steps, and not before."""

    undo: Undo
    steps: int
    at: float


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of fault. `altered`: what its processes run besides (see tests.chaos.mutants), as "module:function"."""

    name: str
    about: str  # how the page calls it
    do: Callable[[Scene], None]
    on: tuple[str, ...] = BOTH
    altered: tuple[str, ...] = ()
    prepare: Callable[["Rig"], None] | None = None  # before the processes start
    after: Callable[[Scene], None] | None = None  # once nothing waits any more, before the judge
    once: bool = False  # it can befall a run only once


STEPS: dict[str, Step] = {}


def step(
    name: str,
    about: str,
    *,
    on: tuple[str, ...] = BOTH,
    altered: tuple[str, ...] = (),
    prepare: Callable[["Rig"], None] | None = None,
    after: Callable[[Scene], None] | None = None,
    once: bool = False,
) -> Callable[[Callable[[Scene], None]], Callable[[Scene], None]]:
    """Makes a function a step."""

    def made(do: Callable[[Scene], None]) -> Callable[[Scene], None]:
        STEPS[name] = Step(name, about, do, on, altered, prepare, after, once)
        return do

    return made


def parse(text: str, on: str) -> tuple[tuple[str, int], ...]:
    """`zombie=5,deploy` as pairs; `all=5`: five of each that this database can have, and what is once in a run once.

    Raises ValueError for a name that is none."""
    found: dict[str, int] = {}
    for name, _, n in (one.partition("=") for one in text.split(",") if one):
        if name == "all":
            found |= {step.name: 1 if step.once else int(n or 1) for step in load().values() if on in step.on}
        elif name in load():
            found[name] = int(n or 1)
        else:
            raise ValueError(f"there is no fault called {name}; there are {', '.join(sorted(load()))}")
    return tuple((name, n) for name, n in found.items() if n)


def load() -> Mapping[str, Step]:
    """All steps there are."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return STEPS
