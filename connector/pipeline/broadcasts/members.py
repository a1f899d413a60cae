"""Who of a broadcast is a member of its campaign in the CRM, and what it shall hear of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from connector.ports import Member
from connector.store import broadcast_people
from connector.store.engine import Store
from connector.store.sends import RANKS


@dataclass(frozen=True, slots=True)
class Page:
    """Some members; `last` is the line they end with, 0 = there are no more."""

    members: Sequence[Member]
    last: int


def page(store: Store, broadcast: str, after: int) -> Page:
    """The next people whose message left, and whose record is known."""
    with store.read() as conn:
        rows = broadcast_people.lines(conn, broadcast, after, state=broadcast_people.PLANNED)
    found = [
        Member(row.record[1], row.record[2], "answered" if row.answered_by else "sent")
        for row in rows
        if row.record and row.record[2] and (row.rank or 0) >= RANKS["accepted"] and row.send_state != "failed"
    ]
    return Page(found, rows[-1].line if rows else 0)
