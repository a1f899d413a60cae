"""One chunk on the desk: contacts as we know them, judged event by event, each seeing what the ones before intend."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connector.core import changes as core_changes
from connector.core import documents as language
from connector.core.changes import (
    Ask,
    Change,
    Handoff,
    LogActivity,
    Plan,
    Reason,
    SendTemplate,
    SetConsent,
    SetField,
    StartFlow,
)
from connector.core.contact import Answered, Contact, Record, RecordRef, Setting, altered
from connector.core.events import InboundMessage, Resolved, TimerDue
from connector.ids import new_id
from connector.pipeline import answered as answering
from connector.pipeline import replies, resolved, shadow, voice
from connector.pipeline.asked import about
from connector.pipeline.library import Live, Shelf
from connector.pipeline.talk import Taken, Talk
from connector.pipeline.talks import HOPS, Facts, Talks
from connector.ports import Account, Capabilities
from connector.store.changes import WRITTEN, Row
from connector.store.plans import Work

# A question waits for a person; consent, what is said and whom a person takes over are carried out with the plan; the
# rest is stored and carried out by a later release.
STATES = {"Ask": "review", "Notify": "new"} | dict.fromkeys(WRITTEN, "new")
STATES |= dict.fromkeys(("SetConsent", "SendMessage", "SendTemplate", "StartFlow", "Handoff"), "done")
KEPT = ("kept", "not_understood")  # codes of a conversation's reasons: the question stands


@dataclass(frozen=True, slots=True)
class Case:
    """One event with the documents that may judge it."""

    work: Work
    event: InboundMessage
    setting: Setting
    matching: tuple[Live, ...]
    refused: tuple[Plan, ...]  # the documents that did not match, with the reason
    word: Resolved | None = None  # a person answered: the event is judged once more, under that word
    facts: Facts | None = None  # what conversations look at; None = they have nothing to do with it


@dataclass(slots=True)
class Judged:
    """What became of one event: the plan bodies, and the changes in their order."""

    work: Work
    event: InboundMessage
    plans: list[Plan]
    changes: list[tuple[Change, str, str]] = field(default_factory=list)  # change, object, record id
    ordinals: list[list[int | None]] = field(default_factory=list)
    answered: str | None = None
    first: str = ""  # the event of the message, also when a person's word made it be judged once more
    said: dict[int, dict[str, Any]] = field(default_factory=dict)  # ordinal -> the row of the message that replies
    shades: list[shadow.Seen] = field(default_factory=list)  # what versions beside the live ones would have done
    unsaid: dict[int, str] = field(default_factory=dict)  # ordinal -> why it is not said
    steps: list[voice.Step] = field(default_factory=list)  # templates that steps of flows send
    talks: dict[int, Taken] = field(default_factory=dict)  # index of a plan -> the conversation it is of

    @property
    def body(self) -> list[dict[str, Any]]:
        """What the plan row keeps: for each document the reasons, and where its changes stand."""
        return [
            core_changes.dump_plan(p)
            | ({"ordinals": o} if o else {})
            | ({"flow": told} if n in self.talks and (told := self.talks[n].told()) else {})
            for n, (p, o) in enumerate(zip(self.plans, self.ordinals, strict=True))
        ]

    @property
    def writes(self) -> bool:
        return any(c.kind in WRITTEN for c, _, _ in self.changes)

    def rows(self, now: datetime) -> list[dict[str, Any]]:
        """The change rows of this event."""
        asked = about(self.plans, self.ordinals) if any(isinstance(c, Ask) for c, _, _ in self.changes) else {}
        return [
            {
                "event": self.work.event, "account": self.work.account, "ordinal": n, "lane": self.work.lane,
                "object": object_,
                "record": record, "kind": change.kind, "body": core_changes.dump(change),
                "state": (state := STATES.get(change.kind, "kept")), "attempts": 0,
                "done_at": now if state == "done" else None,
                "outcome": self._outcome(n, asked),
            }
            for n, (change, object_, record) in enumerate(self.changes)
        ]  # fmt: skip

    def _outcome(self, n: int, asked: Mapping[int, dict[str, Any]]) -> dict[str, Any] | None:
        sent = {step.ordinal: step.id for step in self.steps} | {k: row["id"] for k, row in self.said.items()}
        if n in sent:
            return {"send": sent[n]}
        return {"unsaid": True, "text": self.unsaid[n]} if n in self.unsaid else asked.get(n)

    def consents(self, now: datetime) -> list[dict[str, Any]]:
        """Consent that a document gives or takes, with the message as evidence."""
        return [
            {
                "contact": self.work.lane, "category": c.category, "state": c.state, "how": "mapping",
                "at": self.event.at or now,
                "evidence": c.evidence or self.event.text[:500], "event": self.event.id,
            }
            for c, _, _ in self.changes
            if isinstance(c, SetConsent)
        ]  # fmt: skip


@dataclass(slots=True)
class Desk:
    """The contacts of one chunk. `judge` changes nothing here; `accept` adopts what it saw once it is committed."""

    account: Account
    can: Capabilities
    options: Callable[[str, str], dict[str, Any]]
    shelf: Shelf
    now: datetime
    people: dict[str, Contact]
    linked: dict[str, RecordRef]
    pending: Sequence[Row]
    mark: int = 0  # the newest change there was before `pending` was read
    known: Callable[[str, str], frozenset[str]] = lambda _, __: frozenset()  # (account, object): the CRM's fields
    talks: Talks | None = None  # None = nobody is talked with: a replay
    cases: list[Case] = field(default_factory=list)
    words: dict[str, Resolved] = field(default_factory=dict)  # lane: what a person said about whose record it is
    records: dict[str, tuple[Record, ...]] = field(default_factory=dict)
    _taken: dict[str, str] = field(default_factory=dict)  # send -> event, in this chunk
    _next: dict[str, tuple[Record, ...]] = field(default_factory=dict)
    _met: dict[str, Record] = field(default_factory=dict)
    _strange: set[str] = field(default_factory=set)  # lanes whose only record belongs to another WhatsApp user

    def add(
        self,
        work: Work,
        event: InboundMessage,
        known: Mapping[str, tuple[str | None, Answered]],
        waiting: answering.Waiting,
        word: Resolved | None = None,
    ) -> None:
        """Finds out what the event answers and which documents may match; the CRM record is not needed for that."""
        first = word.ask if word else work.event  # the message as it came
        told = answering.match(
            event, first, work.lane, known, waiting, self.shelf.awaited, self._taken, work.received_at
        )
        if told:
            self._taken.setdefault(told.send, first)
        event = answering.with_button_ids(event, told)
        setting = self._setting(event, told, waiting.get(work.lane, ()))
        before = None if told else answering.already(event, work.lane, waiting, self.shelf.awaited, work.received_at)
        matching, refused = [], []
        for live in resolved.asking(self.shelf.at(work.received_at), word):
            fits, why = language.could_match(event, live.document, self.now, setting)
            if fits:
                matching.append(live)
            else:
                if before and {before.template, before.step} & (live.document.answer_to or frozenset()):
                    why = f"did not match: {before.template or before.step} was answered already by an earlier message"
                refused.append(Plan(document=live.document.name, version=live.version, because=why))
        facts = None
        if self.talks is not None and word is None:
            starts = self.talks.could_start(event, work.received_at, setting)
            bound = bool(event.context_id and event.context_id in known)
            facts = Facts(work=work, event=event, setting=setting, starts=starts, bound=bound)
        self.cases.append(Case(work, event, setting, tuple(matching), tuple(refused), word, facts))
        if word:
            self.words[work.lane] = word

    def add_timer(self, work: Work, timer: TimerDue) -> None:
        """A time that a conversation waits for has come, or a person moves it."""
        event = InboundMessage(id=timer.id, number="", type="")
        setting = self._setting(event, None, ())
        facts = Facts(work=work, event=event, setting=setting, timer=timer)
        self.cases.append(Case(work, event, setting, (), (), None, facts))

    def _flows(self, case: Case) -> list[language.FlowDocument]:
        return self.talks.documents(case.facts) if self.talks is not None and case.facts is not None else []

    def _setting(
        self, event: InboundMessage, told: Answered | None, before: Sequence[tuple[Answered, str | None]]
    ) -> Setting:
        if told and told.record and told.record.account not in (self.account.id, self.account.name):
            told = altered(told, record=None)  # a record of the other CRM is not ours to write
        schema = self.options(self.account.id, self.can.object)
        asked = sum(1 for sent, _ in before if told and told.step and sent.step == told.step)
        plain = self.setting()
        return altered(plain, number={"id": event.number}, answered=told, attempt=asked + 1, schema=schema)

    def setting(self) -> Setting:
        """What every document of this account may know."""
        given = self.account.settings
        return Setting(
            account=self.account.name, locale=given.get("locale") or self.can.locale,
            time_zone=given.get("time_zone") or "UTC", country=given.get("country"),
        )  # fmt: skip

    def shapes(self) -> dict[str, list[tuple[tuple[str, ...], tuple[str, ...]]]]:
        """{lane: what its matching documents search}, each search once."""
        out: dict[str, list[tuple[tuple[str, ...], tuple[str, ...]]]] = {}
        for case in self.cases:
            mine: list[language.MappingDocument | language.FlowDocument] = [live.document for live in case.matching]
            for document in [*mine, *self._flows(case)]:
                shape = (document.objects, document.find_by)
                shapes = out.setdefault(case.work.lane, [])
                if shape not in shapes:
                    shapes.append(shape)
        return out

    def reads(self) -> set[str]:
        """Every field the matching documents read; of what their shadows read, the fields the CRM is known to have:
        one that it has not would make the whole read fail."""
        found = {name for case in self.cases for live in case.matching for name in live.document.reads}
        found |= {name for case in self.cases for document in self._flows(case) for name in document.reads}
        shades = {name for shade in self.shelf.shadows for name in shade.document.reads}
        return found | (shades & self.known(self.account.id, self.can.object) if found and shades else set())

    def record_reads(self) -> dict[str, tuple[set[str], set[str]]]:
        """{object: (record ids, fields)} of the records whose event sent what is answered, where a document asks."""
        out: dict[str, tuple[set[str], set[str]]] = {}
        for case in self.cases:
            told = case.setting.answered
            fields = {name for live in case.matching for name in live.document.record_reads}
            fields |= {name for document in self._flows(case) for name in document.record_reads}
            if told and told.record and fields:
                ids, names = out.setdefault(told.record.object, (set(), set()))
                ids.add(told.record.id)
                names |= fields
        return out

    def know(self, records: Mapping[tuple[str, str], Record]) -> None:
        """What the CRM has on those records; one that is gone cannot be written."""
        for n, case in enumerate(self.cases):
            told = case.setting.answered
            asks = any(live.document.record_reads for live in case.matching)
            if told is None or told.record is None or not (asks or any(d.record_reads for d in self._flows(case))):
                continue
            found = records.get((told.record.object, told.record.id))
            ref, fields = None, {}
            if found:
                ref, fields = RecordRef(self.account.id, found.object, found.id), dict(found.fields)
                fields |= {r.body["field"]: r.body.get("value") for r in self.pending if r.record == found.id}
            told = altered(told, record=ref, record_fields=fields)
            setting = altered(case.setting, answered=told)
            facts = altered(case.facts, setting=setting) if case.facts is not None else None
            self.cases[n] = altered(case, setting=setting, facts=facts)

    def is_new(self, lane: str, record: Record) -> bool:
        """We did not know before this read that the record belongs to the contact."""
        ref = self.linked.get(lane)
        return ref is None or ref.id != record.id

    def meet(self, lane: str, found: tuple[Record, ...]) -> None:
        """The CRM's records of one contact, with our own pending changes laid over them."""
        found = resolved.own(found, self.words.get(lane), self.linked.get(lane))
        records = found
        for row in self.pending:
            if row.lane != lane and row.record not in {r.id for r in found}:
                continue
            records = overlay(records, row.object, row.record, row.body["field"], row.body.get("value"))
        self.records[lane] = records
        if len(found) == 1 and self._is_anothers(lane, found[0]):
            self._strange.add(lane)
        elif len(found) == 1 and (self.is_new(lane, found[0]) or found[0].was):
            self._met[lane] = found[0]

    def _is_anothers(self, lane: str, record: Record) -> bool:
        """A number that got a new owner still stands on the record of the old one: never guessed, never linked."""
        person, name = self.people[lane], self.can.identity.get("user_id")
        owner = str(record.fields.get(name) or "") if name else ""
        known = {"", person.user_id, *person.former}
        return bool(person.user_id) and self.is_new(lane, record) and owner not in known

    def judge(self, cases: Sequence[Case]) -> list[Judged]:
        """Evaluates these events in order."""
        self._next = dict(self.records)
        if self.talks is not None:
            self.talks.open()
        return [self._judge(case) for case in cases]

    def accept(self) -> None:
        self.records = self._next
        if self.talks is not None:
            self.talks.accept()

    def new_links(self) -> dict[str, RecordRef]:
        """Contacts whose record we have just met, or a person told us."""
        met = {lane: RecordRef(self.account.id, r.object, r.id) for lane, r in self._met.items()}
        return met | resolved.links(self.account.id, self.words, self.records)

    def found_by(self) -> dict[str, str]:
        return {lane: r.found_by for lane, r in self._met.items()} | dict.fromkeys(self.words, resolved.PERSON)

    def _judge(self, case: Case) -> Judged:
        lane = case.work.lane
        person = altered(self.people[lane], records=self._next.get(lane, ()))
        documents = [live.document for live in case.matching]
        strange = lane in self._strange
        judge = _not_theirs if strange else language.evaluate_all
        made = judge(case.event, person, documents, self.now, case.setting) if documents else []
        version = {live.document.name: live.version for live in case.matching}
        plans = [altered(p, version=version[p.document]) for p in made]
        judged = Judged(case.work, case.event, [*plans, *case.refused])
        judged.first = case.word.ask if case.word else case.work.event
        before = self.talks.running_now(lane) if self.talks is not None else None
        taken = self._taken_by_talks(case, person, strange=strange)
        self._note_answered(judged, case, plans, before, taken)
        speaker = next((t.plan.document for t in taken if t.took), "")
        held = self.talks.silent(lane) if self.talks is not None else ""
        for n, plan in enumerate(judged.plans):
            judged.plans[n] = plan = self._handed(judged, plan, lane)
            judged.ordinals.append([self._place(judged, change, lane) for change in plan.changes])
            self._hush(judged, plan, case, speaker, held)
        self._converse(judged, case, person, taken)
        documents_of = {
            n: (p.document, p.version)
            for p, o in zip(judged.plans, judged.ordinals, strict=True)
            for n in o
            if n is not None
        }
        self._say(judged, documents_of, person)
        if not strange:
            self._stamp(judged, person, lane)
        if self.shelf.shadows:
            judged.shades = shadow.beside(
                [s for s in self.shelf.shadows if s.since <= case.work.received_at], case.event, person, documents,
                judged.plans, self.now, case.setting, looked_up=lane in self.records and not strange,
            )  # fmt: skip
        return judged

    # ---- conversations -------------------------------------------------------------------------------------------
    def _taken_by_talks(self, case: Case, person: Contact, *, strange: bool) -> list[Taken]:
        """What conversations make of the event; nobody talks about a stranger's record."""
        if self.talks is None or case.facts is None or strange:
            return []
        return self.talks.take(case.facts, person, self.shelf.named)

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
            c.flow for n, (c, _, _) in enumerate(judged.changes) if isinstance(c, StartFlow) and n not in judged.unsaid
        ]
        while todo or starts:
            if not todo:
                hops += 1
                todo.append(self._start(case, starts.pop(0), person, taken, hops))
            one = todo.pop(0)
            one.plan = self._handed(judged, one.plan, case.work.lane)
            judged.talks[len(judged.plans)] = one
            judged.plans.append(one.plan)
            judged.ordinals.append([self._place(judged, change, case.work.lane) for change in one.plan.changes])
            starts += [c.flow for c in one.plan.changes if isinstance(c, StartFlow)]

    def _start(self, case: Case, name: str, person: Contact, taken: Sequence[Taken], hops: int) -> Taken:
        assert self.talks is not None
        assert case.facts is not None
        if hops > HOPS:
            return Taken(Plan(document=name, because=f"did not match: {HOPS} flows started one another by one message"))
        before = next((t.before or t.after for t in reversed(taken) if t.before or t.after), None)
        number, source = (before.number, before.source) if before else (case.event.number, case.work.source)
        return self.talks.start(case.facts, name, person, number, source)

    def _say(self, judged: Judged, documents_of: Mapping[int, tuple[str, int]], person: Contact) -> None:
        """The sends of this event: replies, and what conversations say from their own numbers."""
        places: dict[int, replies.Place] = {}
        for index, taken in judged.talks.items():
            talk = taken.after
            for k, n in enumerate(judged.ordinals[index]):
                if talk is not None and n is not None:
                    count = taken.move.state.steps if taken.move and taken.move.state else "end"
                    cause = f"flow:{talk.flow}:{talk.id}:{count}:{judged.work.event}:{k}"
                    places[n] = (cause, talk.source, talk.number)
        said = [None if n in judged.unsaid else change for n, (change, _, _) in enumerate(judged.changes)]
        judged.said = replies.rows(judged.work, judged.event, said, documents_of, person, self.now, places)
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

    def _place(self, judged: Judged, change: Change, lane: str) -> int | None:
        """Puts one change in its place; a second timeline entry of the same message is left out."""
        if isinstance(change, LogActivity) and change.what == "message":
            for n, (other, _, _) in enumerate(judged.changes):
                if isinstance(other, LogActivity) and other.what == "message":
                    return n
        records = self._next.get(lane, ())
        own = records[0] if len(records) == 1 else None
        if change.record:
            object_, record = change.record.object, change.record.id
        else:
            object_, record = (own.object, own.id) if own else (change.object or self.can.object, "")
        judged.changes.append((change, object_, record))
        if isinstance(change, SetField):
            self._next[lane] = overlay(records, object_, record, change.field, change.value)
        return len(judged.changes) - 1

    def _stamp(self, judged: Judged, person: Contact, lane: str) -> None:
        """Our unique ids go on the record at the first meeting, so that the next time it is found by them."""
        records = self._next.get(lane, ())
        if len(records) != 1 or not records[0].id or not any(p.matched for p in judged.plans):
            return
        for key, value in (("wa_id", person.wa_id), ("user_id", person.user_id)):
            name = self.can.identity.get(key)
            current = str(records[0].fields.get(name) or "") if name else ""
            if name and value and (not current or current in person.former):
                change = SetField(object=records[0].object, field=name, value=value)
                judged.changes.append((change, records[0].object, records[0].id))
                self._next[lane] = overlay(self._next[lane], records[0].object, records[0].id, name, value)


