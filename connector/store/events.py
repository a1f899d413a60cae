"""Events: one row per item of every batch, once; and what of them needs no CRM, applied in the same transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.store import totals
from connector.store.among import among
from connector.store.engine import insert_many
from connector.store.once import once
from connector.store.tables import changes, events, in_state, numbers, plans, record_values, sends

# Objects whose records are found by their bare id, besides those whose fields a document watches.
USUAL = ("contacts", "companies", "deals", "tickets", "Contact", "Lead", "Account", "Opportunity", "Case", "Quote")


def known_keys(conn: sa.Connection, pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which (account, dedupe_key) are stored already."""
    by_account: dict[str, list[str]] = {}
    for account, key in pairs:
        by_account.setdefault(account, []).append(key)
    found: set[tuple[str, str]] = set()
    for account, keys in by_account.items():
        found.update((account, key) for key in _known(conn, account, keys).scalars())
    return found


@once
def _known(conn: sa.Connection, account: str, keys: Sequence[str]) -> sa.Executable:
    t = events.c
    return sa.select(t.dedupe_key).where(among(conn, t.dedupe_key, keys), t.account == account)


def add(
    conn: sa.Connection,
    rows: Sequence[dict[str, Any]],
    crm_accounts: Sequence[str],
    triggers: Mapping[str, str] | None = None,
    due: Mapping[str, datetime] | None = None,
) -> None:
    """Inserts events; one in state `new` gets a plan row for each CRM account it concerns.

    `triggers` {event: CRM account}: only that account's send: documents look, from `due` {event: time} on.
    The UNIQUE dedupe key is the judge: a doubled key raises, and the caller's transaction with it."""
    insert_many(conn, events, list(rows))
    _count(conn, rows)
    waiting = {row["id"]: row["lane"] for row in rows if row["state"] == "new"}
    triggers, due = triggers or {}, due or {}
    todo: list[dict[str, Any]] = []
    for row in _placed(conn, waiting) if waiting else ():
        mine = {"event": row.id, "event_seq": row.seq, "lane": waiting[row.id], "state": "new", "attempts": 0}
        mine |= {"next_at": due.get(row.id)}
        if row.id in triggers:
            todo.append(mine | {"account": triggers[row.id], "journey": "trigger"})
        else:
            todo += [mine | {"account": account, "journey": "reply"} for account in crm_accounts]
    insert_many(conn, plans, todo)


@once
def _placed(conn: sa.Connection, ids: Collection[str]) -> sa.Executable:
    t = events.c
    return sa.select(t.id, t.seq, t.lane).where(among(conn, t.id, ids)).order_by(t.seq)


def add_done(
    conn: sa.Connection, rows: Sequence[dict[str, Any]], account: str, bodies: Mapping[str, Any], now: datetime
) -> None:
    """Events whose plan is made together with them: {event: its body}; nothing is left to judge."""
    insert_many(conn, events, list(rows))
    _count(conn, rows)
    done = {"account": account, "journey": "trigger", "state": "done", "attempts": 0, "done_at": now}
    found = _placed(conn, bodies).all() if bodies else ()
    insert_many(conn, plans, [
        done | {"event": row.id, "event_seq": row.seq, "lane": row.lane, "body": bodies[row.id]} for row in found
    ])  # fmt: skip


