"""Sends with something to tell: their document's `after:`, or a workflow that waits, has not heard the newest yet."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from connector.store.bulk import in_chunks, insert_many
from connector.store.once import once
from connector.store.plans import Moved
from connector.store.sends import RANKS
from connector.store.tables import accounts, changes, events, send_attempts, sends, statuses

ENDED = ("failed", "refused", "expired", "cancelled")


def waiting(conn: sa.Connection, crm: str, limit: int) -> Sequence[sa.Row[Any]]:
    """Sends of one CRM account that have something to tell, oldest first."""
    return _waiting(conn, crm, limit).all()


@once
def _waiting(_: sa.Connection, crm: str, limit: int) -> sa.Executable:
    query = sa.select(sends).where(sa.literal_column("tell = 1"), sends.c.crm == crm)
    return query.order_by(sends.c.at, sends.c.id).limit(limit)


def accounts_due(conn: sa.Connection) -> list[str]:
    """CRM accounts with a send that has something to tell."""
    return list(_accounts_due(conn).scalars())


@once
def _accounts_due(_: sa.Connection) -> sa.Executable:
    any_ = sa.exists().where(sa.literal_column("tell = 1"), sends.c.crm == accounts.c.id)
    return sa.select(accounts.c.id).where(any_)


def history(conn: sa.Connection, event: str) -> list[dict[str, Any]]:
    """What one event sent: each message with its attempts and statuses, oldest first."""
    rows = conn.execute(sa.select(sends).where(sends.c.event == event).order_by(sends.c.at, sends.c.id)).all()
    tries, facts = defaultdict[str, list[Any]](list), defaultdict[str, list[Any]](list)
    for chunk in in_chunks(rows):
        ids, owner = [row.id for row in chunk], {row.wamid: row.id for row in chunk if row.wamid}
        made = sa.select(send_attempts).where(send_attempts.c.send.in_(ids)).order_by(send_attempts.c.n)
        for row in conn.execute(made):
            tries[row.send].append(row)
        heard = sa.or_(statuses.c.wamid.in_(list(owner)), statuses.c.send.in_(ids))
        for row in conn.execute(sa.select(statuses).where(heard).order_by(statuses.c.at)):
            for send in {row.send, owner.get(row.wamid)}:
                facts[send].append(row)
    return [dict(row._mapping) | {"attempts_made": tries[row.id], "statuses": facts[row.id]} for row in rows]


def of_document(conn: sa.Connection, document: str, limit: int = 100) -> Sequence[sa.Row[Any]]:
    """The newest messages of one document."""
    return conn.execute(
        sa.select(sends).where(sends.c.document == document).order_by(sends.c.at.desc()).limit(limit)
    ).all()


def answer_of(conn: sa.Connection, send: str) -> str | None:
    """The event that answered this message."""
    return conn.execute(sa.select(sends.c.answered_by).where(sends.c.id == send)).scalar()


def answers(conn: sa.Connection, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """{event: payload} of the messages that answered."""
    found: dict[str, Mapping[str, Any]] = {}
    for chunk in in_chunks(sorted(set(ids))):
        rows = conn.execute(sa.select(events.c.id, events.c.payload).where(events.c.id.in_(chunk)))
        found.update((row.id, row.payload) for row in rows)
    return found


def _tell() -> sa.Update:
    b, t = sa.bindparam, sends.c
    same = sa.and_(
        t.id == b("s"), t.rank == b("r"), t.state == b("st"), sa.func.coalesce(t.answered_by, "") == b("a"),
        t.tell == 1, t.told == b("was"), t.told_reply == b("heard"),
    )  # fmt: skip
    return sa.update(sends).where(same).values(tell=0, told=b("k"), told_reply=b("re"))


_TELL = _tell()


def tell(conn: sa.Connection, account: str, told: Sequence[sa.Row[Any]], made: Sequence[dict[str, Any]]) -> None:
    """Stores what is told and that it was; raises Moved when a send has gone on since it was read.

    `made` are change rows without ordinal: each goes behind those its event has."""
    values = [
        {
            "s": r.id,
            "r": r.rank,
            "st": r.state,
            "a": r.answered_by or "",
            "k": _told(r),
            "re": int(bool(r.answered_by)),
            "was": r.told,
            "heard": r.told_reply,
        }
        for r in sorted(told, key=lambda r: r.id)  # as statuses and outcomes are stored: nobody waits in a ring
    ]
    if values and conn.execute(_TELL, values).rowcount != len(values):
        raise Moved
    ordinals = _next_ordinals(conn, account, [row["event"] for row in made])
    for row in made:
        row["ordinal"] = ordinals[row["event"]]
        ordinals[row["event"]] += 1
    insert_many(conn, changes, list(made))


def _told(row: sa.Row[Any]) -> int:
    return max(RANKS["failed"], row.rank) if row.state in ENDED else int(row.rank)


def _next_ordinals(conn: sa.Connection, account: str, ids: Sequence[str]) -> dict[str, int]:
    found = dict.fromkeys(ids, 0)
    t = changes.c
    for chunk in in_chunks(sorted(found)):
        query = sa.select(t.event, sa.func.max(t.ordinal)).where(t.event.in_(chunk), t.account == account)
        found.update((event, last + 1) for event, last in conn.execute(query.group_by(t.event)))
    return found
