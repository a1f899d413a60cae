"""What the last gates before a request must know, read in the transaction of the claim."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.core.message import files
from connector.store import media, windows
from connector.store.aliases import aliases
from connector.store.among import among
from connector.store.keys import consents_of
from connector.store.once import once
from connector.store.sending import CANCELLED
from connector.store.tables import contacts, in_state, parks, send_attempts, sends, templates

PAIR_MEMORY = timedelta(seconds=45 * 6)  # older starts do not count for the limit per recipient
NO_START = ("again", "not_sent", "park")  # outcomes of requests that surely sent nothing
_T = sends.c


@dataclass(slots=True)
class Facts:
    """All that the last gates look at, read in the transaction of the claim."""

    rows: list[sa.Row[Any]] = field(default_factory=list)  # still ready, their contacts locked
    consents: dict[str, dict[str, str]] = field(
        default_factory=dict
    )  # lane -> category -> state; an alias's opt-out counts
    inbound: dict[str, datetime] = field(default_factory=dict)  # lane -> when the person last wrote
    templates: dict[tuple[str, str], sa.Row[Any]] = field(default_factory=dict)
    parks: dict[tuple[str, str], tuple[datetime, str]] = field(default_factory=dict)
    starts: dict[str, list[datetime]] = field(default_factory=dict)  # lane -> messages that may have left
    carries: dict[str, dict[str, str]] = field(default_factory=dict)  # send -> the files in it: key -> address
    files: dict[str, Any] = field(default_factory=dict)  # key of a file -> its row of media_ids, for this number


def look(conn: sa.Connection, number: str, rows: Sequence[sa.Row[Any]], now: datetime) -> Facts:
    """Locks the contacts of these rows, ids in order, and reads what the gates must know.

    An opt-out takes the same contacts before it is stored, so it is either seen here or comes after the claim. Who has
    their phones is asked once more then: somebody's first word may be STOP, and made them a contact of their own."""
    lanes = sorted({row.lane for row in rows if row.lane})
    everyone = sorted({*lanes, *_others(aliases(conn, rows))})
    written = _lock(conn, everyone)
    same = aliases(conn, rows)
    if made := sorted(_others(same) - {*everyone}):
        everyone, written = [*everyone, *made], written | _lock(conn, made)
    facts = Facts(inbound=_to_number(conn, number, written))
    facts.rows = _still_ready(conn, rows)
    facts.consents = _consents(conn, everyone)
    for lane, others in same.items():
        for other in others:
            _add_alias(facts, lane, other)
    facts.templates = _templates(conn, facts.rows)
    facts.parks = _parks(conn, facts.rows, now)
    facts.starts = _starts(conn, number, lanes, now)
    facts.carries = _carries(conn, facts.rows)
    facts.files = media.known(conn, number, sorted({key for keys in facts.carries.values() for key in keys}), now)
    return facts


def _others(same: Mapping[str, set[str]]) -> set[str]:
    return {other for others in same.values() for other in others}


def _carries(conn: sa.Connection, rows: Sequence[sa.Row[Any]]) -> dict[str, dict[str, str]]:
    """Which of our files these messages carry; templates carry none, so their bodies are not read here."""
    free = [row.id for row in rows if not row.template]
    found = conn.execute(sa.select(_T.id, _T.body).where(among(conn, _T.id, free))) if free else ()
    return {row.id: keys for row in found if (keys := files(row.body))}


def _lock(conn: sa.Connection, ids: Sequence[str]) -> dict[str, datetime]:
    """{contact: when they last wrote}; the rows stay as they are until this transaction ends."""
    return {row.id: row.last_inbound_at for row in _locked(conn, ids) if row.last_inbound_at} if ids else {}


@once
def _locked(conn: sa.Connection, ids: Sequence[str]) -> sa.Executable:
    c = contacts.c
    return sa.select(c.id, c.last_inbound_at).where(among(conn, c.id, ids)).order_by(c.id).with_for_update(read=True)


def _to_number(conn: sa.Connection, number: str, written: dict[str, datetime]) -> dict[str, datetime]:
    """The same of this number alone: the window is not open for another one they wrote to."""
    known = windows.load(conn, written)
    found = {contact: windows.last(known, contact, number, at) for contact, at in written.items()}
    return {contact: at for contact, at in found.items() if at is not None}


