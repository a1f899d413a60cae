"""Conversations: the one that runs of each contact, moved by compare-and-set on its revision, and those that ended."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store.among import among
from connector.store.bulk import insert_many
from connector.store.once import once
from connector.store.plans import Moved
from connector.store.tables import conversations, document_versions, documents, events

_T = conversations.c
RUNS = sa.literal_column("ended_at IS NULL", sa.Boolean)  # as the partial indexes spell it
# The words of ends that no flow names itself, with what they mean.
MERGED, STOPPED, UNSENT, GONE, LOST = "merged", "opted_out", "unsent", "gone", "lost"


@dataclass(frozen=True, slots=True)
class Write:
    """What a move makes of one row; `revision` 0 = it begins now."""

    id: str
    revision: int
    values: Mapping[str, Any] = field(default_factory=dict)


def running(conn: sa.Connection, contacts: Iterable[str]) -> dict[str, sa.Row[Any]]:
    """{contact: its running conversation}."""
    wanted = set(contacts)
    return {row.contact: row for row in _running(conn, wanted)} if wanted else {}


@once
def _running(conn: sa.Connection, contacts: set[str]) -> sa.Executable:
    return sa.select(conversations).where(RUNS, among(conn, _T.contact, contacts))


def save(conn: sa.Connection, writes: Sequence[Write]) -> None:
    """Stores moves, ends before beginnings; raises Moved when one went on, or began, elsewhere meanwhile."""
    for write in sorted((w for w in writes if w.revision), key=lambda w: w.id):
        mine = sa.and_(_T.id == write.id, _T.revision == write.revision, RUNS)
        query = sa.update(conversations).where(mine).values(**write.values, revision=_T.revision + 1)
        if conn.execute(query).rowcount != 1:
            raise Moved
    fresh = [{"id": w.id, "revision": 1, **w.values} for w in writes if not w.revision]
    if fresh:
        made = insert_many(conn, conversations, fresh, ignore_conflicts=True, returning=["id"])
        if len(made) != len(fresh):
            raise Moved


def finish(
    conn: sa.Connection, which: sa.ColumnElement[bool], word: str, reason: str, now: datetime, event: str | None = None
) -> int:
    """Ends what runs of these; how many. Nobody's move is lost: whoever holds an older revision looks again."""
    values = {"outcome": word, "reason": reason[:500], "ended_at": now, "moved_at": now, "ended_by": event}
    query = sa.update(conversations).where(RUNS, which)
    return conn.execute(query.values(**values, wake_at=None, revision=_T.revision + 1)).rowcount


def is_(id: str) -> sa.ColumnElement[bool]:
    """The conversation of this id."""
    return _T.id == id


def stop(conn: sa.Connection, facts: Iterable[Mapping[str, Any]]) -> None:
    """Who wants nothing more (consent facts) is in no conversation any more, from the moment of that word on."""
    said = {str(f["contact"]): f for f in facts if f["category"] == "all" and f["state"] == "opted_out"}
    for contact, fact in sorted(said.items()):
        heard = sa.select(events.c.id).where(events.c.dedupe_key == fact.get("event")).limit(1)
        event = conn.execute(heard).scalar() if fact.get("event") else None
        finish(conn, _T.contact == contact, STOPPED, "The person wants no more messages.", fact["at"], event)


def unsent(conn: sa.Connection, ended: Mapping[str, str], now: datetime) -> int:
    """{send: why it was not sent}: a question that never came is waited for no longer."""
    return sum(
        finish(conn, _T.asked == send, UNSENT, f"Its message was not sent. {why}".strip(), now)
        for send, why in sorted(ended.items())
    )


def without_flow(conn: sa.Connection, now: datetime, name: str | None = None) -> int:
    """Ends the conversations of flows that are not live any more; how many."""
    live = sa.exists().where(
        documents.c.name == _T.flow, document_versions.c.document == documents.c.id,
        document_versions.c.state == "live",
    )  # fmt: skip
    which = sa.and_(~live, _T.flow == name) if name else ~live
    return finish(conn, which, GONE, "Its flow was switched off.", now)


def of_account_gone(conn: sa.Connection, account: str, reason: str, now: datetime) -> int:
    """Ends those that ran in a CRM account, or over a WhatsApp account, that was removed; how many."""
    return finish(conn, sa.or_(_T.account == account, _T.source == account), GONE, reason, now)


