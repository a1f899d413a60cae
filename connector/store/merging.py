"""Two contacts that are one person: the older one goes on, with all that was the other's."""

from datetime import datetime

import sqlalchemy as sa

from connector.store import broadcast_people, conversations, holds, windows
from connector.store.bulk import insert_many
from connector.store.names import moved
from connector.store.tables import changes, consents, contact_keys, contacts, crm_links, events, in_state, plans, sends


def merge(conn: sa.Connection, into: str, gone: str, now: datetime) -> None:
    """One transaction moves the keys, the links, the consents and everything that waits; history stays where it is.

    Plans first, as whoever handles them does: two transactions in different orders would wait for each other."""
    conn.execute(sa.update(plans).where(plans.c.lane == gone, plans.c.state == "new").values(lane=into))
    waits = in_state(changes, "new", "in_flight")
    conn.execute(sa.update(changes).where(changes.c.lane == gone, waits).values(lane=into))
    for link in conn.execute(sa.select(crm_links).where(crm_links.c.contact == gone)).all():
        insert_many(conn, crm_links, [dict(link._mapping) | {"contact": into}], ignore_conflicts=True)
    conn.execute(sa.delete(crm_links).where(crm_links.c.contact == gone))
    conn.execute(sa.update(contacts).where(contacts.c.id == gone).values(merged_into=into))
    moved(conn, gone, into)
    latest = sa.select(sa.func.max(contacts.c.last_inbound_at)).where(contacts.c.id.in_([into, gone])).scalar_subquery()
    conn.execute(sa.update(contacts).where(contacts.c.id == into).values(last_inbound_at=latest))
    for key in conn.execute(sa.select(contact_keys).where(contact_keys.c.contact == gone)).all():
        conn.execute(
            sa.delete(contact_keys).where(
                contact_keys.c.kind == key.kind, contact_keys.c.value == key.value, contact_keys.c.contact == gone
            )
        )
        insert_many(conn, contact_keys, [dict(key._mapping) | {"contact": into}], ignore_conflicts=True)
    conn.execute(sa.update(consents).where(consents.c.contact == gone).values(contact=into))
    conn.execute(sa.update(sends).where(sends.c.lane == gone).values(lane=into))
    broadcast_people.merge(conn, into, gone, now)
    conn.execute(sa.update(events).where(events.c.lane == gone, events.c.state == "new").values(lane=into))
    conversations.merge(conn, into, gone, now)
    holds.merge(conn, into, gone)
    windows.merge(conn, into, gone)
