"""Calls of a CRM's workflow: each that names a template fires a document of its own; the others go to a person."""

from collections.abc import Mapping, Sequence

from connector.core.changes import Ask
from connector.core.events import TriggerCalled
from connector.errors import BadDocument
from connector.pipeline.documents.library import LiveSend
from connector.pipeline.preparing.called import document_of
from connector.pipeline.triggers.firing import Fired, Judged
from connector.ports import Account

WHY = "a workflow called it"


def add(judged: Sequence[Judged], account: Account, objects: Mapping[str, str]) -> None:
    """Every call that names a template fires its own document; one that names nothing we know goes to a person."""
    for one in judged:
        event = one.event
        if not isinstance(event, TriggerCalled) or one.fired or one.plans:
            continue
        try:
            document = document_of(event, account.name, objects) if event.template else None
        except BadDocument as error:
            _unknown(one, f"The workflow's call cannot be read: {error}")
            continue
        if document is not None:
            one.fired.append(Fired(LiveSend(document, 0, one.work.received_at), WHY))
        else:
            _unknown(one, f"There is no live send: document named {event.trigger!r}.")


def _unknown(one: Judged, text: str) -> None:
    one.ask = Ask(why="unknown_document", text=text)
