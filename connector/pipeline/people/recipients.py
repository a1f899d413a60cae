"""Whom a CRM record is to us: the contact it is linked to, its WhatsApp ids, else its phone; never guessed."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from connector.core.contact import Contact, Record, RecordRef
from connector.core.phone import spellings
from connector.store import contacts, people, veil
from connector.store.engine import Store

KINDS = {"wa_id": "wa_id", "user_id": "bsuid"}  # our two ids on the record -> the contact's keys
Place = tuple[str, str]


def known(conn: Any, account: str, persons: Iterable[Record], identity: Mapping[str, str]) -> dict[Place, set[str]]:
    """{record: the contacts it may be}: by its link, else by the WhatsApp ids on it; nobody, one, or several."""
    records = {(r.object, r.id): r for r in persons}
    found = people.linked(conn, account, records)
    keys = {place: _keys(record, identity) for place, record in records.items() if place not in found}
    have = contacts.holders(conn, {key for mine in keys.values() for key in mine})
    for place, mine in keys.items():
        owners = {contact for key in mine for contact in have.get(key, ())}
        if owners:
            found[place] = owners
    return found


def _keys(record: Record, identity: Mapping[str, str]) -> list[tuple[str, str]]:
    given = {kind: str(record.fields.get(name) or "").strip() for kind, name in identity.items()}
    return [(KINDS[kind], value.lstrip("+")) for kind, value in given.items() if value and kind in KINDS]


def of_phones(conn: Any, phones: Iterable[str]) -> dict[str, set[str]]:
    """{phone: the contacts that have it}: by the id WhatsApp gave in any strong spelling, else as a hint."""
    wanted = {phone: strong(phone) for phone in phones}
    every = {s for mine in wanted.values() for s in mine}
    have = contacts.holders(conn, [*(("wa_id", s[1:]) for s in every), *(("phone", s) for s in every)])
    found = {}
    for phone, mine in wanted.items():
        sure = {contact for s in mine for contact in have.get(("wa_id", s[1:]), ())}
        found[phone] = sure or {contact for s in mine for contact in have.get(("phone", s), ())}
    return found


def agreed(named: set[str], owners: set[str], faces: Mapping[str, Contact]) -> set[str]:
    """Whom the record names and whose phone it is: one person, or all that it may be.

    Who only has the phone as a hint gives way; who writes from it and is somebody else makes it a question."""
    if not named:
        return owners
    others = {c for c in owners - named if c in faces and faces[c].wa_id}
    return named | others if not named & owners else named


def one_person(named: set[str], owners: set[str], faces: Mapping[str, Contact]) -> tuple[str, set[str]] | None:
    """(who writes from the phone, the contacts that are they as well), while the record's own contacts are nothing but
    a phone of the CRM's: they were made before that person first wrote."""
    writers = {c for c in owners if c in faces and faces[c].wa_id}
    blank = {c for c in named - writers if c in faces and not (faces[c].wa_id or faces[c].user_id)}
    if len(writers) != 1 or not blank or not named <= writers | blank:
        return None
    return next(iter(writers)), blank


def strong(phone: str) -> tuple[str, ...]:
    """Its spellings, without those that may be somebody else's.

    In Argentina the number without the mobile 9 may be a fixed line (core/phone.py)."""
    return (phone,) if phone.startswith("+54") else spellings(phone)


def meet(store: Store, conn: Any, names: Mapping[str, str], now: datetime) -> dict[str, set[str]]:
    """{phone: its contact, or several} of {phone: name}; who is unknown becomes a contact. Hold people.alone.

    Who was erased and had opted out is opted out still."""
    found = of_phones(conn, names)
    fresh = people.newcomers(conn, {p: name for p, name in names.items() if not found[p]}, now)
    veil.inherit(store, conn, {("phone", phone): contact for phone, contact in fresh.items()})
    return found | {phone: {contact} for phone, contact in fresh.items()}


def link(conn: Any, account: str, pairs: Sequence[tuple[str, Record, str]], now: datetime) -> None:
    """Links (contact, record, how) where the contact has no record of this account yet."""
    have = contacts.links(conn, account, [contact for contact, _, _ in pairs])
    fresh = {c: (RecordRef(account, r.object, r.id), how) for c, r, how in pairs if c not in have}
    contacts.link(conn, {c: ref for c, (ref, _) in fresh.items()}, {c: how for c, (_, how) in fresh.items()}, now)
