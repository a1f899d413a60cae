"""One send before it leaves: what it may look at, and what its document and the gates make of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connector.core.contact import Contact, Record, Setting
from connector.core.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that one send may look at. `record` started it, `person` is the recipient's own CRM record."""

    event: Event
    record: Record | None = None
    person: Record | None = None
    contact: Contact | None = None  # ours: keys, time zone, consents
    called: Mapping[str, Any] = field(default_factory=dict)  # webhook.*: what a trigger link was called with
    setting: Setting = field(default_factory=Setting)
    created_at: datetime | None = None  # of the send: give_up_after counts from here
    sent_at: tuple[datetime, ...] = ()  # earlier sends of this document to this person, for at_most


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What becomes of one send now. `state`: ready waiting refused expired cancelled; `code` names the gate.

    Codes: document consent no_phone bad_phone template parameter language give_up cancelled at_most quiet_hours."""

    state: str
    code: str = ""
    reason: str = ""  # plain words
    until: datetime | None = None  # waiting: when to look again
    to: str = ""  # +E.164
    template: str = ""
    language: str = ""
    category: str = ""
    body: Mapping[str, Any] | None = None  # ready: {"type": "template", "template": {...}}, frozen
    buttons: Mapping[str, str] = field(default_factory=dict)  # label -> id
    context: Mapping[str, Any] = field(default_factory=dict)  # JSON: what `after:` may still ask for
    give_up_at: datetime | None = None
    quiet_from: datetime | None = None  # ready: when its quiet hours begin; not sent by then, it is looked at again
