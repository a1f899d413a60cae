"""Once more, because a person says so: changes, plans, events and sends that ended go back to the beginning."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.ids import new_id
from connector.store.among import among
from connector.store.bulk import insert_many
from connector.store.changes import WRITTEN
from connector.store.contacts import heirs
from connector.store.holding import AGAIN
from connector.store.tables import accounts, broadcast_people, changes, events, plans, sends
from connector.store.waiting import REPLACED

ENDED = ("review", "refused")
NOTIFY = "Notify"
_C, _S = changes.c, sends.c
# A send's columns that the next one takes over; everything else begins anew.
_KEPT = (
    "event", "account", "crm", "number", "document", "version", "template", "language", "step", "category", "priority",
    "to", "user_id", "body", "record", "person", "context", "broadcast",
)  # fmt: skip
CONSENT = ("consent", "graph_131050")  # codes of sends that a person's own word ended


# ---- changes -----------------------------------------------------------------------------------------------------
def ended(conn: sa.Connection, event: str) -> Sequence[sa.Row[Any]]:
    """The changes of one event that the CRM or a person refused, or that wait for a person."""
    return conn.execute(sa.select(changes).where(_C.event == event, _C.state.in_(ENDED)).order_by(_C.seq)).all()


def change(conn: sa.Connection, row: sa.Row[Any], now: datetime) -> str:
    """Puts one change back in its place; "" or why not. Hold its lane and its record.

    A field that has got a newer value since stays: written now, the older one would stand over it. Attempts of a
    timeline entry begin at one: an earlier try may have arrived, so it is looked for first."""
    if row.kind not in (*WRITTEN, NOTIFY):
        return "It is a question: answer it." if row.kind == "Ask" else f"A {row.kind} is not repeated."
    if row.kind == "SetField" and overtaken(conn, row):
        return f"{row.body['field']} has got a newer value since."
    attempts = 1 if row.kind in ("LogActivity", "CreateTask", "AttachFile") else 0
    mine = sa.and_(_C.seq == row.seq, _C.state.in_(ENDED))
    again = sa.update(changes).where(mine).values(state="new", attempts=attempts, next_at=now, done_at=None)
    return "" if conn.execute(again).rowcount else "Somebody else did it first."


def overtaken(conn: sa.Connection, row: sa.Row[Any]) -> bool:
    """A later change of the same field of the same record is written, or waits to be."""
    return newer(conn, row.account, row.object, row.record, row.lane, row.body["field"], after=row.seq)


def newer(conn: sa.Connection, account: str, object_: str, record: str, lane: str, field: str, *, after: int) -> bool:
    """The same of a value that is about to be written: was, or will be, a newer one written behind `after`?"""
    same = _C.lane == lane if not record else sa.or_(
        sa.and_(_C.record == record, _C.object == object_), sa.and_(_C.record == "", _C.lane == lane)
    )  # fmt: skip
    later = sa.and_(_C.account == account, same, _C.seq > after, _C.kind == "SetField")
    bodies = conn.execute(sa.select(_C.body).where(later, _C.state.in_(["new", "in_flight", "done"]))).scalars()
    return any(body["field"] == field for body in bodies)


def not_understood(row: sa.Row[Any]) -> bool:
    """Is this a question that a longer map would answer?"""
    return row.kind == "Ask" and row.body.get("why") == "not_understood" and bool(row.body.get("field"))


def answered(conn: sa.Connection, seqs: Sequence[int], text: str, now: datetime) -> None:
    """These questions have found their answer."""
    mine = sa.and_(_C.seq.in_(list(seqs)), _C.kind == "Ask", _C.state.in_(ENDED))
    conn.execute(sa.update(changes).where(mine).values(state="done", outcome={"text": text}, done_at=now))


# ---- plans and events --------------------------------------------------------------------------------------------
def reopen(conn: sa.Connection, event: str, now: datetime) -> list[sa.Row[Any]]:
    """Dead plans are new once more, in the lane of whoever their contact is now; (account, journey, lane) of each."""
    dead = conn.execute(sa.select(plans).where(plans.c.event == event, plans.c.state == "dead")).all()
    lanes = heirs(conn, [row.lane for row in dead])
    for row in dead:
        mine = (plans.c.event == event, plans.c.account == row.account, plans.c.state == "dead")
        fresh = {"state": "new", "attempts": 0, "next_at": now, "error": None}
        conn.execute(sa.update(plans).where(*mine).values(**fresh, lane=lanes.get(row.lane, row.lane)))
    if dead:
        conn.execute(sa.update(events).where(events.c.id == event).values(state="new", error=None))
    return list(dead)


def handled_later(conn: sa.Connection, row: sa.Row[Any]) -> int:
    """How many events of this plan's lane were handled after its own."""
    later = (plans.c.lane == row.lane, plans.c.account == row.account, plans.c.event_seq > row.event_seq)
    query = sa.select(sa.func.count()).select_from(plans).where(*later, plans.c.state == "done")
    return int(conn.execute(query).scalar_one())


