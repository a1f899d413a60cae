"""The tests of a `flow:`: the customer says things in order, the machine answers, and what came of it is compared."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.core.changes import (
    Ask,
    Change,
    CreateTask,
    Handoff,
    LogActivity,
    Notify,
    SendMessage,
    SendTemplate,
    SetConsent,
    SetField,
    StartFlow,
)  # fmt: skip
from connector.core.contact import Answered, Contact, Record, RecordRef, Setting, Value
from connector.core.documents.comparing import fold, shown
from connector.core.documents.flow_document import FlowDocument, FlowTest, Said, Start
from connector.core.documents.flow_machine import advance, begin, starts
from connector.core.documents.tested import alike, moment_of
from connector.core.documents.words import PERSON, RECORD
from connector.core.events import InboundMessage, TimerDue
from connector.core.flow_state import Move, State

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)  # a Tuesday
_PASS = re.compile(r"([0-9]{1,4}) ?(minute|min|hour|h|day|d|week)s? (?:pass|passes|later)")
_UNITS = {"minute": 60, "min": 60, "hour": 3600, "h": 3600, "day": 86400, "d": 86400, "week": 604800}
_TIMERS = 100  # that one wait may set off
_MEDIA = {"image": "image/jpeg", "video": "video/mp4", "audio": "audio/ogg", "document": "application/pdf"}


@dataclass(slots=True)
class Talk:
    """A conversation that is played: its moves so far, and what the customer's record holds by now."""

    document: FlowDocument
    contact: Contact
    setting: Setting
    now: datetime
    state: State | None = None
    moves: list[Move] = field(default_factory=list)
    stray: str = ""  # why it never began
    started: bool = False
    said: int = 0

    @property
    def changes(self) -> list[Change]:
        return [change for move in self.moves for change in move.changes]

    # ---- what happens --------------------------------------------------------------------------------------------
    def open(self, *, message: InboundMessage | None = None, entry: str = "") -> None:
        """Begins."""
        self.started = True
        self._took(begin(self.document, self._told(message), self.contact, self.now, message, entry, version=1))

    def hear(self, said: Said) -> None:
        """One thing the customer does, or time that passes."""
        passed = passing(said)
        if passed is not None:
            self.wait(passed)
            return
        self.said += 1
        message = self.message(said)
        if message.type not in ("edit", "revoke"):
            self.contact = replace(self.contact, last_inbound_at=self.now)
        if self.state is None:
            if not self.started:
                self._start(message)
            return
        step = self.document.steps.get(self.state.step)
        told = self._told(message, step.name if step is not None and step.answer is not None else "")
        self._took(advance(self.document, self.state, message, self.contact, self.now, told))

    def wait(self, time: timedelta) -> None:
        """The timers of this time, each at its own moment."""
        until = self.now + time
        for _ in range(_TIMERS):
            if self.state is None or self.state.wake_at is None or self.state.wake_at > until:
                break
            self.now = max(self.now, self.state.wake_at)
            self._took(self.alarm())
        self.now = until

    def alarm(self) -> Move:
        """What the timer that is due makes of it."""
        assert self.state is not None
        event = TimerDue(id="timer", document=self.document.name)
        return advance(self.document, self.state, event, self.contact, self.now, self.setting)

    def _start(self, message: InboundMessage) -> None:
        for start in self.document.starts or (None,):
            given = started_by(start, message)
            told = self._told(given, "", start)
            fits, why = starts(self.document, given, self.contact, self.now, told)
            if fits:
                self.setting = replace(self.setting, answered=None)
                self.started = True
                self._took(begin(self.document, told, self.contact, self.now, given, version=1))
                return
            self.stray = why

    def _told(self, message: InboundMessage | None, step: str = "", start: Start | None = None) -> Setting:
        """What the message answers: the question that waits, or what the flow says it starts by."""
        answered: Answered | None = None
        record = self.setting.answered
        if start is not None and start.answer_to:
            name = start.answer_to[0]
            answered = Answered(
                send="s0", at=self.now, template=None if "." in name else name, step=name if "." in name else None
            )
        elif step and message is not None:
            answered = Answered(send="s1", at=self.now, step=f"{self.document.name}.{step}")
        if record is not None and answered is not None:
            answered = replace(answered, record=record.record, record_fields=record.record_fields)
        return replace(self.setting, answered=answered or record)

    def _took(self, move: Move) -> None:
        self.moves.append(move)
        self.state = move.state
        fields: dict[str, Value] = {
            c.field: c.value for c in move.changes if isinstance(c, SetField) and c.record is None
        }
        if fields:
            known = self.contact.records or (Record(object=(self.document.objects or ("contacts",))[-1], id="1512"),)
            self.contact = replace(
                self.contact, records=(replace(known[0], fields={**known[0].fields, **fields}), *known[1:])
            )

    # ---- messages ------------------------------------------------------------------------------------------------
    def message(self, said: Said) -> InboundMessage:
        """What the words of a test stand for: a tap where the question that waits has such a button, else a text."""
        kind, what = next(iter(said.items())) if isinstance(said, Mapping) else ("", said)
        answer: dict[str, Any] = {}
        text = shown(what) if not isinstance(what, Mapping) else ""
        if kind in ("", "tap"):
            kind, answer, text = self._tapped(text, surely=kind == "tap")
        elif kind == "text":
            answer = {"text": text}
        elif kind == "media":
            answer = {"kind": text or "image", "id": "media.1", "mime_type": _MEDIA.get(text, "image/jpeg")}
            answer |= dict(what) if isinstance(what, Mapping) else {}
            text = shown(answer.get("caption"))
        elif kind == "location":
            answer = dict(what) if isinstance(what, Mapping) else {"latitude": "4.6486", "longitude": "-74.0628"}
        elif kind == "contact":
            answer = dict(what) if isinstance(what, Mapping) else {"phone": text or "+573009998888", "name": "Ana Ruiz"}
        elif kind == "reaction":
            answer = {"emoji": text or "👍"}
        else:
            answer = dict(what) if isinstance(what, Mapping) else {}
        return InboundMessage(
            id=f"wamid.{self.said}", at=self.now, number=shown(self.setting.number.get("id") or "100000000000001"),
            type=kind, wa_id=self.contact.wa_id, name=self.contact.name, text=text, answer=answer,
        )  # fmt: skip

    def _tapped(self, text: str, *, surely: bool) -> tuple[str, dict[str, Any], str]:
        step = self.document.steps.get(self.state.step) if self.state is not None else None
        answer = step.answer if step is not None else None
        found = answer.labels.get(fold(text)) if answer is not None else None
        if found is None and self.state is None and any(text in start.ids for start in self.document.starts):
            found = text
        if found is None and surely:
            found = text
        if found is None:
            return "text", {"text": text}, text
        title = answer.titles.get(found, found) if answer is not None else found
        kind = "list" if step is not None and step.type == "list" else "button"
        return kind, {"id": found, "title": title}, title


