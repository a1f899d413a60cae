"""The people of broadcasts: each once, planned with their send, or refused with the reason; and what became of them."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store.among import among
from connector.store.bulk import insert_many
from connector.store.sends import RANKS
from connector.store.tables import broadcast_people, events, in_state, sends
from connector.store.waiting import REPLACED

PLANNED, REFUSED = "planned", "refused"
NOT_LEFT = ("waiting", "ready", "in_flight")
HELD, ENDED = ("waiting", "ready"), ("failed", "refused", "expired", "cancelled")
MERGED = "The same person stands in the list as another contact."
LISTED = 500
_P, _S = broadcast_people.c, sends.c


def add(conn: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Stores people; a doubled one raises, and the page's transaction with it."""
    insert_many(conn, broadcast_people, rows)


def known(conn: sa.Connection, broadcast: str, people: Collection[str], phones: Collection[str]) -> set[str]:
    """Which of these contacts, and of these phones, are planned in it already; `contact` follows a merge."""
    mine = sa.and_(_P.broadcast == broadcast, _P.state == PLANNED)
    found = set(conn.execute(sa.select(_P.contact).where(mine, among(conn, _P.contact, people))).scalars())
    return found | set(conn.execute(sa.select(_P.phone).where(mine, among(conn, _P.phone, phones))).scalars())


def params(conn: sa.Connection, ids: Collection[str]) -> dict[str, Any]:
    """{send: its person's row}: what its values were when it was planned."""
    query = sa.select(broadcast_people).where(_P.send.is_not(None), among(conn, _P.send, ids))
    return {row.send: row for row in conn.execute(query)} if ids else {}


def merge(conn: sa.Connection, into: str, gone: str, now: datetime) -> None:
    """A person who stood there as two contacts gets one message: what has not left of the other is refused."""
    mine, other = broadcast_people.alias(), broadcast_people.alias()
    one, two = sends.alias(), sends.alias()
    both = sa.select(one.c.id.label("mine"), one.c.state, two.c.id.label("other"), two.c.state.label("its"))
    both = both.where(
        mine.c.contact == into, other.c.contact == gone, other.c.broadcast == mine.c.broadcast,
        one.c.id == mine.c.send, two.c.id == other.c.send,
    )  # fmt: skip
    twice = []
    for row in conn.execute(both).all():
        if row.its in HELD and row.state not in ENDED:
            twice.append(row.other)
        elif row.state in HELD and row.its not in ENDED:
            twice.append(row.mine)
    why = {"state": "refused", "code": "duplicate", "reason": MERGED, "next_at": None, "ended_at": now, "tell": 1}
    conn.execute(sa.update(sends).where(_S.id.in_(twice), in_state(sends, *HELD)).values(**why))
    conn.execute(sa.update(broadcast_people).where(_P.contact == gone).values(contact=into))


def blank(conn: sa.Connection, contacts: Collection[str], ids: Collection[str]) -> int:
    """Rows of one person without what speaks of them: of their contacts, and by their phone where they have none."""
    phones = [*ids, *(f"+{one}" for one in ids)]
    theirs = sa.or_(among(conn, _P.contact, contacts), among(conn, _P.phone, phones))
    gone = {"phone": "", "name": "", "params": None, "record": None, "reason": ""}
    return conn.execute(sa.update(broadcast_people).where(theirs).values(**gone)).rowcount


def empty(conn: sa.Connection, ids: Collection[str]) -> None:
    """The values of these sends are forgotten; they have left long ago."""
    mine = sa.and_(_P.send.is_not(None), among(conn, _P.send, ids))
    conn.execute(sa.update(broadcast_people).where(mine).values(params=None))


def forget(conn: sa.Connection, broadcast: str, after: int, limit: int) -> int | None:
    """The next people of a list without what it said of them; None = there are no more. Counts and reasons stay."""
    mine = sa.and_(_P.broadcast == broadcast, _P.line > after)
    last = conn.execute(sa.select(_P.line).where(mine).order_by(_P.line).offset(limit - 1).limit(1)).scalar()
    part = mine if last is None else sa.and_(mine, _P.line <= last)
    gone = {"phone": "", "name": "", "params": None}
    conn.execute(sa.update(broadcast_people).where(part).values(**gone))
    strangers = sa.and_(part, _P.state == REFUSED)  # their reason may quote the row
    conn.execute(sa.update(broadcast_people).where(strangers).values(record=None, reason=""))
    return last


# ---- how it stands -----------------------------------------------------------------------------------------------
@dataclass(slots=True)
class Progress:
    """Counts of one broadcast at this moment."""

    states: dict[str, int] = field(default_factory=dict)  # of its sends, by state

    def of(self, *states: str) -> int:
        return sum(self.states.get(state, 0) for state in states)

    @property
    def waiting(self) -> int:
        return self.of(*NOT_LEFT)

    def at_least(self, name: str) -> int:
        """How many have come so far: sent counts those delivered and read too."""
        return sum(n for state, n in self.states.items() if RANKS.get(state, 0) >= RANKS[name] and state != "failed")


