"""Who else may have the phone that a message goes to."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from connector.core.phone import spellings
from connector.store.keys import holders_of, keys_of


def aliases(conn: sa.Connection, rows: Sequence[sa.Row[Any]]) -> dict[str, set[str]]:
    """{lane: other contacts with this phone in one of its spellings}: the message may reach them."""
    written = {row.to: spellings(row.to) for row in rows if row.to}
    every = {spelling for some in written.values() for spelling in some}
    have = _holders(conn, every)
    found: dict[str, set[str]] = {}
    for row in rows:
        others = {contact for s in written.get(row.to, ()) for contact in have.get(s, ())} - {row.lane}
        if row.lane and others:
            found.setdefault(row.lane, set()).update(others)
    return found


def sharing(conn: sa.Connection, ids: Iterable[str]) -> set[str]:
    """Every contact that has a phone of one of these, in any spelling; these too."""
    theirs = set(ids)
    kinds = ("wa_id", "phone")
    phones = {"+" + row.value.lstrip("+") for row in keys_of(conn, theirs) if row.kind in kinds} if theirs else set()
    held = _holders(conn, {spelling for phone in phones for spelling in spellings(phone)})
    return theirs.union(*held.values())


def _holders(conn: sa.Connection, every: set[str]) -> dict[str, set[str]]:
    """{phone: the contacts that have it, as WhatsApp's id or from elsewhere}, of these spellings."""
    have = defaultdict[str, set[str]](set)
    for kind, cut in (("wa_id", 1), ("phone", 0)):
        for row in holders_of(conn, kind, {s[cut:] for s in every}) if every else ():
            have["+" + row.value.lstrip("+")].add(row.contact)
    return have
