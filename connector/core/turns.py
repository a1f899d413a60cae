"""Whose is a message: the conversation that runs, a mapping, or a flow that begins. One rule, in plain words. Pure."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.core import consent
from connector.core.contact import Answered, Contact, Setting
from connector.core.documents import FlowDocument
from connector.core.documents.words import Scope
from connector.core.events import SILENT_TYPES, InboundMessage

SKEW = timedelta(minutes=2)  # Meta's clock against ours
ADVANCE, BEGIN, NOBODY = "advance", "begin", ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The conversation of this contact; `since` its step waits."""

    flow: str
    step: str
    number: str
    since: datetime | None
    theirs: bool = False  # it is of another CRM account


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A live flow that this message would start, and that may interrupt the one that runs."""

    flow: str
    priority: int
    because: str


@dataclass(frozen=True, slots=True)
class Turn:
    """What a message does to conversations: advance the one that runs, begin `flow`, or nothing; and why."""

    does: str
    flow: str
    because: str


def whose(
    event: InboundMessage, running: Running | None, starts: Sequence[Start], told: Answered | None, *,
    bound: bool, named: AbstractSet[str], held: str = "",
) -> Turn:  # fmt: skip
    """The first that holds: a STOP word, a person who talks with them, a flow of higher priority, an answer to another
    message of ours, the conversation that runs, a flow's starting word.

    `bound`: the message itself says which one it answers (`told`; its `by` is another event that answered it before);
    `named`: templates and steps that mappings wait for; `held`: why automation is silent."""
    if event.type in SILENT_TYPES or event.group_id:
        what = "a message in a group" if event.group_id else f"a message of type {event.type}"
        return Turn(NOBODY, "", f"{what} is no answer")
    if event.type in ("text", "button") and consent.stop_word(event.text) == "opted_out":
        return Turn(NOBODY, "", "the person wrote STOP: nothing is said")
    if held:
        return Turn(NOBODY, "", held)
    first = min(starts, key=lambda s: (-s.priority, s.flow), default=None)
    if running is None:
        return Turn(BEGIN, first.flow, first.because) if first else Turn(NOBODY, "", "")
    if first is not None and not running.theirs:
        return Turn(BEGIN, first.flow, first.because)
    other = _is_another(event, running, told, bound=bound, named=named)
    if other:
        return Turn(NOBODY, "", other)
    if running.theirs:
        return Turn(NOBODY, "", f"{running.flow} runs for another CRM account")
    return Turn(ADVANCE, running.flow, f"{running.flow} waits at {running.step or 'its step'}")


def _is_another(
    event: InboundMessage, running: Running, told: Answered | None, *, bound: bool, named: AbstractSet[str]
) -> str:
    """Why the conversation does not even look at a message; "" when it does. A tap on an old button is its affair."""
    here = f"{running.flow}.{running.step}"
    if running.number and event.number != running.number:
        return f"it came to another number; {running.flow} runs on {running.number}"
    if told is not None and told.step == here:
        if bound and told.by is not None:
            return f"{here} was answered already by an earlier message"
        return ""
    if told is not None and (told.step in named or (told.template in named and not told.step)):
        return f"it answers {told.step or told.template}, which a mapping waits for"
    if not bound and event.at is not None and running.since is not None and event.at < running.since - SKEW:
        return f"it was written before {here} was asked"
    return ""


def could_start(document: FlowDocument, event: InboundMessage, now: datetime, setting: Setting) -> bool:
    """May this message start the flow, as far as no CRM record is needed to know?"""
    person: Contact | None = None
    scope = Scope(event, person, {}, setting, now)
    return any(all(check(scope) is None for check in start.early) for start in document.starts)
