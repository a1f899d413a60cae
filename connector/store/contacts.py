"""Contacts and their keys: who sent this, merged, split and recycled as proof comes in; and what we know of each."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from connector.core.contact import Contact, RecordRef
from connector.ids import child, new_id
from connector.store import conversations, windows
from connector.store.aliases import sharing
from connector.store.among import among
from connector.store.engine import in_chunks, insert_many
from connector.store.keys import consents_of, holders_of, keys_of, rows_of, user_ids_of
from connector.store.locks import key_of
from connector.store.merging import merge
from connector.store.names import put, renamed
from connector.store.once import once
from connector.store.tables import consents, contact_keys, contacts, crm_links

Key = tuple[str, str]  # (kind, value)
UNIQUE = ("bsuid", "wa_id")


@dataclass(slots=True)
class Person:
    """The keys one event shows, in the vendor's words."""

    wa_id: str | None = None
    user_id: str | None = None
    name: str | None = None

    @property
    def keys(self) -> list[Key]:
        return [k for k in (("bsuid", self.user_id), ("wa_id", self.wa_id)) if k[1]]  # type: ignore[misc]


@dataclass(slots=True)
class Resolver:
    """Identity of one batch: reads every key once, decides in memory, writes once (`flush`)."""

    conn: sa.Connection
    now: datetime
    owner: dict[Key, str] = field(default_factory=dict)
    bsuids: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    names: dict[str, str] = field(default_factory=dict)
    inbound: dict[str, datetime] = field(default_factory=dict)
    heard: dict[tuple[str, str], datetime] = field(default_factory=dict)  # (contact, number of ours) -> when
    event: str = ""  # that is being taken: a contact it makes has an id of it, the same whenever it is taken
    _new: dict[str, str] = field(default_factory=dict)
    _keys: dict[Key, str] = field(default_factory=dict)
    _hints: set[tuple[str, str, str]] = field(default_factory=set)
    _gone: set[Key] = field(default_factory=set)
    _merged: dict[str, str] = field(default_factory=dict)  # gone -> goes on
    _made: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # event -> contacts

    def load(self, keys: Iterable[Key]) -> None:
        """One query for all keys, one for the user ids of the contacts they belong to. One resolver at a time: two
        would each make a contact for one newcomer (SQLite has one writer anyway)."""
        if self.conn.dialect.name == "postgresql":
            self.conn.execute(sa.select(sa.func.pg_advisory_xact_lock(key_of("contacts"))))
        wanted: dict[str, set[str]] = defaultdict(set)
        for kind, value in keys:
            wanted[kind].add(value)
        for kind, values in wanted.items():
            for row in holders_of(self.conn, kind, values):
                self.owner[kind, row.value] = row.contact
        for row in user_ids_of(self.conn, set(self.owner.values())) if self.owner else ():
            self.bsuids[row.contact].add(row.value)
            self.owner["bsuid", row.value] = row.contact

    def known(self, person: Person) -> str | None:
        """The contact these keys belong to; makes nobody."""
        return next((self.owner[k] for k in person.keys if k in self.owner), None)

    def resolve(self, person: Person) -> str | None:
        """The contact of an inbound event: found, made, merged or split; None when it shows no key at all."""
        by_user = self.owner.get(("bsuid", person.user_id)) if person.user_id else None
        by_phone = self.owner.get(("wa_id", person.wa_id)) if person.wa_id else None
        contact = by_user or by_phone
        if by_phone and person.user_id and by_phone != by_user:
            if self._is_other_person(by_phone, person.user_id):
                contact = by_user or self._make()  # a recycled number: the key moves, nothing merges
            elif by_user:
                contact = self._merge(by_user, by_phone)  # one webhook with both keys is the proof
        contact = contact or (self._make() if person.keys else None)
        if contact:
            for key in person.keys:
                self._give(key, contact)
            self._name(contact, person.name)
        return contact

    def change(self, before: Person, after: Person) -> str | None:
        """A `system` message: the old keys' contact gets the new keys; another contact that has them is merged in."""
        contact = self.known(before) or self.known(after) or (self._make() if after.keys else None)
        if contact is None:
            return None
        for key in after.keys:
            other = self.owner.get(key)
            if other and other != contact:
                contact = self._merge(contact, other)
            self._give(key, contact)
        if after.wa_id and before.wa_id and after.wa_id != before.wa_id:
            self._drop(("wa_id", before.wa_id), contact)  # the old number may get a new owner
        if after.user_id and before.user_id and after.user_id != before.user_id:
            self._drop(("bsuid", before.user_id), contact)
        return contact

    def hint(self, contact: str, kind: str, value: str) -> None:
        """A search hint (phone, email): not unique, proves nothing."""
        self._hints.add((kind, value, contact))

    def seen(self, contact: str, at: datetime, number: str = "") -> None:
        """An inbound message at the vendor's time: it opens the customer service window of that number."""
        if contact not in self.inbound or at > self.inbound[contact]:
            self.inbound[contact] = at
        key = (contact, number)
        if number and (key not in self.heard or at > self.heard[key]):
            self.heard[key] = at

    @property
    def given(self) -> dict[Key, str]:
        """{key: the contact it was given to in this batch}."""
        return {key: self.final(contact) or contact for key, contact in self._keys.items()}

    def final(self, contact: str | None) -> str | None:
        """The contact that goes on, after the merges of this batch."""
        while contact in self._merged:
            contact = self._merged[contact]
        return contact

    def flush(self) -> None:
        """Writes what was decided: contacts, keys, merges (with what waits in their lanes), names, windows."""
        made = [{"id": i, "name": n, "created_at": self.now} for i, n in self._new.items()]
        insert_many(self.conn, contacts, made, ignore_conflicts=True)  # a restore may have brought one back already
        put(self.conn, self._new)
        t = contact_keys.c
        for kind in UNIQUE:
            values = {v for k, v in (self._gone | set(self._keys)) if k == kind}
            if values:
                self.conn.execute(sa.delete(contact_keys).where(t.kind == kind, among(self.conn, t.value, values)))
        rows = [{"kind": k, "value": v, "contact": c, "at": self.now} for (k, v), c in self._keys.items()]
        rows += [{"kind": k, "value": v, "contact": c, "at": self.now} for k, v, c in sorted(self._hints)]
        insert_many(self.conn, contact_keys, rows, ignore_conflicts=True)
        for gone, into in self._merged.items():
            merge(self.conn, into, gone, self.now)
        self._touch()
        heard: dict[tuple[str, str], datetime] = {}
        for (contact, number), at in self.heard.items():
            key = (self.final(contact) or contact, number)
            heard[key] = max(at, heard.get(key, at))
        windows.seen(self.conn, heard)

    def _touch(self) -> None:
        renamed(self.conn, {i: n for i, n in self.names.items() if i not in self._new})
        if self.inbound:
            newer = sa.or_(contacts.c.last_inbound_at.is_(None), contacts.c.last_inbound_at < sa.bindparam("at"))
            self.conn.execute(
                sa.update(contacts)
                .where(contacts.c.id == sa.bindparam("c"), newer)
                .values(last_inbound_at=sa.bindparam("at")),
                [{"c": c, "at": at} for c, at in self.inbound.items()],
            )

    def _is_other_person(self, contact: str, user_id: str) -> bool:
        return bool(self.bsuids[contact]) and user_id not in self.bsuids[contact]

    def _make(self) -> str:
        self._made[self.event] += 1
        contact = child(self.event, "contact", str(self._made[self.event])) if self.event else new_id()
        self._new[contact] = ""
        return contact

    def _give(self, key: Key, contact: str) -> None:
        if self.owner.get(key) == contact:
            return
        self.owner[key] = self._keys[key] = contact
        self._gone.discard(key)
        if key[0] == "bsuid":
            self.bsuids[contact].add(key[1])

    def _drop(self, key: Key, contact: str) -> None:
        if self.owner.get(key) == contact:
            del self.owner[key]
            self._keys.pop(key, None)
            self._gone.add(key)
            self.hint(contact, "old_" + key[0], key[1])

    def _name(self, contact: str, name: str | None) -> None:
        if name and contact in self._new:
            self._new[contact] = name
        elif name:
            self.names[contact] = name

    def _merge(self, into: str, gone: str) -> str:
        """The older contact goes on: ids are uuid7, the smaller one is the older."""
        into, gone = min(into, gone), max(into, gone)
        self._merged[gone] = into
        for key, contact in list(self.owner.items()):
            if contact == gone:
                self._give(key, into)
        if gone in self.inbound:
            self.seen(into, self.inbound.pop(gone))
        return into


