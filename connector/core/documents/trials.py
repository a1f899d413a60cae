"""The tests inside a document: `given` is sparse and the rest is made up, `expect` is partial."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connector.core.changes import (
    AttachFile,
    Change,
    CreateTask,
    Handoff,
    LogActivity,
    Notify,
    Plan,
    SendMessage,
    SetConsent,
    SetField,
    StartFlow,
)
from connector.core.contact import Answered, Contact, Record, RecordRef, Setting
from connector.core.documents.comparing import fold, shown
from connector.core.documents.document import Document, MappingDocument, SendDocument, Test
from connector.core.documents.evaluate import evaluate
from connector.core.documents.flow_document import FlowDocument, FlowTest
from connector.core.documents.flow_trials import run_flow
from connector.core.documents.numbers import plain_number
from connector.core.documents.send_trials import run_send
from connector.core.documents.tested import alike, moment_of
from connector.core.documents.words import PERSON, RECORD
from connector.core.events import InboundMessage
from connector.core.message import preview

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)  # a Tuesday
NEEDED = ("attempt", "now", "answer_to", "type", "locale", "country", "contact")
GIVEN = re.compile(rf"(?:answer|contact|message|referral|number|{'|'.join(RECORD)})\..+|{'|'.join(NEEDED)}")
EXPECT = re.compile(r"outcome|because|reply|start|task|log|handoff|notify|attach|consent\.[a-z_]+")
# A usual order, for tests that are run before a CRM is connected; a connected CRM's own order goes first.
STAGES = (
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
)
_TYPE_OF = {
    "id": "button",
    "title": "button",
    "text": "text",
    "latitude": "location",
    "emoji": "reaction",
    "total": "order",
    "items": "order",
    "mime_type": "media",
    "kind": "media",
    "filename": "media",
    "phone": "contact",
    "email": "contact",
}


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test's result; `message` says what came instead of what."""

    name: str
    passed: bool
    message: str = ""
    line: int = 0

    __test__ = False


def run_tests(document: Document, schema: Mapping[str, Sequence[Any]] | None = None) -> list[TestResult]:
    """Every test of the document; `schema` (as for check) gives the CRM's option order where it is known."""
    options = options_of(schema)
    return [_run(document, test, options) for test in document.tests]


def options_of(schema: Mapping[str, Sequence[Any]] | None = None) -> dict[str, dict[str, Any]]:
    """{field: {"options": [...]}}: the order of a choice field's values, the CRM's own where it is known."""
    options: dict[str, dict[str, Any]] = {"lifecyclestage": {"options": STAGES}}
    for field in (f for fields in reversed(list((schema or {}).values())) for f in fields):
        if field.options:
            options[field.name] = {"options": [value for value, _ in field.options]}
    return options


def plan_of(document: MappingDocument, given: Mapping[str, Any], options: Mapping[str, Any]) -> Plan:
    """What the document makes of `given`, as a test has it. Raises ValueError for a time or number that is none."""
    one = Given(document, given)
    return evaluate(one.event(), one.contact(), document, one.now, one.setting(options))


def _run(document: Document, test: Test | FlowTest, options: Mapping[str, Any]) -> TestResult:
    try:
        wrong = _wrong(document, test, options)
    except ValueError as error:
        return TestResult(test.name, False, f"`given` cannot be used: {error}", test.line)
    return TestResult(test.name, not wrong, wrong, test.line)


def _wrong(document: Document, test: Test | FlowTest, options: Mapping[str, Any]) -> str:
    """What came instead of what, by the kind of document."""
    if isinstance(document, FlowDocument):
        assert isinstance(test, FlowTest)
        return run_flow(document, test, options)
    assert isinstance(test, Test)
    if isinstance(document, SendDocument):
        return run_send(document, test)
    return _evaluated(document, test, options)


def _evaluated(document: MappingDocument, test: Test, options: Mapping[str, Any]) -> str:
    """What came instead of what; "" when all is as expected."""
    plan = plan_of(document, test.given, options)
    wrong = [text for key, wanted in test.expect.items() if (text := _miss(key, wanted, plan))]
    if wrong and not plan.matched:
        wrong.append(plan.because)
    return "; ".join(wrong)