def _still_ready(conn: sa.Connection, rows: Sequence[sa.Row[Any]]) -> list[sa.Row[Any]]:
    """Those that nobody took, and whose contact was not merged into another while we took the locks."""
    now_ = {(row.id, row.lane) for row in _lanes(conn, [row.id for row in rows])}
    return [row for row in rows if (row.id, row.lane) in now_]


@once
def _lanes(conn: sa.Connection, ids: Sequence[str]) -> sa.Executable:
    return sa.select(_T.id, _T.lane).where(among(conn, _T.id, ids), in_state(sends, "ready"))


def _consents(conn: sa.Connection, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    found = defaultdict[str, dict[str, str]](dict)
    for row in consents_of(conn, ids) if ids else ():
        found[row.contact][row.category] = row.state
    return dict(found)


def _add_alias(facts: Facts, lane: str, other: str) -> None:
    """The same person under another key: their opt-out and their last message count too."""
    if other in facts.inbound:
        facts.inbound[lane] = max(facts.inbound.get(lane, facts.inbound[other]), facts.inbound[other])
    for category, state in facts.consents.get(other, {}).items():
        mine = facts.consents.setdefault(lane, {})
        if state == "opted_out" or category not in mine:
            mine[category] = state


def _templates(conn: sa.Connection, rows: Sequence[sa.Row[Any]]) -> dict[tuple[str, str], sa.Row[Any]]:
    names = sorted({row.template for row in rows if row.template})
    if not names:
        return {}
    t = templates.c
    query = sa.select(t.name, t.language, t.status, t.category, t.reason, t.at)
    found: Sequence[Any] = conn.execute(query.where(t.account == rows[0].account, t.name.in_(names))).all()
    return {(row.name, row.language): row for row in found}


def _parks(
    conn: sa.Connection, rows: Sequence[sa.Row[Any]], now: datetime
) -> dict[tuple[str, str], tuple[datetime, str]]:
    keys: dict[str, set[str]] = {}
    for row in rows:
        for scope, key in (*scopes(row), *marks(row)):
            keys.setdefault(scope, set()).add(key)
    if not keys:
        return {}
    p = parks.c
    holds = sa.or_(p.until > now, p.scope.startswith(CANCELLED))
    mine = sa.or_(*(sa.and_(p.scope == scope, among(conn, p.key, keys[scope])) for scope in sorted(keys)))
    found = conn.execute(sa.select(p.scope, p.key, p.until, p.reason).where(mine, holds))
    return {(row.scope, row.key): (row.until, row.reason) for row in found}


def scopes(row: Any) -> list[tuple[str, str]]:
    """What of one send can be parked, or cancelled with all the others; the parks of its number end the whole drain."""
    found = [("send", row.id), ("document", row.document), ("broadcast", row.broadcast)]
    if row.template:
        found.append(("template", f"{row.account}:{row.template}"))
    if row.lane:
        found += [("contact", row.lane), ("contact", f"{row.lane}:{row.category}")]
    return [(scope, key) for scope, key in found if key]


def marks(row: Any) -> list[tuple[str, str]]:
    """Under which marks one send is cancelled."""
    found = [*scopes(row), ("number", row.number), ("account", row.account)]
    return [(CANCELLED + scope, key) for scope, key in found]


def _starts(conn: sa.Connection, number: str, lanes: Sequence[str], now: datetime) -> dict[str, list[datetime]]:
    found = defaultdict[str, list[datetime]](list)
    for row in _started(conn, number, lanes, now - PAIR_MEMORY) if lanes else ():
        found[row.lane].append(row.started_at)
    return dict(found)


@once
def _started(conn: sa.Connection, number: str, lanes: Sequence[str], since: datetime) -> sa.Executable:
    a = send_attempts.c
    left = sa.or_(a.outcome.is_(None), a.outcome.not_in(NO_START))
    recent = sa.and_(among(conn, a.lane, lanes), a.started_at > since, a.number == number, left)
    return sa.select(a.lane, a.started_at).where(recent)
