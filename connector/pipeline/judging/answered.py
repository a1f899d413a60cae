"""Which message of ours does this one answer? Its context first, then the last one that awaits an answer."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from connector.core.contact import Answered
from connector.core.events import InboundMessage

SKEW = timedelta(minutes=2)  # Meta's clock against that of the tool that sent the message
Waiting = Mapping[str, Sequence[tuple[Answered, str | None]]]


def match(
    event: InboundMessage,
    event_id: str,
    lane: str,
    known: Mapping[str, tuple[str | None, Answered]],
    waiting: Waiting,
    awaited: frozenset[str],
    taken: Mapping[str, str],
    received_at: datetime,
) -> Answered | None:
    """The message answered: by `context`; else the newest to this contact that a document awaits, not answered yet.

    `known`: {wamid: (lane, message)}; `waiting`: {lane: [(message, answering event)]}, newest first;
    `awaited`: the templates and steps live documents name; `taken`: {send: event} answered earlier in this batch."""
    if event.context_id and event.context_id in known:
        return known[event.context_id][1]
    candidates = _candidates(event, event_id, lane, waiting, awaited, received_at)
    for sent, answered_by in candidates:
        if answered_by == event_id:  # decided when it came: the other account, or a replay, sees the same
            return sent
    for sent, answered_by in candidates[:1]:
        if taken.get(sent.send, answered_by) is None:
            return sent
    return None


def already(
    event: InboundMessage, event_id: str, lane: str, waiting: Waiting, awaited: frozenset[str], received_at: datetime
) -> Answered | None:
    """The awaited message that an earlier reply answered, when that is why this one answers nothing."""
    return next((sent for sent, _ in _candidates(event, event_id, lane, waiting, awaited, received_at)), None)


def _candidates(
    event: InboundMessage, event_id: str, lane: str, waiting: Waiting, awaited: frozenset[str], received_at: datetime
) -> list[tuple[Answered, str | None]]:
    """Awaited messages to this contact sent before the reply, newest first; never what the reply itself led to, which
    is there already when another CRM account judges it later."""
    at = event.at or received_at
    return [
        (sent, by)
        for sent, by in waiting.get(lane, ())
        if sent.event != event_id and sent.at <= at + SKEW and (sent.awaited or {sent.template, sent.step} & awaited)
    ]


def records(known: Mapping[str, tuple[str | None, Answered]], waiting: Waiting) -> set[str]:
    """The ids of the records whose events sent any of these messages."""
    told = [sent for _, sent in known.values()] + [sent for some in waiting.values() for sent, _ in some]
    return {sent.record.id for sent in told if sent.record}


def with_button_ids(event: InboundMessage, answered: Answered | None) -> InboundMessage:
    """Where the send set no payload Meta returns the label: the send's own table turns it back into the id."""
    if answered is None or not answered.buttons or event.type != "button":
        return event
    given = str(event.answer.get("id", ""))
    if given in answered.buttons.values() or given not in answered.buttons:
        return event
    return replace(event, answer={**event.answer, "id": answered.buttons[given]})
