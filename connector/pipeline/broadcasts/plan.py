"""A broadcast planned: its people become sends, page by page, each page once whoever plans; values are frozen here.

A page is one transaction that begins with a compare-and-set of the page's number: a planner that was stopped, doubled
or overtaken writes nothing, and the next one goes on where the last page ended.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connector.core import changes as core_changes
from connector.core import events
from connector.core.changes import Plan
from connector.core.contact import RecordRef
from connector.core.events import TimerDue
from connector.pipeline.broadcasts.audience import Part, Reader
from connector.pipeline.broadcasts.look import SEVERAL, TWICE, Judged, Look
from connector.pipeline.people import recipients
from connector.pipeline.preparing import limits
from connector.ports import Clock
from connector.store import broadcast_people, broadcasts, contacts, figures, people, plans, sends, uploads
from connector.store import events as event_rows
from connector.store.engine import Store

BECAUSE = "it is in the broadcast's list"
Told = Callable[[int, int | None, Any], None]  # rows done, of how many, where to go on


@dataclass(slots=True)
class Planner:
    """Plans one broadcast; `run` gives the numbers that have something to send."""

    store: Store
    look: Look
    reader: Reader
    clock: Clock
    numbers: set[str] = field(default_factory=set)

    def run(self, progress: Told, ring: Callable[[str], None]) -> None:
        """From where it stands to its end. Returns early when it was cancelled, or another plans it."""
        with self.store.read() as conn:
            row = broadcasts.get(conn, self.look.broadcast)
        if row is None or row.state != broadcasts.PLANNING:
            return
        page, done, total = row.page, row.rows_read, row.total
        ended = row.page > 0 and row.cursor is None
        for part in () if ended else self.reader.parts(row.cursor):
            if not self._page(page, part):
                return
            page, done = page + 1, done + len(part.entries)
            total = max(part.total or total, done)
            for number in sorted(self.numbers):
                ring(f"send:{number}")
            progress(done, total, {"page": page})
            if part.cursor is None:
                break
        self._finish()

    def _finish(self) -> None:
        now = self.clock.now()
        with self.store.write() as conn:
            broadcasts.planned(conn, self.look.broadcast, now)
        if self.reader.source.upload:
            uploads.drop(self.store, self.reader.source.upload)

    def _page(self, page: int, part: Part) -> bool:
        """One page; False when it is not ours to plan."""
        now = self.clock.now()
        with self.store.read() as conn:
            judged = self.look.judge(conn, part.entries, now)
        try:
            with self.store.write() as conn:
                if not broadcasts.turn(conn, self.look.broadcast, page, part.cursor):
                    return False
                self._store(conn, judged, now)
                counts = {"rows_read": len(judged), "planned": sum(not one.code for one in judged)}
                counts["refused"] = counts["rows_read"] - counts["planned"]
                broadcasts.count(conn, self.look.broadcast, counts)
        except plans.Moved:  # somebody was made twice at this very moment: all are looked at again
            return self._page(page, part)
        self.numbers |= {str(one.row["number"]) for one in judged if not one.code and one.row["state"] == "ready"}
        return True

    # ---- one page, stored ----------------------------------------------------------------------------------------
    def _store(self, conn: Any, judged: Sequence[Judged], now: datetime) -> None:
        self._meet(conn, judged, now)
        self._earlier(conn, judged)
        good = [one for one in judged if not one.code]
        limits.hold(conn, [(self.look.document, one.row) for one in good], now)
        for one in good:
            if one.row["state"] == "refused":
                one.refuse(one.row["code"], one.row["reason"])
        good = [one for one in good if not one.code]
        self._refs(conn, good, now)
        added = sends.add(conn, [self._send(one) for one in good])
        if added != len(good):
            raise plans.Moved
        rows, bodies = self._events(good, now)
        event_rows.add_done(conn, rows, self.look.account.id, bodies, now)
        broadcast_people.add(conn, [self._person(one) for one in judged])
        figures.matched(conn, [self.look.document.name] * len(good), now)

    def _meet(self, conn: Any, judged: Sequence[Judged], now: datetime) -> None:
        """Whom we knew by nothing but a phone becomes a contact."""
        people.alone(conn)
        heirs = contacts.heirs(conn, sorted({one.contact for one in judged if one.contact}))
        strangers = {one.to: one.entry.name for one in judged if not one.code and not one.contact and one.to}
        met = recipients.meet(self.store, conn, strangers, now) if strangers else {}
        for one in judged:
            one.contact = heirs.get(one.contact, one.contact)
            if one.code or one.contact:
                continue
            found = met.get(one.to, set())
            if len(found) == 1:
                one.contact = next(iter(found))
            else:
                one.refuse("several_contacts", SEVERAL.format(n=len(found)))

    def _earlier(self, conn: Any, judged: Sequence[Judged]) -> None:
        """Who stands in the list before, on an earlier page, or on this one under another phone."""
        good = [one for one in judged if not one.code]
        seen = broadcast_people.known(
            conn, self.look.broadcast, {one.contact for one in good}, {one.to for one in good if one.to}
        )
        for one in good:
            keys = {key for key in (one.contact, one.to) if key}
            if keys & seen:
                one.refuse("duplicate", TWICE)
            seen |= keys

    def _refs(self, conn: Any, good: Sequence[Judged], now: datetime) -> None:
        """Each person's CRM record: that of the list, else the one their contact is linked to."""
        account = self.look.account.id
        links = [
            (one.contact, one.entry.record, "whatsapp" if one.named else "phone")
            for one in good if one.entry.ref and self.reader.source.kind != "csv"
        ]  # fmt: skip
        recipients.link(conn, account, links, now)
        known = contacts.links(conn, account, [one.contact for one in good if not one.entry.ref])
        for one in good:
            ref = one.entry.ref or known.get(one.contact)
            one.row |= {"lane": one.contact, "record": _ref(ref), "person": _ref(ref)}

    def _send(self, one: Judged) -> dict[str, Any]:
        return one.row | {"cause": f"broadcast|{self.look.broadcast}|{one.contact}", "event": one.event}

    def _events(self, good: Sequence[Judged], now: datetime) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """What a person finds in the activity: one event each, with the plan that made the message."""
        rows, bodies = [], {}
        plan = Plan(document=self.look.document.name, version=self.look.version, matched=True, because=BECAUSE)
        told = core_changes.dump_plan(plan)
        for one in good:
            record = one.entry.record
            event = TimerDue(
                id=f"broadcast:{self.look.broadcast}:{one.entry.line}", at=now, document=self.look.document.name,
                object=record.object, record=record.id if one.entry.ref else "",
                raw={"broadcast": self.look.broadcast, "line": one.entry.line},
            )  # fmt: skip
            rows.append(
                {
                    "id": one.event, "delivery": None, "account": self.look.account.id, "dedupe_key": event.id,
                    "lane": f"timer:{one.event}", "kind": event.kind, "payload": events.dump(event),
                    "received_at": now, "state": "done", "attempts": 0, "error": None,
                }
            )  # fmt: skip
            bodies[one.event] = [told | {"sends": [one.row["id"]]}]
        return rows, bodies

    def _person(self, one: Judged) -> dict[str, Any]:
        planned = not one.code
        return {
            "broadcast": self.look.broadcast, "person": one.contact if planned else f"#{one.entry.line}",
            "line": one.entry.line, "phone": one.to if planned else (one.to or one.entry.phone)[:64],
            "name": one.entry.name, "contact": one.contact or None,
            "record": one.row.get("person") or _ref(one.entry.ref) or [self.look.account.id, self.reader.object, ""],
            "params": dict(one.entry.record.fields) if planned else None,
            "state": broadcast_people.PLANNED if planned else broadcast_people.REFUSED, "code": one.code,
            "reason": one.reason[:500], "send": one.row["id"] if planned else None,
        }  # fmt: skip


def _ref(ref: RecordRef | None) -> list[str] | None:
    return [ref.account, ref.object, ref.id] if ref else None
