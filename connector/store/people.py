"""People the CRM names: whose record it is, and contacts for those we never met."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa

from connector.ids import new_id
from connector.store import names
from connector.store.bulk import in_chunks, insert_many
from connector.store.locks import key_of
from connector.store.tables import contact_keys, contacts, crm_links


def linked(conn: sa.Connection, account: str, records: Iterable[tuple[str, str]]) -> dict[tuple[str, str], set[str]]:
    """{(object, record id): the contacts linked to it}; records without one are absent."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    wanted = set(records)
    t = crm_links.c
    for chunk in in_chunks(sorted({record for _, record in wanted})):
        query = sa.select(t.object, t.record_id, t.contact).where(t.account == account, t.record_id.in_(chunk))
        for row in conn.execute(query):
            if (row.object, row.record_id) in wanted:
                found[row.object, row.record_id].add(row.contact)
    return dict(found)


def newcomers(conn: sa.Connection, people: Mapping[str, str], now: datetime) -> dict[str, str]:
    """{phone: a new contact} of {phone: name}; the phone is a hint until WhatsApp says whose it is."""
    made = {phone: new_id() for phone in sorted(people)}
    rows = [{"id": made[phone], "name": people[phone], "created_at": now} for phone in made]
    insert_many(conn, contacts, rows)
    names.put(conn, {made[phone]: people[phone] for phone in made})
    keys = [{"kind": "phone", "value": phone, "contact": contact, "at": now} for phone, contact in made.items()]
    insert_many(conn, contact_keys, keys, ignore_conflicts=True)
    return made


def alone(conn: sa.Connection) -> None:
    """Nobody else makes contacts until this transaction ends: two would each make one for the same newcomer."""
    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(key_of("contacts"))))
