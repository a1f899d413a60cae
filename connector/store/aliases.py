"""Who else may have the phone that a message goes to."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from connector.core.phone import spellings
from connector.store.keys import holders_of


def aliases(conn: sa.Connection, rows: Sequence[sa.Row[Any]]) -> dict[str, set[str]]:
    """{lane: other contacts with this phone in one of its spellings}: the message may reach them."""
    written = {row.to: spellings(row.to) for row in rows if row.to}
    every = {spelling for some in written.values() for spelling in some}
    have = defaultdict[str, set[str]](set)
    for kind, cut in (("wa_id", 1), ("phone", 0)):
        for row in holders_of(conn, kind, {s[cut:] for s in every}) if every else ():
            have["+" + row.value.lstrip("+")].add(row.contact)
    found: dict[str, set[str]] = {}
    for row in rows:
        others = {contact for s in written.get(row.to, ()) for contact in have.get(s, ())} - {row.lane}
        if row.lane and others:
            found.setdefault(row.lane, set()).update(others)
    return found