# ---- given -------------------------------------------------------------------------------------------------------
class Given:
    """The sparse words of `given`, and what is made up around them."""

    def __init__(self, document: MappingDocument, given: Mapping[str, Any]) -> None:
        self.document, self.given = document, given
        self.now = moment_of(given["now"]) if "now" in given else NOW

    def part(self, word: str) -> dict[str, Any]:
        return {key[len(word) + 1 :]: value for key, value in self.given.items() if key.startswith(f"{word}.")}

    def event(self) -> InboundMessage:
        answer, message = self.part("answer"), self.part("message")
        kind = shown(self.given.get("type") or answer.pop("type", "") or message.get("type") or self._kind(answer))
        text = shown(message.get("text") or answer.get("text") or answer.get("title") or answer.get("id") or "")
        if kind in ("button", "list") and "id" in answer:
            answer.setdefault("title", answer["id"])
        if kind == "text":
            answer.setdefault("text", text)
        number = self.part("number").get("id") or (self.document.number or ("100000000000001",))[0]
        at = moment_of(message["sent_at"]) if "sent_at" in message else self.now
        return InboundMessage(
            id=shown(message.get("id") or "wamid.test"),
            at=at,
            number=shown(number),
            type=kind,
            wa_id="573001112222",
            name="Ana Ruiz",
            text=text,
            answer=answer,
            referral=self.part("referral") or None,
        )

    def _kind(self, answer: Mapping[str, Any]) -> str:
        """The document's own type where it names one, else the one these words belong to."""
        named = [_TYPE_OF[key] for key in answer if key in _TYPE_OF]
        if self.document.types:
            return next((kind for kind in named if kind in self.document.types), self.document.types[0])
        return named[0] if named else "form" if answer else "text"

    def contact(self) -> Contact:
        fields = self.part("contact")
        own = {key: shown(fields.pop(key)) for key in list(fields) if key in PERSON}
        count = {"none": 0, "several": 2}.get(shown(self.given.get("contact")), 1)
        object_ = self.document.objects[0] if self.document.objects else "contacts"
        records = tuple(
            Record(object=object_, id=str(1512 + n), fields=fields, modified=NOW.replace(year=2020))
            for n in range(count)
        )
        return Contact(
            id="c1",
            name=own.get("name", "Ana Ruiz"),
            wa_id=own.get("whatsapp_id", "573001112222"),
            phone=own.get("phone", "+573001112222"),
            time_zone=own.get("time_zone"),
            records=records,
        )

    def setting(self, options: Mapping[str, Any]) -> Setting:
        attempt = plain_number(shown(self.given.get("attempt", "1")))
        number = {"id": "100000000000001", "name": (self.document.number or ("main",))[0]} | self.part("number")
        return Setting(
            account=self.document.crm,
            number=number,
            answered=self._answered(),
            attempt=attempt if isinstance(attempt, int) else 1,
            locale=self.given.get("locale"),
            country=self.given.get("country"),
            schema=options,
        )

    def _answered(self) -> Answered | None:
        name = shown(self.given.get("answer_to") or next(iter(sorted(self.document.answer_to or ())), ""))
        words = [word for word in RECORD if self.part(word) or any(r.word == word for r in self.document.rules)]
        if name == "none" or not (name or words):
            return None
        word = next((w for w in words if w != "record"), "deal")
        fields = {key: value for w in words for key, value in self.part(w).items()}
        record = (
            RecordRef(self.document.crm, word, "77") if words and shown(self.given.get("record.id")) != "none" else None
        )
        return Answered(
            send="s1",
            at=self.now,
            template=name if "." not in name else None,
            step=name if "." in name else None,
            record=record,
            record_fields=fields,
        )


# ---- expect ------------------------------------------------------------------------------------------------------
def _miss(key: str, wanted: str, plan: Plan) -> str:
    """What came instead, or nothing when it is as wanted."""
    found = said_of(key, plan)
    if key == "because":
        return "" if fold(wanted) in fold(found) else f"because: {found!r} does not say {wanted!r}"
    return "" if alike(wanted, found, key in _ACTIONS) else f"{key}: expected {wanted}, got {found}"


def said_of(key: str, plan: Plan) -> str:
    """What one word of `expect` finds in a plan."""
    if key.startswith("consent."):
        return _consent(key, plan)
    return _ACTIONS[key](plan) if key in _ACTIONS else _field(key, plan)


def _field(key: str, plan: Plan) -> str:
    name = key.removeprefix("field.")
    reasons = [r for r in plan.reasons if r.field == name and r.change is not None]
    for change in (plan.changes[r.change] for r in reasons if r.change is not None):
        if isinstance(change, SetField):
            return "cleared" if change.value is None else shown(change.value)
    return "unchanged"


def _outcome(plan: Plan) -> str:
    return "no_match" if not plan.matched else plan.outcome or "done"


def _consent(key: str, plan: Plan) -> str:
    return next((c.state for c in plan.changes if isinstance(c, SetConsent) and c.category == key[8:]), "unchanged")


def _first(kind: type[Change], text: Callable[[Any], str]) -> Callable[[Plan], str]:
    return lambda plan: next((text(c) for c in plan.changes if isinstance(c, kind)), "none")


def _words(message: Mapping[str, Any]) -> str:
    """What it says, without what may be tapped; all of it where it says nothing."""
    return str(message.get("text") or message.get("caption") or preview(message))


_ACTIONS: dict[str, Callable[[Plan], str]] = {
    "outcome": _outcome,
    "because": lambda plan: "; ".join([plan.because, *(r.because for r in plan.reasons)]),
    "reply": _first(SendMessage, lambda c: _words(c.message)),
    "start": _first(StartFlow, lambda c: str(c.flow)),
    "task": _first(CreateTask, lambda c: str(c.title)),
    "log": _first(LogActivity, lambda c: str(c.what)),
    "handoff": _first(Handoff, lambda c: str(c.text)),
    "attach": _first(AttachFile, lambda c: "media"),  # noqa: ARG005
    "notify": _first(Notify, lambda c: str(c.webhook)),
}
