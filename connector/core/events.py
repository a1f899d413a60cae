"""What happened, in our words: one frozen class per kind; `raw` keeps the vendor's own item beside it.

`id` is the dedupe key, unique within the account. `at` is the vendor's own time (UTC), None when it gave none.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from dataclasses import field as default
from datetime import datetime
from typing import Any, ClassVar

Raw = Mapping[str, Any]

# The words of the mapping language for what a customer can send (documents.md); the last three never fire a document.
MESSAGE_TYPES = ("text", "button", "list", "form", "media", "location", "contact", "order", "reaction")
SILENT_TYPES = ("unsupported", "edit", "revoke")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The base of every event."""

    kind: ClassVar[str] = ""
    id: str
    at: datetime | None = None
    raw: Raw = default(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundMessage(Event):
    """A customer's message. `answer` has the language's words for its `type`; `text` is what a person would read."""

    kind = "InboundMessage"
    number: str  # phone_number_id of ours
    type: str  # MESSAGE_TYPES or SILENT_TYPES
    wa_id: str | None = None
    user_id: str | None = None  # BSUID
    parent_user_id: str | None = None
    name: str | None = None  # WhatsApp profile name
    username: str | None = None
    text: str = ""
    answer: Raw = default(default_factory=dict)
    context_id: str | None = None  # wamid of the message this one answers
    forwarded: bool = False
    referral: Raw | None = None
    group_id: str | None = None  # a message in a group never fires a document


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStatus(Event):
    """What became of a message of ours: accepted sent failed delivered read played."""

    kind = "DeliveryStatus"
    number: str
    wamid: str
    status: str
    send: str | None = None  # biz_opaque_callback_data
    wa_id: str | None = None
    user_id: str | None = None
    code: int | None = None  # the first error's code, when failed
    reason: str = ""
    who: str = ""  # can mend a failure: you Meta customer
    park: str = ""  # what must wait after a failure: account number template contact
    pricing: Raw | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateUpdate(Event):
    """Meta changed a template: `what` is status, quality, category, components or correct_category."""

    kind = "TemplateUpdate"
    what: str
    template_id: str = ""
    name: str = ""
    language: str = ""  # en_US spelling
    value: str = ""  # the new status, score or category
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentUpdate(Event):
    """The customer changed what they want to receive; `category` as in consents, e.g. marketing."""

    kind = "ConsentUpdate"
    state: str  # opted_in | opted_out
    category: str
    how: str  # user_preferences, stop_word, 131050, ...
    number: str = ""
    wa_id: str | None = None
    user_id: str | None = None
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityChange(Event):
    """A `system` message: the customer changed number or user id."""

    kind = "IdentityChange"
    number: str
    what: str  # user_changed_number | user_changed_user_id | customer_identity_changed
    wa_id: str | None = None  # before
    user_id: str | None = None  # before
    new_wa_id: str | None = None
    new_user_id: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordChanged(Event):
    """A CRM record changed; `value` is what the CRM said then, None when it did not say."""

    kind = "RecordChanged"
    object: str
    record: str
    what: str  # created changed deleted merged restored
    field: str | None = None
    value: str | None = None
    into: str | None = None  # merged: the id that goes on
    source: str = ""  # who changed it, in the CRM's words (echo guard)
    ours: bool = False  # the CRM itself says that this connector made the change
    snapshot: bool = False  # the CRM only says what the field is now: unless we know another value, nothing changed


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerCalled(Event):
    """A trigger link or a workflow action was called."""

    kind = "TriggerCalled"
    trigger: str = ""  # the send: document, "" when `template` names what to send
    object: str = ""
    record: str = ""
    values: Raw = default(default_factory=dict)
    template: str = ""  # name:language, picked in a workflow
    callback: str = ""  # a workflow that waits: its callback id
    wait_for: str = ""  # sent delivered reply: when the workflow goes on


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerDue(Event):
    """A time that a document waits for has come; `value` is the date field's, as it was when the timer was made."""

    kind = "TimerDue"
    document: str
    object: str = ""
    record: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved(Event):
    """A person answered questions of one event: it is judged once more, by the documents that asked.

    `choice` is a record id, or `create` (a new record)."""

    kind = "Resolved"
    ask: str  # event id of the question
    choice: str
    object: str = ""  # of the record that was chosen
    documents: tuple[str, ...] = ()  # that asked
    text: str = ""  # of the message, for whoever reads
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountAlert(Event):
    """The account, number or business changed at Meta: quality, limits, restriction, name, review, security."""

    kind = "AccountAlert"
    what: str  # the webhook field
    event: str = ""
    number: str = ""
    severity: str = "info"  # info | warning | critical
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted(Event):
    """Known, stored and visible, but nothing acts on it yet: echoes, history, calls, groups, flows, ..."""

    kind = "Noted"
    what: str  # the webhook field
    number: str = ""
    wa_id: str | None = None
    user_id: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrecognised(Event):
    """A shape we do not know, kept whole and replayable after an upgrade."""

    kind = "Unrecognised"
    what: str = ""  # where it stood, e.g. messages.statuses
    text: str = ""  # why we could not read it


CLASSES: dict[str, type[Event]] = {
    c.kind: c
    for c in (
        InboundMessage, DeliveryStatus, TemplateUpdate, ConsentUpdate, IdentityChange, RecordChanged, TriggerCalled,
        TimerDue, Resolved, AccountAlert, Noted, Unrecognised,
    )
}  # fmt: skip
_FIELDS = {kind: tuple(f.name for f in fields(c)) for kind, c in CLASSES.items()}
# Texts without a default, which `dump` leaves out like the others when they are empty.
_NEEDED = {
    kind: tuple(f.name for f in fields(c) if f.default is MISSING and f.default_factory is MISSING)
    for kind, c in CLASSES.items()
}
# Texts that may be unknown: None. An empty one of these is known to be empty, which is another thing.
_OPTIONAL = {kind: frozenset(f.name for f in fields(c) if f.default is None) for kind, c in CLASSES.items()}


def dump(event: Event) -> dict[str, Any]:
    """The event as JSON-ready values, empty ones left out; `load(event.kind, dump(event)) == event`."""
    out: dict[str, Any] = {}
    for name in _FIELDS[event.kind]:
        value = getattr(event, name)
        if value is None or value in ({}, ()) or (value == "" and name not in _OPTIONAL[event.kind]):
            continue
        out[name] = (
            value.isoformat() if isinstance(value, datetime)
            else dict(value) if isinstance(value, Mapping)
            else list(value) if isinstance(value, tuple)
            else value
        )  # fmt: skip
    return out


def load(kind: str, payload: Mapping[str, Any]) -> Event:
    """The event again from its stored payload."""
    values: dict[str, Any] = dict.fromkeys(_NEEDED[kind], "")
    values |= {name: payload[name] for name in _FIELDS[kind] if name in payload}
    if "at" in values:
        values["at"] = datetime.fromisoformat(values["at"])
    for name in ("answer", "values"):
        if name in values:
            values[name] = dict(values[name])
    if "documents" in values:
        values["documents"] = tuple(values["documents"])
    return CLASSES[kind](**values)
