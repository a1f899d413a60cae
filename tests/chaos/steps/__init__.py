"""What may befall a run besides SIGKILLs: each fault is a step of the killer's plan, in a file of its own here.

A file of this package makes steps with `@step`; it is found by being there. `python -m tests.chaos --faults zombie=5`
strews five of them among the kills.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.chaos.door import Door
    from tests.chaos.rig import Rig

BOTH = ("postgres", "sqlite")
Undo = Callable[[], None]


@dataclass(slots=True)
class Scene:
    """What a step works with. What it counts stands on the page; `wrong` is what must not have happened."""

    rig: "Rig"
    door: "Door"
    dice: random.Random
    patience: float = 3.0  # seconds for one wait on a quick machine
    counts: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=dict)  # what was measured, by name
    wrong: list[str] = field(default_factory=list)
    _undo: list[tuple[int, Undo]] = field(default_factory=list)  # steps left, and what mends it

    def until(self, steps: int, undo: Undo) -> None:
        """The fault stays for so many further steps, or until the plan is at its end."""
        self._undo.append((steps, undo))

    def count(self, what: str, n: int = 1) -> None:
        self.counts[what] += n

    def measure(self, what: str, seconds: float) -> None:
        self.seconds.setdefault(what, []).append(seconds)

    def passed(self, *, all_: bool = False) -> None:
        """Another step is done: faults whose time is over are mended, at the end all of them."""
        kept = [(left - 1, undo) for left, undo in self._undo]
        over = [undo for left, undo in kept if all_ or left <= 0]
        self._undo = [] if all_ else [(left, undo) for left, undo in kept if left > 0]
        for undo in over:
            undo()


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


STEPS: dict[str, Step] = {}


def step(
    name: str,
    about: str,
    *,
    on: tuple[str, ...] = BOTH,
    altered: tuple[str, ...] = (),
    prepare: Callable[["Rig"], None] | None = None,
    after: Callable[[Scene], None] | None = None,
) -> Callable[[Callable[[Scene], None]], Callable[[Scene], None]]:
    """Makes a function a step."""

    def made(do: Callable[[Scene], None]) -> Callable[[Scene], None]:
        STEPS[name] = Step(name, about, do, on, altered, prepare, after)
        return do

    return made


def load() -> Mapping[str, Step]:
    """All steps there are."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return STEPS
