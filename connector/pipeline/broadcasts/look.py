"""What becomes of the people of a broadcast: the same for its forecast and for its plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from connector.core import documents as language
from connector.core.contact import Contact, Record, Setting
from connector.core.documents import SendDocument
from connector.core.events import TimerDue
from connector.core.sending import Case
from connector.ids import new_id
from connector.pipeline.broadcasts.audience import Entry
from connector.pipeline.people import recipients
from connector.pipeline.preparing.prepare import ENDED, Wanted, make_rows
from connector.ports import CRM, Account
from connector.store import contacts, parks

BROADCAST = 2  # priority: behind replies and behind what an event set off
SEVERAL = "The phone and the record are {n} contacts here: it is not clear who is meant."
CAPPED = "WhatsApp lets no more marketing through to this person until {until:%Y-%m-%d %H:%M} UTC (131049)."
TWICE = "The same person stands in the list before."


@dataclass(slots=True)
class Judged:
    """One row of the list: `code` "" = a message is to be sent, `row` is its row of `sends`."""

    entry: Entry
    event: str = ""
    code: str = ""
    reason: str = ""
    contact: str = ""  # ours; "" = not met yet
    named: bool = False  # known by its record, not only by the phone
    row: dict[str, Any] = field(default_factory=dict)

    @property
    def to(self) -> str:
        return str(self.row.get("to") or "")

    @property
    def key(self) -> str:
        """Who it is, before we have met everybody."""
        return self.contact or self.to

    def refuse(self, code: str, reason: str) -> None:
        self.code, self.reason = code, reason


@dataclass(frozen=True, slots=True)
class Look:
    """One broadcast's eyes: its document, its CRM account, its id."""

    broadcast: str
    document: SendDocument
    version: int
    account: Account
    crm: CRM

    def judge(self, conn: Any, entries: Sequence[Entry], now: datetime) -> list[Judged]:
        """Each row, in their order; whether a person stands in an earlier page is for the caller to say."""
        judged = [Judged(entry, new_id(), entry.code, entry.problem) for entry in entries]
        wanted = self._wanted(conn, [one for one in judged if not one.code], now)
        rows = make_rows(conn, [want for _, want in wanted], now) if wanted else []
        for (one, _), row in zip(wanted, rows, strict=True):
            one.row = row | {"broadcast": self.broadcast, "priority": BROADCAST}
            if row["state"] in ENDED:
                one.refuse(row["code"], row["reason"])
        self._capped(conn, judged, now)
        self._once(judged)
        return judged

    def _wanted(self, conn: Any, judged: Sequence[Judged], now: datetime) -> list[tuple[Judged, Wanted]]:
        """Who each one is to us, and what is asked for them."""
        found = recipients.known(
            conn, self.account.id, [one.entry.record for one in judged if one.entry.ref], self.crm.can.identity
        )
        faces = contacts.load(conn, sorted({c for some in found.values() for c in some}))
        known = [_only(found.get(_place(one.entry.record), set()), faces) for one in judged]
        cases = [(one, self._case(one, face, now)) for one, face in zip(judged, known, strict=True)]
        phones = [language.phone_of(self.document, case, now)[0] for _, case in cases]
        owners = recipients.of_phones(conn, {phone for phone in phones if phone})
        faces |= contacts.load(conn, sorted({c for some in owners.values() for c in some} - set(faces)))
        out = []
        for (one, case), phone in zip(cases, phones, strict=True):
            named = found.get(_place(one.entry.record), set()) if one.entry.ref else set()
            who = _who(named, owners.get(phone, set()), faces)
            if len(who) > 1:
                one.refuse("several_contacts", SEVERAL.format(n=len(who)))
                continue
            one.contact, one.named = next(iter(who), ""), bool(named)
            case = replace(case, contact=faces.get(one.contact))
            wants, because = language.wanted(self.document, case, now)
            if not wants:
                one.refuse("only_if", because)
                continue
            out.append((one, self._want(one, case)))
        return out

    def _case(self, one: Judged, face: Contact | None, now: datetime) -> Case:
        record = one.entry.record
        event = TimerDue(
            id=f"broadcast:{self.broadcast}:{one.entry.line}", at=now, document=self.document.name,
            object=record.object, record=record.id,
        )  # fmt: skip
        return Case(
            event=event, record=record, person=record, contact=face, setting=setting_of(self.account, self.crm),
            created_at=now,
        )  # fmt: skip

    def _want(self, one: Judged, case: Case) -> Wanted:
        return Wanted(
            cause=f"broadcast|{self.broadcast}|{one.contact or one.entry.line}", event=one.event, crm=self.account,
            document=self.document, version=self.version, case=case, lane=one.contact, record=one.entry.ref,
            person=one.entry.ref,
        )  # fmt: skip

    def _capped(self, conn: Any, judged: Sequence[Judged], now: datetime) -> None:
        """Whom Meta lets no more marketing through to: it would wait a day and more behind the others."""
        some = {f"{one.contact}:{one.row['category']}": one for one in judged if not one.code and one.contact}
        rests = parks.parked(conn, "contact", sorted(some), now) if some else {}
        for key, (until, _) in rests.items():
            some[key].refuse("capped", CAPPED.format(until=until))

    def _once(self, judged: Sequence[Judged]) -> None:
        seen: set[str] = set()
        for one in judged:
            if one.code:
                continue
            keys = {key for key in (one.contact, one.to) if key}
            if keys & seen:
                one.refuse("duplicate", TWICE)
            seen |= keys


def setting_of(account: Account, crm: CRM) -> Setting:
    """What the account says of its numbers and times."""
    given = account.settings
    return Setting(
        account=account.name, locale=given.get("locale") or crm.can.locale,
        time_zone=given.get("time_zone") or "UTC", country=given.get("country"),
    )  # fmt: skip


def _who(named: set[str], owners: set[str], faces: Mapping[str, Contact]) -> set[str]:
    same = recipients.one_person(named, owners, faces)
    return {same[0]} if same is not None else recipients.agreed(named, owners, faces)


def _only(found: set[str], faces: Mapping[str, Contact]) -> Contact | None:
    return faces.get(next(iter(found))) if len(found) == 1 else None


def _place(record: Record) -> tuple[str, str]:
    return record.object, record.id
