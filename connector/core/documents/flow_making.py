"""A test out of a conversation that took place: what the customer did, and what the flow makes of just that."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from connector.core.changes import SetField
from connector.core.documents.comparing import empty, length, shown
from connector.core.documents.flow_document import FlowDocument, Said
from connector.core.documents.flow_trials import Talk, passing, play, said_of
from connector.core.events import InboundMessage

GAP = timedelta(minutes=5)  # less than this between two messages is not told
LONGEST = 500  # characters of one value
_WORDS = ("reply", "template", "task", "handoff", "start", "notify", "review")
_KEPT = {
    "media": ("kind", "caption", "filename"), "location": ("latitude", "longitude", "name", "address"),
    "contact": ("phone", "email", "name"),
}  # fmt: skip


def make_test(
    document: FlowDocument, heard: Sequence[InboundMessage], until: datetime | None = None, **given: str
) -> tuple[list[Said], dict[str, str], dict[str, str]]:
    """(say, given, expect) of these messages, oldest first; `until`: how long nobody wrote after the last."""
    say = list(_said_all(heard, until))
    return say, dict(given), expect_of(play(document, say, given, {}))


def _said_all(heard: Sequence[InboundMessage], until: datetime | None) -> Iterator[Said]:
    last: datetime | None = None
    for event in heard:
        yield from _passed(last, event.at)
        last = event.at or last
        yield said(event)
    yield from _passed(last, until)


def _passed(last: datetime | None, at: datetime | None) -> Iterator[str]:
    if last is None or at is None or at - last < GAP:
        return
    minutes = int((at - last).total_seconds()) // 60
    yield f"{length(timedelta(minutes=minutes if minutes < 120 else minutes - minutes % 60))} pass"


def said(event: InboundMessage) -> Said:
    """One message in the words of `say:`."""
    if event.type in ("button", "list"):
        return {"tap": _line(event.answer.get("id") or event.text)}
    if event.type == "text":
        text = _line(event.answer.get("text") or event.text)
        return {"text": text} if passing(text) is not None or not text else text
    kept: Mapping[str, Any] = event.answer
    if event.type in _KEPT:
        kept = {name: event.answer[name] for name in _KEPT[event.type] if not empty(event.answer.get(name))}
    if event.type == "reaction":
        return {"reaction": _line(event.answer.get("emoji"))}
    values = {name: _line(value) for name, value in kept.items() if not isinstance(value, dict | list)}
    return {event.type: values or ""}


def _line(value: Any) -> str:
    return " ".join(shown(value).split())[:LONGEST].strip()


def expect_of(talk: Talk) -> dict[str, str]:
    """All that came of it, in the words of `expect`."""
    if not talk.moves:
        return {}
    expect = {"end": said_of("end", talk)}
    if talk.state is not None:
        expect["step"] = talk.state.step
    for name in dict.fromkeys(c.field for c in talk.changes if isinstance(c, SetField) and c.record is None):
        expect[f"field.{name}" if name in ("end", "step", *_WORDS) else name] = said_of(f"field.{name}", talk)
    expect |= {word: found for word in _WORDS if (found := said_of(word, talk)) not in ("none", "")}
    return {name: value for name, value in expect.items() if value and _line(value) == value}
