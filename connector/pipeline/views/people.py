"""Contacts as a person reads them: keys, consent, the open window, and one person's timeline."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.core.contact import Contact
from connector.core.window import is_open, window_open_until
from connector.pipeline.views import activity, sent
from connector.pipeline.views.activity import Line, Who, face
from connector.pipeline.views.sent import Send
from connector.store import people_lists, states, timeline
from connector.store.holding import explained

OLD = {"old_wa_id": "former number", "old_bsuid": "former user id"}


@dataclass(frozen=True, slots=True)
class Link:
    """One CRM record of a person."""

    account: str  # the account's name
    account_id: str
    object: str
    record: str
    found_by: str  # id whatsapp phone email created
    at: datetime


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a person: wa_id bsuid phone email, old_wa_id old_bsuid."""

    kind: str
    value: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Consent:
    """One consent fact, with what proves it."""

    category: str
    state: str  # opted_in opted_out
    how: str  # stop_word user_preferences mapping ...
    at: datetime
    evidence: str
    event: str  # the vendor's id of the event, "" = none


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One line of the list."""

    who: Who
    last_inbound_at: datetime | None
    open_until: datetime | None  # free text may be sent until then; None = the window is closed
    consents: Mapping[str, str]  # category -> opted_in | opted_out, as it stands
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class People:
    """One page; `older` is the cursor of the next, "" = there is none."""

    rows: list[Person]
    older: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Known(Person):
    """One person with all that is known. `who.id` may differ from the id asked for: that one was merged into it."""

    created_at: datetime
    keys: tuple[Key, ...]
    history: tuple[Consent, ...]  # newest first, at most people_lists.FACTS
    merged: tuple[str, ...]  # contacts that became this one


@dataclass(frozen=True, slots=True)
class Timeline:
    """One page, newest first: lines of events and sends in one order."""

    rows: list[Line | Send]
    older: str


def contacts(
    conn: Any,
    names: Mapping[str, str],
    now: datetime,
    *,
    query: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> People:
    """One page by who wrote last; of what is typed at most 50 on one page, `older` "" then."""
    found = people_lists.page(conn, query or "", before or "", limit)
    return People([Person(**_parts(c, found.links.get(c.id, ()), names, now)) for c in found.people], found.older)


def contact(conn: Any, names: Mapping[str, str], now: datetime, id: str) -> Known | None:
    """One person; None when nobody has this id."""
    known = people_lists.one(conn, activity.given(id))
    if known is None:
        return None
    return Known(
        **_parts(known.contact, known.links, names, now),
        created_at=known.created_at,
        keys=tuple(Key(row.kind, row.value, row.at) for row in known.keys),
        history=tuple(
            Consent(row.category, row.state, row.how, row.at, activity.short(row.evidence, 500), row.event or "")
            for row in known.consents
        ),
        merged=tuple(lane for lane in known.lanes if lane != known.contact.id),
    )


def timeline_of(
    conn: Any, names: Mapping[str, str], now: datetime, id: str, *, before: str | None = None, limit: int = 50
) -> Timeline:
    """What this person wrote, got, and what happened to their records; empty when nobody has this id."""
    known = people_lists.one(conn, activity.given(id))
    if known is None:
        return Timeline([], "")
    records = [(link.account, link.object, link.record_id) for link in known.links]
    found = timeline.page(conn, known.lanes, records, before or "", limit)
    words = states.words(conn, {row.id: row.state for row in found.events})
    lines = {line.id: line for line in activity.shape(conn, found.events, words, names, now)}
    messages = {line.id: line for line in sent.shape(conn, explained(conn, found.sends, now), names)}
    return Timeline([lines[id_] if kind == "event" else messages[id_] for kind, id_ in found.order], found.older)


def _parts(person: Contact, links: Any, names: Mapping[str, str], now: datetime) -> dict[str, Any]:
    last = person.last_inbound_at
    return {
        "who": face(person), "last_inbound_at": last,
        "open_until": window_open_until(last) if last is not None and is_open(last, now) else None,
        "consents": person.consents,
        "links": tuple(
            Link(names[row.account], row.account, row.object, row.record_id, row.found_by, row.at)
            for row in links if row.account in names
        ),
    }  # fmt: skip
