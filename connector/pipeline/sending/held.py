"""Sends held back and let go by a person: all of them, one number's, one document's; for console and command line."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connector.pipeline.documents.drift import PARKED
from connector.store import findings, holding, parks, waiting

SCOPES = ("number", "document")
LONG = timedelta(days=3650)  # what rests for longer rests until a person lets it go on


@dataclass(frozen=True, slots=True)
class Held:
    """One thing whose messages are held back now."""

    scope: str  # account number template document
    key: str
    name: str  # as a person calls it
    reason: str
    until: datetime | None  # None = until a person lets it go on


def pause(conn: Any, scope: str, key: str, reason: str, now: datetime) -> None:
    """Nothing of this number or document is sent until it is resumed."""
    holding.pause(conn, scope, key, reason, now)


def resume(conn: Any, scope: str, key: str, now: datetime) -> bool:
    """It goes on, and what waited for it is looked at now. False when it did not rest."""
    rested = holding.resume(conn, scope, key, now)
    findings.clear(conn, PARKED, [key])
    return rested


def everything(conn: Any) -> list[str]:
    """Every number of ours: what `all` means."""
    return [sender.number for sender in waiting.senders(conn) if sender.number]


def listing(conn: Any, names: Mapping[str, str], now: datetime) -> list[Held]:
    """All that holds messages back now; `names` are the accounts' names by id."""
    senders = waiting.senders(conn)
    numbers, ours = {one.number: one.name for one in senders}, {one.account for one in senders}
    found = []
    for row in parks.all_of(conn, ("account", "document", "number", "template"), now):
        called = {"number": numbers.get(row.key), "account": names.get(row.key), "template": row.key.partition(":")[2]}
        if row.scope == "account" and row.key not in ours:
            continue  # a CRM that rests is told of in Health
        until = None if row.until > now + LONG else row.until
        found.append(Held(row.scope, row.key, called.get(row.scope) or row.key, row.reason, until))
    return found
