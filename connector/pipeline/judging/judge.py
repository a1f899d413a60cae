"""One chunk on the desk: contacts as we know them, judged event by event, each seeing what the ones before intend."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connector.core import documents as language
from connector.core.changes import Ask, Change, LogActivity, Plan, Reason, SetField
from connector.core.contact import Answered, Contact, Record, RecordRef, Setting, altered
from connector.core.events import InboundMessage, Resolved, TimerDue
from connector.pipeline.documents import shadow
from connector.pipeline.documents.library import Shelf
from connector.pipeline.judging import answered as answering
from connector.pipeline.judging import resolved
from connector.pipeline.judging.chat import Chat
from connector.pipeline.judging.judged import Case, Judged
from connector.pipeline.talks.talks import Facts, Talks
from connector.ports import Account, Capabilities
from connector.store.changes import Row
from connector.store.plans import Work


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
        before = (
            None
            if told
            else answering.already(event, work.event, work.lane, waiting, self.shelf.awaited, work.received_at)
        )
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
        Chat(self.talks, self.shelf.named, self.now, self._place).judge(judged, case, person, plans, strange=strange)
        if not strange:
            self._stamp(judged, person, lane)
        if self.shelf.shadows:
            judged.shades = shadow.beside(
                [s for s in self.shelf.shadows if s.since <= case.work.received_at], case.event, person, documents,
                judged.plans, self.now, case.setting, looked_up=lane in self.records and not strange,
            )  # fmt: skip
        return judged

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
