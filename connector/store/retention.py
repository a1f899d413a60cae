"""How long things are kept: bodies, texts, and what people of the console leave behind; a part at a time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.core import redact
from connector.store import audit, blanking, broadcast_people, veil
from connector.store.options import Options
from connector.store.tables import (
    broadcasts,
    changes,
    conversations,
    deliveries,
    events,
    in_state,
    invites,
    plans,
    sends,
    sessions,
    shadows,
    tasks,
    throttles,
)

BODIES, TEXTS, ROWS = 200, 100, 1000  # rows of one transaction
LOOK = 2000  # rows looked at for the next ones
VEILED = timedelta(days=30)  # how long it is known who was erased, where nothing was opted out


@dataclass(slots=True)
class Step:
    """One part of the work: how many rows changed, where the next part begins; None = there is none."""

    done: int
    after: Any


def bodies(conn: sa.Connection, options: Options, now: datetime, after: Any) -> Step:
    """Webhooks as they came: the row stays, what it held goes. One that could not be read is kept like a text."""
    t = deliveries.c
    columns = sa.select(t.seq, t.state, t.received_at, sa.func.length(t.body).label("size"))
    rows = conn.execute(columns.where(t.seq > (after or 0)).order_by(t.seq).limit(LOOK)).all()
    raw, text = options.before("raw", now), options.before("text", now)
    due = [r for r in rows if r.size and r.received_at < (raw if r.state == "unpacked" else text) and r.state != "new"]
    old, ids = rows and rows[-1].received_at < raw, [r.seq for r in due[:BODIES]]
    if ids:
        conn.execute(sa.update(deliveries).where(t.seq.in_(ids)).values(body=b"", headers="{}"))
    if len(due) > BODIES:
        return Step(len(ids), ids[-1])
    return Step(len(ids), rows[-1].seq if old and len(rows) == LOOK else None)


def texts(conn: sa.Connection, options: Options, now: datetime, after: Any) -> Step:
    """What people wrote, with the plans and changes it led to. What still waits, or waits for a person, is left."""
    t, before = events.c, options.before("text", now)
    rows = conn.execute(sa.select(t.seq, t.received_at).where(t.seq > (after or 0)).order_by(t.seq).limit(LOOK)).all()
    old = [r.seq for r in rows if r.received_at < before]
    if not old:
        return Step(0, None)
    body = sa.type_coerce(t.payload, sa.Text)
    full = sa.and_(t.seq.between(old[0], old[-1]), t.received_at < before, body.not_like(f'%"{redact.MARK}":%'))
    open_ = sa.or_(
        sa.exists().where(plans.c.event == t.id, in_state(plans, "new")),
        sa.exists().where(changes.c.event == t.id, changes.c.state.in_(["new", "in_flight", "review"])),
    )
    due = conn.execute(sa.select(events).where(full, t.state != "new", ~open_).order_by(t.seq).limit(TEXTS)).all()
    if due:
        _empty(conn, due, options.retain_text)
    more = due[-1].seq if len(due) == TEXTS else old[-1] if len(old) == LOOK else None
    return Step(len(due), more)


def _empty(conn: sa.Connection, rows: blanking.Rows, days: int) -> None:
    b, t = sa.bindparam, events.c
    new = [{"q": row.seq, "p": redact.emptied(row.payload, days)} for row in rows]
    conn.execute(sa.update(events).where(t.seq == b("q")).values(payload=b("p", type_=t.payload.type)), new)
    blanking.blank_plans(conn, [row.id for row in rows])
    query = sa.select(changes).where(changes.c.event.in_([row.id for row in rows]))
    blanking.blank_changes(conn, conn.execute(query).all())


def messages(conn: sa.Connection, options: Options, now: datetime, after: Any) -> Step:
    """What was written to people; what has not left yet is left."""
    t = sends.c
    old = sa.and_(t.at < options.before("text", now), t.at >= after) if after else t.at < options.before("text", now)
    held = sa.or_(t.body.is_not(None), t.context.is_not(None))
    ended = t.state.not_in(["waiting", "ready", "in_flight", "unknown"])
    rows = conn.execute(sa.select(t.id, t.at).where(old, held, ended).order_by(t.at).limit(ROWS)).all()
    if rows:
        gone = {"body": None, "context": None}
        conn.execute(sa.update(sends).where(t.id.in_([row.id for row in rows])).values(**gone))
        broadcast_people.empty(conn, [row.id for row in rows])
    return Step(len(rows), rows[-1].at if len(rows) == ROWS else None)


def talks(conn: sa.Connection, options: Options, now: datetime, after: Any) -> Step:  # noqa: ARG001
    """What ended conversations kept; that they were, and how they ended, stays."""
    t, before = conversations.c, options.before("text", now)
    old = sa.select(t.id).where(t.ended_at < before, t.state.is_not(None)).limit(ROWS)
    ids = list(conn.execute(old).scalars())
    if ids:
        conn.execute(sa.update(conversations).where(t.id.in_(ids)).values(state=None, reason=""))
    return Step(len(ids), now if len(ids) == ROWS else None)


def lists(conn: sa.Connection, options: Options, now: datetime, after: Any) -> Step:
    """Who stood in the lists of broadcasts that ended long ago; `after` is [broadcast, line]."""
    t = broadcasts.c
    ended = sa.and_(t.ended_at < options.before("text", now), t.forgotten_at.is_(None))
    begun, line = after or ("", -1)
    id_ = begun or conn.execute(sa.select(t.id).where(ended).order_by(t.id).limit(1)).scalar()
    if id_ is None:
        return Step(0, None)
    line = broadcast_people.forget(conn, id_, line, ROWS)
    if line is not None:
        return Step(ROWS, [id_, line])
    conn.execute(sa.update(broadcasts).where(t.id == id_).values(forgotten_at=now))
    return Step(1, ["", -1])


def console(conn: sa.Connection, options: Options, now: datetime, after: Any) -> Step:  # noqa: ARG001
    """Ended sessions, used or stale invitations, old throttles, ended tasks, shadows, the audit log, old hashes."""
    ended, t = options.before("sessions", now), tasks.c
    over = sa.and_(t.state.in_(["done", "failed", "cancelled"]), sa.func.coalesce(t.ended_at, t.at) < ended)
    gone = {
        sessions: sessions.c.expires_at < ended,
        invites: sa.or_(invites.c.expires_at < ended, invites.c.used_at < ended),
        throttles: sa.and_(throttles.c.at < ended, throttles.c.until < now),
        tasks: over,
        shadows: shadows.c.at < options.before("text", now),
    }
    done = sum(conn.execute(sa.delete(table).where(where)).rowcount for table, where in gone.items())
    lines = audit.prune(conn, options.before("audit", now), ROWS)
    veil.prune(conn, now - VEILED)
    return Step(done + lines, 0 if lines == ROWS else None)


STEPS: Mapping[str, Callable[[sa.Connection, Options, datetime, Any], Step]] = {
    "bodies": bodies,
    "texts": texts,
    "messages": messages,
    "conversations": talks,
    "lists": lists,
    "console": console,
}
