"""A plan in the making: each field of a document becomes a change, or a reason why there is none."""

from typing import Any

from connector.core.changes import Ask, Change, Plan, Reason, SendMessage
from connector.core.contact import Contact, Record, RecordRef, Value
from connector.core.documents.comparing import empty, shown
from connector.core.documents.document import MappingDocument
from connector.core.documents.flow_document import FlowDocument
from connector.core.documents.overwrite import equal
from connector.core.documents.quick import quick_plan, reason, set_field
from connector.core.documents.rules import NOTHING, AskAgain, Rule, settle
from connector.core.documents.words import Scope, is_record

Taken = dict[tuple[str, str], str]  # (record word, field) -> the mapping that set it


class Desk:
    """Where one document meets one message and one contact."""

    __slots__ = (
        "asked",
        "changes",
        "document",
        "fields",
        "object",
        "reasons",
        "record",
        "ref",
        "review",
        "scope",
        "taken",
    )

    def __init__(
        self,
        scope: Scope,
        document: MappingDocument | FlowDocument,
        record: Record | None,
        contact: Contact,
        taken: Taken,
    ) -> None:
        self.scope, self.document, self.record, self.taken = scope, document, record, taken
        self.fields = scope.fields
        self.changes: list[Change] = []
        self.reasons: list[Reason] = []
        self.asked = ""  # the field whose question goes out again
        self.review = False  # a person is asked
        self.ref: RecordRef | None = None
        if record is None:
            self.object = document.objects[-1] if document.objects else ""
        else:
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
        elif value is not None:
            self._write(rule, value, source, because)
        elif rule.clear:
            self._write(rule, None, source, "emptied, as the document says")
        else:
            self._say(rule, because, "skip", "nothing", source)

    def plan(self, because: str) -> Plan:
        """What came of it all."""
        outcome = "review" if self.review else "" if self.changes else "skip"
        return quick_plan(self.document.name, because, tuple(self.changes), tuple(self.reasons), outcome)

    def _has_record(self, rule: Rule) -> bool:
        answered = self.scope.setting.answered
        return answered is not None and answered.record is not None and is_record(rule.word, answered.record.object)

    # ---- write or keep -------------------------------------------------------------------------------------------
    def _write(self, rule: Rule, value: Value, source: Any, because: str) -> None:
        first = self.taken.get(rule.key)
        if first is not None:
            self._say(rule, f"already set by {first}", "keep", "already_set", source, value)
            return
        before: Value
        before, ref = (self.fields.get(rule.name), self.ref) if not rule.word else self._of_event(rule)
        if before == "":
            before = None
        if (before is not None or value is None) and self._stays(rule, value, source, before):
            return
        self.taken[rule.key] = self.document.name
        self.reasons.append(reason(rule.field, because, "write", "", source, value, before, len(self.changes)))
        self.changes.append(set_field(ref, self.object if ref is None else ref.object, rule.name, value))

    def _of_event(self, rule: Rule) -> tuple[Value, RecordRef | None]:
        """What stands in the field of the record whose event sent the message, and which record that is."""
        answered = self.scope.setting.answered
        return (answered.record_fields.get(rule.name), answered.record) if answered is not None else (None, None)

    def _stays(self, rule: Rule, value: Value, source: Any, before: Value) -> bool:
        """Is the value there already, or may it not be replaced? The reason is noted."""
        if equal(value, before):
            self.taken[rule.key] = self.document.name
            self._say(rule, "already has this value", "keep", "same", source, value, before)
            return True
        if rule.gate is None:
            return False
        kept = rule.gate(self.scope, value, before, None if rule.word else self.record)
        if kept is None:
            return False
        self._say(rule, f"kept: {kept}", "keep", "overwrite", source, value, before)
        return True

    def _say(
        self, rule: Rule, because: str, outcome: str, code: str, source: Any, value: Value = None, before: Value = None
    ) -> None:
        self.reasons.append(reason(rule.field, because, outcome, code, source, value, before, None))

    def _ask(self, rule: Rule, source: Any, because: str, code: str) -> None:
        """A question for a person; this field alone waits for it."""
        self.review = True
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
