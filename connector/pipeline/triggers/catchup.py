"""What a webhook did not tell: records changed since the last look, compared with what we know of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connector.core import events
from connector.core.canonical import canonical, digest
from connector.core.contact import Record
from connector.core.documents import SendDocument
from connector.ids import derived
from connector.pipeline.documents.library import Shelf
from connector.pipeline.triggers.firing import ANY, POLL, watched
from connector.ports import CRM, Account, Page, Where
from connector.store import events as event_rows
from connector.store import records, restored
from connector.store.engine import Store
from connector.store.records import Known, Place

EVERY = timedelta(minutes=15)
OVERLAP = timedelta(minutes=5)  # a CRM's search index lags behind its records
PAGES = 50  # of one object a run: the next run goes on


@dataclass(slots=True)
class CatchUp:
    """Polls one CRM account for changes of the fields that its live send: documents watch."""

    store: Store
    account: Account
    crm: CRM
    shelf: Shelf

    def due(self, now: datetime) -> bool:
        """Some watched object was not looked at for EVERY."""
        objects = [name for name, fields in self._watched().items() if fields]
        if not objects:
            return False
        with self.store.read() as conn:
            last = records.polled(conn, self.account.id, objects)
        return last is None or now - last >= EVERY

    def run(self, now: datetime, since: datetime | None = None) -> int:
        """Every watched object once; how many changes were found. The first run only marks the time.

        After a restore the webhooks of the journal come first: what they tell of is not found twice.
        `since`: look back that far whatever the cursor says. One at a time over all processes."""
        found = 0
        with self.store.read() as conn:
            if restored.replaying(conn):
                return 0
        with self.store.locks.hold([f"catchup:{self.account.id}"]) as held:
            if held:
                for object_, fields in sorted(self._watched().items()):
                    if fields:
                        found += self._object(object_, sorted(fields), now, since)
        return found

    def _watched(self) -> Mapping[str, frozenset[str]]:
        return watched(self.shelf, self.crm.can.objects)

    def _object(self, object_: str, fields: Sequence[str], now: datetime, since: datetime | None) -> int:
        with self.store.read() as conn:
            cursor = records.cursor(conn, self.account.id, object_)
        start = since or cursor
        if start is None:
            with self.store.write() as conn:
                records.set_cursor(conn, self.account.id, object_, now, now)
            return 0
        where = [Where("", "ge", start - OVERLAP)]
        found, after = 0, ""
        for _ in range(PAGES):
            page = self.crm.query(object_, where, fields, after=after)
            after = page.after
            found += self._page(object_, fields, page, now)
            if not after:
                break
        return found

    def _page(self, object_: str, fields: Sequence[str], page: Page, now: datetime) -> int:
        """One page in one transaction: what differs becomes an event, what we see for the first time is noted."""
        seen = [(record, record.modified or now) for record in page.records]
        # What was left for the next run begins right here: with the overlap a crowd of one moment would never end.
        last = min(max((at for _, at in seen), default=now) + OVERLAP, now) if page.after else now
        with self.store.write() as conn:
            known = records.values(conn, self.account.id, [(object_, record.id) for record, _ in seen])
            first: dict[tuple[Place, str], Known] = {}
            changed: list[events.RecordChanged] = []
            for record, at in seen:
                before = known.get((object_, record.id), {})
                for name in fields:
                    if name not in before:
                        first[(object_, record.id), name] = Known(records.as_text(record.fields.get(name)), at)
                    elif _differs(before[name], record, name, at):
                        changed.append(_event(object_, record, name, at))
            records.note(conn, self.account.id, first)
            count = enqueue(conn, self.account.id, changed, now)
            records.set_cursor(conn, self.account.id, object_, last, now)
        return count


def _differs(before: Known, record: Record, name: str, at: datetime) -> bool:
    return before.at <= at and canonical(before.value) != canonical(record.fields.get(name))


def _event(object_: str, record: Record, name: str, at: datetime) -> events.RecordChanged:
    value = record.fields.get(name)
    key = f"poll:{object_}:{record.id}:{name}:{at.isoformat()}:{digest(value)[:16]}"
    return events.RecordChanged(
        id=key, at=at, object=object_, record=record.id, what="changed", field=name,
        value=records.as_text(value), source=POLL,
    )  # fmt: skip


def enqueue(
    conn: Any,
    account: str,
    found: Sequence[events.RecordChanged | events.TimerDue],
    now: datetime,
    due: Mapping[str, datetime] | None = None,
) -> int:
    """Stores events of our own making, each once, with the plan of its triggers from `due` {event id: time} on."""
    known = event_rows.known_keys(conn, [(account, event.id) for event in found])
    fresh = {event.id: event for event in found if (account, event.id) not in known}
    rows: list[dict[str, Any]] = []
    times: dict[str, datetime] = {}
    for event in fresh.values():
        key = derived(event.at or now, account, event.id)
        # What waits for its time stands alone: in the record's lane it would hold back what happens meanwhile.
        alone = isinstance(event, events.TimerDue)
        lane = f"timer:{key}" if alone else f"record:{account}:{event.object}:{event.record}"
        rows.append(
            {
                "id": key, "delivery": None, "account": account, "dedupe_key": event.id, "lane": lane,
                "kind": event.kind, "payload": events.dump(event), "received_at": now, "state": "new",
                "attempts": 0, "error": None,
            }
        )  # fmt: skip
        if due and event.id in due:
            times[key] = due[event.id]
    event_rows.add(conn, rows, (), {row["id"]: account for row in rows}, times)
    return len(rows)


def matching(crm: CRM, document: SendDocument) -> int | None:
    """How many records there are that would have set it off in the past; None when the CRM does not count."""
    object_ = crm.can.objects.get(document.word, document.word)
    wanted = [watch for watch in document.watches if watch.value]
    if not wanted or document.word in ("", ANY):
        return None
    if document.conditions:  # all of them at once, each with one value: a query knows no "or"
        if any(len(watch.value) > 1 for watch in wanted):
            return None
        return crm.query(object_, [Where(w.field, "eq", w.value[0]) for w in wanted], ()).total
    totals = [crm.query(object_, [Where(w.field, "eq", v)], ()).total for w in wanted for v in w.value]
    counted = [total for total in totals if total is not None]
    return sum(counted) if len(counted) == len(totals) else None
