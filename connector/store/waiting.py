"""Sends that wait: who has had what, whose time has come, and how a second look moves them on."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store import totals
from connector.store.bulk import in_chunks
from connector.store.sending import ENDED
from connector.store.tables import accounts, events, in_state, sends

_T = sends.c
# What never left does not count for `at_most`.
NEVER_LEFT = ("refused", "expired", "cancelled")
REPLACED = "sent_again_as_another"  # the label of one that failed and that a person had sent anew
# What a second look may change of a send.
MOVED = (
    "state", "code", "reason", "who", "next_at", "ended_at", "tell", "template", "language", "category", "body",
    "buttons", "context", "to", "account", "number", "version", "give_up_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Number:
    """One number of ours that can send."""

    name: str  # of its account
    account: str
    number: str  # phone_number_id


def senders(conn: sa.Connection) -> list[Number]:
    """Every WhatsApp account's number, by the account's name."""
    query = sa.select(accounts.c.id, accounts.c.name, accounts.c.settings).where(accounts.c.kind == "whatsapp")
    return [
        Number(row.name, row.id, str(row.settings.get("phone_number_id") or row.settings.get("phone-number-id") or ""))
        for row in conn.execute(query.order_by(accounts.c.name))
    ]


def starts(
    conn: sa.Connection, lanes: Sequence[str], documents: Sequence[str]
) -> dict[tuple[str, str], list[tuple[datetime, str]]]:
    """{(contact, document): [(when, send)]} of messages that left or are about to, newest first."""
    found: dict[tuple[str, str], list[tuple[datetime, str]]] = defaultdict(list)
    for chunk in in_chunks(list(lanes)):
        mine = sa.and_(_T.lane.in_(chunk), _T.document.in_(documents), _T.state.not_in([*NEVER_LEFT, "waiting"]))
        mine = sa.and_(mine, ~sa.and_(_T.state == "failed", _T.label == REPLACED))
        for row in conn.execute(sa.select(_T.lane, _T.document, _T.id, _T.at, _T.next_at, _T.started_at).where(mine)):
            found[row.lane, row.document].append((row.started_at or row.next_at or row.at, row.id))
    for some in found.values():
        some.sort(reverse=True)
    return dict(found)


def due(conn: sa.Connection, crm: str, now: datetime, limit: int) -> Sequence[sa.Row[Any]]:
    """Waiting sends of one CRM account whose time has come, each with the event that caused it."""
    query = sa.select(sends, events.c.kind, events.c.payload).join(events, events.c.id == _T.event)
    query = query.where(in_state(sends, "waiting"), _T.crm == crm, _T.next_at <= now)
    return conn.execute(query.order_by(_T.next_at).limit(limit)).all()


def move(conn: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Compare-and-set waiting -> the row's state, with what a second look found; the ids that still waited."""
    moved: set[str] = set()
    for row in rows:
        values = {name: row[name] for name in MOVED if name in row}
        mine = sa.and_(_T.id == row["id"], _T.state == "waiting")
        if conn.execute(sa.update(sends).where(mine).values(values)).rowcount == 1:
            moved.add(row["id"])
            if row.get("state") in ENDED:
                totals.note(conn, totals.ENDED, row["state"])
                totals.note(conn, totals.REFUSALS, "send", row.get("code") or row["state"])
    return moved
