"""One message, one contact, one document: the plan. Pure: the same inputs give the same plan for ever."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connector.core.changes import (
    Ask,
    Change,
    CreateTask,
    Handoff,
    LogActivity,
    Notify,
    Plan,
    Reason,
    SendMessage,
    SetConsent,
    SetField,
    StartFlow,
)
from connector.core.contact import Contact, Record, RecordRef, Setting, Value
from connector.core.documents.comparing import empty, shown
from connector.core.documents.document import MappingDocument
from connector.core.documents.overwrite import equal
from connector.core.documents.rules import NOTHING, AskAgain, Rule, settle
from connector.core.documents.words import Scope, is_record
from connector.core.events import InboundMessage

Taken = dict[tuple[str, str], str]  # (record word, field) -> the mapping that set it
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
    records = _candidates(contact.records, document.objects)
    record = _choose(records, document.if_several)
    if record is not None:
        scope.fields = record.fields
    why = _refusal(scope, document.late)
    if why is not None:
        return Plan(document=document.name, because=why)
    if record is None and (records or document.if_missing != "create"):
        return _nobody(document, records, _because(setting))
    desk = _Desk(scope, document, record, contact, taken)
    for rule in document.rules:
        desk.judge(rule)
    desk.act()
    return desk.plan(_because(setting))


def _because(setting: Setting) -> str:
    answered = setting.answered
    return (
        f"answers {answered.step or answered.template or 'our message'}"
        if answered is not None
        else "every condition holds"
    )


# ---- whose record --------------------------------------------------------------------------------------------------
def _candidates(records: Sequence[Record], objects: Sequence[str]) -> Sequence[Record]:
    """The records of the first object, in the document's order, that has any."""
    if not objects or not records:
        return records
    for name in objects:
        found = [r for r in records if r.object == name]
        if found:
            return found
    return ()


def _choose(records: Sequence[Record], if_several: str) -> Record | None:
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


