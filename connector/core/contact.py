"""Who it is about: a contact's keys, the CRM records found for it, and what its message answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

Value = str | int | float | bool | None
T = TypeVar("T")


def altered(value: T, **changes: Any) -> T:
    """dataclasses.replace for our frozen classes with slots, five times as fast: handling makes three a message."""
    kind = type(value)
    fresh = object.__new__(kind)
    for name in kind.__dataclass_fields__:  # type: ignore[attr-defined]
        object.__setattr__(fresh, name, changes[name] if name in changes else getattr(value, name))
    return fresh


@dataclass(frozen=True, slots=True)
class RecordRef:
    """One record of one CRM account."""

    account: str  # account id
    object: str  # the CRM's own name: contacts, deals, Contact, Lead
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A CRM record as it was read; `found_by` is id, whatsapp (our unique field), phone or email."""

    object: str
    id: str
    fields: Mapping[str, Value] = field(default_factory=dict)
    found_by: str = "id"
    was: str | None = None  # the id we asked for, when the CRM merged or converted it into this one
    owner: str | None = None  # the CRM's owner id
    modified: datetime | None = None
    humans: Mapping[str, bool] = field(
        default_factory=dict
    )  # field -> last set by a person (unless_human), where known


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One person as `evaluate` sees them; `records` is what the CRM search found (none, one, several)."""

    id: str
    name: str = ""
    wa_id: str | None = None
    user_id: str | None = None
    phone: str | None = None  # E.164
    former: tuple[str, ...] = ()  # earlier wa_ids and user ids: a number given up, a user id replaced
    time_zone: str | None = None
    last_inbound_at: datetime | None = None
    consents: Mapping[str, str] = field(default_factory=dict)  # category -> opted_in | opted_out
    records: tuple[Record, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Which message of ours this one answers."""

    send: str  # our send id
    at: datetime
    template: str | None = None
    step: str | None = None  # flow.step
    buttons: Mapping[str, str] = field(default_factory=dict)  # label -> id, where the send set them
    record: RecordRef | None = None  # the record whose event sent it
    record_fields: Mapping[str, Value] = field(default_factory=dict)
    by: str | None = None  # events.id of the first answer to it, where there was one already
    awaited: bool = False  # something waits for the answer that no document names: a workflow in the CRM
    event: str | None = None  # events.id of what made us send it


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What `evaluate` may know besides the event, the contact and the document."""

    account: str = ""  # the CRM account's name
    number: Mapping[str, Any] = field(default_factory=dict)  # id name phone
    answered: Answered | None = None
    locale: str | None = None  # e.g. es_CO; None = ambiguous numbers and dates go to `else`
    time_zone: str = "UTC"  # the account's
    country: str | None = None  # default country of CRM phone numbers
    attempt: int = 1  # of an ask_again
    schema: Mapping[str, Mapping[str, Any]] = field(
        default_factory=dict
    )  # field -> {options: [...]}: the CRM's order, for if_further
