"""Redis is a bell and nothing else: gone from the start, gone for a while, or full, it costs latency only."""

import time

import redis

from tests.chaos.rig import Rig
from tests.chaos.steps import Scene, step

STEPS = (2, 5)  # how many steps long it is away, or full
PROBES = 3  # messages whose way is measured meanwhile
WAKE = "Redis away: stored to handled"


@step("redis_away", "Redis gone for a while")
def away(scene: Scene) -> None:
    """First a quiet moment in which single messages are measured, then kills go on without it."""
    scene.rig.redis(here=False)
    _wakes(scene)
    scene.until(scene.dice.randint(*STEPS), lambda: scene.rig.redis(here=True))


def start_without(rig: Rig) -> None:
    """Nobody has ever seen it when the processes start."""
    rig.redis(here=False)


@step("redis_late", "Redis there only after a part of the run", prepare=start_without, once=True)
def late(scene: Scene) -> None:
    scene.rig.redis(here=True)


@step("redis_full", "Redis out of memory")
def full(scene: Scene) -> None:
    if not scene.rig.redis_here:
        return
    _limit(scene.rig, "1")
    _wakes(scene)
    scene.until(scene.dice.randint(*STEPS), lambda: _limit(scene.rig, "0"))


def _limit(rig: Rig, size: str) -> None:
    """A Redis that was killed meanwhile has no limit any more."""
    if rig.redis_here:
        client = redis.Redis.from_url(rig.valkey.url)
        client.config_set("maxmemory", size)
        client.close()


def _wakes(scene: Scene) -> None:
    """Each message alone: what is measured is the wake, not a queue."""
    scene.rig.idle()
    for _ in range(PROBES):
        found = scene.probed(time.monotonic())
        if found is None or found[1] > scene.probe.longest:
            return
        scene.measure(WAKE, found[1] - found[0])
