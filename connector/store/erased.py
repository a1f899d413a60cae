"""Who was erased after a backup was made, found in what it brought back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store.among import among
from connector.store.bulk import insert_many
from connector.store.tables import contact_keys, contacts, erased_ids, from_ms, settings
from connector.store.veil import SALT, Veil

_K = contact_keys.c
Line = Mapping[str, Any]  # of the list: at, contact, contacts, salt, hashes


def salt(conn: sa.Connection, packed: Sequence[str], now: datetime) -> None:
    """The salt of the hashes, where the backup is older than the first erasure."""
    if packed and conn.execute(sa.select(settings.c.name).where(settings.c.name == SALT)).first() is None:
        insert_many(conn, settings, [{"name": SALT, "value": packed[-1], "at": now}])


def people(conn: sa.Connection, veil: Veil, lines: Sequence[Line]) -> set[str]:
    """The contacts that are there again: by their id, or by the hash of a key."""
    c, ids = contacts.c, {one for line in lines for one in line["contacts"]}
    named = sa.or_(c.name != "", sa.exists().where(_K.contact == c.id))
    found = set(conn.execute(sa.select(c.id).where(among(conn, c.id, ids), named)).scalars())
    hashes = {one for line in lines for one in line["hashes"]}
    rows = conn.execute(sa.select(_K.kind, _K.value, _K.contact).execution_options(yield_per=1000))
    return found | {row.contact for row in rows if veil.person((row.kind, row.value)) in hashes}


def keep(conn: sa.Connection, lines: Sequence[Line]) -> None:
    """The hashes with the time of the first erasure: what came after it is a new contact's."""
    for line in lines:
        conn.execute(sa.delete(erased_ids).where(among(conn, erased_ids.c.hash, line["hashes"])))
        rows = [
            {"hash": one, "contact": line["contact"], "at": from_ms(line["at"]), "consents": said}
            for one, said in line["hashes"].items()
        ]
        insert_many(conn, erased_ids, rows)
