"""Who one person is: every contact of theirs, their keys and CRM records, and the lanes their events stand in."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import sqlalchemy as sa

from connector.core.phone import spellings
from connector.core.redact import Traces
from connector.store.bulk import in_chunks
from connector.store.contacts import heirs
from connector.store.tables import contact_keys, contacts, crm_links, events, sends

PHONES = ("wa_id", "old_wa_id", "phone")
USERS = ("bsuid", "old_bsuid")


@dataclass(slots=True)
class Family:
    """One person; `root` is the contact that goes on, `links` are [account, object, record]."""

    root: str
    contacts: list[str]
    keys: list[list[str]] = field(default_factory=list)  # [kind, value]
    links: list[list[str]] = field(default_factory=list)
    lanes: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)  # what to look for: phones as digits, user ids, e-mails

    def traces(self, account: str = "") -> Traces:
        """How a body of this account names the person; "" = of any account."""
        records = {record for owner, _, record in self.links if owner == account}
        return Traces(ids=frozenset(self.ids), records=frozenset(records))

    def dump(self) -> dict[str, Any]:
        return asdict(self)


def of(conn: sa.Connection, contact: str) -> Family | None:
    """Everything that is this person's; None when there is no such contact."""
    root = heirs(conn, [contact]).get(contact, contact)
    if conn.execute(sa.select(contacts.c.id).where(contacts.c.id == root)).first() is None:
        return None
    members = _merged(conn, [root])
    members = _merged(conn, [*members, *_twins(conn, members)])
    t, c = crm_links.c, contact_keys.c
    keys = _rows(conn, sa.select(c.kind, c.value), c.contact, members)
    links = _rows(conn, sa.select(t.account, t.object, t.record_id), t.contact, members)
    lanes = [*members, *(f"record:{a}:{o}:{r}" for a, o, r in links), *_calls(conn, members)]
    return Family(root, members, sorted(keys), sorted(links), sorted(lanes), sorted(_ids(conn, members, keys)))


def _rows(conn: sa.Connection, query: sa.Select[Any], column: sa.Column[Any], ids: list[str]) -> list[list[str]]:
    rows = (row for chunk in in_chunks(ids) for row in conn.execute(query.where(column.in_(chunk)).distinct()))
    return [list(row) for row in rows]


def _merged(conn: sa.Connection, found: list[str]) -> list[str]:
    """These, and all that were ever merged into them."""
    seen, edge = list(dict.fromkeys(found)), list(found)
    while edge:
        rows = [i for chunk in in_chunks(edge) for i in
                conn.execute(sa.select(contacts.c.id).where(contacts.c.merged_into.in_(chunk))).scalars()]  # fmt: skip
        edge = [i for i in rows if i not in seen]
        seen += edge
    return seen


def _twins(conn: sa.Connection, members: list[str]) -> list[str]:
    """Contacts that are nothing but this person's phone, made for a CRM's record; of such a one, who writes from it."""
    t = contact_keys.c
    mine = conn.execute(sa.select(t.kind, t.value).where(t.contact.in_(members))).all()
    known = {s.lstrip("+") for kind, value in mine if kind in ("wa_id", "phone") for s in spellings(value)}
    spelled = sorted({*known, *(f"+{s}" for s in known)})
    if not spelled:
        return []
    kinds = ("phone",) if any(kind in ("wa_id", "bsuid") for kind, _ in mine) else ("phone", "wa_id")
    query = sa.select(t.contact).where(t.kind.in_(kinds), t.value.in_(spelled), t.contact.not_in(members))
    found = sorted(set(conn.execute(query).scalars()))
    if kinds == ("phone", "wa_id"):
        return found
    rows = conn.execute(sa.select(t.contact, t.kind, t.value).where(t.contact.in_(found))).all()
    others = {r.contact for r in rows if r.kind in ("wa_id", "bsuid") or (r.kind == "phone" and r.value not in spelled)}
    return [one for one in found if one not in others]


def _calls(conn: sa.Connection, members: list[str]) -> list[str]:
    """Lanes of calls whose messages all went to this person."""
    calls = (
        sa.select(events.c.lane, events.c.id).join(sends, sends.c.event == events.c.id)
        .where(sends.c.lane.in_(members), events.c.lane.startswith("call:")).distinct()
    )  # fmt: skip
    found = {row.id: row.lane for row in conn.execute(calls)}
    shared: set[str] = set()
    for chunk in in_chunks(sorted(found)):
        others = sa.select(sends.c.event).where(sends.c.event.in_(chunk), sends.c.lane.not_in(members))
        shared.update(conn.execute(others).scalars())
    return sorted(lane for event, lane in found.items() if event not in shared)


def _ids(conn: sa.Connection, members: list[str], keys: Iterable[list[str]]) -> set[str]:
    """What to look for everywhere. A number that somebody else writes from today is theirs, not this person's."""
    phones = {value for kind, value in keys if kind in PHONES}
    told = conn.execute(sa.select(sends.c.to).where(sends.c.lane.in_(members), sends.c.to != "").distinct())
    digits = {s.lstrip("+") for value in {*phones, *told.scalars()} for s in {value, *spellings(value)}}
    users = {value for kind, value in keys if kind in USERS}
    mails = {m for kind, value in keys if kind == "email" for m in (value, value.lower())}
    t = contact_keys.c
    taken: set[str] = set()
    for chunk in in_chunks(sorted(digits | users)):
        others = sa.select(t.value).where(t.kind.in_(["wa_id", "bsuid"]), t.value.in_(chunk), t.contact.not_in(members))
        taken.update(conn.execute(others).scalars())
    return {one for one in (digits | users | mails) - taken if len(one) > 4}
