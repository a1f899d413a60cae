"""A plan in the making: each field of a document becomes a change, or a reason why there is none."""

from typing import Any

from connector.core.changes import Ask, Change, Plan, Reason, SendMessage
from connector.core.contact import Contact, Record, RecordRef, Value
from connector.core.documents.comparing import empty, shown
from connector.core.documents.document import MappingDocument
from connector.core.documents.overwrite import equal
from connector.core.documents.quick import reason, set_field
from connector.core.documents.rules import NOTHING, AskAgain, Rule, settle
from connector.core.documents.words import Scope, is_record

Taken = dict[tuple[str, str], str]  # (record word, field) -> the mapping that set it


class Desk:
    """Where one document meets one message and one contact."""

    __slots__ = ("asked", "changes", "document", "object", "reasons", "record", "ref", "scope", "taken")

    def __init__(
        self, scope: Scope, document: MappingDocument, record: Record | None, contact: Contact, taken: Taken
    ) -> None:
        self.scope, self.document, self.record, self.taken = scope, document, record, taken
        self.changes: list[Change] = []
        self.reasons: list[Reason] = []
        self.asked = ""  # the field whose question goes out again
        self.object = document.objects[-1] if document.objects else ""
        self.ref: RecordRef | None = None
        if record is not None:
            self.object = record.object
            # the contact's own record stays None; it is named only where the contact has others beside it
            if len(contact.records) > 1:
                self.ref = RecordRef(scope.setting.account, record.object, record.id)

    def judge(self, rule: Rule) -> None:
        """One field."""
        if rule.word and not self._has_record(rule):
            text = f"the message was not sent for a {rule.word}, so {rule.field} cannot be set"
            self._ask(rule, None, text, "no_record_for_field")
            return
        understood, value, source, because = rule.take(self.scope)
        if not understood:
            self._otherwise(rule, source, because)
        elif value is None and not rule.clear:
            self._say(rule, because, "skip", "nothing", source)
        else:
            self._write(rule, value, source, because if value is not None else "emptied, as the document says")

    def plan(self, because: str) -> Plan:
        """What came of it all."""
        review = any(r.outcome == "review" for r in self.reasons)
        return Plan(
            document=self.document.name, matched=True, because=because, changes=tuple(self.changes),
            reasons=tuple(self.reasons), outcome="review" if review else "" if self.changes else "skip",
        )  # fmt: skip

    def _has_record(self, rule: Rule) -> bool:
        answered = self.scope.setting.answered
        return answered is not None and answered.record is not None and is_record(rule.word, answered.record.object)

    # ---- write or keep -------------------------------------------------------------------------------------------
    def _write(self, rule: Rule, value: Value, source: Any, because: str) -> None:
        key, document = (rule.word, rule.name), self.document.name
        first = self.taken.get(key)
        if first is not None:
            self._say(rule, f"already set by {first}", "keep", "already_set", source, value)
            return
        before, record, ref = self._now(rule)
        if equal(value, before):
            self.taken[key] = document
            self._say(rule, "already has this value", "keep", "same", source, value, before)
            return
        if rule.keep is not None and before is not None:
            kept = rule.keep(self.scope, rule.name, value, before, record, rule.order)
            if kept is not None:
                self._say(rule, f"kept: {kept}", "keep", "overwrite", source, value, before)
                return
        self.taken[key] = document
        self.reasons.append(reason(rule.field, because, "write", "", source, value, before, len(self.changes)))
        self.changes.append(set_field(ref, self.object if ref is None else ref.object, rule.name, value))

    def _now(self, rule: Rule) -> tuple[Value, Record | None, RecordRef | None]:
        """(what stands in the field, the record as read, the record's name where it needs one)."""
        answered = self.scope.setting.answered
        if rule.word and answered is not None:
            before = answered.record_fields.get(rule.name)
            return (None if before == "" else before), None, answered.record
        before = self.scope.fields.get(rule.name)
        return (None if before == "" else before), self.record, self.ref

    def _say(
        self, rule: Rule, because: str, outcome: str, code: str, source: Any, value: Value = None, before: Value = None
    ) -> None:
        self.reasons.append(reason(rule.field, because, outcome, code, source, value, before, None))

    def _ask(self, rule: Rule, source: Any, because: str, code: str) -> None:
        """A question for a person; this field alone waits for it."""
        self.reasons.append(reason(rule.field, because, "review", code, source, None, None, len(self.changes)))
        text = because[:1].upper() + because[1:]
        self.changes.append(
            Ask(record=self.ref, object=self.object, why=code, text=text, field=rule.field, choices=rule.choices)
        )

    # ---- else ----------------------------------------------------------------------------------------------------
    def _otherwise(self, rule: Rule, source: Any, because: str) -> None:
        other = rule.otherwise
        if isinstance(other, AskAgain):
            self._ask_again(rule, other, source, because)
        elif callable(other):
            value = settle(other(self.scope))
            if empty(value):
                self._say(rule, f"{because}; {NOTHING}", "skip", "nothing", source)
            else:
                self._write(rule, value, source, f"{because}, so the document's `else` is taken")
        else:
            self._leave(rule, other, source, because)

    def _leave(self, rule: Rule, word: str, source: Any, because: str) -> None:
        """review or skip."""
        if word == "review":
            self._ask(rule, source, because, "not_understood")
        else:
            self._say(rule, f"{because}; the document says skip", "skip", "not_understood", source)

    def _ask_again(self, rule: Rule, again: AskAgain, source: Any, because: str) -> None:
        step = f"{self.document.name}.{rule.field}"
        attempt = self._attempt(step)
        if attempt > again.times:
            self._leave(rule, again.then, source, f"{because}, asked again {_times(again.times)}")
            for inner in again.sets:
                self.judge(inner)
        elif self.asked:
            text = f"{because}; not asked again now, {self.asked} is asked first"
            self._say(rule, text, "skip", "ask_again", source)
        else:
            self.asked = rule.field
            text = f"{because}; asked again ({attempt} of {again.times})"
            self.reasons.append(reason(rule.field, text, "skip", "ask_again", source, None, None, len(self.changes)))
            self.changes.append(SendMessage(text=shown(again.text(self.scope)), awaits=step))

    def _attempt(self, step: str) -> int:
        """The attempt counts for the question that is being answered; any other question is at its first."""
        answered = self.scope.setting.answered
        return self.scope.setting.attempt if answered is None or answered.step in (None, step) else 1


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