def revive(conn: sa.Connection, event: sa.Row[Any], now: datetime) -> str | None:
    """A dead trigger event whose CRM account is connected (again) gets its plan; the account, None when it is not."""
    told = event.payload
    if event.state != "dead" or event.kind not in ("RecordChanged", "TriggerCalled"):
        return None
    here = conn.execute(sa.select(accounts).where(accounts.c.id == event.account)).first()
    if here is not None and here.kind == "link":
        here = conn.execute(sa.select(accounts).where(accounts.c.name == here.settings.get("crm"))).first()
    if here is None:
        return None
    lane = f"record:{here.id}:{told.get('object', '')}:{told['record']}" if told.get("record") else f"call:{event.id}"
    mine = sa.and_(events.c.id == event.id, events.c.state == "dead")
    if conn.execute(sa.update(events).where(mine).values(state="new", lane=lane, error=None)).rowcount:
        row = {"event": event.id, "account": here.id, "event_seq": event.seq, "lane": lane, "journey": "trigger"}
        insert_many(conn, plans, [row | {"state": "new", "attempts": 0, "next_at": now}], ignore_conflicts=True)
    return str(here.id)


# ---- sends -------------------------------------------------------------------------------------------------------
def stopped(conn: sa.Connection, event: str) -> Sequence[sa.Row[Any]]:
    """The sends of one event that came to nothing, or may have; not those that were sent again already."""
    states = ("failed", "refused", "expired", "cancelled", "unknown")
    mine = sa.and_(_S.event == event, _S.state.in_(states), _S.label != REPLACED)
    return conn.execute(sa.select(sends).where(mine).order_by(_S.at, _S.id)).all()


def rows(conn: sa.Connection, ids: Sequence[str]) -> Sequence[sa.Row[Any]]:
    """These sends, whole, by id."""
    return conn.execute(sa.select(sends).where(among(conn, _S.id, ids)).order_by(_S.id)).all() if ids else ()


def why_not(row: Any) -> str:
    """Why this send is not sent again at a person's word; "" when it may be."""
    if row.state == "unknown":
        return "It may have been sent: look at it in review first."
    if row.state == "cancelled":
        return "It was cancelled."
    if row.code in CONSENT:
        return "The person does not want it: an opt-out is never overruled."
    if row.category == "authentication":
        return "A code is never sent twice."
    return ""


def send(conn: sa.Connection, row: sa.Row[Any], now: datetime) -> dict[str, Any] | None:
    """A new send in the place of one that came to nothing; None when it has moved or was replaced meanwhile.

    A new one, because WhatsApp may have a message of the old one, and facts stay with what they are about. It passes
    every gate again, with the values of now. The old one's label and the cause, which is UNIQUE, let it happen once."""
    mine = sa.and_(_S.id == row.id, _S.state == row.state, _S.label != REPLACED)
    if not conn.execute(sa.update(sends).where(mine).values(label=REPLACED)).rowcount:
        return None
    given = row._mapping
    is_reply = not row.template
    fresh = {name: given[name] for name in _KEPT} | {
        "id": new_id(), "cause": f"{row.cause}|again:{row.id}", "label": AGAIN, "at": now, "next_at": now,
        "lane": heirs(conn, [row.lane]).get(row.lane, row.lane) if row.lane else None,
        "state": "ready" if is_reply else "waiting", "body": row.body if is_reply else None,
    }  # fmt: skip
    made = insert_many(conn, sends, [fresh], ignore_conflicts=True, returning=["id"])
    if made and row.broadcast:  # the same person of the same broadcast
        mine = sa.and_(broadcast_people.c.broadcast == row.broadcast, broadcast_people.c.send == row.id)
        conn.execute(sa.update(broadcast_people).where(mine).values(send=fresh["id"]))
    return fresh if made else None
