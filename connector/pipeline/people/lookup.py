"""Asking a CRM for contacts: by the record once linked, else by what is known of the person."""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar

from connector.core import phone
from connector.core.contact import Contact, Record
from connector.ports import CRM, ContactKey

P = ParamSpec("P")
T = TypeVar("T")


def find(crm: CRM, keys: Sequence[ContactKey], fields: Sequence[str]) -> dict[ContactKey, list[Record]]:
    """The CRM's records; a linked record that is gone is looked for again by the contact's own keys."""
    found = crm.find(keys, fields)
    lost = {key: contact_key_without_record(key) for key in keys if key.record and not found.get(key)}
    if lost:
        again = crm.find(list(lost.values()), fields)
        found |= {key: again.get(other, []) for key, other in lost.items()}
    return found


def read_records(
    crm: CRM, wanted: Mapping[str, tuple[Collection[str], Collection[str]]]
) -> dict[tuple[str, str], Record]:
    """{(object, id asked for): record} of {object: (ids, fields)}; deleted ones are absent."""
    out: dict[tuple[str, str], Record] = {}
    for object_, (ids, fields) in wanted.items():
        found = crm.read(object_, sorted(ids), sorted(fields))
        out |= {(object_, key): record for key, record in found.items()}
    return out


def contact_key(
    person: Contact, objects: tuple[str, ...], find_by: tuple[str, ...], record: tuple[str, str] | None
) -> ContactKey:
    """How the CRM can find this contact."""
    phones = phone.spellings(person.wa_id or person.phone or "") if (person.wa_id or person.phone) else ()
    return ContactKey(
        contact=person.id, objects=objects, find_by=find_by, record=record,
        wa_id=person.wa_id, user_id=person.user_id, phones=phones,
    )  # fmt: skip


def contact_key_without_record(key: ContactKey) -> ContactKey:
    """The same contact, to be searched as a stranger."""
    return ContactKey(
        contact=key.contact, objects=key.objects, find_by=key.find_by,
        wa_id=key.wa_id, user_id=key.user_id, phones=key.phones, email=key.email,
    )  # fmt: skip


def union(found: dict[ContactKey, list[Record]], keys: Sequence[ContactKey]) -> tuple[Record, ...]:
    """The records of one contact, each once."""
    records = {(r.object, r.id): r for key in keys for r in found.get(key, ())}
    return tuple(records.values())


class Here(Executor):
    """Runs a call at once, in this thread."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        done: Future[T] = Future()
        done.set_result(fn(*args, **kwargs))
        return done
