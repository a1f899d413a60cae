"""The conversations of one chunk: whose a message is, how the core moves them, each event seeing what came before."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from connector.core import flow, turns
from connector.core.changes import Plan, SendMessage, SendTemplate
from connector.core.contact import Answered, Contact, Setting, altered
from connector.core.documents import FlowDocument
from connector.core.events import InboundMessage, TimerDue
from connector.core.flow import Move, State
from connector.core.turns import Running, Start, Turn
from connector.pipeline.documents.library import LiveFlow, Shelf
from connector.pipeline.talks.talk import Taken, Talk, fresh
from connector.store import windows
from connector.store.conversations import GONE, LOST, Write
from connector.store.holds import Hold
from connector.store.plans import Work

HOPS = 5  # flows that start one another by one event
MOVE, RESUME, WAKE = "move", "resume", "wake"  # what a TimerDue of a conversation says


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One event as conversations look at it."""

    work: Work
    event: InboundMessage
    setting: Setting
    timer: TimerDue | None = None
    starts: tuple[LiveFlow, ...] = ()  # live flows that it may start
    bound: bool = False  # the message itself says which one it answers


@dataclass(slots=True)
class Talks:
    """`judge` moves nothing that is stored: `writes` are for the transaction of the plans."""

    account: str
    shelf: Shelf
    document: Callable[[str, int], FlowDocument | None]  # one version of a flow
    now: datetime
    running: dict[str, Talk] = field(default_factory=dict)  # contact -> what runs, of whatever CRM account
    held: Mapping[str, Hold] = field(default_factory=dict)
    heard: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)  # contact -> number -> last inbound
    rest: timedelta | None = None  # how long a person has them; None = until they are given back
    handed: dict[str, dict[str, Any]] = field(default_factory=dict)  # rows of holds, for the transaction
    _next: dict[str, Talk] = field(default_factory=dict)
    _holds: dict[str, Hold] = field(default_factory=dict)
    _writes: dict[str, Write] = field(default_factory=dict)
    _answers: dict[str, str] = field(default_factory=dict)  # send -> the event that answered it

    # ---- the round -----------------------------------------------------------------------------------------------
    def open(self) -> None:
        """What is judged from here on is seen by the events behind it."""
        self._next, self._holds, self._writes = dict(self.running), dict(self.held), {}
        self._answers, self.handed = {}, {}

    def accept(self) -> None:
        """It is committed."""
        self.running, self.held = dict(self._next), dict(self._holds)

    @property
    def writes(self) -> list[Write]:
        return list(self._writes.values())

    def hand_over(self, lane: str, text: str, event: str) -> None:
        """From now on a person talks with them; a timer of their conversation waits too."""
        until = self.now + self.rest if self.rest is not None else None
        self._holds[lane] = Hold(lane, "handoff", text[:500], self.now, until)
        self.handed[lane] = {
            "contact": lane, "why": "handoff", "text": text[:500], "at": self.now, "until": until, "event": event,
        }  # fmt: skip
        talk = self._next.get(lane)
        if talk is not None and talk.account == self.account:
            self._put(altered(talk, wake_at=until), None)

    def running_now(self, lane: str) -> Talk | None:
        """The conversation of this contact, as far as this round has come; of another CRM account: none of ours."""
        talk = self._next.get(lane)
        return talk if talk is not None and talk.account == self.account else None

    def silent(self, lane: str) -> str:
        """Why automation says nothing to this person now; "" when it may speak."""
        hold = self._holds.get(lane)
        return hold.words if hold is not None else ""

    # ---- what must be read ---------------------------------------------------------------------------------------
    def could_start(self, event: InboundMessage, received_at: datetime, setting: Setting) -> tuple[LiveFlow, ...]:
        """Live flows that this message may start, before the CRM is asked."""
        live = self.shelf.flows_at(received_at)
        return tuple(one for one in live if turns.could_start(one.document, event, self.now, setting))

    def documents(self, facts: Facts) -> list[FlowDocument]:
        """The flows that may have to do with the event: their contact is looked up."""
        found = [one.document for one in facts.starts]
        talk = self.running.get(facts.work.lane)
        if talk is not None and talk.account == self.account and facts.work.lane not in self.held:
            here = self.document(talk.flow, talk.version)
            found += [here] if here is not None else []
        return found

    # ---- one event -----------------------------------------------------------------------------------------------
    def take(self, facts: Facts, person: Contact, named: AbstractSet[str]) -> list[Taken]:
        """What conversations make of it, in order; empty where none had to do with it."""
        lost = self._lost(facts)
        if facts.timer is not None:
            return lost + self._timer(facts, facts.timer, person)
        out = lost
        for _ in range(2):  # one that had expired makes room for another
            turn, refused = self._turn(facts, person, named)
            out += refused
            if turn.does == turns.NOBODY:
                return out + self._left(facts, turn)
            taken = self._advance(facts, person) if turn.does == turns.ADVANCE else None
            if taken is not None:
                out.append(taken)
                if taken.took or (taken.after is not None and taken.after.state is not None):
                    break
                continue
            out += self._interrupt(facts, turn)
            live = next(one for one in facts.starts if one.document.name == turn.flow)
            out.append(self.begin(facts, live, person, turn.because))
            break
        return out

    def _lost(self, facts: Facts) -> list[Taken]:
        """The running one ends where its flow was switched off, or its version cannot be read any more."""
        talk = self._next.get(facts.work.lane)
        if talk is None or talk.account != self.account:
            return []
        live = self.shelf.flow(talk.flow) is not None
        if live and self.document(talk.flow, talk.version) is not None:
            return []
        word, why = (
            (LOST, f"Version {talk.version} of {talk.flow} cannot be read any more.")
            if live
            else (GONE, f"{talk.flow} was switched off.")
        )
        return [self._end(facts, talk, word, why)]

    def _end(self, facts: Facts, talk: Talk, word: str, why: str) -> Taken:
        after = talk.ended(word, why, facts.work.event, self.now)
        self._put(after, talk.state)
        plan = Plan(document=talk.flow, version=talk.version, matched=True, because=f"ended ({word}): {why}")
        return Taken(plan, talk, after, last=talk.state)

    def _turn(self, facts: Facts, person: Contact, named: AbstractSet[str]) -> tuple[Turn, list[Taken]]:
        """Whose it is, and why each flow that it would start does not begin."""
        lane, talk = facts.work.lane, self._next.get(facts.work.lane)
        starts, out = [], []
        for live in facts.starts:
            document = live.document
            over, why = flow.starts(document, facts.event, person, self.now, facts.setting)
            if over and talk is not None:
                here = self.document(talk.flow, talk.version)
                over, why = flow.outranks(document, talk.flow, here.priority if here else 0)
            if over:
                starts.append(Start(flow=document.name, priority=document.priority, because=why))
            else:
                out.append(_refused(document.name, live.version, why))
        running = _running(talk, self.account) if talk is not None else None
        told = self._told(facts)
        turn = turns.whose(
            facts.event, running, starts, told, bound=facts.bound, named=named, held=self.silent(lane)
        )  # fmt: skip
        mine = turn.flow if turn.does == turns.BEGIN else ""
        why = f"{mine} begins first" if mine else turn.because
        return turn, out + [_refused(s.flow, 0, why) for s in starts if s.flow != mine]

    def _told(self, facts: Facts) -> Answered | None:
        """What is answered; `by` only another event, also one of this very round."""
        told = facts.setting.answered
        if told is None:
            return None
        by = self._answers.get(told.send, told.by)
        return altered(told, by=None if by == facts.work.event else by)

    def answered(self, send: str, event: str) -> None:
        """The first answer to it, in this round."""
        self._answers.setdefault(send, event)

    def _left(self, facts: Facts, turn: Turn) -> list[Taken]:
        """The conversation that runs did not look at the message: why."""
        talk = self._next.get(facts.work.lane)
        return [Taken(_refused(talk.flow, talk.version, turn.because).plan)] if talk is not None else []

    def _interrupt(self, facts: Facts, turn: Turn) -> list[Taken]:
        talk = self._next.get(facts.work.lane)
        return [self._end(facts, talk, "interrupted", f"{turn.flow} began: {turn.because}")] if talk is not None else []

    def _advance(self, facts: Facts, person: Contact) -> Taken | None:
        talk = self._next[facts.work.lane]
        document = self.document(talk.flow, talk.version)
        assert document is not None
        assert talk.state is not None
        person = self._person(person, talk.number)
        move = flow.advance(document, talk.state, facts.event, person, self.now, facts.setting)
        return self._moved(facts, talk, move)

    def begin(self, facts: Facts, live: LiveFlow, person: Contact, because: str, steps: int = 0) -> Taken:
        """A conversation that starts with this event, or (`steps`) behind another one."""
        known = facts.event if facts.timer is None else None
        talk = fresh(facts.work, facts.event.number, live.document.name, live.version, self.now, steps)
        setting = altered(facts.setting, number={**facts.setting.number, "id": talk.number})
        person = self._person(person, talk.number)
        move = flow.begin(live.document, setting, person, self.now, known, version=live.version, steps=steps)
        return self._moved(facts, talk, move, because, began=True, steps=steps)

    def start(self, facts: Facts, name: str, person: Contact, number: str, source: str, steps: int) -> Taken:
        """What a mapping, or another flow, starts."""
        live, talk = self.shelf.flow(name), self._next.get(facts.work.lane)
        why = self.silent(facts.work.lane)
        if live is None:
            return _refused(name, 0, f"there is no live flow {name} of this CRM account")
        if why or talk is not None:
            return _refused(name, live.version, why or f"{talk.flow if talk else ''} runs already for this contact")
        work = altered(facts.work, source=source)
        given = altered(facts, work=work, event=replace(facts.event, number=number))
        return self.begin(given, live, person, "it was started by a document", steps)

    # ---- a timer, a move, a release ------------------------------------------------------------------------------
    def _timer(self, facts: Facts, timer: TimerDue, person: Contact) -> list[Taken]:
        talk = self._next.get(facts.work.lane)
        if talk is None or talk.id != timer.record or talk.state is None or talk.account != self.account:
            return [_refused(timer.document, 0, "the conversation has ended already")]
        what, _, rest = timer.value.partition(":")
        document = self.document(talk.flow, talk.version)
        assert document is not None
        person = self._person(person, talk.number)
        setting = altered(facts.setting, number={"id": talk.number})
        if what == MOVE:
            return [self._to_version(facts, talk, talk.state, rest, person, setting)]
        if what == RESUME:
            return [self._resume(facts, talk, talk.state, document, person, setting)]
        hold = self._holds.get(facts.work.lane)
        if talk.wake_at is None or rest != talk.wake_at.isoformat():
            return [_refused(talk.flow, talk.version, "the conversation went on before this timer was looked at")]
        if hold is not None:
            after = altered(talk, wake_at=hold.until)
            self._put(after, None)
            return [_refused(talk.flow, talk.version, hold.words)]
        if talk.state.waits == "person":
            return [self._resume(facts, talk, talk.state, document, person, setting)]
        return [self._moved(facts, talk, flow.advance(document, talk.state, timer, person, self.now, setting))]

    def _resume(
        self, facts: Facts, talk: Talk, state: State, document: FlowDocument, person: Contact, setting: Setting
    ) -> Taken:
        return self._moved(facts, talk, flow.resume(document, state, person, self.now, setting))

    def _to_version(
        self, facts: Facts, talk: Talk, state: State, wish: str, person: Contact, setting: Setting
    ) -> Taken:
        """`wish`: version, or version:step."""
        number, _, step = wish.partition(":")
        document = self.document(talk.flow, int(number))
        if document is None:
            return _refused(talk.flow, talk.version, f"there is no version {number} that can be read")
        move = flow.move_to(document, state, person, self.now, setting, step=step, version=int(number))
        return self._moved(facts, talk, move)

    # ---- the book ------------------------------------------------------------------------------------------------
    def _person(self, person: Contact, number: str) -> Contact:
        """As this number knows them: the window counts for the number."""
        at = windows.last(self.heard, person.id, number, person.last_inbound_at)
        return altered(person, last_inbound_at=at)

    def _moved(
        self, facts: Facts, talk: Talk, move: Move, because: str = "", *, began: bool = False, steps: int = 0
    ) -> Taken:
        """The conversation after a move, noted for the transaction; one that was only looked at stays as it was."""
        words = "; ".join(filter(None, (because, move.because)))
        plan = Plan(
            document=talk.flow, version=move.state.version if move.state else talk.version,
            matched=move.took or move.state is None, because=words, changes=move.changes, reasons=move.reasons,
        )  # fmt: skip
        if move.state is not None and not move.took and facts.timer is None:
            return Taken(plan, talk, talk, move)
        after = talk.moved(move, facts.work, self.now)
        if after.wake_at is not None and after.wake_at <= self.now and facts.timer is not None and after.state:
            after = altered(after, wake_at=after.state.expires_at)  # a timer that changed nothing does not ring again
        self._put(after, talk.state if not began else None)
        said = [c.text for c in move.changes if isinstance(c, SendMessage)]
        said += [f"template {c.template}" for c in move.changes if isinstance(c, SendTemplate)]
        steps = (talk.state.steps if talk.state is not None else steps) + len(move.walked)
        return Taken(plan, None if began else talk, after, move, talk.state, said, steps)

    def _put(self, talk: Talk, last: State | None) -> None:
        if talk.state is None:
            self._next.pop(talk.contact, None)
        else:
            self._next[talk.contact] = talk
        self._writes[talk.id] = talk.write(last)

    def asked(self, taken: Taken, send: str) -> None:
        """The send whose answer the conversation waits for."""
        after = taken.after
        if after is None or after.state is None:
            return
        after = altered(after, asked=send)
        taken.after = after
        if self._next.get(after.contact) is not None and self._next[after.contact].id == after.id:
            self._next[after.contact] = after
        self._writes[after.id] = after.write(None)


def _running(talk: Talk, account: str) -> Running:
    state = talk.state
    return Running(
        flow=talk.flow, step=talk.step, number=talk.number, since=state.since if state else None,
        theirs=talk.account != account,
    )  # fmt: skip


def _refused(name: str, version: int, because: str) -> Taken:
    said = because if because.startswith("did not match") else f"did not match: {because}"
    return Taken(Plan(document=name, version=version, because=said))
