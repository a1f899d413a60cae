"""Replay: past replies judged by today's documents, shown as CRM writes; written only with `apply`."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from connector import errors
from connector.core import events, redact
from connector.core.changes import SetField
from connector.core.contact import Record
from connector.core.documents import MappingDocument
from connector.pipeline.documents.library import Library, Live, Shelf, shelf_of
from connector.pipeline.judging import answered as answering
from connector.pipeline.judging import resolved
from connector.pipeline.judging.judge import Desk
from connector.pipeline.judging.judged import Judged
from connector.pipeline.people.lookup import contact_key, find, read_records
from connector.ports import CRM, Account, Clock, ContactKey
from connector.store import changes as change_rows
from connector.store import contacts, plans, sends
from connector.store import events as event_rows
from connector.store.engine import Store
from connector.store.plans import Work

PAGE = 200
PATIENCE = 30.0  # seconds to wait for contacts that are being handled
PENDING = ("new", "in_flight")
BEGINNING = datetime(
    2000, 1, 1, tzinfo=UTC
)  # replay asks of a document what it would have done before it was published


@dataclass(slots=True)
class Replay:
    """One account's replies since `start`, judged by its live documents, or by `document` alone."""

    store: Store
    account: Account
    crm: CRM
    library: Library
    clock: Clock
    document: MappingDocument | None = None
    apply: bool = False
    seen: int = 0  # the seq of the last event that was judged: a later run goes on behind it
    carried: dict[str, tuple[Record, ...]] = field(default_factory=dict)  # lane: records as replayed so far
    changed: set[str] = field(default_factory=set)  # the lanes whose records are not as the CRM has them
    talked: int = 0  # messages that a conversation took: only the mappings beside it are replayed
    gone: int = 0  # messages whose text is not kept any more: nothing can be made of them

    def run(self, start: datetime, progress: Callable[[int], None] = lambda _: None) -> Iterator[dict[str, Any]]:
        """Yields one entry per write: {event, message, document, account, contact, record, field, now, then}.

        `progress(events)` after each page; what it raises ends the run, which `seen` and `carried` can go on with."""
        shelf, done = self._shelf(), 0
        with self.store.read() as conn:
            self.seen = max(self.seen, event_rows.begins(conn, start) - 1)
        while True:
            with self.store.read() as conn:
                rows = event_rows.since(conn, start, events.InboundMessage.kind, after=self.seen, limit=PAGE)
            if not rows:
                return
            kept = [row for row in rows if not redact.told(row.payload)]
            self.gone += len(rows) - len(kept)
            work = [self._work(row) for row in kept if row.lane]
            with ExitStack() as held:
                if self.apply:
                    self._hold({w.lane for w in work}, held)
                with self.store.read() as conn:  # what is still to be handled will be, by today's documents
                    waiting = plans.waiting(conn, self.account.id, [w.event for w in work])
                    self.talked += plans.talked(conn, self.account.id, [w.event for w in work])
                found = list(self._page([w for w in work if w.event not in waiting], shelf))
            yield from found
            self.seen = rows[-1].seq
            done += len(rows)
            progress(done)

    def _hold(self, lanes: set[str], held: ExitStack) -> None:
        """Takes the lanes as a handler does: nobody plans for these contacts meanwhile."""
        missing = {f"lane:{self.account.id}:{lane}" for lane in lanes}
        end = time.monotonic() + PATIENCE
        while missing := missing - held.enter_context(self.store.locks.hold(sorted(missing))):
            if time.monotonic() > end:
                raise errors.TryAgain(
                    f"{len(missing)} contacts are being handled.", hint="Run the replay again.", code="lanes_held"
                )
            time.sleep(0.05)

    def _shelf(self) -> Shelf:
        all_ = self.library.shelf(self.account.name)
        live = all_.live
        if self.document is not None:
            live = (Live(self.document, 0, BEGINNING),)
        shelf = shelf_of([replace(item, since=BEGINNING) for item in live])
        return replace(shelf, awaited=shelf.awaited | all_.awaited)  # what a reply answers is nobody's own affair

    def _work(self, row: Any) -> Work:
        return Work(row.id, self.account.id, row.seq, row.lane, 0, row.kind, row.payload, row.received_at, row.account)

    def one(self, row: Any) -> tuple[Desk, Judged] | None:
        """One reply judged, nothing stored; None when no contact or no document could have to do with it."""
        shelf = self._shelf()
        if not row.lane or not shelf.live:
            return None
        with self.store.read() as conn:
            lane = contacts.heirs(conn, [row.lane]).get(row.lane, row.lane)
        desk, judged = self._judged([replace(self._work(row), lane=lane)], shelf, {})
        return (desk, judged[0]) if judged else None

    def _page(self, work: Sequence[Work], shelf: Shelf) -> Iterator[dict[str, Any]]:
        if not shelf.live:
            return
        desk, judged = self._judged(work, shelf, self.carried)
        desk.accept()
        self.carried |= desk.records
        for one in judged:
            yield from self._diff(one, desk)
        if self.apply:
            self._store(judged)

    def _judged(
        self, work: Sequence[Work], shelf: Shelf, carried: Mapping[str, tuple[Record, ...]]
    ) -> tuple[Desk, list[Judged]]:
        """The CRM's records of these contacts as they are now, and what the documents make of it."""
        desk = self._desk(work, shelf)
        keys = {lane: self._keys(desk, lane, shapes) for lane, shapes in desk.shapes().items()}
        wanted = [key for some in keys.values() for key in some]
        fields = sorted(desk.reads() | self._sets(shelf) | set(self.crm.can.identity.values()))
        found = find(self.crm, wanted, fields) if wanted else {}
        reads = desk.record_reads()
        if reads:
            desk.know(read_records(self.crm, reads))
        for lane, some in keys.items():
            records = {(r.object, r.id): r for key in some for r in found.get(key, ())}
            desk.meet(lane, tuple(records.values()))
            if lane in carried:
                desk.records[lane] = carried[lane]
        return desk, desk.judge(desk.cases)

    def _desk(self, work: Sequence[Work], shelf: Shelf) -> Desk:
        lanes = sorted({w.lane for w in work})
        with self.store.read() as conn:
            inbound = resolved.messages(conn, work)
            people = contacts.load(conn, lanes)
            linked = contacts.links(conn, self.account.id, lanes)
            known = sends.by_wamid(conn, [e.context_id for _, e, _ in inbound if e.context_id])
            waiting = sends.awaiting(conn, lanes, BEGINNING) if shelf.awaited else {}
            records = {ref.id for ref in linked.values()} | answering.records(known, waiting)
            pending = change_rows.pending_values(conn, self.account.id, lanes, sorted(records))
        desk = Desk(self.account, self.crm.can, self.library.options, shelf, self.clock.now(), people, linked, pending)
        for w, event, word in inbound:
            desk.add(w, event, known, waiting, word)
        return desk

    def _keys(
        self, desk: Desk, lane: str, shapes: Sequence[tuple[tuple[str, ...], tuple[str, ...]]]
    ) -> list[ContactKey]:
        ref = desk.linked.get(lane)
        return [
            contact_key(desk.people[lane], objects or (self.crm.can.object,), by, (ref.object, ref.id) if ref else None)
            for objects, by in shapes
        ]

    def _sets(self, shelf: Shelf) -> set[str]:
        """The fields documents set: replay shows what stands there now."""
        return {name for live in shelf.live for name in live.document.sets if "." not in name}

    def _diff(self, judged: Judged, desk: Desk) -> Iterator[dict[str, Any]]:
        person = desk.people[judged.work.lane]
        for plan, ordinals in zip(judged.plans, judged.ordinals, strict=True):
            for reason in plan.reasons:
                if reason.change is None or ordinals[reason.change] is None:
                    continue
                change, object_, record = judged.changes[ordinals[reason.change] or 0]
                if isinstance(change, SetField):
                    self.changed.add(judged.work.lane)
                    yield {
                        "event": judged.work.event, "id": judged.event.id, "message": judged.event.text,
                        "document": plan.document,
                        "account": self.account.name, "contact": person.name or person.wa_id or person.user_id,
                        "record": f"{object_} {record}".strip() if record else f"new {object_}", "field": change.field,
                        "now": reason.before, "then": change.value, "because": reason.because,
                    }  # fmt: skip

    def _store(self, judged: Sequence[Judged]) -> None:
        """Adds the changes behind those the events have already, so that the writer carries them out."""
        now = self.clock.now()
        with self.store.write() as conn:
            had = change_rows.of_events(conn, self.account.id, [one.work.event for one in judged])
            for one in judged:
                rows, places = fresh(one.rows(now), had.get(one.work.event, ()))
                if rows:
                    plans.append(conn, one.work, _placed(one.body, places), rows, now)


