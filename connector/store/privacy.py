"""Erasing one person, in short transactions: what waits ends, keys go, then their rows lose what speaks of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from connector.errors import TryAgain
from connector.store import blanking, broadcast_people, erased_list, people, veil
from connector.store.family import Family
from connector.store.tables import (
    changes,
    consents,
    contact_keys,
    contact_words,
    contacts,
    conversations,
    crm_links,
    erasures,
    events,
    holds,
    in_state,
    own_writes,
    parks,
    plans,
    record_values,
    sends,
    to_ms,
    windows,
)

if TYPE_CHECKING:
    from connector.store.engine import Store

WHY = "The person was erased."
EVENTS, SENDS = 25, 100  # rows of one transaction; an event may stand in a body of 3 MB
_REFUSED = {"state": "refused", "code": "erased", "text": WHY}


@dataclass(slots=True)
class Work:
    """One erasure under way: whom, since when, how far. Kept encrypted while it runs."""

    family: Family
    at: datetime
    who: str
    top: int = 0  # the newest event there was: later ones are of the time after
    stage: str = ""
    cursor: Any = None
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, found: Mapping[str, int]) -> None:
        for name, n in found.items():
            if n:
                self.counts[name] = self.counts.get(name, 0) + n


def running(store: "Store", conn: sa.Connection, contact: str) -> Work | None:
    """The erasure of this contact that was interrupted; None when none is under way."""
    row = conn.execute(sa.select(erasures).where(erasures.c.contact == contact)).first()
    if row is None or row.work is None or store.keyring is None:
        return None
    kept = store.keyring.decrypt(row.work, f"erasing:{contact}")
    return Work(**{**kept, "family": Family(**kept["family"]), "at": row.at, "who": row.who})


def save(store: "Store", conn: sa.Connection, work: Work) -> None:
    """How far it came, in the transaction of what was done."""
    assert store.keyring is not None
    plain = {k: v for k, v in asdict(work).items() if k not in ("at", "who")}
    packed = store.keyring.encrypt(plain, f"erasing:{work.family.root}")
    conn.execute(sa.update(erasures).where(erasures.c.contact == work.family.root).values(work=packed))


def busy(conn: sa.Connection, family: Family) -> bool:
    """Something of theirs is under way to the CRM or to WhatsApp: what comes back would be stored."""
    theirs = sa.and_(in_state(sends, "in_flight"), sends.c.lane.in_(family.contacts))
    writes = sa.and_(in_state(changes, "in_flight"), sa.or_(changes.c.lane.in_(family.lanes), _on_record(family)))
    return any(conn.execute(sa.select(sa.exists().where(one))).scalar() for one in (theirs, writes))


def begin(store: "Store", conn: sa.Connection, family: Family, who: str, now: datetime) -> Work:
    """From this commit on they are unknown, and their hashes say so. Raises TryAgain when something is under way."""
    people.alone(conn)
    if busy(conn, family):
        raise TryAgain(
            "A message or a CRM write of this person is under way.", hint="Try again in a minute.", code="busy"
        )
    veiled = veil.make(store, conn, now)
    mine = [(kind, value) for kind, value in family.keys if value.lstrip("+") in family.ids]
    veil.remember(conn, veiled, family.root, mine, _opted_out(conn, family), now)
    erased_list.note(store, conn, family, now)
    work = Work(family, now, who, top=conn.execute(sa.select(sa.func.max(events.c.seq))).scalar() or 0)
    work.add(_end_what_waits(conn, family, now))
    work.add(_forget(conn, family))
    conn.execute(sa.delete(erasures).where(erasures.c.contact == family.root))
    conn.execute(sa.insert(erasures).values(contact=family.root, at=now, who=who, state="running"))
    save(store, conn, work)
    return work


def _opted_out(conn: sa.Connection, family: Family) -> dict[str, list[Any]]:
    """{category: [milliseconds, how]} of what is opted out now: the newest word of each category counts."""
    c = consents.c
    rows = conn.execute(sa.select(consents).where(c.contact.in_(family.contacts)).order_by(c.at, c.seq)).all()
    newest = {row.category: row for row in rows}
    return {name: [to_ms(row.at), row.how] for name, row in newest.items() if row.state == "opted_out"}


def _on_record(family: Family) -> sa.ColumnElement[bool]:
    places = [sa.and_(changes.c.account == a, changes.c.object == o, changes.c.record == r) for a, o, r in family.links]
    return sa.or_(sa.false(), *places)


def _end_what_waits(conn: sa.Connection, family: Family, now: datetime) -> dict[str, int]:
    """Sends are cancelled, plans and changes end, events are done."""
    t, lanes = sends.c, family.lanes
    held = sa.and_(in_state(sends, "waiting", "ready", "unknown"), t.lane.in_(family.contacts))
    ended = {"state": "cancelled", "code": "erased", "reason": WHY, "who": "", "next_at": None, "ended_at": now}
    found = {"sends_cancelled": conn.execute(sa.update(sends).where(held).values(**ended, tell=0)).rowcount}
    conn.execute(sa.update(sends).where(t.lane.in_(family.contacts), t.tell == 1).values(tell=0))
    open_ = sa.and_(plans.c.lane.in_(lanes), plans.c.state.in_(["new", "dead"]))
    conn.execute(sa.update(plans).where(open_).values(state="done", body=None, error=None, done_at=now))
    waits = sa.and_(in_state(changes, "new", "review"), sa.or_(changes.c.lane.in_(lanes), _on_record(family)))
    conn.execute(sa.update(changes).where(waits).values(state="refused", outcome=_REFUSED, done_at=now, next_at=None))
    mine = sa.and_(events.c.lane.in_(lanes), events.c.state.in_(["new", "dead"]))
    conn.execute(sa.update(events).where(mine).values(state="done", error=WHY))
    t = conversations.c
    runs = sa.and_(t.ended_at.is_(None), t.contact.in_(family.contacts))
    over = {"outcome": "erased", "reason": WHY, "ended_at": now, "wake_at": None, "revision": t.revision + 1}
    found["conversations_ended"] = conn.execute(sa.update(conversations).where(runs).values(**over)).rowcount
    return found


def _forget(conn: sa.Connection, family: Family) -> dict[str, int]:
    """Names, keys, links, hints; the rows of the contacts stay, without a word about anybody."""
    ids = family.contacts
    gone = {
        table.name: conn.execute(sa.delete(table).where(table.c.contact.in_(ids))).rowcount
        for table in (contact_keys, crm_links, contact_words, holds, windows)
    }
    rest = sa.or_(*(sa.or_(parks.c.key == i, parks.c.key.startswith(f"{i}:", autoescape=True)) for i in ids))
    conn.execute(sa.delete(parks).where(parks.c.scope.contains("contact"), rest))
    talks = sa.update(conversations).where(conversations.c.contact.in_(ids))
    gone["conversations"] = conn.execute(talks.values(state=None)).rowcount
    blank = {"name": "", "last_inbound_at": None}
    gone["contacts"] = conn.execute(sa.update(contacts).where(contacts.c.id.in_(ids)).values(**blank)).rowcount
    said = sa.and_(consents.c.contact.in_(ids), consents.c.evidence != "")
    gone["consents"] = conn.execute(sa.update(consents).where(said).values(evidence="")).rowcount
    for account, object_, record in family.links:
        for table in (record_values, own_writes):
            c = table.c
            place = sa.and_(c.account == account, c.object == object_, c.record == record)
            n = conn.execute(sa.delete(table).where(place)).rowcount
            gone[table.name] = gone.get(table.name, 0) + n
    return gone


# ---- the rows of the person, a part at a time ---------------------------------------------------------------------
def events_part(conn: sa.Connection, work: Work, veiled: veil.Veil) -> bool:
    """The next events of theirs; False when there are no more."""
    t = events.c
    query = sa.select(events).where(t.lane.in_(work.family.lanes), t.seq > (work.cursor or 0), t.seq <= work.top)
    rows = conn.execute(query.order_by(t.seq).limit(EVENTS)).all()
    if rows:
        work.add(blanking.blank(conn, rows, work.family, veiled))
        work.cursor = rows[-1].seq
    return len(rows) == EVENTS


def sends_part(conn: sa.Connection, work: Work, veiled: veil.Veil) -> bool:
    """The next messages to them, with their attempts and statuses."""
    t = sends.c
    query = sa.select(sends).where(t.lane.in_(work.family.contacts), t.id > (work.cursor or ""), t.at <= work.at)
    rows = conn.execute(query.order_by(t.id).limit(SENDS)).all()
    if rows:
        work.add(blanking.blank_sends(conn, rows, work.family, veiled))
        work.cursor = rows[-1].id
    return len(rows) == SENDS


def writes_part(conn: sa.Connection, work: Work, veiled: veil.Veil) -> bool:  # noqa: ARG001 - one signature for all
    """The next changes of their CRM records, whatever caused them."""
    t = changes.c
    query = sa.select(changes).where(_on_record(work.family), t.seq > (work.cursor or 0), t.done_at <= work.at)
    rows = conn.execute(query.order_by(t.seq).limit(SENDS)).all()
    if rows:
        work.add({"changes": blanking.blank_changes(conn, rows)})
        work.cursor = rows[-1].seq
    return len(rows) == SENDS


PARTS: Mapping[str, Callable[[sa.Connection, Work, veil.Veil], bool]] = {
    "events": events_part,
    "sends": sends_part,
    "writes": writes_part,
}


def finish(conn: sa.Connection, work: Work) -> None:
    """What was looked for is forgotten too, and a key that a message's answer taught us meanwhile."""
    broadcast_people.blank(conn, work.family.contacts, work.family.ids)
    conn.execute(sa.delete(contact_keys).where(contact_keys.c.contact.in_(work.family.contacts)))
    done = {"state": "done", "work": None, "counts": work.counts}
    conn.execute(sa.update(erasures).where(erasures.c.contact == work.family.root).values(**done))


def size(conn: sa.Connection, work: Work) -> int:
    """How many rows of the person there are to go through."""
    own: Sequence[sa.Select[Any]] = (
        sa.select(sa.func.count()).select_from(events).where(events.c.lane.in_(work.family.lanes)),
        sa.select(sa.func.count()).select_from(sends).where(sends.c.lane.in_(work.family.contacts)),
    )
    return sum(conn.execute(one).scalar_one() for one in own)
