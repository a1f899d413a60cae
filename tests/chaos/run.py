"""One run from first message to verdict."""

import json
import random
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from connector.core.message import said
from tests.chaos import books
from tests.chaos.broadcasts import Broadcast
from tests.chaos.calls import SHARES, Calls, plan
from tests.chaos.door import Door
from tests.chaos.judge import judge
from tests.chaos.judge_sends import Key, SendVerdict, is_template, judge_sends, judge_truth, key_of
from tests.chaos.judge_talks import TalkVerdict, judge_talks, written
from tests.chaos.killer import Killer
from tests.chaos.load import Load
from tests.chaos.recovery import Probe
from tests.chaos.report import Report
from tests.chaos.rig import Rig
from tests.chaos.stand_ins import CRMS
from tests.chaos.steps import Step, load
from tests.chaos.steps.power import GONE_ON
from tests.chaos.steps.upgrade import OldRig
from tests.chaos.talks import Talks
from tests.chaos.watch import Watch
from tests.servers import PostgresServer

SEND = 60.0  # seconds the load may still take once the last kill is done


@dataclass(frozen=True, slots=True)
class Course:
    """How much of everything. `mutant` names a fault that is built in on purpose."""

    events: int
    sends: int = 0
    kills: int = 0
    flushes: int = 1
    stops: int = 0
    people: int = 0  # of a broadcast
    talks: int = 0  # conversations
    contacts: int = 150
    workers: int = 2
    seed: int = 1
    stoppers: float = 0.1  # the share of contacts who write STOP in the middle
    answer: float = 0.1  # seconds until WhatsApp answers a request
    delivered: float = 0.5  # seconds until it reports the message delivered
    mutant: str = ""
    hasty: bool = True  # what may have been sent is looked at after seconds, not a minute: else a run takes that long
    pause: tuple[float, float] = (0.05, 0.2)  # seconds between two steps
    aim: str = ""  # the stage at which workers should be caught; "" = any
    steps: tuple[str, ...] = ()  # instead of `kills`, `flushes`, `stops`: these, in this order
    patience: float = 60.0  # seconds everything may take to settle
    old: str = ""  # the commit of a release its processes begin with (tests.chaos.steps.upgrade)
    faults: tuple[tuple[str, int], ...] = ()  # further steps (tests.chaos.steps), and how many of each

    @property
    def altered(self) -> tuple[str, ...]:
        names = (*(["hasty"] if self.hasty else []), *([self.mutant] if self.mutant else []))
        return (*names, *dict.fromkeys(name for step in self.further for name in step.altered))

    @property
    def further(self) -> list[Step]:
        """The steps that are no kill."""
        known = load()
        return [
            known[name] for name in dict.fromkeys((*(name for name, _ in self.faults), *self.steps)) if name in known
        ]


def run(course: Course, home: Path, postgres: PostgresServer | None) -> Report:
    """Starts everything, sends, kills, waits until nothing waits, and lets the ledgers speak."""
    prepared = list(dict.fromkeys(step.prepare for step in course.further if step.prepare))
    made: Any = partial(OldRig, old=course.old) if course.old else Rig
    with (
        made(
            home,
            postgres,
            workers=course.workers,
            altered=course.altered,
            prepare=prepared,
            seed=course.seed,
            kills=course.kills if not course.steps else course.steps.count("worker"),
        ) as rig,
        Watch(rig) as watch,
    ):
        return _Run(course, rig, watch).report()


