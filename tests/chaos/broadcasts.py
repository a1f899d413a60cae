"""One message to many people while everything is killed: started by several at once, stopped by some of them."""

import json
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from tests.chaos.calls import STOP, Call
from tests.chaos.door import Door
from tests.chaos.load import post, webhook
from tests.chaos.processes import Slot
from tests.chaos.rig import Rig

KIND = "broadcast"
STARTERS = 3  # people who press the same button in the same moment
TRIES = 20  # a database that is away is no answer
LONGEST = 60.0  # seconds of one command
RHYTHM = (0.0, 0.15)  # seconds between two STOPs


@dataclass(slots=True)
class Broadcast:
    """`start()`, and once `wait()` is True every person was told or refused; `made` are the causes for the judge."""

    rig: Rig
    door: Door
    people: list[str]
    stoppers: float
    seed: int
    folder: Path
    made: list[Call] = field(default_factory=list)
    begun: int = 0  # how many of the starters began it: one
    id: str = ""
    _calls: Iterator[int] = field(default_factory=count)
    _thread: threading.Thread = field(init=False)

    def start(self) -> None:
        """Draws it up with a list in which everybody stands twice, then starts it."""
        sheet = self.folder / "people.csv"
        sheet.write_text("\n".join(["phone", *self.people, *(f"+{who}" for who in self.people)]), "utf-8")
        self.id = self._said("forecast", "chaos-broadcast", "--csv", str(sheet))["id"]
        self._thread = threading.Thread(target=self._run, name="broadcaster", daemon=True)
        self._thread.start()

    def wait(self, timeout: float) -> bool:
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def facts(self) -> dict[str, int]:
        """How many it planned and refused, by its own word."""
        told = self._said("show", self.id)
        return {"planned": told["planned"], "refused": told["refused"]}

    def _run(self) -> None:
        self._begin()
        self.made += [Call(KIND, who, 1) for who in self.people]
        dice = random.Random(self.seed * 31)
        for who in dice.sample(self.people, int(self.stoppers * len(self.people))):
            time.sleep(dice.uniform(*RHYTHM))  # the rhythm of the run, nothing is waited for
            post(self.door, json.dumps(webhook([(who, STOP)], dice)).encode())
            self.made.append(Call("stop", who))
        self.door.leave()
        self._begin()  # somebody presses it again when it has long begun

    def _begin(self) -> None:
        with ThreadPoolExecutor(STARTERS) as pool:
            told = list(pool.map(lambda _: self._said("start", self.id), range(STARTERS)))
        self.begun += sum(bool(one["started"]) for one in told)

    def _said(self, *words: str) -> dict[str, object]:
        """What a command answers; it is given again while the database is away."""
        for _ in range(TRIES):
            said = self.folder / f"said-{next(self._calls)}"
            argv = ["broadcasts", *words, "--json"]
            command = Slot("postgres", "command", argv, self.rig.environment("postgres"), said)
            command.start()
            assert command.process is not None
            code, told = command.process.wait(LONGEST), said.read_text("utf-8")
            if code == 0:
                found: dict[str, object] = json.JSONDecoder().raw_decode(told[told.index("{") :])[0]
                return found
            time.sleep(0.5)
        raise AssertionError(told)