def passing(said: Said) -> timedelta | None:
    """`2 hours pass`."""
    found = _PASS.fullmatch(said.strip().lower()) if isinstance(said, str) else None
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]]) if found else None


def started_by(start: Start | None, message: InboundMessage) -> InboundMessage:
    """The same message as it comes from an ad, where the flow starts by one."""
    if start is None or not start.referral or message.referral is not None:
        return message
    ad = "ad" if "any" in start.referral else start.referral[0]
    return replace(message, referral={"source_id": ad, "source_type": "ad"})


# ---- one test ------------------------------------------------------------------------------------------------------
def run_flow(document: FlowDocument, test: FlowTest, options: Mapping[str, Any]) -> str:
    """What came instead of what; "" when all is as expected. Raises ValueError for a time that is none."""
    talk = play(document, test.say, test.given, options)
    if not talk.started:
        return f"the conversation never began: {talk.stray}"
    wrong = [said for key, wanted in test.expect.items() if (said := _miss(key, wanted, talk))]
    if wrong:
        wrong.append(talk.moves[-1].because)
    return "; ".join(wrong)


def play(document: FlowDocument, say: Sequence[Said], given: Mapping[str, Any], options: Mapping[str, Any]) -> Talk:
    """The conversation of a test; a flow that nothing starts by itself begins before the first word."""
    talk = talk_of(document, given, options)
    if not document.starts:
        talk.open()
    for said in say:
        talk.hear(said)
    return talk