def _awaits(taken: Taken) -> str:
    """flow.step of the step that waits now."""
    return f"{taken.after.flow}.{taken.after.step}" if taken.after is not None else ""


def _not_theirs(
    event: InboundMessage,  # noqa: ARG001 - as evaluate_all is called
    person: Contact,
    documents: Sequence[language.MappingDocument],
    now: datetime,  # noqa: ARG001
    setting: Setting,  # noqa: ARG001
) -> list[Plan]:
    """The record found by the number carries another WhatsApp user: a person says whose it is."""
    text = "The record with this number belongs to another WhatsApp user: has the number got a new owner?"
    record = person.records[0]
    ask = Ask(object=record.object, why="another_user", text=text, choices=(record.id,))
    reason = Reason(field="contact", because=text, outcome="review", code="another_user", change=0)
    return [
        Plan(document=d.name, matched=True, because=text, changes=(ask,), reasons=(reason,), outcome="review")
        for d in documents
    ]


def overlay(records: tuple[Record, ...], object_: str, record: str, name: str, value: Any) -> tuple[Record, ...]:
    """The records as they will be; a contact without one gets the record that is about to be made (id "")."""
    if not records and not record:
        return (Record(object=object_, id="", fields={name: value}, found_by="id"),)
    hit = (
        record if any(r.id == record for r in records) else records[0].id if len(records) == 1 and not record else None
    )
    if hit is None:
        return records
    return tuple(altered(r, fields={**r.fields, name: value}) if r.id == hit else r for r in records)