def load(conn: sa.Connection, ids: Sequence[str]) -> dict[str, Contact]:
    """Contacts with their keys and consents, without CRM records."""
    keys: dict[str, dict[str, str]] = defaultdict(dict)
    former: dict[str, list[str]] = defaultdict(list)
    found: dict[str, Contact] = {}
    state: dict[str, dict[str, str]] = defaultdict(dict)
    wanted = set(ids)
    for row in keys_of(conn, wanted):
        if row.kind.startswith("old_"):
            former[row.contact].append(row.value)
        else:
            keys[row.contact][row.kind] = row.value
    for row in consents_of(conn, wanted):
        state[row.contact][row.category] = row.state
    for row in rows_of(conn, wanted):
        has = keys[row.id]
        phone = "+" + has["wa_id"] if "wa_id" in has else has.get("phone")
        found[row.id] = Contact(
            id=row.id, name=row.name, wa_id=has.get("wa_id"), user_id=has.get("bsuid"), phone=phone,
            former=tuple(former[row.id]), last_inbound_at=row.last_inbound_at, consents=state[row.id],
        )  # fmt: skip
    return found


def heirs(conn: sa.Connection, ids: Sequence[str]) -> dict[str, str]:
    """{contact that was merged away: the contact that goes on}; the others are absent."""
    found: dict[str, str] = {}
    asked = {i: i for i in ids}  # who we were asked for -> where the trail stands
    while asked:
        into: dict[str, str] = {}
        for chunk in in_chunks(sorted(set(asked.values()))):
            query = sa.select(contacts.c.id, contacts.c.merged_into).where(contacts.c.id.in_(chunk))
            into |= {row.id: row.merged_into for row in conn.execute(query) if row.merged_into}
        asked = {i: into[at] for i, at in asked.items() if at in into}
        found |= asked
    return found


