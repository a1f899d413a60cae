"""Conversations on the desk: what they take of an event, who speaks, what is said, and whom a person takes over."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from connector.core.changes import Change, Handoff, Plan, SendMessage, SendTemplate, StartFlow
from connector.core.contact import Contact, altered
from connector.ids import new_id
from connector.pipeline.judging.judged import Case, Judged
from connector.pipeline.talks import replies, voice
from connector.pipeline.talks.talk import Taken, Talk
from connector.pipeline.talks.talks import HOPS, Talks

KEPT = ("kept", "not_understood")  # codes of a conversation's reasons: the question stands


@dataclass(frozen=True, slots=True)
class Chat:
    """`talks` None = nobody is talked with (a replay); `place` puts one change where it belongs, its ordinal."""

    talks: Talks | None
    named: AbstractSet[str]  # templates and steps that mappings wait for
    now: datetime
    place: Callable[[Judged, Change, str], int | None]

    def judge(self, judged: Judged, case: Case, person: Contact, plans: Sequence[Plan], *, strange: bool) -> None:
        """Completes what the mappings made of the event."""
        lane = case.work.lane
        before = self.talks.running_now(lane) if self.talks is not None else None
        taken = self._taken_by_talks(case, person, strange=strange)
        self._note_answered(judged, case, plans, before, taken)
        speaker = next((t.plan.document for t in taken if t.took), "")
        held = self.talks.silent(lane) if self.talks is not None else ""
        for n, plan in enumerate(judged.plans):
            judged.plans[n] = plan = self._handed(judged, plan, lane)
            judged.ordinals.append([self.place(judged, change, lane) for change in plan.changes])
            self._hush(judged, plan, case, speaker, held)
        self._converse(judged, case, person, taken)
        documents_of = {
            n: (p.document, p.version)
            for p, o in zip(judged.plans, judged.ordinals, strict=True)
            for n in o
            if n is not None
        }
        self._say(judged, documents_of, person)

    def _taken_by_talks(self, case: Case, person: Contact, *, strange: bool) -> list[Taken]:
        """What conversations make of the event; nobody talks about a stranger's record."""
        if self.talks is None or case.facts is None or strange:
            return []
        return self.talks.take(case.facts, person, self.named)

    def _note_answered(
        self, judged: Judged, case: Case, plans: Sequence[Plan], before: Talk | None, taken: Sequence[Taken]
    ) -> None:
        """One that nobody understood leaves the question open."""
        told = case.setting.answered
        mine = told is not None and before is not None and told.step == f"{before.flow}.{before.step}"
        if before is not None and (mine or told is None):
            understood = any(t.took and not any(r.code in KEPT for r in t.plan.reasons) for t in taken if t.before)
            judged.answered = (told.send if told is not None else before.asked) if understood else None
            if judged.answered and self.talks is not None:
                self.talks.answered(judged.answered, case.work.event)
        elif told is not None and not any(r.code == "not_understood" for p in plans for r in p.reasons):
            judged.answered = told.send

    def _hush(self, judged: Judged, plan: Plan, case: Case, speaker: str, held: str) -> None:
        """What a mapping would say while somebody else speaks is kept silent."""
        told = case.setting.answered
        mine = next((live.document.answer_to for live in case.matching if live.document.name == plan.document), None)
        named = told is not None and told.step in (mine or ())
        for n, why in voice.silence(plan, speaker, held, named=named).items():
            place = judged.ordinals[-1][n]
            if place is not None:
                judged.unsaid[place] = why

    def _converse(self, judged: Judged, case: Case, person: Contact, taken: Sequence[Taken]) -> None:
        """The plans of conversations, behind the mappings'; a flow that is started by one of them begins at once."""
        if self.talks is None or case.facts is None:
            return
        todo, hops = list(taken), 0
        starts = [
            (c.flow, 0)
            for n, (c, _, _) in enumerate(judged.changes)
            if isinstance(c, StartFlow) and n not in judged.unsaid
        ]
        while todo or starts:
            if not todo:
                hops += 1
                todo.append(self._start(case, *starts.pop(0), person, taken, hops))
            one = todo.pop(0)
            one.plan = self._handed(judged, one.plan, case.work.lane)
            judged.talks[len(judged.plans)] = one
            judged.plans.append(one.plan)
            judged.ordinals.append([self.place(judged, change, case.work.lane) for change in one.plan.changes])
            starts += [(c.flow, one.steps) for c in one.plan.changes if isinstance(c, StartFlow)]

    def _start(self, case: Case, name: str, steps: int, person: Contact, taken: Sequence[Taken], hops: int) -> Taken:
        assert self.talks is not None
        assert case.facts is not None
        if hops > HOPS:
            return Taken(Plan(document=name, because=f"did not match: {HOPS} flows started one another by one message"))
        before = next((t.before or t.after for t in reversed(taken) if t.before or t.after), None)
        number, source = (before.number, before.source) if before else (case.event.number, case.work.source)
        return self.talks.start(case.facts, name, person, number, source, steps)

    def _say(self, judged: Judged, documents_of: Mapping[int, tuple[str, int]], person: Contact) -> None:
        """The sends of this event: replies, and what conversations say from their own numbers."""
        places: dict[int, replies.Place] = {}
        for index, taken in judged.talks.items():
            talk = taken.after
            both = zip(judged.ordinals[index], taken.plan.changes, strict=False)
            for k, n in enumerate(n for n, change in both if _speaks(change)):
                if talk is not None and n is not None:
                    count = taken.move.state.steps if taken.move and taken.move.state else "end"
                    cause = f"flow:{talk.flow}:{talk.id}:{count}:{judged.work.event}:{k}"
                    places[n] = (cause, talk.source, talk.number)
        spoken = [None if n in judged.unsaid else change for n, (change, _, _) in enumerate(judged.changes)]
        judged.said = replies.rows(judged.work, judged.event, spoken, documents_of, person, self.now, places)
        for index, taken in judged.talks.items():
            for n in judged.ordinals[index]:
                self._note_said(judged, taken, n, places, person)

    def _note_said(
        self, judged: Judged, taken: Taken, n: int | None, places: Mapping[int, replies.Place], person: Contact
    ) -> None:
        """A step's template goes through the gates later; the question that was asked is the one that is awaited."""
        if n is None or self.talks is None:
            return
        change = judged.changes[n][0]
        send = judged.said[n]["id"] if n in judged.said else ""
        if isinstance(change, SendTemplate):
            send = new_id()
            judged.steps.append(voice.Step(send, places[n][0], n, judged.work, taken, change, person))
        if send and getattr(change, "awaits", "") == _awaits(taken):
            self.talks.asked(taken, send)

    def _handed(self, judged: Judged, plan: Plan, lane: str) -> Plan:
        """A person takes over: a task and a note behind the plan's own changes, and silence."""
        more: list[Change] = []
        for change in plan.changes:
            if isinstance(change, Handoff):
                more += voice.taken_over(change, plan, judged.event.text, judged.event.at or self.now)
                if self.talks is not None:
                    self.talks.hand_over(lane, change.text, judged.work.event)
        return altered(plan, changes=(*plan.changes, *more)) if more else plan


def _speaks(change: Change) -> bool:
    return isinstance(change, SendMessage | SendTemplate)


def _awaits(taken: Taken) -> str:
    """flow.step of the step that waits now."""
    return f"{taken.after.flow}.{taken.after.step}" if taken.after is not None else ""