# ---- timers ------------------------------------------------------------------------------------------------------
def due(conn: sa.Connection, now: datetime, limit: int) -> Sequence[sa.Row[Any]]:
    """Those whose time has come and was not told yet, the longest due first."""
    return _due(conn, now, limit).all()


@once
def _due(_: sa.Connection, now: datetime, limit: int) -> sa.Executable:
    asleep = sa.and_(RUNS, sa.literal_column("woken = 0"), _T.wake_at <= now)
    return sa.select(conversations).where(asleep).order_by(_T.wake_at).limit(limit)


def waken(conn: sa.Connection, row: Any) -> bool:
    """Compare-and-set: the event of this timer is ours to make."""
    mine = sa.and_(_T.id == row.id, _T.wake_at == row.wake_at, _T.woken == 0, RUNS)
    return conn.execute(sa.update(conversations).where(mine).values(woken=1)).rowcount == 1


def rest(conn: sa.Connection, contact: str, until: datetime) -> None:
    """The timer of what runs of this contact does not ring before then: a person talks with them."""
    mine = sa.and_(RUNS, _T.contact == contact, _T.wake_at < until)
    conn.execute(sa.update(conversations).where(mine).values(wake_at=until, woken=0, revision=_T.revision + 1))


def alarm(conn: sa.Connection, contact: str, at: datetime) -> None:
    """The timer of what runs of this contact is looked at then; a hold without an end had put it out."""
    mine = sa.and_(RUNS, _T.contact == contact)
    conn.execute(sa.update(conversations).where(mine).values(wake_at=at, woken=0, revision=_T.revision + 1))


# ---- people ------------------------------------------------------------------------------------------------------
def merge(conn: sa.Connection, into: str, gone: str, now: datetime) -> None:
    """Conversations follow the contact; of two that run the one that moved last goes on."""
    both = sorted(running(conn, [into, gone]).values(), key=lambda row: (row.moved_at, row.id))
    for row in both[:-1]:
        finish(conn, _T.id == row.id, MERGED, "Two contacts became one, and the other conversation goes on.", now)
    conn.execute(sa.update(conversations).where(_T.contact == gone).values(contact=into))


# ---- what pages ask ----------------------------------------------------------------------------------------------
def of_event(conn: sa.Connection, event: str) -> Sequence[sa.Row[Any]]:
    """Conversations that this event began or ended."""
    mine = sa.or_(_T.started_by == event, _T.ended_by == event)
    return conn.execute(sa.select(conversations).where(mine).order_by(_T.started_at, _T.id)).all()


def one(conn: sa.Connection, id: str) -> sa.Row[Any] | None:
    """One conversation by its id."""
    return conn.execute(sa.select(conversations).where(_T.id == id)).first()


def page(
    conn: sa.Connection, *, flow: str = "", contact: str = "", step: str = "", state: str = "", before: str = "",
    limit: int = 50,
) -> Sequence[sa.Row[Any]]:  # fmt: skip
    """Newest first; `state`: "" all, running, ended, or the word of an end."""
    query = sa.select(conversations)
    for column, value in ((_T.flow, flow), (_T.contact, contact), (_T.step, step)):
        query = query.where(column == value) if value else query
    if state in ("running", "ended"):
        query = query.where(RUNS if state == "running" else _T.ended_at.is_not(None))
    elif state:
        query = query.where(_T.outcome == state)
    query = query.where(_T.id < before) if before else query
    return conn.execute(query.order_by(_T.id.desc()).limit(limit)).all()


def on_other_version(conn: sa.Connection, flow: str, version: int, after: str, limit: int) -> Sequence[sa.Row[Any]]:
    """Running conversations of a flow on any version but this, by id."""
    mine = sa.and_(RUNS, _T.flow == flow, _T.version != version, _T.id > after)
    return conn.execute(sa.select(conversations).where(mine).order_by(_T.id).limit(limit)).all()


def counts(conn: sa.Connection, flow: str) -> tuple[dict[str, int], dict[str, int]]:
    """({step: how many wait there}, {word of an end: how many})."""
    number = sa.func.count()
    runs = sa.select(_T.step, number).where(RUNS, _T.flow == flow).group_by(_T.step)
    ended = sa.select(_T.outcome, number).where(_T.ended_at.is_not(None), _T.flow == flow).group_by(_T.outcome)
    return {s: int(n) for s, n in conn.execute(runs)}, {w: int(n) for w, n in conn.execute(ended)}