def _count(conn: sa.Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    for row in rows:
        totals.note(conn, totals.EVENTS, row["kind"])
        if row["kind"] == "DeliveryStatus":
            totals.note(conn, totals.STATUSES, str(row["payload"].get("status") or "unknown"))


def settle(conn: sa.Connection, ids: Sequence[str]) -> None:
    """Marks events done that have no plan left to make.

    Their rows are locked first, so that two accounts that finish at once cannot both miss it."""
    if conn.dialect.name == "postgresql":  # SQLite has one writer
        _lock(conn, ids)
    _settle(conn, ids)


@once
def _lock(conn: sa.Connection, ids: Sequence[str]) -> sa.Executable:
    return sa.select(events.c.id).where(among(conn, events.c.id, ids)).order_by(events.c.id).with_for_update()


@once
def _settle(conn: sa.Connection, ids: Sequence[str]) -> sa.Executable:
    open_plan = sa.exists().where(plans.c.event == events.c.id, plans.c.state == "new")
    mine = sa.and_(among(conn, events.c.id, ids), events.c.state == "new", ~open_plan)
    return sa.update(events).where(mine).values(state="done")


def get(conn: sa.Connection, key: str) -> Sequence[sa.Row[Any]]:
    """Events by our id or the vendor's (a wamid), newest first."""
    t = events.c
    return conn.execute(sa.select(events).where(sa.or_(t.id == key, t.dedupe_key == key)).order_by(t.seq.desc())).all()


def of_send(conn: sa.Connection, key: str) -> Sequence[sa.Row[Any]]:
    """The event that sent this message: by our id of the send, or its wamid."""
    query = sa.select(events).join(sends, sends.c.event == events.c.id)
    return conn.execute(query.where(sa.or_(sends.c.id == key, sends.c.wamid == key))).all()


def of_contacts(conn: sa.Connection, ids: Iterable[str], limit: int) -> Sequence[sa.Row[Any]]:
    """What these contacts wrote and what sent them something, newest first; a status stands with its message."""
    t, wanted = events.c, list(ids)
    wrote = sa.select(t.seq).where(t.lane.in_(wanted), t.kind != "DeliveryStatus").order_by(t.seq.desc()).limit(limit)
    heard = (
        sa.select(t.seq).join(sends, sends.c.event == t.id).where(sends.c.lane.in_(wanted))
        .order_by(sends.c.at.desc()).limit(limit)
    )  # fmt: skip
    found = {*conn.execute(wrote).scalars(), *conn.execute(heard).scalars()}
    newest = sorted(found, reverse=True)[:limit]
    return conn.execute(sa.select(events).where(t.seq.in_(newest)).order_by(t.seq.desc())).all()


def of_record(conn: sa.Connection, accounts: Iterable[str], key: str, limit: int) -> Sequence[sa.Row[Any]]:
    """Events of a CRM's record, newest first, by its id (`3001`), or with its object (`deals/3001`)."""
    name, _, id_ = key.rpartition("/")
    lanes = [
        f"record:{account}:{object_}:{id_}"
        for account in accounts
        for object_ in ([name] if name else {*USUAL, *_watched(conn, account)})
    ]
    query = sa.select(events).where(events.c.lane.in_(lanes)).order_by(events.c.seq.desc()).limit(limit)
    return conn.execute(query).all()


def _watched(conn: sa.Connection, account: str) -> Iterable[str]:
    """The objects we know values of; each found by one step in the index."""
    t, last = record_values.c, ""
    while step := conn.execute(sa.select(sa.func.min(t.object)).where(t.account == account, t.object > last)).scalar():
        yield (last := step)


def in_review(conn: sa.Connection, limit: int) -> Sequence[sa.Row[Any]]:
    """Events that need a person (dead, a dead plan, a change in review), newest first; by the partial indexes."""
    ids = sa.union(
        sa.select(changes.c.event.label("id")).where(in_state(changes, "review")),
        sa.select(plans.c.event).where(in_state(plans, "dead")),
        sa.select(events.c.id).where(in_state(events, "dead")),
    ).subquery()
    return conn.execute(
        sa.select(events).join(ids, ids.c.id == events.c.id).order_by(events.c.seq.desc()).limit(limit)
    ).all()


def since(
    conn: sa.Connection, start: datetime, kind: str, *, after: int = 0, limit: int = 500
) -> Sequence[sa.Row[Any]]:
    """Events received since then, oldest first, a page at a time (`after` = the last seq seen)."""
    t = events.c
    query = sa.select(events).where(t.received_at >= start, t.kind == kind, t.seq > after).order_by(t.seq).limit(limit)
    return conn.execute(query).all()


def begins(conn: sa.Connection, start: datetime) -> int:
    """A seq that no event received since `start` is below, found in a few steps: no index knows the times."""
    t, day_before = events.c, start - timedelta(days=1)  # clocks of several machines, and a backlog, mix the order
    low, high = conn.execute(sa.select(sa.func.min(t.seq), sa.func.max(t.seq))).one()
    low, high = low or 0, (high or 0) + 1
    while low < high:
        middle = (low + high) // 2
        row = conn.execute(sa.select(t.seq, t.received_at).where(t.seq >= middle).order_by(t.seq).limit(1)).first()
        if row is None or row.received_at >= day_before:
            high = middle
        else:
            low = row.seq + 1
    return int(low)


def count_since(conn: sa.Connection, start: datetime, kind: str) -> int:
    """How many `since` will give."""
    t = events.c
    mine = sa.and_(t.seq >= begins(conn, start), t.received_at >= start, t.kind == kind)
    return int(conn.execute(sa.select(sa.func.count()).select_from(events).where(mine)).scalar_one())


def note_number(conn: sa.Connection, number: str, account: str, what: str, alert: Mapping[str, Any]) -> None:
    """Keeps the newest account alert of each kind on the number (or on the WABA's own row)."""
    row = conn.execute(sa.select(numbers.c.state).where(numbers.c.id == number)).first()
    if row is None:
        insert_many(conn, numbers, [{"id": number, "account": account, "state": {what: dict(alert)}}])
        return
    conn.execute(
        sa.update(numbers).where(numbers.c.id == number).values(state={**(row.state or {}), what: dict(alert)})
    )
