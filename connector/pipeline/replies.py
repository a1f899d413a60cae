"""What a mapping says back: its `reply:` becomes a message of ours, ahead of everything that was planned."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connector.core.changes import Change, SendMessage
from connector.core.contact import Contact
from connector.core.events import InboundMessage
from connector.ids import new_id
from connector.store.plans import Work

LONGEST = 4096  # characters of a text message; Graph docs, text messages, checked 2026-11
FIRST = 0  # priority: a person waits


def rows(
    work: Work, event: InboundMessage, changes: Sequence[Change], documents: Mapping[int, tuple[str, int]],
    person: Contact, now: datetime,
) -> dict[int, dict[str, Any]]:  # fmt: skip
    """{ordinal: the send of that change}; `documents` {ordinal: (name, version)}. One cause per change: never twice."""
    said = {n: change for n, change in enumerate(changes) if isinstance(change, SendMessage) and change.text.strip()}
    return {n: _row(work, event, n, change, documents.get(n, ("", 0)), person, now) for n, change in said.items()}


def _row(
    work: Work, event: InboundMessage, n: int, change: SendMessage, document: tuple[str, int], person: Contact,
    now: datetime,
) -> dict[str, Any]:  # fmt: skip
    text = {"body": change.text[:LONGEST], "preview_url": False}
    return {
        "id": new_id(), "cause": f"reply:{work.event}:{work.account}:{n}", "event": work.event,
        "account": work.source, "crm": work.account, "lane": work.lane, "number": event.number,
        "document": document[0], "version": document[1], "step": change.awaits, "category": "service",
        "priority": FIRST, "to": f"+{person.wa_id}" if person.wa_id else "", "user_id": person.user_id,
        "body": {"type": "text", "text": text}, "state": "ready", "next_at": now, "at": now,
    }  # fmt: skip
