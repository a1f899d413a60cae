"""One message, one contact, one document: the plan. Pure: the same inputs give the same plan for ever."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from connector.core.changes import Ask, Plan, Reason
from connector.core.contact import Contact, Record, Setting, Value
from connector.core.documents.actions import act
from connector.core.documents.desk import Desk, Taken
from connector.core.documents.document import MappingDocument
from connector.core.documents.words import Scope
from connector.core.events import InboundMessage

_NO_FIELDS: Mapping[str, Value] = {}


def could_match(event: InboundMessage, document: MappingDocument, now: datetime, setting: Setting) -> tuple[bool, str]:
    """Does all of `when:` hold that needs no CRM record? With the plain-words reason why not."""
    why = _refusal(Scope(event, None, _NO_FIELDS, setting, now), document.early)
    return why is None, why or ""


def evaluate(
    event: InboundMessage, contact: Contact, document: MappingDocument, now: datetime, setting: Setting
) -> Plan:
    """What this document makes of this message. Never raises for a document that `read` returned."""
    return _evaluate(event, contact, document, now, setting, {})


def evaluate_all(
    event: InboundMessage, contact: Contact, documents: Iterable[MappingDocument], now: datetime, setting: Setting
) -> list[Plan]:
    """Every document in name order; the first to set a field wins, the others say so."""
    taken: Taken = {}
    return [_evaluate(event, contact, d, now, setting, taken) for d in sorted(documents, key=lambda d: d.name)]


def _refusal(scope: Scope, checks: Sequence[Any]) -> str | None:
    for check in checks:
        why = check(scope)
        if why is not None:
            return str(why)
    return None


def _evaluate(
    event: InboundMessage, contact: Contact, document: MappingDocument, now: datetime, setting: Setting, taken: Taken
) -> Plan:
    scope = Scope(event, contact, _NO_FIELDS, setting, now)
    why = _refusal(scope, document.early)
    if why is not None:
        return Plan(document=document.name, because=why)
    records = candidates(contact.records, document.objects)
    record = choose(records, document.if_several)
    if record is not None:
        scope.fields = record.fields
    why = _refusal(scope, document.late)
    if why is not None:
        return Plan(document=document.name, because=why)
    if record is None and (records or document.if_missing != "create"):
        return _nobody(document, records, _because(setting))
    desk = Desk(scope, document, record, contact, taken)
    for rule in document.rules:
        desk.judge(rule)
    act(desk, document.actions)
    return desk.plan(_because(setting))


def _because(setting: Setting) -> str:
    answered = setting.answered
    return (
        f"answers {answered.step or answered.template or 'our message'}"
        if answered is not None
        else "every condition holds"
    )


# ---- whose record --------------------------------------------------------------------------------------------------
def candidates(records: Sequence[Record], objects: Sequence[str]) -> Sequence[Record]:
    """The records of the first object, in the document's order, that has any."""
    if not objects or not records:
        return records
    for name in objects:
        found = [r for r in records if r.object == name]
        if found:
            return found
    return ()


def choose(records: Sequence[Record], if_several: str) -> Record | None:
    """The one record, or with `newest` the one changed last (where the CRM says when)."""
    if len(records) == 1:
        return records[0]
    dated = [(r.modified, r.id, r) for r in records if r.modified is not None]
    return max(dated, key=lambda d: d[:2])[2] if dated and if_several == "newest" else None


def _nobody(document: MappingDocument, records: Sequence[Record], because: str) -> Plan:
    """No record, or several: one question for a person, or nothing at all."""
    if not records and document.if_missing == "skip":
        reason = Reason(
            field="contact",
            because="nobody in the CRM matches, and the document says skip",
            outcome="skip",
            code="no_record",
        )
        return Plan(document=document.name, matched=True, because=because, reasons=(reason,), outcome="skip")
    code = "several_records" if records else "no_record"
    text = (
        f"{len(records)} records match this person: which one is it?"
        if records
        else "Nobody in the CRM matches this person."
    )
    object_ = records[0].object if records else (document.objects[-1] if document.objects else "")
    ask = Ask(object=object_, why=code, text=text, choices=tuple(r.id for r in records))
    reason = Reason(field="contact", because=text, outcome="review", code=code, change=0)
    return Plan(
        document=document.name, matched=True, because=because, changes=(ask,), reasons=(reason,), outcome="review"
    )