def links(conn: sa.Connection, account: str, ids: Sequence[str]) -> dict[str, RecordRef]:
    """The CRM record each contact is linked to in this account."""
    rows = _links(conn, account, set(ids))
    return {row.contact: RecordRef(account, row.object, row.record_id) for row in rows}


@once
def _links(conn: sa.Connection, account: str, ids: Collection[str]) -> sa.Executable:
    t = crm_links.c
    return sa.select(t.contact, t.object, t.record_id).where(t.account == account, among(conn, t.contact, ids))


def links_of(conn: sa.Connection, contact: str) -> dict[str, RecordRef]:
    """The CRM records of one contact, by account."""
    rows = conn.execute(sa.select(crm_links).where(crm_links.c.contact == contact))
    return {row.account: RecordRef(row.account, row.object, row.record_id) for row in rows}


def by_records(conn: sa.Connection, account: str, records: Iterable[str]) -> dict[str, str]:
    """{record id: the contact linked to it in this account}."""
    t = crm_links.c
    found: dict[str, str] = {}
    for chunk in in_chunks(sorted(set(records))):
        query = sa.select(t.record_id, t.contact).where(t.account == account, t.record_id.in_(chunk))
        found.update((row.record_id, row.contact) for row in conn.execute(query.order_by(t.at)))
    return found


def link(conn: sa.Connection, found: Mapping[str, RecordRef], how: Mapping[str, str], now: datetime) -> None:
    """Links contacts to records, replacing an older link of the same account."""
    if not found:
        return
    for account in {ref.account for ref in found.values()}:
        mine = [c for c, ref in found.items() if ref.account == account]
        old = sa.and_(crm_links.c.account == account, among(conn, crm_links.c.contact, mine))
        conn.execute(sa.delete(crm_links).where(old))
    rows = [
        {
            "contact": c,
            "account": ref.account,
            "object": ref.object,
            "record_id": ref.id,
            "found_by": how.get(c, "id"),
            "at": now,
        }
        for c, ref in found.items()
    ]
    insert_many(conn, crm_links, rows)


def lock(conn: sa.Connection, ids: Iterable[str]) -> None:
    """Takes the rows of these contacts until the transaction ends."""
    for chunk in in_chunks(sorted(set(ids))):
        conn.execute(sa.select(contacts.c.id).where(contacts.c.id.in_(chunk)).order_by(contacts.c.id).with_for_update())


def opt(conn: sa.Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """Appends consent facts ({contact, category, state, how, at, evidence, event}); an opt-out locks the contact first,
    and whoever else has their phone: a message to them would reach this person.

    A send's claim takes the same rows FOR SHARE before it reads consent: none starts after a committed opt-out."""
    if not rows:
        return
    lock(conn, sharing(conn, (str(r["contact"]) for r in rows if r["state"] == "opted_out")))
    insert_many(conn, consents, [dict(r) for r in rows])
    conversations.stop(conn, rows)


def find(conn: sa.Connection, term: str) -> list[str]:
    """Contact ids by wa_id, user id, phone or a name's beginning; at most 50."""
    digits = "".join(c for c in term if c.isascii() and c.isdigit())
    values = [v for v in {term, digits, "+" + digits} if v and v != "+"]
    t = contact_keys.c
    by_key = sa.select(t.contact).where(t.value.in_(values), t.kind.in_(["wa_id", "bsuid", "phone", "email"]))
    return list(conn.execute(by_key.limit(50)).scalars())


def holders(conn: sa.Connection, keys: Iterable[Key]) -> dict[Key, set[str]]:
    """{key: the contacts that have it}, of unique keys and of hints; keys nobody has are absent."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for kind, value in keys:
        wanted[kind].add(value)
    found: dict[Key, set[str]] = defaultdict(set)
    t = contact_keys.c
    for kind, values in wanted.items():
        for chunk in in_chunks(sorted(values)):
            query = sa.select(t.value, t.contact).where(t.kind == kind, t.value.in_(chunk))
            for row in conn.execute(query):
                found[kind, row.value].add(row.contact)
    return dict(found)
