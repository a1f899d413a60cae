"""Is a message the answer to the question that waits? What it says, or why not in plain words."""

from collections.abc import Callable, Mapping
from typing import Any

from connector.core.contact import Value
from connector.core.documents.comparing import empty, fold, shown
from connector.core.documents.flow_document import Answer, FlowDocument, FlowStep
from connector.core.documents.flow_words import FlowScope
from connector.core.documents.rules import settle
from connector.core.events import InboundMessage

UNDERSTOOD, STALE, ODD = "understood", "stale", "odd"
Judged = tuple[str, Value, str]  # one of the three, the value, why
LONGEST = 4096  # characters that are kept of one answer

_WANTED = {
    "choice": "one of the buttons", "text": "a text", "media": "a picture or file", "location": "a place",
    "form": "the form", "contact": "a phone number", "anything": "an answer",
}  # fmt: skip


def judge(document: FlowDocument, step: FlowStep, event: InboundMessage, scope: FlowScope) -> Judged:
    """What the message is to the step that waits."""
    answer = step.answer
    if answer is None:
        return ODD, None, "nothing is asked"
    if event.type in ("button", "list"):
        return _tap(document, step, answer, event, scope)
    return _READ[answer.wants](answer, event, scope)


def _tap(document: FlowDocument, step: FlowStep, answer: Answer, event: InboundMessage, scope: FlowScope) -> Judged:
    """A tap counts only for the question whose button it is."""
    id_, title = shown(event.answer.get("id")), shown(event.answer.get("title") or event.text)
    told = scope.setting.answered
    if told is not None and told.step and told.step != f"{document.name}.{step.name}":
        return STALE, None, f'"{title[:60]}" is a button of {told.step}, which is not asked now'
    if id_ in answer.ids:
        return UNDERSTOOD, id_, f'"{title[:60]}" was tapped'
    found = answer.labels.get(fold(id_)) or answer.labels.get(fold(title))
    if found is not None and (told is None or told.template is None or step.opener is not None):
        return UNDERSTOOD, found, f'"{title[:60]}" was tapped'
    if answer.wants == "anything":
        return UNDERSTOOD, title[:LONGEST], f'"{title[:60]}" was tapped'
    other = next((s.name for s in document.steps.values() if s.answer is not None and id_ in s.answer.ids), None)
    if other is not None:
        return STALE, None, f'"{title[:60]}" is a button of {document.name}.{other}, which is not asked now'
    if answer.wants != "choice" or (told is not None and told.template):
        return STALE, None, f'"{title[:60]}" is a button of another message'
    return ODD, None, f'"{title[:60]}" is none of the buttons'


# ---- by what is wanted ---------------------------------------------------------------------------------------------
def _odd(answer: Answer, event: InboundMessage) -> Judged:
    what = _WANTED[answer.wants]
    if answer.as_:
        what = _TYPED.get(answer.as_, what)
    return ODD, None, f"it is a {event.type} message; {what} is expected"


_TYPED = {
    "integer": "a whole number", "number": "a number", "date": "a date", "yes_no": "yes or no",
    "email": "an e-mail address", "phone": "a phone number", "choice": "one of the options",
}  # fmt: skip


def words_of(event: InboundMessage) -> str:
    """What was written."""
    return shown(event.answer.get("text") or event.text)[:LONGEST]


def _choice(answer: Answer, event: InboundMessage, scope: FlowScope) -> Judged:
    del scope
    if event.type != "text":
        return _odd(answer, event)
    text = words_of(event)
    found = text if text in answer.ids else answer.labels.get(fold(text))
    if found is not None:
        return UNDERSTOOD, found, f'"{text[:60]}" was written'
    return ODD, None, f'"{text[:60]}" is none of the buttons'


def _text(answer: Answer, event: InboundMessage, scope: FlowScope) -> Judged:
    raw: Any
    if event.type == "text":
        raw = words_of(event)
    elif event.type == "contact" and answer.as_ in ("phone", "email"):
        raw = event.answer.get(answer.as_)
    else:
        return _odd(answer, event)
    if empty(raw):
        return ODD, None, "the message is empty"
    if answer.coerce is None or answer.kind is None:
        return UNDERSTOOD, settle(raw), f'"{shown(raw)[:60]}" was written'
    value, why = answer.coerce(scope, raw, answer.kind, answer.name)
    if value is None:
        return ODD, None, why
    return UNDERSTOOD, value, f'read from "{shown(raw)[:60]}"'


def _media(answer: Answer, event: InboundMessage, scope: FlowScope) -> Judged:
    del scope
    if event.type != "media":
        return _odd(answer, event)
    value = event.answer.get("url") or event.answer.get("id") or event.answer.get("filename")
    return UNDERSTOOD, settle(value), f"a file came: {shown(event.answer.get('kind') or 'media')}"


def _location(answer: Answer, event: InboundMessage, scope: FlowScope) -> Judged:
    del scope
    at = event.answer.get("latitude"), event.answer.get("longitude")
    if event.type != "location" or None in at:
        return _odd(answer, event)
    return UNDERSTOOD, f"{shown(at[0])},{shown(at[1])}", "a place came"


def _form(answer: Answer, event: InboundMessage, scope: FlowScope) -> Judged:
    del scope
    return (
        (UNDERSTOOD, shown(event.answer.get("id")) or "sent", "the form came")
        if event.type == "form"
        else _odd(answer, event)
    )


def _contact(answer: Answer, event: InboundMessage, scope: FlowScope) -> Judged:
    if event.type not in ("contact", "text"):
        return _odd(answer, event)
    return _text(answer, event, scope)


def _anything(answer: Answer, event: InboundMessage, scope: FlowScope) -> Judged:
    if event.type == "text":
        return _text(answer, event, scope)
    if event.type == "unsupported":
        return ODD, None, "WhatsApp could not pass this message on"
    value = event.text or event.answer.get("url") or event.answer.get("id") or event.type
    return UNDERSTOOD, shown(value)[:LONGEST], f"a {event.type} message came"


_READ: Mapping[str, Callable[[Answer, InboundMessage, FlowScope], Judged]] = {
    "choice": _choice, "text": _text, "media": _media, "location": _location, "form": _form, "contact": _contact,
    "anything": _anything,
}  # fmt: skip
