"""What somebody should get becomes a row of `sends`: through the gates that need the document or values of the CRM."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from connector import errors
from connector.core import documents as language
from connector.core import reasons, retry
from connector.core.contact import Contact, Record, RecordRef, Setting, altered
from connector.core.documents import SendDocument
from connector.core.events import TriggerCalled, load
from connector.core.sending import Case, Prepared
from connector.core.template import Template
from connector.ids import new_id
from connector.pipeline.documents.library import Library
from connector.pipeline.drain import Stop, alone, log, of_one_row, park_account, parked
from connector.pipeline.people import consents
from connector.pipeline.people.lookup import read_records
from connector.pipeline.preparing import called, flow_templates, frozen, gates, limits
from connector.ports import CRM, Account, Clock
from connector.store import contacts, waiting
from connector.store import templates as template_rows
from connector.store.engine import Store

BATCH = 200  # sends looked at again in one transaction
TRIES = 6  # looks at one that cannot be looked at, over an hour, before it is refused
LATER = 1  # priority of everything but replies
ENDED = ("refused", "expired", "cancelled")
NO_NUMBER = "There is no WhatsApp account to send from"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One message that somebody should get. `id`: a send that waits already and is looked at again."""

    cause: str
    event: str  # events.id
    crm: Account
    document: SendDocument
    version: int
    case: Case
    lane: str  # "" = known by a phone only
    record: RecordRef | None = None
    person: RecordRef | None = None
    callback: str = ""
    wait_for: str = ""
    id: str | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)  # of its context, as it stands


def make_rows(conn: Any, wanted: Sequence[Wanted], now: datetime) -> list[dict[str, Any]]:
    """The row of each, ready, waiting or ended; consents, earlier sends and templates are read once for all."""
    desk = _Desk(conn, wanted)
    return [desk.row(one, now) for one in wanted]


def looks(conn: Any, wanted: Sequence[Wanted]) -> list[tuple[Case, Sequence[Template]]]:
    """What the gates would look at, of each: whoever only tries a document sees the same."""
    desk = _Desk(conn, wanted)
    return [(desk.case(one), desk.templates(one)) for one in wanted]


class _Desk:
    """What the gates must know of these, from the database."""

    def __init__(self, conn: Any, wanted: Sequence[Wanted]) -> None:
        lanes = sorted({one.lane for one in wanted if one.lane})
        self._people = contacts.load(conn, lanes)
        self._before = waiting.starts(conn, lanes, sorted({one.document.name for one in wanted}))
        self._senders = {row.name: row for row in waiting.senders(conn)}
        names = sorted({one.document.template for one in wanted})
        accounts = {row.account for row in self._senders.values()}
        self._templates = {account: template_rows.known(conn, account, names) for account in accounts}

    def case(self, one: Wanted) -> Case:
        return altered(one.case, contact=self._contact(one), sent_at=self._sent(one))

    def templates(self, one: Wanted) -> Sequence[Template]:
        sender = self._sender(one.document)
        return self._templates.get(sender.account, ()) if sender else ()

    def row(self, one: Wanted, now: datetime) -> dict[str, Any]:
        sender, templates, case = self._sender(one.document), self.templates(one), self.case(one)
        if sender is None:
            made = Prepared(state="refused", code="sender", reason=f"{NO_NUMBER}: {one.document.sender or 'none'}.")
        else:
            made = language.prepare(one.document, case, templates, now)
        return _row(one, made, sender, templates, now)

    def _sender(self, document: SendDocument) -> Any:
        """The number a document names, else the only one, else the first by name."""
        if document.sender:
            return self._senders.get(document.sender)
        return next((self._senders[name] for name in sorted(self._senders)), None)

    def _contact(self, one: Wanted) -> Contact | None:
        """Ours, with the consent that the CRM keeps on a field of its own."""
        person = self._people.get(one.lane, one.case.contact)
        said = consents.on_record(one.crm, one.case.person)
        if said is None:
            return person
        person = person or Contact(id="")
        if said == "opted_in":  # an opt-out we heard of wins
            return altered(person, consents={"marketing": said, **person.consents})
        return altered(person, consents={**person.consents, "marketing": said})

    def _sent(self, one: Wanted) -> tuple[datetime, ...]:
        before = self._before.get((one.lane, one.document.name), [])
        return tuple(at for at, send in before if send != one.id)


