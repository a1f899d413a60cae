"""What the CRM learns of a message: the document's `after:`, as changes with their records."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from connector.core.changes import Change, CreateTask, LogActivity, SetField
from connector.core.contact import Contact, Record, RecordRef, Setting
from connector.core.documents.comparing import empty, shown
from connector.core.documents.document import SendDocument, Step
from connector.core.documents.rules import settle
from connector.core.documents.send_words import SendScope
from connector.core.documents.words import is_record
from connector.core.events import Event
from connector.core.sending import Case

_SAID = {
    "sent": "was sent",
    "delivered": "was delivered",
    "read": "was read",
    "replied": "was answered",
    "failed": "failed",
}
_OURS = ("sent", "delivered", "read")  # what was sent is told; an answer has its own entry


def truth(
    document: SendDocument,
    what: str,
    context: Mapping[str, Any],
    failure: Mapping[str, Any],
    record: RecordRef | None,
    person: RecordRef | None,
    at: datetime,
    setting: Setting,
) -> tuple[Change, ...]:
    """The changes for `sent`, `delivered`, `read`, `replied` or `failed`; none where the document says nothing."""
    step = document.after.get(what)
    if step is None:
        return ()
    if document.recipient == "record":
        record, person = record or person, person or record
    scope = _scope(context, failure, record, at, setting)
    said = f"WhatsApp message {document.template} {_SAID[what]}"
    return (
        *_fields(step, scope, record, person),
        *_log(step, said, shown(context.get("text")) if what in _OURS else "", person or record, at),
        *_task(step, scope, said, record or person, at),
    )


def _scope(
    context: Mapping[str, Any], failure: Mapping[str, Any], record: RecordRef | None, at: datetime, setting: Setting
) -> SendScope:
    """The values of then, as `prepare` kept them."""
    contact = context.get("contact", {})
    known = Contact(
        id="", name=shown(contact.get("name")), phone=contact.get("phone"), wa_id=contact.get("whatsapp_id"),
        time_zone=contact.get("time_zone"),
    )  # fmt: skip
    own = Record(object=record.object, id=record.id, fields=context.get("record", {})) if record else None
    case = Case(event=Event(id=""), record=own, contact=known, called=context.get("webhook", {}), setting=setting)
    return SendScope(case, Record(object="", id="", fields=contact), at, failure)


def _fields(step: Step, scope: SendScope, record: RecordRef | None, person: RecordRef | None) -> Iterator[Change]:
    """An empty result writes nothing; only `clear` empties."""
    for word, name, run in step.sets:
        ref, value = _ref(word, record, person), run(scope)
        if ref is not None and not empty(value):
            yield SetField(record=ref, object=ref.object, field=name, value=settle(value))
    for word, name in step.clear:
        ref = _ref(word, record, person)
        if ref is not None:
            yield SetField(record=ref, object=ref.object, field=name, value=None)


def _ref(word: str, record: RecordRef | None, person: RecordRef | None) -> RecordRef | None:
    """`deal.x` is the record's, a bare name the person's."""
    if not word:
        return person
    return record if record is not None and is_record(word, record.object) else None


def _log(step: Step, said: str, text: str, ref: RecordRef | None, at: datetime) -> Iterator[Change]:
    if step.log != "none" and ref is not None:
        words = f"{said}: {text}" if text else f"{said}."
        yield LogActivity(record=ref, object=ref.object, what=step.log, text=words, at=_iso(at))


def _task(step: Step, scope: SendScope, said: str, ref: RecordRef | None, at: datetime) -> Iterator[Change]:
    if step.task is None or ref is None:
        return
    title, owner, text = step.task
    reason = shown(scope.failure.get("reason"))
    words = shown(title(scope)) if title is not None else ""
    yield CreateTask(
        record=ref, object=ref.object, title=words or f"{said}{f': {reason}' if reason else ''}"[:250], owner=owner,
        text=shown(text(scope)) if text is not None else reason, at=_iso(at),
    )  # fmt: skip


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat() if at.tzinfo else at.isoformat()