# ---- the fields and what goes with them ----------------------------------------------------------------------------
class _Desk:
    """The plan in the making."""

    __slots__ = ("asked", "changes", "contact", "document", "object", "reasons", "record", "ref", "scope", "taken")

    def __init__(
        self, scope: Scope, document: MappingDocument, record: Record | None, contact: Contact, taken: Taken
    ) -> None:
        self.scope, self.document, self.record, self.contact, self.taken = scope, document, record, contact, taken
        self.changes: list[Change] = []
        self.reasons: list[Reason] = []
        self.asked = ""  # the field whose question goes out again
        self.object = record.object if record is not None else document.objects[-1] if document.objects else ""
        # the contact's own record stays None; it is named only where the contact has others beside it
        several = record is not None and len(contact.records) > 1
        self.ref = (
            RecordRef(scope.setting.account, record.object, record.id) if several and record is not None else None
        )

    def judge(self, rule: Rule) -> None:
        """One field: a change, or the reason why there is none."""
        if rule.word and not self._has_record(rule):
            text = f"The message was not sent for a {rule.word}, so {rule.field} cannot be set."
            self._ask(rule, None, None, text, "no_record_for_field")
            return
        understood, value, source, because = rule.take(self.scope)
        if not understood:
            self._otherwise(rule, source, because)
        elif value is None and not rule.clear:
            self._say(rule, because, "skip", "nothing", source)
        else:
            self._write(rule, value, source, because if value is not None else "emptied, as the document says")

    def _has_record(self, rule: Rule) -> bool:
        answered = self.scope.setting.answered
        return answered is not None and answered.record is not None and is_record(rule.word, answered.record.object)

    def _write(self, rule: Rule, value: Value, source: Any, because: str) -> None:
        key = (rule.word, rule.name)
        first = self.taken.get(key)
        if first is not None:
            self._say(rule, f"already set by {first}", "keep", "already_set", source, value)
            return
        answered = self.scope.setting.answered
        if rule.word and answered is not None:
            before, record, ref = answered.record_fields.get(rule.name), None, answered.record
        else:
            before, record, ref = self.scope.fields.get(rule.name), self.record, self.ref
        if before == "":
            before = None
        if equal(value, before):
            self.taken[key] = self.document.name
            self._say(rule, "already has this value", "keep", "same", source, value, before)
            return
        kept = (
            None
            if rule.keep is None or before is None
            else rule.keep(self.scope, rule.name, value, before, record, rule.order)
        )
        if kept is not None:
            self._say(rule, f"kept: {kept}", "keep", "overwrite", source, value, before)
            return
        self.taken[key] = self.document.name
        self.reasons.append(
            Reason(
                field=rule.field,
                because=because,
                outcome="write",
                from_=source,
                value=value,
                before=before,
                change=len(self.changes),
            )
        )
        self.changes.append(
            SetField(record=ref, object=ref.object if ref is not None else self.object, field=rule.name, value=value)
        )

    def _say(
        self,
        rule: Rule,
        because: str,
        outcome: str,
        code: str,
        source: Any = None,
        value: Value = None,
        before: Value = None,
    ) -> None:
        self.reasons.append(
            Reason(
                field=rule.field, because=because, outcome=outcome, code=code, from_=source, value=value, before=before
            )
        )

    def _ask(self, rule: Rule, source: Any, value: Value, text: str, code: str) -> None:
        """A question for a person; this field alone waits for it."""
        self.reasons.append(
            Reason(
                field=rule.field,
                because=text,
                outcome="review",
                code=code,
                from_=source,
                value=value,
                change=len(self.changes),
            )
        )
        self.changes.append(
            Ask(
                record=self.ref,
                object=self.object,
                why=code,
                text=text[:1].upper() + text[1:],
                field=rule.field,
                choices=rule.choices,
            )
        )

    # ---- else ----------------------------------------------------------------------------------------------------
    def _otherwise(self, rule: Rule, source: Any, because: str) -> None:
        other = rule.otherwise
        if isinstance(other, AskAgain):
            self._ask_again(rule, other, source, because)
        elif other == "review":
            self._ask(rule, source, None, because, "not_understood")
        elif other == "skip":
            self._say(rule, f"{because}; the document says skip", "skip", "not_understood", source)
        else:
            value = settle(other(self.scope)) if callable(other) else None
            if empty(value):
                self._say(rule, f"{because}; {NOTHING}", "skip", "nothing", source)
            else:
                self._write(rule, value, source, f"{because}, so the document's `else` is taken")

    def _ask_again(self, rule: Rule, again: AskAgain, source: Any, because: str) -> None:
        answered, step = self.scope.setting.answered, f"{self.document.name}.{rule.field}"
        attempt = self.scope.setting.attempt if answered is None or answered.step in (None, step) else 1
        if attempt > again.times:
            self._after(
                rule, again, source, f"{because}, asked {again.times} time{'s' if again.times > 1 else ''} again"
            )
        elif self.asked:
            self._say(
                rule, f"{because}; not asked again, because {self.asked} is asked first", "skip", "ask_again", source
            )
        else:
            text = shown(again.text(self.scope))
            self.asked = rule.field
            self.reasons.append(
                Reason(
                    field=rule.field, because=f"{because}; asked again ({attempt} of {again.times})", outcome="skip",
                    code="ask_again", from_=source, change=len(self.changes),
                )
            )  # fmt: skip
            self.changes.append(SendMessage(text=text, awaits=step))

    def _after(self, rule: Rule, again: AskAgain, source: Any, because: str) -> None:
        if again.then == "review":
            self._ask(rule, source, None, because, "not_understood")
        else:
            self._say(rule, f"{because}; the document says skip", "skip", "not_understood", source)
        for inner in again.sets:
            self.judge(inner)

    # ---- what goes with the fields -------------------------------------------------------------------------------
    def act(self) -> None:
        """Log, consent, task, reply, flow, handoff, webhook: in this order, after the fields."""
        actions, event, at = self.document.actions, self.scope.event, _iso(self.scope.event.at or self.scope.now)
        own = {"record": self.ref, "object": self.object}
        if actions.log != "none":
            self.changes.append(LogActivity(**own, what=actions.log, text=event.text, at=at))
        for category, state in actions.consent:
            self.changes.append(SetConsent(category=category, state=state, evidence=event.text[:500]))
        if actions.task:
            title, owner, text = actions.task
            words = shown(text(self.scope)) if text else event.text
            self.changes.append(CreateTask(**own, title=shown(title(self.scope)), owner=owner, text=words, at=at))
        if actions.notify:
            webhook, values = actions.notify
            self.changes.append(Notify(webhook=webhook, values={key: settle(run(self.scope)) for key, run in values}))
        if actions.handoff:
            text_, who = actions.handoff
            self.changes.append(Handoff(to=who, text=shown(text_(self.scope))))
        self._speak()

    def _speak(self) -> None:
        """Our own words to the customer; they wait while a question is asked again."""
        actions = self.document.actions
        for name, wanted in (("reply", actions.reply), ("start", actions.start)):
            if wanted is None:
                continue
            if self.asked:
                because = f"not now: {self.asked} is asked again"
                self.reasons.append(Reason(field=name, because=because, outcome="skip", code="ask_again"))
            elif callable(wanted):
                text = shown(wanted(self.scope))
                if not empty(text):
                    self.changes.append(SendMessage(text=text))
            else:
                self.changes.append(StartFlow(flow=wanted))

    def plan(self, because: str) -> Plan:
        outcome = "review" if any(r.outcome == "review" for r in self.reasons) else "" if self.changes else "skip"
        return Plan(
            document=self.document.name, matched=True, because=because, changes=tuple(self.changes), reasons=tuple(self.reasons),
            outcome=outcome,
        )  # fmt: skip


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat() if at.tzinfo else at.isoformat()