class _Run:
    """One run in a rig that stands."""

    def __init__(self, course: Course, rig: Rig, watch: Watch) -> None:
        self.course, self.rig, self.watch = course, rig, watch
        self.door, contacts = Door(rig.port), people(course)
        planned = plan(contacts, course.sends, course.stoppers, course.seed)
        self.deals = rig.sandbox.deals([(call.who, call.n) for call in planned if call.kind == "deal"])
        self.load = Load(self.door, contacts, course.events, course.seed)
        self.calls = Calls(self.door, rig.sandbox, rig.links, self.deals, planned, course.seed)
        self.talks = Talks(rig.sandbox, self.door, people(replace(course, contacts=course.talks), "57303"), course.seed)
        strangers = people(replace(course, contacts=course.people), "57302")
        self.broadcast = Broadcast(rig, self.door, strangers, course.stoppers, course.seed, rig.home)
        probe = Probe(rig, self.load, random.Random(course.seed * 7))
        self.killer = Killer(rig, self.door, self._allow, probe, course.seed, course.pause, course.aim, load())

    def report(self) -> Report:
        course, killer, rig = self.course, self.killer, self.rig
        began = time.monotonic()
        settled = self._play()
        took = time.monotonic() - began
        for after in dict.fromkeys(step.after for step in course.further if step.after):
            after(killer.scene)
        verdict = judge({crm: rig.sandbox.ledger(crm) for crm in CRMS}, self.load.sent)
        if not verdict.good:  # for whoever must find out
            for crm in CRMS:
                lines = (json.dumps(line) + "\n" for line in rig.sandbox.ledger(crm))
                with (rig.home / f"{crm}.jsonl").open("w", encoding="utf-8") as file:
                    file.writelines(lines)
        verdict.wrong += killer.scene.wrong + self.door.strange()
        verdict.wrong += [f"{found['code']}: {found['count']}" for found in rig.findings()]
        with rig.app.store.read() as conn:
            causes = {kind: self.calls.count(kind) for kind in SHARES}
            stops = self.calls.count("stop") + sum(call.kind == "stop" for call in self.broadcast.made)
            messages = course.events + stops + self.talks.messages + len(rig.besides)
            verdict.wrong += books.faults(conn, messages, causes)
            outcomes, unknown = books.outcomes(conn), books.unknown(conn)
        sends = self._sends()
        if course.people:
            sends.wrong += self._broadcast_faults()
        sends.wrong += judge_truth(
            rig.sandbox.ledger("hubspot"), rig.sandbox.messages(), self.deals, self.calls.stopped, self._held()
        )
        return Report(
            course, "Postgres" if rig.postgres else "SQLite", verdict, sends, self._talks(), outcomes, unknown,
            killer, self.door, took, settled, tuple(rig.keeper.fallen),
        )  # fmt: skip

    def _play(self) -> float:
        """How long it took to settle in the end."""
        course, killer, sandbox = self.course, self.killer, self.rig.sandbox
        sandbox.storm(course.seed, course.answer, course.delivered)
        try:
            self.load.start()
            self.talks.start()
            self.calls.start()
            if course.people:
                self.broadcast.start()
            killer.run(
                list(course.steps) or killer.plan(course.kills, course.flushes, course.stops, dict(course.faults))
            )
            assert self.load.wait(SEND * self.rig.slowness), "the web process does not take the messages"
            assert self.calls.wait(SEND * self.rig.slowness), "the web process does not take the calls"
            if course.people:
                assert self.broadcast.wait(2 * SEND * self.rig.slowness), "the commands of the broadcast do not end"
            return self.rig.settle(
                course.patience * self.rig.slowness,
                lambda: sandbox.calm(course.seed),
                self.calls.trickle,
                lambda: True,
                self._enough,
            )
        finally:
            self.door.close()
            self.talks.close()
            self.door.leave()

    def _allow(self, share: float) -> None:
        self.load.allow(share)
        self.calls.allow(share)
        self.talks.allow(share)

    def _enough(self) -> bool:
        """What is broken on purpose need not run on once it has written or sent twice, or sent after a STOP."""
        if not self.course.mutant:
            return False
        if not self.course.sends:
            return bool(judge({crm: self.rig.sandbox.ledger(crm) for crm in CRMS}, self.load.sent).doubled)
        seen = self._sends()
        return bool(seen.doubled or seen.after_stop)

    def _sends(self) -> SendVerdict:
        with self.rig.app.store.read() as conn:
            labels = books.labels(conn)
        made = [*self.calls.made, *self.broadcast.made]
        return judge_sends(self.rig.sandbox.ledger("graph"), made, labels, self.watch.after(), self._held())

    def _held(self) -> set[Key]:
        """Messages that a person must decide on."""
        with self.rig.app.store.read() as conn:
            return {key_of({**body, "to": to}) for to, body in books.held(conn) if is_template(body)}

    def _talks(self) -> TalkVerdict:
        with self.rig.app.store.read() as conn:
            labels = books.labels(conn)
            held = {(to.lstrip("+"), said(body)) for to, body in books.held(conn) if not is_template(body)}
        verdict = judge_talks(self.rig.sandbox.ledger("graph"), self.talks.said, labels, held)
        verdict.wrong += written(self.rig.sandbox.ledger("hubspot"), self.talks.said)
        return verdict

    def _broadcast_faults(self) -> list[str]:
        """Everybody is planned or refused, once, whoever started it and however often."""
        told, n = self.broadcast.facts(), self.course.people
        # What was begun after the copy that everything goes on from was made has not happened, and is begun again.
        most = 1 + self.killer.scene.counts[GONE_ON]
        wrong = [] if 1 <= self.broadcast.begun <= most else [f"the broadcast was begun {self.broadcast.begun} times"]
        if told["planned"] + told["refused"] != 2 * n or told["planned"] > n:  # everybody stands in the list twice
            wrong.append(f"of {n} people, each listed twice, {told} were planned and refused")
        return wrong


def people(course: Course, prefix: str = "57301") -> list[str]:
    """Customers whom no CRM knows yet; the numbers are of a country without other spellings of a mobile."""
    dice = random.Random(course.seed)
    return [f"{prefix}{n:07d}" for n in dice.sample(range(1_000_000, 9_999_999), course.contacts)]
