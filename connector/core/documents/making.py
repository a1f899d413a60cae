"""A test out of what happened: sparse `given`, and as `expect` what the document makes of just that."""

from collections.abc import Iterator, Mapping
from typing import Any

from connector.core.changes import Plan, SetConsent
from connector.core.contact import Contact, Setting
from connector.core.documents.comparing import empty, shown
from connector.core.documents.document import MappingDocument
from connector.core.documents.trials import EXPECT, Given, plan_of, said_of
from connector.core.documents.words import PERSON
from connector.core.events import InboundMessage

# What of an answer a reader of the test needs to see; of a form every field.
_ANSWER: dict[str, tuple[str, ...]] = {
    "button": ("id", "title"), "list": ("id", "title"), "text": ("text",),
    "media": ("kind", "caption", "filename", "mime_type"),
    "location": ("latitude", "longitude", "name", "address"), "contact": ("name", "phone", "email"),
    "order": ("total", "currency"), "reaction": ("emoji",),
}  # fmt: skip
_ACTIONS = ("reply", "start", "task", "handoff", "notify", "attach")
LONGEST = 500  # characters of one value of `given`


def line(value: Any) -> str:
    """A value as a test can hold it: one line, not too long."""
    return " ".join(shown(value).split())[:LONGEST].strip()


def given_of_reply(
    document: MappingDocument, event: InboundMessage, person: Contact, setting: Setting
) -> dict[str, str]:
    """The facts of one reply, in the words of `given`; what the document does not look at is left out."""
    given = dict(_answer(document, event))
    given |= dict(_answered(document, setting))
    records = person.records
    if len(records) != 1:
        given["contact"] = "several" if records else "none"
    elif document.reads:
        given |= _fields("contact", {n: records[0].fields.get(n) for n in sorted(document.reads)})
    if person.time_zone:
        given["contact.time_zone"] = person.time_zone
    if setting.answered is not None and setting.answered.record is not None:
        word = next((w for w in document.words if w != "record"), "record")
        given |= _fields(word, {n: setting.answered.record_fields.get(n) for n in sorted(document.record_reads)})
    return given


def _answer(document: MappingDocument, event: InboundMessage) -> Iterator[tuple[str, str]]:
    names = _ANSWER.get(event.type, tuple(sorted(event.answer)))
    found = {name: event.answer.get(name) for name in names}
    if event.type == "text":
        found["text"] = event.answer.get("text") or event.text
    if found.get("title") == found.get("id"):
        found.pop("title", None)
    told = {f"answer.{n}": line(v) for n, v in found.items() if not empty(v) and not isinstance(v, dict)}
    if Given(document, told).event().type != event.type:
        yield "type", event.type
    yield from told.items()


def _answered(document: MappingDocument, setting: Setting) -> Iterator[tuple[str, str]]:
    """Only what would not be made up so anyway."""
    told = setting.answered
    if told is None:
        if document.answer_to or document.words:
            yield "answer_to", "none"
        return
    name = told.step or told.template or ""
    if name and name != next(iter(sorted(document.answer_to or ())), ""):
        yield "answer_to", name
    if document.words and told.record is None:
        yield "record.id", "none"


def _fields(word: str, values: Mapping[str, Any]) -> dict[str, str]:
    own = PERSON if word == "contact" else ()
    return {f"{word}.{n}": text for n, v in values.items() if n not in own and (text := line(v))}


def circumstances(event: InboundMessage, setting: Setting, now: str) -> dict[str, str]:
    """What else may matter: when it was, how numbers are written, the how manieth try it is."""
    found = {"message.sent_at": shown(event.at), "locale": setting.locale, "country": setting.country}
    found |= {"attempt": str(setting.attempt) if setting.attempt > 1 else None, "now": now}
    return {name: value for name, value in found.items() if value}


def expect_of(document: MappingDocument, plan: Plan) -> dict[str, str]:
    """All that came of it, in the words of `expect`."""
    expect: dict[str, str] = {}
    spoken = {reason.field for reason in plan.reasons}
    for name in document.sets:
        value = said_of(f"field.{name}", plan)
        if name in spoken or value != "unchanged":
            expect[f"field.{name}" if EXPECT.fullmatch(name) else name] = value
    expect |= {key: value for key in _ACTIONS if (value := said_of(key, plan)) not in ("none", "")}
    expect |= {f"consent.{c.category}": c.state for c in plan.changes if isinstance(c, SetConsent)}
    outcome = said_of("outcome", plan)
    if outcome != "done" or not expect:
        expect["outcome"] = outcome
    return {key: line(value) for key, value in expect.items() if _one_line(value)}


def _one_line(value: str) -> bool:
    """A value that a line of `expect` cannot hold to the letter is not looked at."""
    return bool(value) and line(value) == value


def sparse(
    document: MappingDocument, given: Mapping[str, str], more: Mapping[str, str], options: Mapping[str, Any]
) -> tuple[dict[str, str], Plan]:
    """`given` with only those circumstances that change something, and the plan that comes of it."""
    full = plan_of(document, {**given, **more}, options)
    wanted, kept = expect_of(document, full), dict(more)
    for name in more:
        without = {k: v for k, v in kept.items() if k != name}
        if expect_of(document, plan_of(document, {**given, **without}, options)) == wanted:
            kept = without
    found = {**given, **kept}
    return found, plan_of(document, found, options)
