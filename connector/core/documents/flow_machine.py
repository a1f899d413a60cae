"""A conversation, one event at a time: begin, advance, and what is decided between two flows."""

from datetime import datetime

from connector.core.contact import Contact, Setting
from connector.core.documents.flow_document import FlowDocument
from connector.core.events import InboundMessage, TimerDue
from connector.core.flow_state import Move, State


def starts(
    document: FlowDocument, event: InboundMessage, contact: Contact, now: datetime, setting: Setting
) -> tuple[bool, str]:
    """Does this message start the flow? With the plain-words reason."""
    raise NotImplementedError


def outranks(document: FlowDocument, running: str, priority: int) -> tuple[bool, str]:
    """May this flow interrupt the `running` one of that priority? One conversation at a time per contact."""
    raise NotImplementedError


def begin(
    document: FlowDocument,
    setting: Setting,
    contact: Contact,
    now: datetime,
    event: InboundMessage | None = None,
    entry: str = "",
    *,
    version: int = 0,
) -> Move:
    """The first move; `entry` is a step, "" the first. `event` None: something else than a message started it."""
    raise NotImplementedError


def advance(
    document: FlowDocument,
    state: State,
    event: InboundMessage | TimerDue,
    contact: Contact,
    now: datetime,
    setting: Setting,
) -> Move:
    """The next move. Never raises for a document that `read` returned."""
    raise NotImplementedError


def resume(document: FlowDocument, state: State, contact: Contact, now: datetime, setting: Setting) -> Move:
    """A person gives the conversation back (`waits` person): it goes on behind the handoff."""
    raise NotImplementedError


def move_to(
    document: FlowDocument,
    state: State,
    contact: Contact,
    now: datetime,
    setting: Setting,
    *,
    step: str = "",
    version: int = 0,
) -> Move:
    """A running conversation moved to another version of its flow, at its step or at `step`, which is then asked."""
    raise NotImplementedError