def _row(one: Wanted, made: Prepared, sender: Any, templates: Sequence[Template], now: datetime) -> dict[str, Any]:
    ended = made.state in ENDED
    return {
        "id": one.id or new_id(), "cause": one.cause, "event": one.event,
        "account": sender.account if sender else "", "crm": one.crm.id, "lane": one.lane or None,
        "number": sender.number if sender else "", "document": one.document.name, "version": one.version,
        "template": made.template or one.document.template, "language": made.language, "category": made.category,
        "priority": LATER, "to": made.to, "user_id": one.case.contact.user_id if one.case.contact else None,
        "body": made.body, "buttons": dict(made.buttons) or None,
        "record": _ref(one.record), "person": _ref(one.person), "goal": _goal(one),
        "context": {**_context(made, templates), **one.kept}, "callback": one.callback or None,
        "state": made.state, "code": made.code, "reason": made.reason,
        "who": reasons.reason(made.code).who if made.code else "",
        "next_at": None if ended else made.until or now, "give_up_at": made.give_up_at,
        "at": one.case.created_at or now, "ended_at": now if ended else None, "tell": 1 if ended else 0,
    }  # fmt: skip


def _goal(one: Wanted) -> str | None:
    """The lane of the record whose change will say that the message did what it was meant to; None without a goal."""
    goal = one.document.goal
    person = goal is not None and goal.word == "contact" and one.document.word != "contact"
    record = one.person if person else one.record or one.person
    if goal is None or record is None:
        return None
    return f"record:{record.account}:{record.object}:{record.id}"


def _ref(record: RecordRef | None) -> list[str] | None:
    return [record.account, record.object, record.id] if record else None


def _context(made: Prepared, templates: Sequence[Template]) -> dict[str, Any]:
    """What `after:` will ask for, and what the sender's gates must know of the document."""
    late = {gates.QUIET_FROM: made.quiet_from.isoformat()} if made.quiet_from else {}
    return {**made.context, "contract": _contract(made, templates), **late}


def _contract(made: Prepared, templates: Sequence[Template]) -> str:
    """What the template took when the message was made."""
    found = (t for t in templates if (t.name, t.language) == (made.template, made.language))
    return next((gates.contract(t) for t in found), "")


