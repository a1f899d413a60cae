"""What a document says back: a `reply:`, or a flow's step, becomes a message of ours, ahead of all that was planned."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connector.core import message
from connector.core.changes import Change, SendMessage
from connector.core.contact import Contact
from connector.core.events import InboundMessage
from connector.ids import new_id
from connector.store.plans import Work

Place = tuple[str, str, str]  # cause, WhatsApp account, number
FIRST = 0  # priority: a person waits


def rows(
    work: Work, event: InboundMessage, changes: Sequence[Change | None], documents: Mapping[int, tuple[str, int]],
    person: Contact, now: datetime, talks: Mapping[int, Place] | None = None,
) -> dict[int, dict[str, Any]]:  # fmt: skip
    """{ordinal: the send of that change}; `documents` {ordinal: (name, version)}. One cause per message of an event:
    never twice, also where it is judged again after a restore and a field needs no writing any more.

    `talks`: what conversations say goes out from their own number, under a cause of their own."""
    said = {n: change for n, change in enumerate(changes) if isinstance(change, SendMessage) and _says(change)}
    rows = {
        n: _row(work, event, k, change, documents.get(n, ("", 0)), person, now)
        for k, (n, change) in enumerate(said.items())
    }
    for n, (cause, account, number) in (talks or {}).items():
        if n in rows:
            rows[n] |= {"cause": cause, "account": account, "number": number}
    return rows


def _row(
    work: Work, event: InboundMessage, k: int, change: SendMessage, document: tuple[str, int], person: Contact,
    now: datetime,
) -> dict[str, Any]:  # fmt: skip
    said = _fitting(change)
    faults = message.check(said)
    return {
        "id": new_id(), "cause": f"reply:{work.event}:{work.account}:{k}", "event": work.event,
        "account": work.source, "crm": work.account, "lane": work.lane, "number": event.number,
        "document": document[0], "version": document[1], "step": change.awaits, "category": "service",
        "priority": FIRST, "to": f"+{person.wa_id}" if person.wa_id else "", "user_id": person.user_id,
        "body": {"message": said}, "at": now, **(_refused(faults[0], now) if faults else _ready(now)),
    }  # fmt: skip


def _says(change: SendMessage) -> bool:
    """A text that came out empty says nothing, and is not sent."""
    return bool(change.body or change.text.strip())


def _fitting(change: SendMessage) -> dict[str, Any]:
    """A text is cut to what WhatsApp takes; of what may be tapped nothing can be left out."""
    said = dict(change.message)
    if said.get("type") == "text" and isinstance(said.get("text"), str):
        said["text"] = said["text"][: message.LIMITS["text"].most]
    return said


def _ready(now: datetime) -> dict[str, Any]:
    return {"state": "ready", "next_at": now, "code": "", "reason": "", "who": "", "ended_at": None, "tell": 0}


def _refused(fault: message.Fault, now: datetime) -> dict[str, Any]:
    """What WhatsApp would refuse is refused here, and never leaves; a conversation that waits for its answer hears."""
    ended = {"state": "refused", "next_at": None, "ended_at": now, "tell": 1}
    return ended | {"code": "parameter", "reason": str(fault), "who": "you"}
