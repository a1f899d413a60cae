"""Which documents an event of the CRM sets off: what really changed, what was our own doing, who was called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from connector.core import documents as language
from connector.core.canonical import canonical
from connector.core.changes import Ask, Plan
from connector.core.contact import Value
from connector.core.documents import SendDocument
from connector.core.events import Event, RecordChanged, TimerDue, TriggerCalled
from connector.pipeline.documents import shadow
from connector.pipeline.documents.library import LiveSend, Shelf
from connector.pipeline.drain import log
from connector.store.own_writes import Own
from connector.store.plans import Work
from connector.store.records import Known, Place

POLL = "poll"  # RecordChanged.source of our own catch-up
ERASE = "privacyDeletion"  # the value of a deletion that asks us to erase our copies too
ANY = "record"  # the language's word for a record of whatever object
# What ends with the event itself, in plain words.
OVER = {"deleted": "the record was deleted", "merged": "the record was merged into {into}, which goes on"}


@dataclass(frozen=True, slots=True)
class Fired:
    """One document that an event set off."""

    live: LiveSend
    because: str


@dataclass(slots=True)
class Judged:
    """One event: what it set off, and what the other documents say."""

    work: Work
    event: Event
    at: datetime
    place: Place | None = None  # the record, as it is called now
    fired: list[Fired] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)  # of the documents that end here
    ask: Ask | None = None
    shades: list[shadow.Seen] = field(default_factory=list)  # what versions beside the live ones say

    def refuse(self, live: LiveSend, because: str) -> None:
        """This document does nothing, and why."""
        self.plans.append(Plan(document=live.document.name, version=live.version, because=because))

    def say(self, because: str) -> None:
        """The event ends here, whatever the documents."""
        self.plans.append(Plan(document="", because=because))


@dataclass(slots=True)
class Ledger:
    """What we know of the records of one claim; it grows event by event and is stored in the end."""

    known: dict[Place, dict[str, Known]]
    own: Mapping[Place, Sequence[Own]]
    seen: dict[tuple[Place, str], Known] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)
    moved: dict[Place, Place] = field(default_factory=dict)

    def now(self, place: Place) -> Place:
        """The record as it is called after the merges of this claim."""
        while place in self.moved:
            place = self.moved[place]
        return place

    def before(self, place: Place) -> dict[str, Known]:
        return self.known.setdefault(place, {})

    def echo(self, event: RecordChanged, at: datetime) -> bool:
        """Our own write; it absorbs this event and no other."""
        writes = self.own.get((event.object, event.record), ()) if event.field else ()
        for own in writes:
            told = own.explains(event.object, event.record, event.field or "", event.value, at)
            if told and own.seq not in self.used:
                self.used.add(own.seq)
                return True
        return event.ours

    def take(self, place: Place, name: str, value: str | None, at: datetime) -> None:
        """The newest word on one field."""
        self.before(place)[name] = self.seen[place, name] = Known(value, at)

    def merge(self, gone: Place, into: Place) -> None:
        self.moved[gone] = into
        here = self.before(into)
        for name, known in self.known.pop(gone, {}).items():
            if name not in here or here[name].at < known.at:
                here[name] = known
        for (place, name), known in list(self.seen.items()):
            if place == gone:
                del self.seen[place, name]
                self.seen[into, name] = max(known, self.seen.get((into, name), known), key=lambda one: one.at)


def watched(shelf: Shelf, objects: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """{object: fields that some live document watches}."""
    found: dict[str, frozenset[str]] = {}
    for live in shelf.sends:
        for watch in live.document.watches:
            word = watch.word or live.document.word
            for object_ in objects.values() if word == ANY else [objects.get(word, word)]:
                found[object_] = found.get(object_, frozenset()) | ({watch.field} if watch.field else frozenset())
        if goal := live.document.goal:
            object_ = object_of_goal(live.document, objects)
            found[object_] = found.get(object_, frozenset()) | {goal.field}
    return found


def object_of_goal(document: SendDocument, objects: Mapping[str, str]) -> str:
    """The CRM's object whose field a document's goal is; "" = none. `record` is the one that starts it."""
    goal = document.goal
    word = "" if goal is None else document.word if goal.word == ANY else goal.word
    return objects.get(word, word)


@dataclass(frozen=True, slots=True)
class Judge:
    """The live documents of one CRM account. `objects`: the language's word -> the CRM's object."""

    shelf: Shelf
    objects: Mapping[str, str]
    watched: Mapping[str, frozenset[str]]  # {object: fields that some document watches}
    now: datetime

    def judge(self, work: Work, event: Event, ledger: Ledger) -> Judged:
        """One event, in the order of their times; the ledger learns what it says."""
        judged = Judged(work, event, event.at or work.received_at)
        beside = self._beside(work, event, ledger) if self.shelf.shadow_sends else None
        self._live(judged, event, ledger)
        if beside is not None:
            judged.shades = shadow.both(self.shelf.shadow_sends, _said(judged), _said(beside))
        return judged

    def _beside(self, work: Work, event: Event, ledger: Ledger) -> Judged | None:
        """What the shadows say of it, on a copy of the ledger; nothing when they fail."""
        places = [(event.object, event.record)] if isinstance(event, RecordChanged) else []
        try:
            known = {ledger.now(place): dict(ledger.known.get(ledger.now(place), {})) for place in places}
            copy = Ledger(known, ledger.own, used=set(ledger.used), moved=dict(ledger.moved))
            shelf = Shelf(sends=self.shelf.shadow_sends)
            return Judge(shelf, self.objects, watched(shelf, self.objects), self.now).judge(work, event, copy)
        except Exception:  # noqa: BLE001 - a shadow must never hurt the live versions
            log.exception("the shadows of send: documents failed")
            return None

    def _live(self, judged: Judged, event: Event, ledger: Ledger) -> None:
        if isinstance(event, RecordChanged):
            self._changed(judged, event, ledger)
        elif isinstance(event, TriggerCalled | TimerDue):
            judged.place = ledger.now((event.object, event.record)) if event.record else None
            self._called(judged, event)
        else:
            judged.say(f"nothing fires on {event.kind}")

    # ---- a record ------------------------------------------------------------------------------------------------
    def _changed(self, judged: Judged, event: RecordChanged, ledger: Ledger) -> None:
        place = judged.place = ledger.now((event.object, event.record))
        if event.what in OVER:
            judged.say(OVER[event.what].format(into=event.into))
            if event.what == "merged" and event.into:
                ledger.merge(place, (event.object, event.into))
            if event.value == ERASE:
                text = (
                    f"{event.object} {event.record} was deleted for privacy: its owner asks to be forgotten here too. "
                    f"To do it: connector contacts erase {event.object}/{event.record} --yes"
                )
                judged.ask = Ask(object=event.object, why="privacy_deletion", text=text)
            return
        echo = ledger.echo(event, judged.at)
        before, older = ledger.before(place), self._older(event, judged.at, ledger.before(place))
        values = _values(before, event)
        for live in self._about(event.object, judged.work.received_at):
            if older:
                judged.refuse(live, older)
            elif (event.snapshot or event.source == POLL) and event.field not in before:
                judged.refuse(live, f"{event.field} is seen for the first time")
            elif echo and not live.document.own_changes:
                judged.refuse(live, "we wrote this ourselves (own_changes: yes would let it fire)")
            else:
                self._ask(judged, live, event, values)
        if event.field and event.value is not None and not older and self._watched(event):
            ledger.take(place, event.field, event.value, judged.at)

    def _watched(self, event: RecordChanged) -> bool:
        return event.field in self.watched.get(event.object, ())

    def _older(self, event: RecordChanged, at: datetime, before: Mapping[str, Known]) -> str:
        known = before.get(event.field or "")
        if known is None or at >= known.at:
            return ""
        return f"a newer value of {event.field} is known: {known.value!r} since {known.at:%Y-%m-%d %H:%M:%S} UTC"

    def _about(self, object_: str, received_at: datetime) -> list[LiveSend]:
        """Documents a change of such a record may set off."""
        live = self.shelf.sends_at(received_at)
        return [one for one in live if one.document.triggers and self._fits(one.document.word, object_)]

    def _fits(self, word: str, object_: str) -> bool:
        return word == ANY or self.objects.get(word, word) == object_

    def _ask(self, judged: Judged, live: LiveSend, event: Event, before: Mapping[str, Value]) -> None:
        fires, because = language.fires(live.document, event, before, self.now)
        if fires:
            judged.fired.append(Fired(live, because))
        else:
            judged.refuse(live, because)

    # ---- calls and times -----------------------------------------------------------------------------------------
    def _called(self, judged: Judged, event: TriggerCalled | TimerDue) -> None:
        name = event.trigger if isinstance(event, TriggerCalled) else event.document
        for live in self.shelf.sends_at(judged.work.received_at):
            called = (live.document.name, live.document.webhook if isinstance(event, TriggerCalled) else None)
            if name and name in called:
                self._ask(judged, live, event, {})


def _said(judged: Judged) -> dict[str, tuple[bool, str]]:
    """{document: (does it start, why)}."""
    refused = {plan.document: (False, plan.because) for plan in judged.plans if plan.document}
    return refused | {one.live.document.name: (True, one.because) for one in judged.fired}


def _values(before: Mapping[str, Known], event: RecordChanged) -> dict[str, Value]:
    """What the fields were; another spelling of the same value is no change."""
    values: dict[str, Value] = {name: known.value for name, known in before.items()}
    name = event.field or ""
    if name in values and event.value is not None and canonical(values[name]) == canonical(event.value):
        values[name] = event.value
    return values


def order(work: Work, event: Event) -> tuple[datetime, bool, int]:
    """By the CRM's own times, creations first (some send them unordered, with equal times)."""
    return event.at or work.received_at, getattr(event, "what", "") != "created", work.seq
