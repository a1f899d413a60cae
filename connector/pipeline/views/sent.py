"""Sends as a person reads them: to whom, what, how it stands, why, and who can mend it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.core import message
from connector.core.contact import Contact
from connector.pipeline.views.activity import Who, face, given, short
from connector.store import facts, figures, send_lists
from connector.store.send_lists import GROUPS

_GROUP = {state: group for group, states in GROUPS.items() for state in states}


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """One message of ours."""

    id: str
    at: datetime
    group: str  # waiting unknown sent delivered read failed refused expired cancelled
    state: str  # the state itself: ready, in_flight, accepted ... too
    who: Who
    to: str  # E.164, or a user id
    document: str
    version: int
    template: str
    language: str
    category: str
    step: str
    number: str  # phone_number_id
    account: str  # the WhatsApp account's name
    label: str
    code: str
    reason: str  # in plain words, "" = nothing to say
    mend: str  # who can mend it: you Meta CRM customer, "" = nobody, or nothing to mend
    next_at: datetime | None  # until when it waits
    started_at: datetime | None
    ended_at: datetime | None
    attempts: int
    event: str  # what caused it, "" = another tool
    answered_by: str  # the event that answered it
    text: str  # the beginning of what it says, where it is free text


@dataclass(frozen=True, slots=True)
class Sends:
    """One page, as `activity.Lines`."""

    rows: list[Send]
    older: str
    looked_back_to: datetime | None


def sends(
    conn: Any,
    names: Mapping[str, str],
    now: datetime,
    *,
    group: str | None = None,
    document: str | None = None,
    number: str | None = None,
    template: str | None = None,
    code: str | None = None,
    query: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> Sends:
    """One page, newest first. `group` is one of send_lists.GROUPS, `before` a page's `older`."""
    wanted = send_lists.Wanted(
        group=given(group), document=given(document), number=given(number), template=given(template), code=given(code),
        typed=query or "",
    )  # fmt: skip
    found = send_lists.page(conn, wanted, now, before or "", limit)
    return Sends(shape(conn, found.rows, names), found.older, found.looked_back_to)


def shape(conn: Any, rows: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> list[Send]:
    """The lines of these rows."""
    people = facts.faces(conn, {row["lane"] for row in rows if row["lane"]})
    said = send_lists.bodies(conn, [row["id"] for row in rows if not row["template"]])
    return [_send(row, people.get(row["lane"] or ""), said.get(row["id"]), names) for row in rows]


def _send(row: Mapping[str, Any], person: Contact | None, body: Any, names: Mapping[str, str]) -> Send:
    same = ("id", "at", "state", "document", "version", "template", "language", "category", "step", "number", "label",
            "code", "next_at", "started_at", "ended_at", "attempts")  # fmt: skip
    return Send(
        **{name: row[name] for name in same}, group=_GROUP.get(row["state"], row["state"]), who=face(person),
        to=row["to"] or row["user_id"] or "", account=names.get(row["account"], ""), reason=short(row["reason"], 300),
        mend=row["who"], event=row["event"] or "", answered_by=row["answered_by"] or "",
        text=short(message.said(body)),
    )  # fmt: skip


def summary(conn: Any, now: datetime) -> dict[str, Mapping[str, int]]:
    """{"now": {waiting, ready, in_flight, unknown: n}, "week": {group: n of the last 7 days, as last counted}}."""
    return {"now": send_lists.counts(conn), "week": figures.sends_of_days(conn, now)}
