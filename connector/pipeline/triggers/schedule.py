"""Times that documents wait for: `every:` asks the CRM who is meant, `date:` looks a day ahead for dates coming due."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any

from connector import errors
from connector.core.contact import Record
from connector.core.documents import SendDocument
from connector.core.events import TimerDue
from connector.pipeline.documents.library import LiveSend, Shelf
from connector.pipeline.drain import log
from connector.pipeline.triggers.catchup import enqueue
from connector.pipeline.triggers.firing import ANY
from connector.ports import CRM, Account, Where
from connector.store import findings, records, timers
from connector.store.engine import Store

AHEAD = timedelta(hours=26)  # how far a date is looked for: a day, and what a late clock may lose
LOOK = timedelta(hours=1)  # how often: a date that is entered on the day itself is found too
LATE = timedelta(hours=24)  # a date that came due while nobody looked is still told
MOMENT = timedelta(microseconds=1)
PAGES = 100  # of one query
QUERIES = 20  # of one document: a query knows no "or", so each value is asked for alone
BROKEN = "timer_refused"  # the finding of a document whose query the CRM refuses
Found = list[tuple[TimerDue, datetime]]  # with the time it is due


@dataclass(slots=True)
class Schedule:
    """The timers of one CRM account's live send: documents. Safe to run twice, by several clocks, after any pause."""

    store: Store
    account: Account
    crm: CRM
    shelf: Shelf

    @property
    def zone(self) -> str:
        return self.account.settings.get("time_zone") or "UTC"

    def due(self, now: datetime) -> bool:
        """Some document's time has come, or it has none yet."""
        timed = self._timed()
        with self.store.read() as conn:
            known = timers.load(conn, [live.document.name for live in timed])
        return any(self._is_due(live.document, known.get(live.document.name), now) for live in timed)

    def _is_due(self, document: SendDocument, row: Any, now: datetime) -> bool:
        return row is None or row.spec != self._spec(document) or row.next_at <= now

    def tick(self, now: datetime) -> int:
        """Sets new timers, and makes the events of those that are due; how many. One at a time over all processes."""
        made = 0
        with self.store.locks.hold([f"schedule:{self.account.id}"]) as held:
            if held:
                for live in self._timed():
                    made += self._safely(live, now)
        return made

    def _safely(self, live: LiveSend, now: datetime) -> int:
        """A document that we cannot work out holds no other's time."""
        try:
            return self._one(live, now)
        except errors.ConnectorError:
            raise
        except Exception:  # noqa: BLE001 - logged; its time comes again at the next tick
            log.exception("the timer of %s failed", live.document.name)
            return 0

    def _timed(self) -> list[LiveSend]:
        return [live for live in self.shelf.sends if live.document.every or live.document.date]

    def _spec(self, document: SendDocument) -> str:
        """What a timer is computed from: the rule, and the zone its hours are of."""
        return f"{document.every or document.date!r} {self.zone}"

    def _one(self, live: LiveSend, now: datetime) -> int:
        document, spec = live.document, self._spec(live.document)
        with self.store.read() as conn:
            row = timers.load(conn, [document.name]).get(document.name)
        if row is None or row.spec != spec:  # it starts from now, whatever came due before
            first = document.every.after(now, self.zone) if document.every else now
            with self.store.write() as conn:
                timers.put(conn, document.name, first, spec)
            return 0 if document.every else self._look(document, first, now, now)
        if row.next_at > now:
            return 0
        covered = row.next_at if document.every else row.next_at - LOOK + AHEAD  # how far the last look went
        return self._look(document, row.next_at, max(now - LATE, min(now, covered)), now)

    def _look(self, document: SendDocument, was: datetime, start: datetime, now: datetime) -> int:
        """The events of one look, and the next one; a document whose query is refused is told, and comes again."""
        found: Found = []
        said = ""
        try:
            found = self._every(document, start, now) if document.every else self._dates(document, start, now)
        except errors.GiveUp as error:
            log.warning("%s: %s", document.name, error)
            said = str(error)
        then = document.every.after(now, self.zone) if document.every else now + LOOK
        with self.store.write() as conn:
            if not timers.advance(conn, document.name, was, then):
                return 0
            self._tell(conn, document.name, said, now)
            times = {event.id: due for event, due in found}
            return enqueue(conn, self.account.id, [event for event, _ in found], now, times)

    def _tell(self, conn: Any, name: str, said: str, now: datetime) -> None:
        if said:
            message = f"The CRM could not be asked who {name} is for: {said}"
            hint = "Mend the document's `when:`, or the field in the CRM."
            findings.raise_(conn, [findings.Finding(BROKEN, name, message, hint)], now)
        else:
            findings.clear(conn, BROKEN, [name])

    # ---- every ---------------------------------------------------------------------------------------------------
    def _every(self, document: SendDocument, start: datetime, now: datetime) -> Found:
        """One event for each record that is meant at that time; a time long past is left out."""
        instant = document.every.after(start - MOMENT, self.zone) if document.every else start
        if instant > now:
            return []
        conditions = document.conditions
        ids: dict[str, str] = {}
        combinations = list(product(*(watch.value for watch in conditions)))
        if len(combinations) > QUERIES:
            raise errors.Rejected(f"{document.name} asks for {len(combinations)} combinations of values.", code="many")
        for values in combinations:
            where = [Where(watch.field, "eq", value) for watch, value in zip(conditions, values, strict=True)]
            ids |= {record.id: record.object for record in self._query(document, where)}
        stamp = instant.isoformat()
        return [
            (
                TimerDue(
                    id=f"{document.name}:{stamp}:{id_}", at=instant, document=document.name, object=object_, record=id_
                ),
                instant,
            )
            for id_, object_ in sorted(ids.items())
        ]

    # ---- date ----------------------------------------------------------------------------------------------------
    def _dates(self, document: SendDocument, start: datetime, now: datetime) -> Found:
        """One event for each record whose date comes due in the next hours, to be looked at again then."""
        rule = document.date
        if rule is None:
            return []
        end = now + AHEAD
        first, last = rule.dates(start, end, self.zone)
        # A field may hold a moment: in the account's zone it can be of the day before or after.
        near = [Where(rule.field, "ge", _iso(first, -1)), Where(rule.field, "lt", _iso(last, 1))]
        found: Found = []
        for record in self._query(document, near):
            value = record.fields.get(rule.field)
            due = rule.due(value, self.zone)
            if due is not None and start <= due < end:
                text = records.as_text(value)
                key = f"{document.name}:{record.id}:{text}"
                event = TimerDue(
                    id=key, at=due, document=document.name, object=record.object, record=record.id, value=text
                )
                found.append((event, due))
        return found

    def _query(self, document: SendDocument, where: Sequence[Where]) -> Iterator[Record]:
        """Every record of the document's object that meets this, page by page."""
        if document.word in ("", ANY):
            return
        object_ = self.crm.can.objects.get(document.word, document.word)
        fields = sorted({w.field for w in document.conditions} | ({document.date.field} if document.date else set()))
        after = ""
        for _ in range(PAGES):
            page = self.crm.query(object_, where, fields, after=after)
            yield from page.records
            after = page.after
            if not after:
                return


def _iso(day: date, days: int) -> str:
    return (day + timedelta(days=days)).isoformat()
