"""A conversation played in a page: what the customer did so far, walked anew each time. Nothing is sent or kept."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
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
from connector.core.documents.comparing import fold, shown
from connector.core.documents.editing import add_test
from connector.core.documents.flow_document import FlowDocument, Said
from connector.core.documents.flow_machine import resume
from connector.core.documents.flow_trials import Talk, passing, said_of, talk_of
from connector.core.flow_state import Move
from connector.errors import GiveUp

MOST = 200  # things the customer does in one conversation
LONGEST = 4096  # characters of one message, WhatsApp's own limit
BEGIN, BACK = "begin", "give_back"  # what is no message: it is started; a person gives the conversation back
FILES = ("image", "audio", "document")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the phone. `who`: customer, flow, or note (what the CRM and people get of it)."""

    who: str
    text: str = ""
    kind: str = ""  # of a customer's: tap text media location contact time ...; of a note: the change's
    message: Mapping[str, Any] = field(default_factory=dict)  # a neutral message of ours
    template: str = ""
    step: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """The conversation so far, and what may come next."""

    said: tuple[Said, ...]
    lines: tuple[Line, ...]
    walked: tuple[str, ...]  # steps, in order
    step: str = ""  # that waits
    waits: str = ""  # answer time person; "" = it has not begun, or has ended
    end: str = ""
    because: str = ""
    stray: str = ""  # why it has not begun
    taps: tuple[tuple[str, str], ...] = ()  # (id, label) of what may be tapped now
    wants: str = ""  # choice text media location form contact anything; "" = nothing
    later: str = ""  # what to say for the time until the next timer: "2 hours pass"
    starters: tuple[str, ...] = ()  # words that begin it


def play(
    document: FlowDocument, said: Sequence[Said], options: Mapping[str, Any], given: Mapping[str, Any] | None = None
) -> Played:
    """Everything that was said, in order. Never raises for a document that `read` returned."""
    talk = talk_of(document, given or {}, options)
    lines: list[Line] = []
    if not document.starts:
        talk.open()
        lines += _moved(talk.moves)
    kept = tuple(said[:MOST])
    for one in kept:
        before = len(talk.moves)
        lines.append(_customer(talk, one))
        _hear(talk, one)
        lines += _moved(talk.moves[before:])
    return _played(document, talk, kept, lines)


def _hear(talk: Talk, said: Said) -> None:
    kind = next(iter(said)) if isinstance(said, Mapping) else ""
    if kind == BEGIN:
        if not talk.started:  # as somebody who has written today
            talk.contact = replace(talk.contact, last_inbound_at=talk.now)
            talk.open()
    elif kind == BACK:
        if talk.state is not None and talk.state.waits == "person":
            talk._took(resume(talk.document, talk.state, talk.contact, talk.now, talk.setting))
    else:
        talk.hear(said)


def _played(document: FlowDocument, talk: Talk, said: tuple[Said, ...], lines: list[Line]) -> Played:
    state, last = talk.state, talk.moves[-1] if talk.moves else None
    step = document.steps.get(state.step) if state is not None else None
    answer = step.answer if step is not None and state is not None and state.waits == "answer" else None
    until = state.wake_at - talk.now if state is not None and state.wake_at is not None else None
    return Played(
        said=said, lines=tuple(lines), walked=tuple(name for move in talk.moves for name in move.walked),
        step=state.step if state is not None else "", waits=state.waits if state is not None else "",
        end=last.end if last is not None and state is None else "", because=last.because if last is not None else "",
        stray="" if talk.started else talk.stray, later=_pass(until) if until is not None else "",
        taps=tuple((i, answer.titles.get(i, i)) for i in answer.ids) if answer is not None else (),
        wants=answer.wants if answer is not None else "",
        starters=() if talk.started else tuple(dict.fromkeys(w for s in document.starts for w in (*s.says, *s.ids))),
    )  # fmt: skip


def _pass(time: timedelta) -> str:
    minutes = max(1, math.ceil(time.total_seconds() / 60))
    for unit, size in (("day", 1440), ("hour", 60)):
        if minutes % size == 0:
            n = minutes // size
            return f"{n} {unit}{'s pass' if n != 1 else ' passes'}"
    return f"{minutes} minute{'s pass' if minutes != 1 else ' passes'}"


