"""How far a new house is: what has come in, what was published, what reached a CRM; newest first and never counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store.tables import (
    changes,
    cursors,
    deliveries,
    document_versions,
    documents,
    events,
    numbers,
    sends,
    snapshots,
    templates,
    users,
)  # fmt: skip

LOOKED = 1000  # rows of the newest that are looked at: a page must not go through a history


@dataclass(frozen=True, slots=True)
class Steps:
    """What the checklist is made of."""

    delivered: Mapping[str, datetime]  # by account: the newest of its deliveries
    checked: Mapping[str, tuple[Any, datetime]]  # by account: what its last check saw
    numbers: Sequence[sa.Row[Any]]
    templates: int  # approved names
    documents: Sequence[str]  # names of live ones
    mapped: str  # an event that a mapping turned into a change of a record
    heard: str  # the newest message of a customer
    admins: int
    chores: datetime | None  # when a regular chore was last begun: clock and workers are there
    doctor: tuple[Any, datetime] | None


def steps(conn: sa.Connection) -> Steps:
    """All of it, in a few short reads."""
    kept = conn.execute(sa.select(snapshots)).all()
    seen = {row.name.partition(":")[2]: (row.body, row.at) for row in kept if row.name.startswith("account:")}
    live = sa.select(documents.c.name).join(document_versions, document_versions.c.document == documents.c.id)
    live = live.where(document_versions.c.state == "live").order_by(documents.c.name)
    approved = sa.select(sa.func.count(sa.distinct(templates.c.name))).where(templates.c.status == "APPROVED")
    admins = sa.select(sa.func.count()).where(users.c.role == "admin", users.c.state == "active")
    chores = sa.select(sa.func.max(cursors.c.at)).where(cursors.c.account == "")
    return Steps(
        _delivered(conn), seen, conn.execute(sa.select(numbers)).all(),
        int(conn.execute(approved).scalar() or 0), list(conn.execute(live).scalars()), _mapped(conn), _heard(conn),
        int(conn.execute(admins).scalar() or 0), conn.execute(chores).scalar(),
        next(((row.body, row.at) for row in kept if row.name == "doctor"), None),
    )  # fmt: skip


def _delivered(conn: sa.Connection) -> dict[str, datetime]:
    newest = sa.select(deliveries.c.account, deliveries.c.received_at).order_by(deliveries.c.seq.desc()).limit(LOOKED)
    part = newest.subquery()
    query = sa.select(part.c.account, sa.func.max(part.c.received_at).label("at")).group_by(part.c.account)
    return {row.account: row.at for row in conn.execute(query)}


def _mapped(conn: sa.Connection) -> str:
    """A written field whose cause is a customer's message."""
    newest = sa.select(changes.c.event, changes.c.state, changes.c.kind).order_by(changes.c.seq.desc()).limit(LOOKED)
    part = newest.subquery()
    query = sa.select(events.c.id).join(part, part.c.event == events.c.id)
    query = query.where(part.c.state == "done", part.c.kind == "SetField", events.c.kind == "InboundMessage")
    return str(conn.execute(query.order_by(events.c.seq.desc()).limit(1)).scalar() or "")


def _heard(conn: sa.Connection) -> str:
    newest = sa.select(events.c.id, events.c.kind, events.c.seq).order_by(events.c.seq.desc()).limit(LOOKED).subquery()
    query = sa.select(newest.c.id).where(newest.c.kind == "InboundMessage").order_by(newest.c.seq.desc()).limit(1)
    return str(conn.execute(query).scalar() or "")


def remembered(conn: sa.Connection, wamids: Sequence[str]) -> dict[str, str]:
    """{wamid: event} of messages that customers wrote and of those we sent; what we do not know is left out."""
    if not wamids:
        return {}
    heard = sa.select(events.c.dedupe_key.label("wamid"), events.c.id).where(events.c.dedupe_key.in_(list(wamids)))
    sent = sa.select(sends.c.wamid, sends.c.event).where(sends.c.wamid.in_(list(wamids)), sends.c.event.is_not(None))
    found = {row.wamid: row.event for row in conn.execute(sent) if row.event}
    return found | {row.wamid: row.id for row in conn.execute(heard)}
