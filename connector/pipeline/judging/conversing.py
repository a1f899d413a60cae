"""Conversations around the handler: what is read before events are judged, and what is stored with their plans."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from connector.core.contact import Setting
from connector.pipeline.documents.library import Library, Shelf
from connector.pipeline.judging.judged import Judged
from connector.pipeline.talks import flow_steps, voice
from connector.pipeline.talks.talk import of_row
from connector.pipeline.talks.talks import Talks
from connector.ports import Account
from connector.store import contacts, conversations, holds, options, sends, windows

Json = dict[str, Any]


def load(conn: Any, account: Account, shelf: Shelf, library: Library, lanes: Sequence[str], now: datetime) -> Talks:
    """What these contacts talk about, who is held by a person, and when they last wrote to which number."""
    hours = options.get(conn).handoff_hours
    return Talks(
        account.id, shelf, library.flow, now,
        running={lane: of_row(row) for lane, row in conversations.running(conn, lanes).items()},
        held=holds.load(conn, lanes, now),
        heard=windows.load(conn, lanes) if shelf.flows else {},
        rest=timedelta(hours=hours) if hours else None,
    )  # fmt: skip


def store(
    conn: Any, talks: Talks | None, judged: Sequence[Judged], account: Account, setting: Setting, now: datetime
) -> list[Json]:
    """In the transaction of the plans: moves (raises Moved), holds, and all that is said, in its order; its sends."""
    out = [str(row["contact"]) for j in judged for row in j.consents(now) if row["state"] == "opted_out"]
    contacts.lock(conn, out)  # as an opt-out does: contacts first, then their conversations
    if talks is not None:
        conversations.save(conn, talks.writes)
        holds.put(conn, talks.handed.values())
    said = [(n, k, row) for n, j in enumerate(judged) for k, row in j.said.items()]
    steps = [step for j in judged for step in j.steps]
    made = dict(zip((s.id for s in steps), flow_steps.rows(conn, steps, account, setting, now), strict=True))
    sent = [(n, s.ordinal, made[s.id]) for n, j in enumerate(judged) for s in j.steps]
    rows = voice.in_order([*said, *sent])
    sends.in_turn(conn, rows)
    sends.add(conn, [row for row in rows if row["id"] not in made])
    sends.add(conn, [row for row in rows if row["id"] in made])
    return rows


def numbers(rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """The numbers that have something to say now."""
    return {str(row["number"]) for row in rows if row["state"] == "ready"}
