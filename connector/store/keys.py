"""Contacts by their keys and the other way round: what the journeys ask of many at once."""

from collections.abc import Collection

import sqlalchemy as sa

from connector.store.among import among
from connector.store.once import once
from connector.store.tables import consents, contact_keys, contacts


@once
def holders_of(conn: sa.Connection, kind: str, values: Collection[str]) -> sa.Executable:
    """(value, contact) of these keys."""
    t = contact_keys.c
    return sa.select(t.value, t.contact).where(t.kind == kind, among(conn, t.value, values))


@once
def consents_of(conn: sa.Connection, ids: Collection[str]) -> sa.Executable:
    """(contact, category, state) of these contacts, oldest first."""
    c = consents.c
    return sa.select(c.contact, c.category, c.state).where(among(conn, c.contact, ids)).order_by(c.at, c.seq)


@once
def user_ids_of(conn: sa.Connection, ids: Collection[str]) -> sa.Executable:
    """(value, contact) of their business-scoped user ids."""
    t = contact_keys.c
    kind = t.kind + ""  # by the contacts' index: the kind's would walk every user id there is
    return sa.select(t.value, t.contact).where(kind == "bsuid", among(conn, t.contact, ids))


@once
def keys_of(conn: sa.Connection, ids: Collection[str]) -> sa.Executable:
    """(contact, kind, value) of every key of theirs, oldest first."""
    t = contact_keys.c
    return sa.select(t.contact, t.kind, t.value).where(among(conn, t.contact, ids)).order_by(t.at)


@once
def rows_of(conn: sa.Connection, ids: Collection[str]) -> sa.Executable:
    """Their rows."""
    return sa.select(contacts).where(among(conn, contacts.c.id, ids))
