"""Clocks that jump: of one process, or of the whole host. Over 30 s off the database's clock nothing is sent."""

import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.chaos.rig import NAME, Rig
from tests.chaos.steps import Scene, step

PLACE = "CHAOS_CLOCK"  # in the environment: the folder where each process reads how far its clock is off
LITTLE, MUCH = (2.5, 25.0), (35.0, 50.0)  # seconds
STEPS = (2, 4)  # how many steps a clock stays wrong
LOOK = 0.05  # seconds between two looks at the file
UNDER_WAY = 2.5  # seconds a request that left before may take, and a claim that had looked at the clock
WATCHED = 4.0  # seconds it is watched that nothing leaves


def shifted() -> None:
    """In each process of ours: the clock is off by what its file says."""
    from connector import base

    path = _file(Path(os.environ[PLACE]), os.environ[NAME])
    real, off = time.time, [0.0]

    def look() -> None:
        while True:
            off[0] = _read(path)
            time.sleep(LOOK)

    def now(_: object) -> datetime:
        _begin(look)
        return datetime.now(UTC) + timedelta(seconds=off[0])

    def seconds() -> float:
        return real() + off[0]

    off[0] = _read(path)
    base.SystemClock.now = now  # type: ignore[method-assign]
    if "web" not in sys.argv:  # its server counts with time.time
        time.time = seconds


_looking: dict[int, threading.Thread] = {}


def _begin(look: Callable[[], None]) -> None:
    """A thread of each process: a fork does not take it along."""
    if os.getpid() not in _looking:
        _looking[os.getpid()] = threading.Thread(target=look, name="chaos clock", daemon=True)
        _looking[os.getpid()].start()


def _read(path: Path) -> float:
    try:
        return float(path.read_text("ascii") or 0)
    except (OSError, ValueError):
        return 0.0


def place(rig: Rig) -> None:
    """Where the files are."""
    rig.more[PLACE] = str(rig.home)


def _file(home: Path, name: str) -> Path:
    return home / f"clock-{name}"


def _set(rig: Rig, names: list[str], seconds: float) -> None:
    for name in names:
        _file(rig.home, name).write_text(f"{seconds:.3f}", "ascii")


ALTERED = (f"{__name__}:shifted",)


@step("jump", "clocks of single processes that jumped", altered=ALTERED, prepare=place)
def jump(scene: Scene) -> None:
    """Of one process, a little or much, forward or back."""
    off = _far(scene, *scene.dice.choice((LITTLE, MUCH)))
    _jump(scene, [scene.dice.choice(list(scene.rig.names))], off)
    scene.count(f"a process {'over 30 s' if abs(off) > MUCH[0] else 'seconds'} off")


@step(
    "host_jump", "the host's clock over 30 s off: nothing may leave", on=("postgres",), altered=ALTERED, prepare=place
)
def host_jump(scene: Scene) -> None:
    """Of all processes, over 30 s: SQLite has no clock to compare with."""
    _jump(scene, list(scene.rig.names), _far(scene, *MUCH))
    _nothing_leaves(scene)


def _jump(scene: Scene, names: list[str], seconds: float) -> None:
    scene.rig.true_clocks = False
    _set(scene.rig, names, seconds)
    scene.until(scene.dice.randint(*STEPS), lambda: _set(scene.rig, names, 0.0))


def _far(scene: Scene, least: float, most: float) -> float:
    return scene.dice.uniform(least, most) * scene.dice.choice((1, -1))


def _nothing_leaves(scene: Scene) -> None:
    """With every clock so far off, nobody sends; what had been claimed before may still leave."""
    time.sleep(UNDER_WAY * scene.rig.slowness)  # that is how long a claim and its requests may take
    since = time.time()
    time.sleep(WATCHED)  # long enough for a sender to look twice
    sent = [one for one in scene.rig.sandbox.ledger("graph", since) if one["path"].endswith("/messages")]
    if sent:
        scene.wrong.append(f"{len(sent)} messages left while the host's clock was over 30 s off")