ONCE = frozenset(
    {"SetConsent", "AttachFile", "SendMessage", "StartFlow", "Handoff", "Notify"}
)  # done when it came, never again


def fresh(rows: Sequence[dict[str, Any]], had: Sequence[Any]) -> tuple[list[dict[str, Any]], dict[int, int | None]]:
    """The rows that replaying adds, numbered behind those there are, and where each row stands: {ordinal: ordinal}.

    A timeline entry, task or question the event has already is not repeated, nor a value that waits to be written.
    Consent is not replayed: an old yes would stand over a newer STOP. Nor is what was said to the customer, or told to
    another system: they would hear it twice."""
    there = {
        _sameness(row.kind, row.body): row.ordinal for row in had if row.kind != "SetField" or row.state in PENDING
    }
    added: list[dict[str, Any]] = []
    places: dict[int, int | None] = {}
    for row in rows:
        same = _sameness(row["kind"], row["body"])
        if row["kind"] in ONCE:
            places[row["ordinal"]] = None
        elif same in there:
            places[row["ordinal"]] = there[same]
        else:
            places[row["ordinal"]] = len(had) + len(added)
            added.append(row | {"ordinal": len(had) + len(added)})
    return added, places


def _sameness(kind: str, body: Mapping[str, Any]) -> str:
    """A message has one timeline entry, whatever its words; the rest is the same when it says the same."""
    return f"{kind} message" if body.get("what") == "message" else json.dumps(body, sort_keys=True)


def _placed(body: list[dict[str, Any]], places: Mapping[int, int | None]) -> list[dict[str, Any]]:
    return [
        plan | {"replayed": True, "ordinals": [None if n is None else places[n] for n in plan.get("ordinals", [])]}
        for plan in body
        if plan["matched"]
    ]
