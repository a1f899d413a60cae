"""Contacts for a person to look through: by who wrote last, or by what is typed; and all that is known of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from connector.core.contact import Contact
from connector.store import contacts as people
from connector.store import search
from connector.store.among import among
from connector.store.cursors import LARGEST, Cursor, read
from connector.store.tables import consents, contact_keys, contacts, crm_links, to_ms

FACTS = 200  # consent facts of one person
_T = contacts.c
_MS = sa.type_coerce(_T.last_inbound_at, sa.BigInteger)


@dataclass(frozen=True, slots=True)
class Found:
    """One page of contacts, with their CRM links by contact, and the cursor of the next ("" = there is none)."""

    people: list[Contact]
    links: Mapping[str, list[Any]]
    older: str


@dataclass(frozen=True, slots=True)
class Known:
    """One person: the contact that goes on, every key, link and consent fact, and who was merged into it."""

    contact: Contact
    created_at: Any
    keys: Sequence[Any]  # kind, value, at
    links: Sequence[Any]  # account, object, record_id, found_by, at
    consents: Sequence[Any]  # category, state, how, at, evidence, event: newest first, at most FACTS
    lanes: list[str]  # its own id and those of whom it took over


def page(conn: sa.Connection, typed: str = "", before: str = "", limit: int = 50) -> Found:
    """Who wrote last comes first, who never wrote last; of what is typed at most `search.MOST`, on one page."""
    if typed.strip():
        ids = search.people(conn, typed)
        found = people.load(conn, ids)
        ordered = sorted(found.values(), key=lambda c: (to_ms(c.last_inbound_at) if c.last_inbound_at else -1, c.id))
        return Found(ordered[::-1], links(conn, ids), "")
    rows = _rows(conn, read(before), limit + 1)
    ids = [row.id for row in rows[:limit]]
    loaded = people.load(conn, ids)
    older = ""
    if len(rows) > limit:
        last = rows[limit - 1]
        older = Cursor(_number(last.last_inbound_at), last.id).text()
    return Found([loaded[id_] for id_ in ids], links(conn, ids), older)


def _number(at: Any) -> int:
    return -LARGEST if at is None else to_ms(at)


def _rows(conn: sa.Connection, cursor: Cursor, size: int) -> list[Any]:
    """Two walks of one index, as the databases do not agree where a null stands."""
    query = sa.select(_T.id, _T.last_inbound_at).where(_T.merged_into.is_(None))
    rows: list[Any] = []
    if cursor.seq > -LARGEST:
        place = sa.tuple_(_MS, _T.id) < sa.tuple_(sa.literal(cursor.seq, sa.BigInteger), sa.literal(cursor.id))
        wrote = query.where(_T.last_inbound_at.is_not(None), place)
        rows += conn.execute(wrote.order_by(_T.last_inbound_at.desc(), _T.id.desc()).limit(size))
    if len(rows) < size:
        silent = query.where(_T.last_inbound_at.is_(None))
        silent = silent.where(_T.id < cursor.id) if cursor.seq == -LARGEST else silent
        rows += conn.execute(silent.order_by(_T.last_inbound_at.desc(), _T.id.desc()).limit(size - len(rows)))
    return rows


def links(conn: sa.Connection, ids: Sequence[str]) -> dict[str, list[Any]]:
    """{contact: (account, object, record_id, found_by, at) of each CRM record}."""
    t, found = crm_links.c, dict[str, list[Any]]()
    query = sa.select(t.contact, t.account, t.object, t.record_id, t.found_by, t.at)
    for row in conn.execute(query.where(among(conn, t.contact, ids)).order_by(t.account)) if ids else ():
        found.setdefault(row.contact, []).append(row)
    return found


def one(conn: sa.Connection, id: str) -> Known | None:
    """All that is known of one person; a contact that was merged away leads to who goes on."""
    going = people.heirs(conn, [id]).get(id, id)
    contact = people.load(conn, [going]).get(going)
    if contact is None:
        return None
    lanes = search.lanes(conn, [going])
    k, c = contact_keys.c, consents.c
    keys = conn.execute(sa.select(k.kind, k.value, k.at).where(k.contact == going).order_by(k.at, k.kind, k.value))
    facts = sa.select(c.category, c.state, c.how, c.at, c.evidence, c.event).where(c.contact == going)
    history = conn.execute(facts.order_by(c.at.desc(), c.seq.desc()).limit(FACTS)).all()
    made = conn.execute(sa.select(_T.created_at).where(_T.id == going)).scalar()
    return Known(contact, made, keys.all(), links(conn, [going]).get(going, []), history, lanes)
