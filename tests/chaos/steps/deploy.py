"""A deploy under load: every process is asked to end and is started anew, one after the other."""

import signal
import time

from tests.chaos import books
from tests.chaos.hands import Hand
from tests.chaos.processes import Slot
from tests.chaos.rig import Rig
from tests.chaos.steps import Scene, step

FINE = (0, -signal.SIGKILL)  # SIGKILL: one of the kills before was quicker
STARTING = 3.0  # seconds on a quick machine until a process that was killed before hears SIGTERM


@step("deploy", "deploys: SIGTERM of every process in turn")
def deploy(scene: Scene) -> None:
    for slot in scene.rig.keeper.slots:
        if slot.pid in scene.catcher.stopped:
            continue  # it hears nothing; a launcher would kill it in the end
        with slot.lock:
            _one(scene, slot)
            slot.start()
        if slot.kind == "web":
            scene.recovers("a deploy of the web")


def _one(scene: Scene, slot: Slot) -> None:
    """It ends by itself, with 0, and leaves no row in flight: a drain ends at a row boundary."""
    hands = [hand for hand in scene.rig.hands.look() if hand.slot == slot.name]
    deaf = time.monotonic() < slot.began + STARTING * scene.rig.slowness
    at, code = slot.end()
    if code not in FINE and not (deaf and code == -signal.SIGTERM):
        scene.wrong.append(f"{slot.name} ended with {code} when it was asked to end")
    for hand in hands if code == 0 and scene.rig.true_clocks else ():
        scene.count(f"deploy at {hand.stage}")
        if left := _left(scene.rig, hand, at):
            scene.wrong.append(f"{slot.name} ended and left {left} rows in flight at {hand.stage}")


def _left(rig: Rig, hand: Hand, at: float) -> int:
    """Rows that it had started before it was asked to end, and did not finish."""
    return rig.asks(lambda conn: books.in_flight(conn, hand.stage, hand.of, rig.hands.since, at), 0)
