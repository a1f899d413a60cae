"""The disk of SQLite is full: whoever calls hears "try again", nothing is half stored, and once there is room again
the same body is taken, once.

No file may grow or be written beyond a few kilobytes (RLIMIT_FSIZE, whose signal Python ignores): the kernel refuses
as a full disk does.
"""

import json
import resource
import time
from collections.abc import Iterator

import psutil

from tests.chaos.load import signed, webhook
from tests.chaos.rig import Rig
from tests.chaos.stand_ins import WEBHOOK
from tests.chaos.steps import Scene, step

ROOM = 4096  # bytes: less than any page that a commit writes
STEPS = (1, 2)  # how many steps long it is full
NOBODY = "573000000002"  # who writes while it is full: not one of those whose messages are counted
HEARD = 10.0  # seconds, on a quick machine, until it is heard
PAUSE = 0.1


@step("disk", "disks that were full", on=("sqlite",))
def disk(scene: Scene) -> None:
    """A body that comes now is refused, and taken when there is room."""
    rig = scene.rig
    _limit(rig, ROOM)
    text = "STOP"  # sets nothing off but an opt-out; said twice it is one
    body = json.dumps(webhook([(NOBODY, text)], scene.dice)).encode()
    answers = [scene.door.once(WEBHOOK, body, signed(body)) for _ in range(3)]
    scene.count("503 with a full disk", answers.count(503))
    if 200 in answers:
        scene.wrong.append(f"a full disk, and still 200: {answers}")

    def room() -> None:
        _limit(rig, resource.RLIM_INFINITY)
        until = time.monotonic() + HEARD * rig.slowness
        while scene.door.once(WEBHOOK, body, signed(body)) != 200:
            if time.monotonic() > until:
                scene.wrong.append("nothing is taken although the disk has room again")
                break
            time.sleep(PAUSE)
        scene.recovers("the disk had room again")
        rig.besides.add(NOBODY)

    scene.until(scene.dice.randint(*STEPS), room)


def _limit(rig: Rig, size: int) -> None:
    """Of every process that is there now; one that is started later has room, and a kill may start one."""
    for pid in _pids(rig):
        try:
            _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, most))
        except ProcessLookupError:
            continue


def _pids(rig: Rig) -> Iterator[int]:
    for slot in rig.keeper.slots:
        with slot.lock:
            try:
                yield from (slot.pid, *(child.pid for child in psutil.Process(slot.pid).children(recursive=True)))
            except psutil.NoSuchProcess:
                continue
