"""Catches a worker with rows in hand, at the stage one would like best; so that what befalls it hits work."""

import random
import time
from dataclasses import dataclass, field

from tests.chaos.hands import Hand
from tests.chaos.rig import Rig

# All of these on a quick machine; a slower one gets more (Rig.slowness).
PATIENCE = 3.0  # seconds a step waits for rows in hand while there is nothing to do; then it finds somebody idle
BOOT = 15.0  # seconds while there is: a worker that was just killed takes its time to come back
# Seconds it waits for the stage it would like best.
CHOOSY = {"write": 1.0, "send": 2.0, "handle": 0.4, "trigger": 0.4, "unpack": 0.4}
LOOK = 0.02  # seconds between two looks at the hands
# What a worker should be caught at, and how often.
STAGES = {"write": 5, "send": 5, "handle": 2, "trigger": 3, "unpack": 2}


@dataclass(slots=True)
class Catcher:
    """`catch()`: at least one hand, one for each worker."""

    rig: Rig
    dice: random.Random
    aim: str = ""  # the stage at which every worker should be caught; "" = any
    stopped: set[int] = field(default_factory=set)  # pids that stand still: nobody is caught there

    def catch(self, aim: str = "") -> list[Hand]:
        """Workers with rows in hand, the first at the wanted stage if that comes in time; else an idle one."""
        wanted = aim or self.aim or self.dice.choices(list(STAGES), list(STAGES.values()))[0]
        choosy = BOOT if self.aim else CHOOSY[wanted]
        start = time.monotonic()
        while self._waits(waited := (time.monotonic() - start) / self.rig.slowness):
            hands = [hand for hand in self.rig.hands.look() if self._moves(hand.slot)]
            self.dice.shuffle(hands)
            hands.sort(key=lambda hand: hand.stage != wanted)
            if hands and (hands[0].stage == wanted or waited > choosy):
                return list({hand.slot: hand for hand in reversed(hands)}.values())[::-1]
            time.sleep(LOOK)
        while not (idle := [name for name in self.rig.hands.idle() if self._moves(name)]):
            time.sleep(LOOK)
        return [Hand(self.dice.choice(idle), "")]

    def _moves(self, slot: str) -> bool:
        return self.rig.slot(slot).pid not in self.stopped

    def _waits(self, waited: float) -> bool:
        """May a step go on waiting for rows in hand?"""
        return waited < PATIENCE or (waited < BOOT and self.rig.pending() != {})
