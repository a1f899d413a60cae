"""Steps walked until one waits: what is said, what is written, where it goes, and why each time."""

from datetime import datetime
from typing import Any

from connector.core import window
from connector.core.changes import (
    Ask,
    Change,
    CreateTask,
    Handoff,
    LogActivity,
    Notify,
    Reason,
    SendMessage,
    SendTemplate,
    SetConsent,
    SetField,
    StartFlow,
)  # fmt: skip
from connector.core.contact import Contact, RecordRef, Setting, Value
from connector.core.documents.actions import iso
from connector.core.documents.comparing import length, shown
from connector.core.documents.desk import Desk
from connector.core.documents.evaluate import candidates, choose
from connector.core.documents.flow_document import FlowDocument, FlowStep, Opener
from connector.core.documents.flow_messages import plain
from connector.core.documents.flow_words import FlowScope
from connector.core.documents.quick import reason
from connector.core.documents.rules import settle
from connector.core.events import InboundMessage
from connector.core.flow_state import PATH, Move, State

AT_ONCE = 50  # steps without waiting; more is a loop
IN_ALL = 500  # steps of one conversation
_SAID: dict[str, str] = {
    "expired": "it lasted longer than the flow allows", "opted_out": "the customer wrote a STOP word",
    "window": "more than 24 hours since the customer wrote, and no template reopens the conversation",
    "loop": "it went in a circle and was stopped", "moved": "its step is not in this version of the flow",
}  # fmt: skip


