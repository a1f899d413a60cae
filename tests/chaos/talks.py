"""Conversations in the load: people who begin one, and answer each question as soon as it is on their phone.

They write through the stand-in, which delivers as Meta does: again until it is answered 200, now and then twice.
"""

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.chaos.door import Door
from tests.chaos.stand_ins import Sandbox

BEGIN = "begin the talk"
QUESTIONS = ("First question", "Second question", "Third question")
LOOK = 0.2  # seconds between two looks at all phones
TWICE = 0.2  # how often what they write is delivered twice


def answer(who: str, n: int) -> str:
    """Nobody else's, and no other question's."""
    return f"talk-{who[-4:]}-{n}"


def last_words(who: str) -> str:
    """What the flow says in the end."""
    return " ".join(answer(who, n) for n in range(1, len(QUESTIONS) + 1))


@dataclass(slots=True)
class Talks:
    """`said` is {person: how often they wrote}. They begin as `allow` lets them."""

    sandbox: Sandbox
    door: Door
    people: Sequence[str]
    seed: int
    said: dict[str, int] = field(default_factory=dict)
    _allowed: int = 0
    _done: set[str] = field(default_factory=set)
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread = field(init=False)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="talker", daemon=True)
        self._thread.start()

    def allow(self, share: float) -> None:
        """So many of them may have begun by now."""
        self._allowed = max(self._allowed, int(share * len(self.people)))

    def close(self) -> None:
        if self.people:
            self._thread.join()

    @property
    def messages(self) -> int:
        return sum(self.said.values())

    def still(self) -> bool:
        """Nobody has anything to answer now."""
        return len(self.said) == len(self.people) and not self.look()

    def look(self) -> int:
        """Answers what is on the phones; how many wrote."""
        with self._turn:
            wrote = 0
            for who in self.people[: self._allowed]:
                if who not in self._done:
                    wrote += self._one(who)
            return wrote

    def _run(self) -> None:
        while not self.door.ended.wait(LOOK):
            self.look()

    def _one(self, who: str) -> bool:
        """Their next words, once they were asked for them."""
        n = self.said.get(who, 0)
        if n:
            phone = self.sandbox.call("GET", f"/_customers/{who}")
            heard = {one["text"] for one in phone["messages"] if not one["mine"]}
            if last_words(who) in heard:
                self._done.add(who)
            if n > len(QUESTIONS) or QUESTIONS[n - 1] not in heard:
                return False
        duplicate = random.Random(f"{self.seed} {who} {n}").random() < TWICE
        words = answer(who, n) if n else BEGIN
        self.sandbox.call("POST", f"/_customers/{who}?duplicate={int(duplicate)}", {"text": words})
        self.said[who] = n + 1
        return True
