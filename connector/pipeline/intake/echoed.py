"""Answers that a person of ours gave from the phone app: from then on automation is silent for a while."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from connector.store import conversations, holds, options
from connector.store.contacts import Resolver

SHORTEST = 24  # hours, where a handoff has no end of its own: nobody gives an echo back


def hold(conn: Any, echoes: Sequence[Mapping[str, Any]], resolver: Resolver, now: datetime) -> None:
    """Holds these contacts ({contact, at, text}) from the time of the answer; one that is long past holds nobody."""
    rest = timedelta(hours=options.get(conn).handoff_hours or SHORTEST)
    for echo in echoes:
        until = echo["at"] + rest
        contact = resolver.final(echo["contact"]) or echo["contact"]
        if until <= now:
            continue
        holds.put(conn, [{"contact": contact, "why": "echo", "text": echo["text"], "at": echo["at"], "until": until,
                          "event": None}])  # fmt: skip
        conversations.rest(conn, contact, until)