# ---- what waited -----------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class Preparer:
    """Looks again at the sends of one CRM account whose time has come: values are read when they are needed."""

    store: Store
    account: Account
    crm: CRM
    library: Library
    clock: Clock

    def drain(self, stop: Stop) -> tuple[str, ...]:
        """Until none is due; the numbers that have something to send now."""
        numbers: set[str] = set()

        def work() -> None:
            while not stop() and self._step(numbers):
                pass

        try:
            alone(self.store, f"prepare:{self.account.id}", work, self._more, stop)
        except errors.StoreDown:
            raise
        except errors.ConnectorError as error:
            log.warning("%s: %s", self.account.name, error)
            park_account(self.store, self.account.id, error, self.clock.now())
        return tuple(sorted(numbers))

    def _more(self) -> bool:
        return not self._parked() and bool(self._due(1))

    def _parked(self) -> bool:
        return parked(self.store, self.account.id, self.clock.now())

    def _due(self, limit: int) -> Sequence[Any]:
        with self.store.read() as conn:
            return waiting.due(conn, self.account.id, self.clock.now(), limit)

    def _step(self, numbers: set[str]) -> bool:
        """Some that are due; those that cannot be looked at together are looked at alone."""
        rows = [] if self._parked() else self._due(BATCH)
        if not rows:
            return False
        try:
            self._look(rows, numbers)
        except Exception as error:
            if not of_one_row(error):
                raise
            log.exception("%d sends cannot be prepared together; each is tried alone", len(rows))
            for row in rows:
                self._alone(row, numbers)
        return True

    def _alone(self, row: Any, numbers: set[str]) -> None:
        """The culprit waits, and nobody else; in the end it is refused with what was wrong."""
        try:
            self._look([row], numbers)
        except Exception as error:
            if not of_one_row(error):
                raise
            log.error("a send cannot be prepared", exc_info=error, extra={"send": row.id})
            said = error.message if isinstance(error, errors.ConnectorError) else f"{type(error).__name__}: {error}"
            with self.store.write() as conn:
                waiting.move(conn, [_later(row, said[:500], self.clock.now())])

    def _look(self, rows: Sequence[Any], numbers: set[str]) -> None:
        """Reads what they need from the CRM, then moves them on in one transaction."""
        documents = {row.id: self._document(row) for row in rows}
        live = [row for row in rows if documents[row.id] is not None]
        with self.store.read() as conn:
            fixed = frozen.people(conn, rows)
        records = self._read([row for row in live if row.id not in fixed], documents)
        now = self.clock.now()
        there = [
            row for row in live
            if row.id in fixed or row.record is None or (row.record[1], row.record[2]) in records
        ]  # fmt: skip
        wanted = [self._wanted(row, documents[row.id], records, fixed.get(row.id)) for row in there]
        with self.store.write() as conn:
            heirs = contacts.heirs(conn, sorted({one.lane for one in wanted if one.lane}))
            wanted = [replace(one, lane=heirs.get(one.lane, one.lane)) for one in wanted]
            made = make_rows(conn, wanted, now)
            limits.hold(conn, [(one.document, row) for one, row in zip(wanted, made, strict=True)], now)
            gone = [
                self._gone(row, "document" if documents[row.id] is None else "record_gone", now)
                for row in rows
                if row not in there
            ]
            moved = waiting.move(conn, [*made, *gone])
        numbers.update(row["number"] for row in made if row["state"] == "ready" and row["id"] in moved)

    def _document(self, row: Any) -> tuple[SendDocument, int] | None:
        """As it is live now; that of a workflow's own template lives in its call, a broadcast's stays as it was."""
        if row.broadcast:
            return frozen.document(self.store, row)
        step = flow_templates.again(row, self.account.name)
        if step is not None:
            return replace(step[0], give_up_after=row.give_up_at - row.at if row.give_up_at else None), row.version
        found = self.library.shelf(self.account.name).send(row.document)
        if found is not None:
            return found.document, found.version
        event = load(row.kind, row.payload)
        made = None
        if isinstance(event, TriggerCalled):
            try:
                made = called.document_of(event, self.account.name, self.crm.can.objects)
            except errors.BadDocument as error:  # of this call, not of a document that others wait for too
                raise errors.Rejected(str(error), code="document") from error
        return (made, 0) if made is not None else None

    def _read(self, rows: Sequence[Any], documents: Mapping[str, Any]) -> dict[tuple[str, str], Record]:
        """Records and people anew: one call for each object."""
        asked: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
        own = {*self.crm.can.identity.values(), *consents.fields(self.account)}
        for row in rows:
            document = documents[row.id][0]
            for ref, fields in ((row.record, document.record_reads), (row.person, document.reads | own)):
                if ref:
                    ids, names = asked[ref[1]]
                    ids.add(ref[2])
                    names |= fields
        return read_records(self.crm, asked)

    def _wanted(
        self,
        row: Any,
        live: tuple[SendDocument, int] | None,
        records: Mapping[tuple[str, str], Record],
        fixed: Record | None = None,
    ) -> Wanted:
        assert live is not None
        event = load(row.kind, row.payload)
        record, person = (RecordRef(*ref) if ref else None for ref in (row.record, row.person))
        case = Case(
            event=event, record=fixed or _found(record, records), person=fixed or _found(person, records),
            called=_called(row, event, self.account.name), setting=self._setting(),
            created_at=row.at,
        )  # fmt: skip
        return Wanted(
            cause=row.cause, event=row.event, crm=self.account, document=live[0], version=live[1], case=case,
            lane=row.lane or "", record=record, person=person, callback=row.callback or "", id=row.id,
            kept={name: row.context[name] for name in (flow_templates.KEPT,) if name in (row.context or {})},
        )  # fmt: skip

    def _setting(self) -> Setting:
        given = self.account.settings
        return Setting(
            account=self.account.name, locale=given.get("locale") or self.crm.can.locale,
            time_zone=given.get("time_zone") or "UTC", country=given.get("country"),
        )  # fmt: skip

    def _gone(self, row: Any, code: str, now: datetime) -> dict[str, Any]:
        words = reasons.reason(code, document=row.document)
        ended = {"state": "refused", "code": code, "reason": words.text, "who": words.who}
        return {"id": row.id, **ended, "next_at": None, "ended_at": now, "tell": 1}


def _later(row: Any, said: str, now: datetime) -> dict[str, Any]:
    """One that could not be looked at: tried again, longer apart each time, refused after TRIES."""
    tries = int((row.context or {}).get("tries", 0)) + 1
    then = retry.next_try(tries, now, base=60.0, cap=3600.0, jitter=1.0, tries=TRIES)
    moved = {"id": row.id, "code": "parameter", "reason": said, "who": "you", "next_at": then}
    if then is None:
        return moved | {"state": "refused", "ended_at": now, "tell": 1}
    return moved | {"state": "waiting", "context": {**(row.context or {}), "tries": tries}}


def _called(row: Any, event: Any, crm: str) -> Mapping[str, Any]:
    step = flow_templates.again(row, crm)
    if step is not None:
        return step[1]
    return called.values(event) if isinstance(event, TriggerCalled) else {}


def _found(ref: RecordRef | None, records: Mapping[tuple[str, str], Record]) -> Record | None:
    return records.get((ref.object, ref.id)) if ref else None