def progress(conn: sa.Connection, ids: Collection[str]) -> dict[str, Progress]:
    """{broadcast: its counts}, by the partial index of the sends; one that was sent again as another counts once."""
    if not ids:
        return {}
    mine, found = sa.and_(_S.broadcast != "", among(conn, _S.broadcast, ids)), defaultdict[str, Progress](Progress)
    counted = sa.select(_S.broadcast, _S.state, sa.func.count()).where(mine).group_by(_S.broadcast, _S.state)
    for id_, state, n in conn.execute(counted):
        found[id_].states[state] = n
    replaced = sa.select(_S.broadcast, sa.func.count()).where(mine, _S.state == "failed", _S.label == REPLACED)
    for id_, n in conn.execute(replaced.group_by(_S.broadcast)):
        found[id_].states["failed"] -= n
    return dict(found)


def left(conn: sa.Connection, broadcast: str) -> bool:
    """Something of it has still to leave."""
    mine = sa.and_(_S.broadcast != "", _S.broadcast == broadcast, in_state(sends, *NOT_LEFT))
    return conn.execute(sa.select(sa.literal(1)).select_from(sends).where(mine).limit(1)).first() is not None


def started_since(conn: sa.Connection, ids: Collection[str], since: datetime) -> dict[str, int]:
    """{broadcast: how many left since then}: what a rate is made of."""
    mine = sa.and_(_S.broadcast != "", among(conn, _S.broadcast, ids), _S.started_at >= since)
    query = sa.select(_S.broadcast, sa.func.count()).where(mine).group_by(_S.broadcast)
    return {row[0]: row[1] for row in conn.execute(query)} if ids else {}


def reasons(conn: sa.Connection, broadcast: str) -> list[tuple[str, str, str, int]]:
    """[(refused | failed | expired | unknown ..., code, an example of its reason, how many)], most first."""
    ended = ("failed", "refused", "expired", "cancelled", "unknown")
    mine = sa.and_(_S.broadcast != "", _S.broadcast == broadcast, in_state(sends, *ended), _S.label != REPLACED)
    some = sa.func.min(_S.reason)
    found = [tuple(r) for r in conn.execute(sa.select(_S.state, _S.code, some, sa.func.count()).where(mine).group_by(
        _S.state, _S.code))]  # fmt: skip
    odd = sa.and_(_P.broadcast == broadcast, _P.state == REFUSED)
    query = sa.select(_P.code, sa.func.min(_P.reason), sa.func.count()).where(odd).group_by(_P.code)
    found += [("not_planned", *row) for row in conn.execute(query)]
    return sorted(found, key=lambda one: (-one[3], one[0], one[1]))


def answers(conn: sa.Connection, broadcast: str) -> Iterator[Any]:
    """(send, its buttons, the answer's payload) of everyone who answered."""
    mine = sa.and_(_S.broadcast != "", _S.broadcast == broadcast, _S.answered_by.is_not(None))
    query = sa.select(_S.id, _S.buttons, events.c.payload).join(events, events.c.id == _S.answered_by).where(mine)
    return iter(conn.execute(query.execution_options(yield_per=LISTED)))


def failed(conn: sa.Connection, broadcast: str, after: str, limit: int) -> list[str]:
    """Sends of it that surely failed, and were not sent again; by id."""
    mine = sa.and_(_S.broadcast != "", _S.broadcast == broadcast, in_state(sends, "failed"), _S.label != REPLACED)
    return list(conn.execute(sa.select(_S.id).where(mine, _S.id > after).order_by(_S.id).limit(limit)).scalars())


def lines(conn: sa.Connection, broadcast: str, after: int, limit: int = LISTED, state: str = "") -> Sequence[Any]:
    """Its people with what became of each, in the order of the list."""
    query = sa.select(
        broadcast_people, _S.state.label("send_state"), _S.rank, _S.code.label("send_code"),
        _S.reason.label("send_reason"), _S.to, _S.started_at, _S.ended_at, _S.next_at, _S.answered_by, _S.buttons,
    ).outerjoin(sends, _S.id == _P.send)  # fmt: skip
    query = query.where(_P.broadcast == broadcast, _P.line > after)
    if state:
        query = query.where(_P.state == state)
    return conn.execute(query.order_by(_P.line).limit(limit)).all()


def answers_of(conn: sa.Connection, ids: Collection[str]) -> dict[str, Any]:
    """{event: its payload} of one page of answers."""
    query = sa.select(events.c.id, events.c.payload).where(among(conn, events.c.id, ids))
    return {row.id: row.payload for row in conn.execute(query)} if ids else {}