class Walk:
    """One event's way through the steps."""

    def __init__(
        self,
        document: FlowDocument,
        contact: Contact,
        now: datetime,
        setting: Setting,
        event: InboundMessage | None,
        state: State,
    ) -> None:
        self.document, self.contact, self.now, self.setting, self.state = document, contact, now, setting, state
        self.saved: dict[str, Value] = dict(state.answers)
        self.changes: list[Change] = []
        self.reasons: list[Reason] = []
        self.walked: list[str] = []
        self.said: list[str] = []  # the sentence that explains the move
        self.records = candidates(contact.records, document.objects)
        self.record = choose(self.records, document.if_several)
        fields = dict(self.record.fields) if self.record is not None else {}
        self.scope = FlowScope(event, contact, fields, setting, now, self.saved)
        self.scope.language, self.scope.languages = state.language, document.languages
        self.last_inbound = _latest(state.last_inbound_at, contact.last_inbound_at, event.at if event else None)
        self.reopening = state.reopening and event is None
        self._desk: Desk | None = None
        self._asked = False  # whose record it is
        self.fields = fields

    # ---- the walk ------------------------------------------------------------------------------------------------
    def go(self, name: str) -> Move:
        """From this step on, until one waits or the conversation ends."""
        while True:
            step = self.document.steps.get(name)
            if step is None:
                return self.gone(name)
            if len(self.walked) >= AT_ONCE or self.state.steps + len(self.walked) >= IN_ALL:
                return self.looped(name)
            self.walked.append(name)
            held = self.enter(step)
            if held is not None:
                return held
            after = self.leave(step)
            if isinstance(after, Move):
                return after
            name = after

    def enter(self, step: FlowStep) -> Move | None:
        """Says what the step says; the move, where it waits here."""
        if step.opener is not None:
            self.open(step, step.opener)
        elif step.speaks and not self.say(step):
            return self.closed(step)
        if step.answer is not None:
            self.note(step.name, "asked", "ask")
            return self.waiting(step, "answer")
        self.act(step)
        if step.wait is not None:
            self.note(step.name, f"waits {length(step.wait)}", "wait")
            return self.waiting(step, "time", self.now + step.wait)
        if step.handoff is not None and step.route is not None:
            self.note(step.name, "a person talks; it goes on when they give it back", "handoff")
            return self.waiting(step, "person")
        return None

    def leave(self, step: FlowStep) -> Move | str:
        """Where it goes from a step whose work is done: the next name, or the end."""
        if step.start:
            self.changes.append(StartFlow(flow=step.start))
            self.note(step.name, f"starts {step.start}", "start")
            return self.over("started", f"the flow {step.start} goes on")
        if step.route is None or step.route.pick is None:
            word = step.end or ("handed_over" if step.handoff is not None else "done")
            return self.over(word, f"{step.name} ends it: {word}")
        name, because = step.route.pick(self.scope)
        if not name:
            return self.nowhere(step, because)
        self.note(step.name, f"{because}, so it goes to {name}" if because else f"goes to {name}", "go")
        return name

    # ---- what is said --------------------------------------------------------------------------------------------
    def say(self, step: FlowStep, again: str | None = None) -> bool:
        """The step's messages; False where the window is closed and nothing could be said."""
        if step.bodies is None:
            return True
        if not window.is_open(self.last_inbound, self.now):
            return False
        awaits = f"{self.document.name}.{step.name}" if step.answer is not None else ""
        bodies = [body for body in step.bodies(self.scope, again) if body.get("text") != "" and body.get("url") != ""]
        for n, body in enumerate(bodies):
            self.changes.append(SendMessage(text=plain(body), body=body, awaits=awaits if n == len(bodies) - 1 else ""))
        if not bodies:
            self.note(step.name, "nothing to say: the text is empty", "empty", "skip")
        return True

    def open(self, step: FlowStep, opener: Opener) -> None:
        """A template, which may be sent at any time."""
        scope = self.scope
        language = shown(opener.language(scope)) if opener.language is not None else scope.language
        values = {name: settle(run(scope)) for name, run in opener.values}
        awaits = f"{self.document.name}.{step.name}" if step.answer is not None or step.opener is None else ""
        self.changes.append(
            SendTemplate(
                template=opener.template, language=language, values=values, buttons=opener.buttons, awaits=awaits
            )
        )

    def closed(self, step: FlowStep) -> Move:
        """The window is closed: a template asks to go on, once, or the conversation ends here."""
        opener = step.reopen or self.document.reopen
        if opener is None or self.reopening:
            why = "its template was not answered" if self.reopening else "no template reopens the conversation"
            self.note(step.name, f"not said: more than 24 hours since the customer wrote, and {why}", "window", "skip")
            return self.over("window")
        self.open(step, opener)
        self.reopening = True
        self.note(step.name, f"the window is closed: the template {opener.template} asks first", "window")
        return self.waiting(step, "answer")

    # ---- what is done --------------------------------------------------------------------------------------------
    def act(self, step: FlowStep) -> None:
        """The step's work: fields first, then what goes with them."""
        scope = self.scope
        for name, run in step.keeps:
            self.saved[name] = settle(run(scope))
        if step.rules:
            self._write(step)
        at = iso(scope.event.at or self.now)
        ref, object_ = self._whose()
        if step.log != "none":
            self.changes.append(LogActivity(record=ref, object=object_, what=step.log, text=scope.event.text, at=at))
        for category, state in step.consent:
            self.changes.append(SetConsent(category=category, state=state, evidence=scope.event.text[:500]))
        if step.task is not None:
            title, owner, more = step.task
            text = shown(more(scope)) if more is not None else scope.event.text
            self.changes.append(
                CreateTask(record=ref, object=object_, title=shown(title(scope)), owner=owner, text=text, at=at)
            )
        if step.notify is not None:
            webhook, values = step.notify
            self.changes.append(Notify(webhook=webhook, values={key: settle(run(scope)) for key, run in values}))
        if step.handoff is not None:
            words, who = step.handoff
            self.changes.append(Handoff(to=who, text=shown(words(scope))))

    def _write(self, step: FlowStep) -> None:
        if self.record is None and (self.records or self.document.if_missing != "create"):
            self._nobody(step)
            return
        desk = self._desk or self._made_desk()
        desk.taken = {}  # a later step may set a field again
        for rule in step.rules:
            before = len(self.changes)
            desk.judge(rule)
            for change in self.changes[before:]:
                if isinstance(change, SetField) and not rule.word:
                    self.fields[change.field] = change.value

    def _made_desk(self) -> Desk:
        self._desk = Desk(self.scope, self.document, self.record, self.contact, {})
        self._desk.changes, self._desk.reasons = self.changes, self.reasons
        return self._desk

    def _whose(self) -> tuple[RecordRef | None, str]:
        if self._desk is not None:
            return self._desk.ref, self._desk.object
        if self.record is None:
            return None, self.document.objects[-1] if self.document.objects else ""
        several = len(self.contact.records) > 1
        ref = RecordRef(self.setting.account, self.record.object, self.record.id) if several else None
        return ref, self.record.object

    def _nobody(self, step: FlowStep) -> None:
        """No record, or several: one question for a person; the conversation goes on, the fields are not written."""
        text = (
            f"{len(self.records)} records match this person: which one is it?"
            if self.records
            else "Nobody in the CRM matches this person."
        )
        code = "several_records" if self.records else "no_record"
        asks = self.document.if_missing == "review" if not self.records else True
        for rule in step.rules:
            self.reasons.append(
                reason(rule.field, f"not written: {text}", "review" if asks else "skip", code, None, None, None, None)
            )
        if asks and not self._asked:
            self._asked = True
            object_ = self.records[0].object if self.records else ""
            self.changes.append(Ask(object=object_, why=code, text=text, choices=tuple(r.id for r in self.records)))

    # ---- ends and waits ------------------------------------------------------------------------------------------
    def note(self, step: str, because: str, code: str, outcome: str = "write") -> None:
        """One line of the why."""
        self.reasons.append(reason(step, because, outcome, code, None, None, None, None))
        self.said.append(f"{step}: {because}")

    def waiting(self, step: FlowStep, for_: str, until: datetime | None = None, **more: Any) -> Move:
        """The conversation waits at this step."""
        state = self.state
        if until is None and for_ == "answer" and step.no_answer is not None:
            until = self.now + step.no_answer.after
        wake = min((at for at in (until, state.expires_at) if at is not None), default=None)
        values: dict[str, Any] = {
            "flow": self.document.name, "version": state.version, "step": step.name, "answers": self.saved,
            "waits": for_, "since": self.now, "wake_at": wake, "expires_at": state.expires_at,
            "language": self.scope.language, "steps": state.steps + len(self.walked),
            "path": (*state.path, *self.walked)[-PATH:], "last_inbound_at": self.last_inbound,
            "reopening": self.reopening,
        }  # fmt: skip
        return self.move(State(**(values | more)))

    def kept(self, because: str, *, took: bool = True, **more: Any) -> Move:
        """Nothing moves; why, and what of the state changes nevertheless."""
        self.note(self.state.step, because, "kept", "skip")
        values = {name: getattr(self.state, name) for name in State.__dataclass_fields__}
        values |= {"last_inbound_at": self.last_inbound, **more}
        return self.move(State(**values), took=took)

    def over(self, end: str, because: str = "", *, took: bool = True) -> Move:
        """The conversation has ended."""
        self.said.append(because or f"ended ({end}): {_SAID.get(end, 'the flow says so')}")
        return self.move(None, end, took=took)

    def move(self, state: State | None, end: str = "", *, took: bool = True) -> Move:
        return Move(
            state=state, end=end, changes=tuple(self.changes), reasons=tuple(self.reasons),
            because="; ".join(self.said), walked=tuple(self.walked), answers=self.saved, took=took,
        )  # fmt: skip

    def review(self, why: str, text: str) -> None:
        """A person looks at it."""
        ref, object_ = self._whose()
        self.changes.append(Ask(record=ref, object=object_, why=why, text=text))

    def gone(self, name: str) -> Move:
        """A step that this version does not have."""
        text = f"This version of {self.document.name} has no step {name!r}, so the conversation was ended."
        self.note(name or "step", f"there is no such step in version {self.state.version}", "moved", "review")
        self.review("flow_moved", text)
        return self.over("moved")

    def looped(self, name: str) -> Move:
        text = f"{self.document.name} went in a circle at {name!r}, so the conversation was ended."
        self.note(name, f"stopped: {AT_ONCE} steps without an answer, or {IN_ALL} in all", "loop", "review")
        self.review("flow_loop", text)
        return self.over("loop")

    def nowhere(self, step: FlowStep, because: str) -> Move:
        """`go:` has no way for this answer."""
        self.note(step.name, f"{because}, and `go` has no way for it", "nowhere", "review")
        self.review("flow_nowhere", f"{self.document.name}: {step.name} has no way for this answer.")
        return self.over("nowhere", "no way fits, so it ended")


def _latest(*moments: datetime | None) -> datetime | None:
    return max((m for m in moments if m is not None), default=None)