def talk_of(document: FlowDocument, given: Mapping[str, Any], options: Mapping[str, Any]) -> Talk:
    """A customer as `given` says, the rest made up."""
    now = moment_of(given["now"]) if "now" in given else NOW
    fields = part(given, "contact")
    own = {key: shown(fields.pop(key)) for key in list(fields) if key in PERSON}
    count = {"none": 0, "several": 2}.get(shown(given.get("contact")), 1)
    object_ = document.objects[0] if document.objects else "contacts"
    closed = shown(given.get("window")) == "closed" or bool(document.starts)
    contact = Contact(
        id="c1",
        name=own.get("name", "Ana Ruiz"),
        wa_id=own.get("whatsapp_id", "573001112222"),
        phone=own.get("phone", "+573001112222"),
        time_zone=own.get("time_zone"),
        last_inbound_at=None if closed else now,
        records=tuple(
            Record(object=object_, id=str(1512 + n), fields=fields, modified=NOW.replace(year=2020))
            for n in range(count)
        ),
    )
    words = [word for word in RECORD if part(given, word)]
    answered = None
    if words:
        word = next((w for w in words if w != "record"), "deal")
        values = {key: value for w in words for key, value in part(given, w).items()}
        answered = Answered(send="s1", at=now, record=RecordRef(document.crm, word, "77"), record_fields=values)
    setting = Setting(
        account=document.crm, number={"id": "100000000000001", "name": "main"} | part(given, "number"),
        answered=answered, locale=given.get("locale"), country=given.get("country"), schema=options,
    )  # fmt: skip
    return Talk(document, contact, setting, now)


def part(given: Mapping[str, Any], word: str) -> dict[str, Any]:
    return {key[len(word) + 1 :]: value for key, value in given.items() if key.startswith(f"{word}.")}


# ---- expect ------------------------------------------------------------------------------------------------------
def _miss(key: str, wanted: str, talk: Talk) -> str:
    found = said_of(key, talk)
    if key in ("because", "said"):
        return "" if fold(wanted) in fold(found) else f"{key}: {found!r} does not say {wanted!r}"
    return "" if alike(wanted, found, key in _WORDS) else f"{key}: expected {wanted}, got {found}"


def said_of(key: str, talk: Talk) -> str:
    """What one word of `expect` finds in a conversation."""
    if key in _WORDS:
        return _WORDS[key](talk)
    if key.startswith("consent."):
        wanted = key.removeprefix("consent.")
        found = [c.state for c in talk.changes if isinstance(c, SetConsent) and c.category == wanted]
        return found[-1] if found else "unchanged"
    if key.startswith("flow."):
        return shown(_answers(talk).get(key.removeprefix("flow."))) or "none"
    name = key.removeprefix("field.")
    word, _, field_ = name.rpartition(".")
    values = [
        c for c in talk.changes if isinstance(c, SetField) and c.field == field_ and (c.record is None) == (not word)
    ]
    if not values:
        return "unchanged"
    return "cleared" if values[-1].value is None else shown(values[-1].value)


def _answers(talk: Talk) -> Mapping[str, Value]:
    return next((m.answers for m in reversed(talk.moves)), {})


def _last(kind: type[Change], text: Callable[[Any], str]) -> Callable[[Talk], str]:
    return lambda talk: next((text(c) for c in reversed(talk.changes) if isinstance(c, kind)), "none")


_WORDS: dict[str, Callable[[Talk], str]] = {
    "end": lambda talk: talk.moves[-1].end or "running" if talk.state is None else "running",
    "step": lambda talk: talk.state.step if talk.state is not None else "none",
    "reply": _last(SendMessage, lambda c: str(c.text)),
    "said": lambda talk: " / ".join(c.text for c in talk.changes if isinstance(c, SendMessage)),
    "task": _last(CreateTask, lambda c: str(c.title)),
    "handoff": _last(Handoff, lambda c: str(c.text)),
    "start": _last(StartFlow, lambda c: str(c.flow)),
    "notify": _last(Notify, lambda c: str(c.webhook)),
    "log": _last(LogActivity, lambda c: str(c.what)),
    "template": _last(SendTemplate, lambda c: str(c.template)),
    "review": _last(Ask, lambda c: str(c.why)),
    "because": lambda talk: "; ".join(move.because for move in talk.moves),
}
