"""A process that stands still for longer than its locks live, and then goes on as if nothing had happened.

On Postgres its sessions are ended meanwhile, as keep-alives do it: somebody else takes its rows. With SQLite its locks
are the kernel's and stay: nobody takes anything, and whoever calls must still hear "try again" at worst.
"""

import signal

from tests.chaos.steps import Scene, step

# Seconds it stands still. 5 after a claim its rows are taken over (SETTLE), after 15 it must not send any more (STALE).
SHORT, LONG = (6.0, 9.0), (16.0, 20.0)
LONG_ONES = 0.25
IN_SQLITE = (1.0, 6.0)  # a writer that stands in a transaction holds up everybody


@step("zombie", "workers that stood still while their locks went to others")
def zombie(scene: Scene) -> None:
    """One with rows in hand; it wakes up some steps later."""
    rig, dice = scene.rig, scene.dice
    if sum(rig.slot(name).pid not in scene.catcher.stopped for name in rig.workers) < 2:
        scene.count("zombie left out")  # somebody must be there to take its rows
        return
    hand = scene.catcher.catch()[0]
    slot = rig.slot(hand.slot)
    pid = slot.signal(signal.SIGSTOP)
    if not pid:
        return
    if rig.hands.rows(hand):
        scene.count(f"zombie at {hand.stage}")
    scene.catcher.stopped.add(pid)
    rig.end_sessions(slot.name)
    times = IN_SQLITE if not rig.postgres else LONG if dice.random() < LONG_ONES else SHORT

    def wake() -> None:
        if slot.pid == pid:
            slot.signal(signal.SIGCONT)
        scene.catcher.stopped.discard(pid)

    scene.until(0, wake, dice.uniform(*times))
