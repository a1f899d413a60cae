"""One claim of CRM events on its way to sends: judged, read, prepared, and stored in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from connector.core import documents as language
from connector.core import reasons
from connector.core.changes import Ask
from connector.core.contact import Contact, Record, RecordRef, Setting
from connector.core.events import Event, RecordChanged, TriggerCalled
from connector.core.sending import Case
from connector.pipeline.documents import shadow
from connector.pipeline.documents.library import Shelf
from connector.pipeline.people import consents, recipients
from connector.pipeline.preparing import called, limits
from connector.pipeline.preparing.prepare import Wanted, make_rows
from connector.pipeline.triggers import calling, verdict
from connector.pipeline.triggers.firing import Judge, Judged, Ledger, order, watched
from connector.pipeline.triggers.gather import Gatherer, Wish
from connector.ports import CRM, Account
from connector.store import callbacks, causes, contacts, merging, own_writes, people, plans, records, restored, sends
from connector.store.engine import Store
from connector.store.plans import Work
from connector.store.records import Place

Row = dict[str, Any]


@dataclass(slots=True)
class Out:
    """One message about to be stored."""

    wish: Wish
    wanted: Wanted
    row: Row = field(default_factory=dict)


@dataclass(slots=True)
class Claim:
    """Some events of one CRM account whose lanes we hold."""

    store: Store
    account: Account
    crm: CRM
    shelf: Shelf
    now: datetime
    ledger: Ledger = field(default_factory=lambda: Ledger({}, {}))
    judged: list[Judged] = field(default_factory=list)
    wishes: list[Wish] = field(default_factory=list)
    outs: dict[str, Out] = field(default_factory=dict)  # by cause
    causes: dict[int, str] = field(default_factory=dict)  # id(wish) -> cause
    same: set[tuple[str, str]] = field(default_factory=set)  # contacts that turned out to be one person
    matched: list[str] = field(default_factory=list)  # documents that matched, one for each event
    named: set[Place] = field(default_factory=set)  # people known by their link or the WhatsApp id on the record

    # ---- judge ---------------------------------------------------------------------------------------------------
    def judge(self, work: Iterable[tuple[Work, Event]]) -> None:
        """Which documents fire, in the order in which the CRM says it happened."""
        ordered = sorted(work, key=lambda one: order(*one))
        changes = [e for _, e in ordered if isinstance(e, RecordChanged)]
        places = {(e.object, e.record) for e in changes} | {(e.object, e.into) for e in changes if e.into}
        with self.store.read() as conn:
            known = records.values(conn, self.account.id, places)
            own = own_writes.unused(conn, self.account.id, {record for _, record in places})
        self.ledger = Ledger(known, own)
        fields = watched(self.shelf, self.crm.can.objects)
        judge = Judge(self.shelf, self.crm.can.objects, fields, self.now)
        told = self._told([e for e in changes if e.field in fields.get(e.object, ()) and e.value is None])
        for one, event in ordered:
            self.judged.append(judge.judge(one, told.get(event.id, event), self.ledger))

    def _told(self, silent: Sequence[RecordChanged]) -> dict[str, Event]:
        """Changes of a watched field that do not say what to: the record does. {event id: the event with its value}."""
        if not silent:
            return {}
        found = Gatherer(self.crm).fill([(event, (event.object, event.record)) for event in silent])
        told: dict[str, Event] = {}
        for event in silent:
            record = found.get((event.object, event.record))
            if record is not None and event.field and event.field in record.fields:
                told[event.id] = replace(event, value=records.as_text(record.fields[event.field]))
        return told

    # ---- gather --------------------------------------------------------------------------------------------------
    def gather(self) -> None:
        """Reads records and people from the CRM, and asks the documents whether they still want it."""
        calling.add(self.judged, self.account, self.crm.can.objects)
        gatherer = Gatherer(self.crm, consents.fields(self.account))
        self.wishes = gatherer.wishes(self.judged)
        for place, record in gatherer.read.items():
            if record.was and (record.object, record.id) != place:
                self.ledger.merge(place, (record.object, record.id))

    # ---- prepare -------------------------------------------------------------------------------------------------
    def prepare(self) -> None:
        """Who each person is to us, `only_if`, and the rows of the sends."""
        wishes = [wish for wish in self.wishes if not wish.refused and wish.ask is None]
        with self.store.read() as conn:
            found = recipients.known(
                conn, self.account.id, [w.person for w in wishes if w.person], self.crm.can.identity
            )
            self.named = set(found)
            faces = contacts.load(conn, sorted({c for some in found.values() for c in some}))
            cases = [(wish, self._case(wish, _only(found.get(_place(wish.person)), faces))) for wish in wishes]
            phones = [language.phone_of(wish.document, case, self.now)[0] for wish, case in cases]
            owners = recipients.of_phones(conn, {phone for phone in phones if phone})
            faces |= contacts.load(conn, sorted({c for some in owners.values() for c in some}))
            for (wish, case), phone in zip(cases, phones, strict=True):
                who = self._who(found.get(_place(wish.person), set()), owners.get(phone, set()), faces)
                self._want(wish, replace(case, contact=_only(who, faces)), who)
            wanted = [out.wanted for out in self.outs.values()]
            for row in make_rows(conn, wanted, self.now) if wanted else ():
                out = self.outs[row["cause"]]
                out.row = row | _ended(out.wish, self.now)

    def _who(self, named: set[str], owners: set[str], faces: Mapping[str, Contact]) -> set[str]:
        same = recipients.one_person(named, owners, faces)
        if same is None:
            return recipients.agreed(named, owners, faces)
        self.same.update((same[0], other) for other in same[1])
        return {same[0]}

    def _case(self, wish: Wish, face: Contact | None) -> Case:
        event = wish.judged.event
        return Case(
            event=event, record=wish.record, person=wish.person, contact=face,
            called=called.values(event) if isinstance(event, TriggerCalled) else {},
            setting=self._setting(), created_at=self.now,
        )  # fmt: skip

    def _want(self, wish: Wish, case: Case, who: set[str]) -> None:
        if len(who) > 1:
            wish.ask = _who(wish, sorted(who))
            return
        wants, because = language.wanted(wish.document, case, self.now)
        if not wants:
            wish.refused = because
            return
        cause = cause_of(wish)
        self.causes[id(wish)] = cause
        self.outs.setdefault(cause, Out(wish, self._wanted(wish, case, cause)))

    def _setting(self) -> Setting:
        given = self.account.settings
        return Setting(
            account=self.account.name, locale=given.get("locale") or self.crm.can.locale,
            time_zone=given.get("time_zone") or "UTC", country=given.get("country"),
        )  # fmt: skip

    def _wanted(self, wish: Wish, case: Case, cause: str) -> Wanted:
        event = wish.judged.event
        callback, wait_for = (event.callback, event.wait_for) if isinstance(event, TriggerCalled) else ("", "")
        return Wanted(
            cause=cause, event=wish.judged.work.event, crm=self.account, document=wish.document,
            version=wish.fired.live.version, case=case, lane=case.contact.id if case.contact else "",
            record=self._ref(wish.record), person=self._ref(wish.person),
            callback=callback, wait_for=wait_for,
        )  # fmt: skip

    def _ref(self, record: Record | None) -> RecordRef | None:
        return RecordRef(self.account.id, record.object, record.id) if record is not None else None

    # ---- commit --------------------------------------------------------------------------------------------------
    def commit(self, conn: Any, now: datetime) -> set[str]:
        """One transaction; the numbers that have ready sends now. Raises plans.Moved."""
        self._meet(conn, now)
        limits.hold(conn, [(out.wanted.document, out.row) for out in self.outs.values() if out.row], now)
        rows = [out.row for out in self.outs.values() if out.row]
        there = causes.stored(conn, [row["cause"] for row in rows])  # the same event twice is one send
        ids = there | {row["cause"]: row["id"] for row in rows if row["cause"] not in there}
        sent = {wish: ids[cause] for wish, cause in self.causes.items() if cause in ids}
        bodies, changes = verdict.bodies(self.judged, self.wishes, sent, now)
        plans.finish(conn, bodies, changes, now)
        self.matched = [one["document"] for _, body in bodies for one in body if one["matched"] and one["document"]]
        rows = [row for row in rows if row["cause"] not in there]
        self._doubt(conn)
        sends.add(conn, rows)
        for gone, into in self.ledger.moved.items():
            records.move(conn, self.account.id, gone, into)
        records.note(conn, self.account.id, self.ledger.seen)
        own_writes.use(conn, sorted(self.ledger.used))
        callbacks.add(conn, self._callbacks({row["id"] for row in rows}, now))
        shades = [j for j in self.judged if j.shades]
        shadow.keep(conn, [r for j in shades for r in shadow.as_rows(j.work.event, j.work.account, j.shades, now)])
        return {row["number"] for row in rows if row["state"] == "ready"}

    def _meet(self, conn: Any, now: datetime) -> None:
        """People known by nothing but a phone: found by it, or new; and every record stays with its contact."""
        people.alone(conn)
        for pair in sorted(self.same):
            if not contacts.heirs(conn, pair):
                merging.merge(conn, min(pair), max(pair), now)  # the older one goes on
        outs = [out for out in self.outs.values() if out.row]
        lanes = {str(out.row["lane"]) for out in outs if out.row["lane"]}
        heirs = contacts.heirs(conn, sorted(lanes))
        names = self.crm.can.names
        strangers = {o.row["to"]: _name(o.wish.person, names) for o in outs if o.row["to"] and not o.row["lane"]}
        met = recipients.meet(self.store, conn, strangers, now)
        links: list[tuple[str, Record, str]] = []
        for out in outs:
            lane, person = str(out.row["lane"] or ""), out.wish.person
            found = {heirs.get(lane, lane)} if lane else met.get(out.row["to"], set())
            if len(found) > 1:
                out.wish.ask, out.row = _who(out.wish, sorted(found)), {}
                continue
            out.row["lane"] = next(iter(found), None)
            if found and person is not None:
                links.append((out.row["lane"], person, "whatsapp" if _place(person) in self.named else "phone"))
        recipients.link(conn, self.account.id, links, now)

    def _doubt(self, conn: Any) -> None:
        """What set it off happened between a backup and its restore, and what left then is not known."""
        found = restored.window(conn)
        if found is None or found.journal:
            return
        for out in self.outs.values():
            if out.row and found.covers(out.wish.judged.at) and out.row["state"] in ("waiting", "ready"):
                out.row |= restored.DOUBT

    def _callbacks(self, new: set[str], now: datetime) -> list[Row]:
        """The workflows that wait for these sends, each for its first."""
        outs = [out for out in self.outs.values() if out.wanted.callback and out.row.get("id") in new]
        waits = {out.wanted.callback: out for out in reversed(outs)}
        return [
            {
                "account": self.account.id, "callback": callback, "send": out.row["id"], "event": out.wanted.event,
                "wait_for": out.wanted.wait_for or "reply", "expires_at": now + callbacks.LASTS,
            }
            for callback, out in waits.items()
        ]  # fmt: skip


def cause_of(wish: Wish) -> str:
    """What makes a send one of a kind. The fields of one save change at once: to a document they are one event."""
    event, document = wish.judged.event, wish.document.name
    person = wish.person
    whom = f"{person.object}:{person.id}" if person is not None else "call"
    if isinstance(event, RecordChanged) and event.at is not None:
        return f"{document}|{whom}|{event.object}:{event.record}|{event.at.isoformat()}"
    key = event.callback if isinstance(event, TriggerCalled) and event.callback else event.id
    return f"{document}|{whom}|{wish.judged.work.source}|{key}"


def _ended(wish: Wish, now: datetime) -> Row:
    """A message without anybody to get it is refused: the record hears of it by `after: failed`."""
    if not wish.nobody:
        return {}
    code = "no_contact"
    return {"state": "refused", "code": code, "reason": wish.nobody, "who": reasons.reason(code).who, "body": None,
            "next_at": None, "ended_at": now, "tell": 1}  # fmt: skip


def _only(found: set[str] | None, faces: Mapping[str, Contact]) -> Contact | None:
    return faces.get(next(iter(found))) if found and len(found) == 1 else None


def _place(person: Record | None) -> Place:
    return (person.object, person.id) if person is not None else ("", "")


def _name(person: Record | None, names: Sequence[str]) -> str:
    """What the CRM calls a person we have not met."""
    fields = person.fields if person is not None else {}
    parts = [fields.get(name) for name in names]
    return " ".join(str(part) for part in parts if part)[:200]


def _who(wish: Wish, found: Sequence[str]) -> Ask:
    person = wish.person
    what = f"{person.object} {person.id}" if person is not None else "the phone"
    text = f"{what} may be {len(found)} contacts here: which one is it?"
    return Ask(object=person.object if person else "", why="several_persons", text=text, choices=tuple(found))