# ---- lines -------------------------------------------------------------------------------------------------------
def _customer(talk: Talk, said: Said) -> Line:
    """What the customer did, as their phone shows it."""
    kind, what = next(iter(said.items())) if isinstance(said, Mapping) else ("", said)
    if passing(said) is not None:
        return Line(who="customer", kind="time", text=str(said))
    state = talk.state
    step = talk.document.steps.get(state.step) if state is not None else None
    answer = step.answer if step is not None else None
    if kind in ("", "tap") and answer is not None and (found := answer.labels.get(fold(shown(what)))):
        return Line(who="customer", kind="tap", text=answer.titles.get(found, found))
    return Line(who="customer", kind=kind or "text", text=shown(what) if not isinstance(what, Mapping) else "")


def _moved(moves: Sequence[Move]) -> Iterator[Line]:
    for move in moves:
        step = move.walked[-1] if move.walked else ""
        for change in move.changes:
            yield _line(change, step)


def _line(change: Change, step: str) -> Line:
    if isinstance(change, SendMessage):
        return Line(who="flow", message=change.message, step=change.awaits.rpartition(".")[2] or step)
    if isinstance(change, SendTemplate):
        return Line(who="flow", template=change.template, step=change.awaits.rpartition(".")[2] or step)
    return Line(who="note", kind=change.kind, text=_told(change), step=step)


def _told(change: Change) -> str:
    if isinstance(change, SetField):
        return f"{change.field}: {shown(change.value) if change.value is not None else '–'}"
    if isinstance(change, CreateTask):
        return change.title
    if isinstance(change, Handoff | LogActivity | Ask):
        return change.text
    if isinstance(change, Notify):
        return change.webhook
    if isinstance(change, StartFlow):
        return change.flow
    return f"{change.category}: {change.state}" if isinstance(change, SetConsent) else ""


# ---- a test of it ------------------------------------------------------------------------------------------------
def with_test(
    document: FlowDocument, said: Sequence[Said], options: Mapping[str, Any], given: Mapping[str, Any] | None = None
) -> str:
    """The text with this conversation as one more test, which it passes. Raises GiveUp where it can be none."""
    if not said:
        raise GiveUp("Nothing was said yet.", hint="Let the customer say something first.", code="edit")
    if any(isinstance(one, Mapping) and next(iter(one)) in (BEGIN, BACK) for one in said):
        why = "A test has only what a customer does: it was started, or given back, by hand."
        raise GiveUp(why, hint="Begin with one of its words.", code="edit")
    talk = talk_of(document, given or {}, options)
    if not document.starts:
        talk.open()
    for one in said:
        talk.hear(one)
    if not talk.started:
        raise GiveUp(f"The conversation never began: {talk.stray}", hint="Begin with one of its words.", code="edit")
    say = [_written(document, one) for one in said]
    return add_test(document.text, _name(document, said), dict(given or {}), _expected(talk), say)


def _written(document: FlowDocument, said: Said) -> Said:
    """A tap as its id: in a test the plain word is a tap where the question has such a button."""
    if isinstance(said, Mapping) and set(said) == {"tap"}:
        return str(said["tap"])
    if isinstance(said, Mapping) and set(said) == {"text"}:
        text = str(said["text"])
        known = any(fold(text) in s.answer.labels for s in document.steps.values() if s.answer is not None)
        return said if known or passing(text) is not None or not text.strip() else text
    return said


def _expected(talk: Talk) -> dict[str, str]:
    """Where it stands, and what it set."""
    found = {"end": said_of("end", talk)} if talk.state is None else {"step": talk.state.step}
    for name in dict.fromkeys(c.field for c in talk.changes if isinstance(c, SetField) and c.record is None):
        value = said_of(f"field.{name}", talk)
        if value and "\n" not in value and len(value) <= 200:
            found[name if name in _plain(talk.document) else f"field.{name}"] = value
    return found


def _plain(document: FlowDocument) -> set[str]:
    """Fields that `expect` may name without `field.`"""
    words = {
        "end",
        "step",
        "reply",
        "said",
        "task",
        "handoff",
        "start",
        "notify",
        "log",
        "template",
        "because",
        "review",
    }
    return {rule.field for step in document.steps.values() for rule in step.rules if not rule.word} - words


def _name(document: FlowDocument, said: Sequence[Said]) -> str:
    """What was said, short; with a number where a test is called so already."""
    parts = [str(next(iter(one.values())) or next(iter(one))) if isinstance(one, Mapping) else one for one in said]
    base = " ".join(", ".join(parts).split())[:70].strip(" ,") or "a conversation"
    taken = {test.name for test in document.tests}
    return next(name for n in range(len(taken) + 2) if (name := base if not n else f"{base} ({n + 1})") not in taken)
