"""What shall happen: the changes a document intends, with the reason for each; nothing here is carried out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from connector.core.contact import RecordRef, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The base of every change. `record` None = the contact's own record, created where the document says so."""

    kind: ClassVar[str] = ""
    record: RecordRef | None = None
    object: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetField(Change):
    """An absolute value; None empties the field (`clear: yes`)."""

    kind = "SetField"
    field: str
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class LogActivity(Change):
    """One entry on the contact's timeline. `what` is message or note."""

    kind = "LogActivity"
    what: str = "message"
    text: str = ""
    at: str = ""  # ISO, UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTask(Change):
    """A task; `owner` is `owner` (the record's owner) or an e-mail."""

    kind = "CreateTask"
    title: str
    owner: str = "owner"
    text: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetConsent(Change):
    kind = "SetConsent"
    category: str
    state: str
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendTemplate(Change):
    kind = "SendTemplate"
    template: str
    language: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    buttons: tuple[str, ...] = ()
    awaits: str = ""  # flow.step


@dataclass(frozen=True, slots=True, kw_only=True)
class SendMessage(Change):
    """A message inside the window: free `text`, or `body`, a neutral message of any type (core/message).

    `awaits` names its ask_again or its flow's step, e.g. nps-answer.NPS_Score__c, qualify-lead.size."""

    kind = "SendMessage"
    text: str = ""
    awaits: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def message(self) -> Mapping[str, Any]:
        """The neutral message, whichever way it was given."""
        return self.body or {"type": "text", "text": self.text}


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachFile(Change):
    """A file the customer sent goes on their record. `file` is WhatsApp's id of it; the writer waits for its bytes."""

    kind = "AttachFile"
    file: str
    name: str = ""
    text: str = ""  # the caption
    at: str = ""  # ISO, UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class StartFlow(Change):
    kind = "StartFlow"
    flow: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff(Change):
    """A person takes over: automation is held for this contact."""

    kind = "Handoff"
    to: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(Change):
    """A question for a person. `why` is a code: several_records, no_record, not_understood, no_record_for_field, ..."""

    kind = "Ask"
    why: str
    text: str
    field: str | None = None
    choices: tuple[str, ...] = ()  # record ids, or values


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteAction(Change):
    """A workflow in the CRM that waits for us goes on; `ok` False = its message was not sent."""

    kind = "CompleteAction"
    callback: str
    ok: bool = True
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify(Change):
    kind = "Notify"
    webhook: str
    values: Mapping[str, Any] = field(default_factory=dict)


CLASSES: dict[str, type[Change]] = {
    c.kind: c
    for c in (
        SetField, LogActivity, CreateTask, SetConsent, SendTemplate, SendMessage, StartFlow, Handoff, Ask,
        CompleteAction, Notify, AttachFile,
    )
}  # fmt: skip
_FIELDS = {kind: tuple(f.name for f in fields(c)) for kind, c in CLASSES.items()}


def dump(change: Change) -> dict[str, Any]:
    """JSON-ready, with its kind; `load(dump(c)) == c`."""
    out: dict[str, Any] = {"kind": change.kind}
    for name in _FIELDS[change.kind]:
        value = getattr(change, name)
        if isinstance(value, RecordRef):
            value = [value.account, value.object, value.id]
        elif isinstance(value, tuple):
            value = list(value)
        elif isinstance(value, Mapping):
            value = dict(value)
        if value is not None and (name == "value" or value not in ("", [], {})):
            out[name] = value
    return out


def load(body: Mapping[str, Any]) -> Change:
    """The change again from its stored body."""
    names = _FIELDS[body["kind"]]
    values = {name: body[name] for name in names if name in body}
    if "record" in values:
        values["record"] = RecordRef(*values["record"])
    for name in ("choices", "buttons"):
        if name in values:
            values[name] = tuple(values[name])
    if body["kind"] == "SetField":
        values.setdefault("value", None)
    return CLASSES[body["kind"]](**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a field got, kept or missed its value. `outcome`: write keep review skip; `change`: index in Plan.changes."""

    field: str
    because: str
    outcome: str
    code: str = ""
    from_: Any = None
    value: Value = None
    before: Value = None
    change: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one version of one document makes of one event."""

    document: str
    version: int = 0
    matched: bool = False
    because: str = ""
    changes: tuple[Change, ...] = ()
    reasons: tuple[Reason, ...] = ()
    outcome: str = ""  # "" | review | skip: the document's own word, for tests and the console


_REASON = tuple(f.name for f in fields(Reason))


def dump_plan(plan: Plan) -> dict[str, Any]:
    """JSON-ready; changes are left out, they are rows of their own."""
    return {
        "document": plan.document,
        "version": plan.version,
        "matched": plan.matched,
        "because": plan.because,
        "outcome": plan.outcome,
        "reasons": [{n: v for n in _REASON if (v := getattr(r, n)) is not None and v != ""} for r in plan.reasons],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one change at the CRM. `state`: done retry refused; `refused`: fields dropped and why."""

    state: str
    text: str = ""  # plain words for the admin
    code: str = ""
    record: str | None = None  # record id, also of a record just created
    created: bool = False
    after: float | None = None  # retry: seconds
    refused: Mapping[str, str] = field(default_factory=dict)  # field -> plain words; the other fields were written
    activity: str | None = None  # the id of a timeline entry or task
    ms: int | None = None
