"""Replay: past replies judged by today's documents, shown as CRM writes; written only with `apply`."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from connector.core import events
from connector.core.changes import SetField
from connector.core.contact import Record
from connector.core.documents import MappingDocument
from connector.pipeline.judge import Desk, Judged
from connector.pipeline.library import Library, Live, Shelf, shelf_of
from connector.pipeline.lookup import contact_key, find
from connector.ports import CRM, Account, Clock, ContactKey
from connector.store import changes as change_rows
from connector.store import contacts, plans, sends
from connector.store import events as event_rows
from connector.store.engine import Store
from connector.store.plans import Work

PAGE = 200
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

    def run(self, start: datetime, progress: Callable[[int], None] = lambda _: None) -> Iterator[dict[str, Any]]:
        """Yields one entry per write: {event, message, document, account, contact, record, field, now, then}."""
        shelf = self._shelf()
        seen, done = 0, 0
        carried: dict[str, tuple[Record, ...]] = {}
        while True:
            with self.store.read() as conn:
                rows = event_rows.since(conn, start, events.InboundMessage.kind, after=seen, limit=PAGE)
            if not rows:
                return
            seen = rows[-1].seq
            work = [self._work(row) for row in rows if row.lane]
            yield from self._page(work, shelf, carried)
            done += len(rows)
            progress(done)

    def _shelf(self) -> Shelf:
        live = self.library.shelf(self.account.name).live
        if self.document is not None:
            live = (Live(self.document, 0, BEGINNING),)
        return shelf_of([replace(item, since=BEGINNING) for item in live])

    def _work(self, row: Any) -> Work:
        return Work(row.id, self.account.id, row.seq, row.lane, 0, row.kind, row.payload, row.received_at, row.account)

    def _page(
        self, work: Sequence[Work], shelf: Shelf, carried: dict[str, tuple[Record, ...]]
    ) -> Iterator[dict[str, Any]]:
        if not shelf.live:
            return
        desk = self._desk(work, shelf)
        keys = {lane: self._keys(desk, lane, shapes) for lane, shapes in desk.shapes().items()}
        wanted = [key for some in keys.values() for key in some]
        found = (
            find(self.crm, wanted, sorted(desk.reads() | self._sets(shelf) | set(self.crm.can.identity.values())))
            if wanted
            else {}
        )
        for lane, some in keys.items():
            records = {(r.object, r.id): r for key in some for r in found.get(key, ())}
            desk.meet(lane, tuple(records.values()))
            if lane in carried:
                desk.records[lane] = carried[lane]
        judged = desk.judge(desk.cases)
        desk.accept()
        carried |= desk.records
        for one in judged:
            yield from self._diff(one, desk)
        if self.apply:
            self._store(judged)

    def _desk(self, work: Sequence[Work], shelf: Shelf) -> Desk:
        lanes = sorted({w.lane for w in work})
        inbound = [(w, e) for w in work if isinstance(e := events.load(w.kind, w.payload), events.InboundMessage)]
        with self.store.read() as conn:
            people = contacts.load(conn, lanes)
            linked = contacts.links(conn, self.account.id, lanes)
            pending = change_rows.pending_values(conn, self.account.id, lanes, [ref.id for ref in linked.values()])
            known = sends.by_wamid(conn, [e.context_id for _, e in inbound if e.context_id])
            waiting = sends.awaiting(conn, lanes, BEGINNING) if shelf.awaited else {}
        desk = Desk(self.account, self.crm.can, self.library.options, shelf, self.clock.now(), people, linked, pending)
        for w, event in inbound:
            desk.add(w, event, known, waiting)
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
                    yield {
                        "event": judged.work.event, "id": judged.event.id, "message": judged.event.text, "document": plan.document,
                        "account": self.account.name, "contact": person.name or person.wa_id or person.user_id,
                        "record": f"{object_} {record}".strip() if record else f"new {object_}", "field": change.field,
                        "now": reason.before, "then": change.value, "because": reason.because,
                    }  # fmt: skip

    def _store(self, judged: Sequence[Judged]) -> None:
        """Adds the changes behind those the events have already, so that the writer carries them out."""
        now = self.clock.now()
        with self.store.write() as conn:
            for one in judged:
                first = change_rows.last_ordinal(conn, one.work.event, self.account.id) + 1
                rows = [row | {"ordinal": row["ordinal"] + first} for row in one.rows(now)]
                plans.append(conn, one.work, _shift(one.body, first), rows, now)


def _shift(body: list[dict[str, Any]], by: int) -> list[dict[str, Any]]:
    return [
        plan | {"replayed": True, "ordinals": [None if n is None else n + by for n in plan.get("ordinals", [])]}
        for plan in body
        if plan["matched"]
    ]
