"""What a restored database must know before it works: what may have left since the backup, and what came in.

Rows that would act on a guess wait for a person; what the journal says happened is put back as it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.core.canonical import digest
from connector.store import outcomes
from connector.store.among import among
from connector.store.bulk import insert_many
from connector.store.journaling import DELIVERY, OWN, RESULT, SEND
from connector.store.outcomes import Result
from connector.store.own_writes import AFTER
from connector.store.restored import DOUBT, Window
from connector.store.sending import Started
from connector.store.tables import (
    Time,
    broadcast_people,
    broadcasts,
    changes,
    contact_keys,
    contacts,
    deliveries,
    from_ms,
    in_state,
    invites,
    own_writes,
    send_attempts,
    sends,
    sessions,
    tasks,
)

MARGIN = timedelta(minutes=2)  # an entry that was written just before the backup's snapshot may not be in it
BATCH = 500  # entries of one transaction
LOOK = timedelta(seconds=60)
AGAIN = "The database was restored from a backup: begin it again."
MAYBE = "The database was restored from a backup of {since}: this may have gone out since. Look, then start it anew."
LEFT = "It left before the database was restored; what WhatsApp said of it is looked for."
_S = sends.c


@dataclass(slots=True)
class Found:
    """What the journal brought back."""

    deliveries: int = 0
    sends: int = 0
    results: int = 0
    last: int = 0  # the time of the newest entry, ms
    erased: Mapping[str, int] = field(default_factory=dict)  # contact -> when they were erased, ms
    counts: dict[str, int] = field(default_factory=dict)


# ---- without a word from anywhere ----------------------------------------------------------------------------------
def settle(conn: sa.Connection, window: Window) -> dict[str, int]:
    """Who was signed in signs in again; long work begins again; what may have been sent is not sent on a guess."""
    done = {
        "sessions": conn.execute(sa.delete(sessions)).rowcount,
        "invites": conn.execute(sa.delete(invites)).rowcount,
    }
    open_ = tasks.c.state.in_(["new", "running", "paused"])
    ended = {"state": "failed", "error": AGAIN, "ended_at": window.until}
    done["tasks"] = conn.execute(sa.update(tasks).where(open_).values(**ended)).rowcount
    b = broadcasts.c
    due = sa.or_(b.start_at.is_(None), b.start_at < window.until)
    begun = sa.or_(b.state == "planning", sa.and_(b.state == "scheduled", due))
    words = MAYBE.format(since=f"{window.since:%Y-%m-%d %H:%M} UTC")
    over = {"state": "cancelled", "reason": words, "ended_at": window.until}
    done["broadcasts"] = conn.execute(sa.update(broadcasts).where(begun).values(**over)).rowcount
    again = sa.update(changes).where(in_state(changes, "in_flight")).values(state="new", next_at=None)
    done["changes"] = conn.execute(again).rowcount  # each was tried: entries are looked for before they are made
    done["sends"] = 0 if window.journal else _doubt(conn, window)
    lost = {"state": "unknown", "code": "restored", "reason": LEFT, "who": "", "next_at": window.until + LOOK}
    done["sends"] += conn.execute(sa.update(sends).where(in_state(sends, "in_flight")).values(**lost)).rowcount
    return done


def _doubt(conn: sa.Connection, window: Window) -> int:
    """What was about to leave at the backup, or whose time came since."""
    due = sa.and_(in_state(sends, "waiting"), _S.next_at < window.until)
    maybe = sa.or_(in_state(sends, "ready", "in_flight"), due)
    return conn.execute(sa.update(sends).where(maybe).values(**DOUBT)).rowcount


# ---- by the journal ------------------------------------------------------------------------------------------------
def apply(conn: sa.Connection, entries: Sequence[Mapping[str, Any]], window: Window, found: Found) -> None:
    """Some entries, in their order. Doing it again changes nothing more."""
    edge = window.since - MARGIN
    fresh = [entry for entry in entries if from_ms(entry["at"]) >= edge]
    _deliver(conn, [entry for entry in fresh if entry["kind"] == DELIVERY], found)
    for entry in fresh:
        found.last = max(found.last, entry["at"])
        if entry["kind"] == SEND:
            _left(conn, entry, window, found)
        elif entry["kind"] == RESULT:
            _came_back(conn, entry)
            found.results += 1
    _own(conn, [entry for entry in fresh if entry["kind"] == OWN])


def _deliver(conn: sa.Connection, entries: Sequence[Mapping[str, Any]], found: Found) -> None:
    """As they came: unpacking does the rest, once for each event."""
    t = deliveries.c
    there = set(conn.execute(sa.select(t.id).where(among(conn, t.id, [e["id"] for e in entries]))).scalars())
    rows = [
        {"id": e["id"], "account": e["account"], "received_at": from_ms(e["at"]), "headers": e["headers"],
         "body": e["body"]}
        for e in {entry["id"]: entry for entry in entries}.values() if e["id"] not in there
    ]  # fmt: skip
    if rows:
        conn.execute(sa.insert(deliveries), rows)
    found.deliveries += len(rows)


def _left(conn: sa.Connection, entry: Mapping[str, Any], window: Window, found: Found) -> None:
    """A message that left, or was about to: its row is there again, and nothing makes it a second time."""
    row = {name: _value(name, value) for name, value in entry["row"].items() if name in _S}
    at = from_ms(entry["at"])
    if found.erased.get(row["lane"] or "", 0) >= entry["at"]:
        return
    known = conn.execute(sa.select(_S.state, _S.attempts).where(_S.id == row["id"])).first()
    told = {"state": "unknown", "code": "restored", "reason": LEFT, "who": "", "next_at": window.until + LOOK}
    if known is not None:
        if known.attempts > row["attempts"] or known.state not in ("waiting", "ready", "in_flight", "unknown"):
            return
        frozen = ("body", "buttons", "context", "to", "user_id", "number", "account", "attempts", "started_at")
        values = {name: row[name] for name in frozen}
        conn.execute(sa.update(sends).where(_S.id == row["id"]).values(**values, **told))
    elif not _insert(conn, row | told, entry["keys"], at):
        return
    tried = {"send": row["id"], "n": row["attempts"], "lane": row["lane"], "number": row["number"], "started_at": at}
    insert_many(conn, send_attempts, [tried], ignore_conflicts=True)
    found.sends += 1


def _insert(conn: sa.Connection, row: dict[str, Any], keys: Sequence[Sequence[str]], at: datetime) -> bool:
    """False when its cause has a send already."""
    _meet(conn, row, keys, at)
    planned = row["cause"].startswith("broadcast|")
    if planned:  # a broadcast that is not known any more, or was ended by the restore, plans nobody again
        row |= {"event": None, "broadcast": row["broadcast"] if _known(conn, row["broadcast"]) else ""}
    row |= {"behind": None, "answered_by": None, "wamid": None, "rank": 0, "tell": 0, "told": 0, "told_reply": 0}
    if not insert_many(conn, sends, [row], ignore_conflicts=True, returning=["id"]):
        return False
    if planned and row["broadcast"]:
        person = {"broadcast": row["broadcast"], "person": row["lane"] or row["id"], "contact": row["lane"],
                  "phone": row["to"], "send": row["id"], "state": "planned"}  # fmt: skip
        insert_many(conn, broadcast_people, [person], ignore_conflicts=True)
    return True


def _known(conn: sa.Connection, broadcast: str) -> bool:
    return conn.execute(sa.select(broadcasts.c.id).where(broadcasts.c.id == broadcast)).first() is not None


def _meet(conn: sa.Connection, row: Mapping[str, Any], keys: Sequence[Sequence[str]], at: datetime) -> None:
    """Who it went to is a contact again, under the same id."""
    if row["lane"]:
        insert_many(conn, contacts, [{"id": row["lane"], "name": "", "created_at": at}], ignore_conflicts=True)
        held = [{"kind": kind, "value": value, "contact": row["lane"], "at": at} for kind, value in keys]
        insert_many(conn, contact_keys, held, ignore_conflicts=True)


def _came_back(conn: sa.Connection, entry: Mapping[str, Any]) -> None:
    """What became of an attempt, by the same rules as when it came."""
    at, state = from_ms(entry["at"]), {"accepted": "accepted", "failed": "failed", "unknown": "unknown"}
    one = Started(entry["id"], entry["n"], "", "", "", None, "", None, "", "", {})
    goes_to = state.get(entry["outcome"], "ready")
    result = Result(
        send=one, outcome=entry["outcome"], state=goes_to, wamid=entry["wamid"], code=entry["code"],
        reason=entry["reason"], next_at=at + LOOK if goes_to in ("ready", "unknown") else None,
    )  # fmt: skip
    outcomes.record(conn, [result], at)


def _own(conn: sa.Connection, entries: Sequence[Mapping[str, Any]]) -> None:
    """The CRM's word on them is in the journal too, and is our own doing."""
    rows = [
        {"account": e["account"], "object": e["object"], "record": e["record"], "field": e["field"],
         "value_hash": digest(e["value"]), "started_at": from_ms(e["at"]), "ended_at": from_ms(e["at"]) + AFTER}
        for e in entries
    ]  # fmt: skip
    insert_many(conn, own_writes, rows)


def _value(name: str, value: Any) -> Any:
    return from_ms(value) if isinstance(_S[name].type, Time) and value is not None else value
