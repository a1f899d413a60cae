"""One run from first message to verdict, and the small table that tells of it."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.judge import Verdict, judge
from tests.chaos.killer import Killer
from tests.chaos.load import Load
from tests.chaos.rig import CRMS, Rig
from tests.servers import PostgresServer

SEND = 60.0  # seconds the load may still take once the last kill is done
DONE = {"waiting": 0, "review": 0, "refused": 0, "packed": 0}


@dataclass(frozen=True, slots=True)
class Course:
    """How much of everything. `mutant` names a fault that is built in on purpose."""

    events: int
    kills: int = 0
    flushes: int = 1
    stops: int = 0
    contacts: int = 150
    workers: int = 2
    seed: int = 1
    mutant: str = ""
    steps: tuple[str, ...] = ()  # instead of `kills`, `flushes`, `stops`: these, in this order
    patience: float = 40.0  # seconds everything may take to settle


@dataclass(slots=True)
class Report:
    """What a run came to."""

    course: Course
    database: str
    verdict: Verdict
    kills: dict[str, int] = field(default_factory=dict)
    stages: dict[str, int] = field(default_factory=dict)
    in_hand: int = 0
    flushes: int = 0
    stops: int = 0
    posts: int = 0
    broken: int = 0
    again: int = 0
    settled: float = 0.0
    fallen: tuple[str, ...] = ()

    def table(self) -> str:
        """For people."""
        verdict = self.verdict
        rows: dict[str, Any] = {
            "run": f"{self.database} broken on purpose: {self.course.mutant}" if self.course.mutant else self.database,
            "messages": f"{verdict.messages} of {self.course.contacts} contacts, seed {self.course.seed}",
            "posts": f"{self.posts}, {self.broken} without a 200, {self.again} sent again after one",
            "kills": f"{sum(self.kills.values())}: {told(self.kills)}",
            "in hand": f"{self.in_hand}: {told(self.stages)}",
            "besides": f"{self.flushes} Redis flushed, {self.stops} Postgres stopped",
            "settled after": f"{self.settled:.1f} s",
            "lost": verdict.lost,
            "doubled": verdict.doubled,
            "out of order": verdict.out_of_order,
            "else": "; ".join(verdict.wrong[:8]) or "-",
            "fell by itself": ", ".join(self.fallen) or "-",
        }
        return "\n".join(f"{name:>14}  {value}" for name, value in rows.items())


def told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in sorted(counts.items(), key=lambda pair: -pair[1])) or "-"


def run(course: Course, home: Path, postgres: PostgresServer | None) -> Report:
    """Starts everything, sends, kills, waits until nothing waits, and lets the ledger speak."""
    with Rig(home, postgres, workers=course.workers, mutant=course.mutant) as rig:
        load = Load(rig.port, people(course), course.events, course.seed)
        killer = Killer(rig, load, course.seed)
        try:
            load.start()
            killer.run(list(course.steps) or killer.plan(course.kills, course.flushes, course.stops))
            assert load.wait(SEND), "the web process does not take the messages"
            settled = rig.settle(course.events, course.patience)
        finally:
            load.close()
        verdict = judge({crm: rig.sandbox.ledger(crm) for crm in CRMS}, load.sent)
        verdict.wrong += books(rig, course)
        return Report(
            course, "Postgres" if postgres else "SQLite", verdict, killer.by_kind(), killer.stages(), killer.in_hand(),
            killer.flushes, killer.stops, load.posts, len(load.broken), load.again, settled, tuple(rig.keeper.fallen),
        )  # fmt: skip


def people(course: Course) -> list[str]:
    """Customers whom no CRM knows yet; the numbers are of a country without other spellings of a mobile."""
    dice = random.Random(course.seed)
    return [f"57301{n:07d}" for n in dice.sample(range(1_000_000, 9_999_999), course.contacts)]


def books(rig: Rig, course: Course) -> list[str]:
    """What our own tables say against themselves: the counts, and every promise that is broken."""
    counts = rig.counts() or {}
    wanted = {"events": course.events, **DONE}
    wrong = [f"{counts.get(name)} {name}, not {n}" for name, n in wanted.items() if counts.get(name) != n]
    return wrong + [f"{found['code']}: {found['count']}" for found in rig.findings()]
