"""One person's timeline: what they wrote, what they were sent, what happened to their CRM records; newest first."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from connector.store.cursors import START, Cursor, read
from connector.store.holding import COLUMNS
from connector.store.tables import events, sends, to_ms

_E, _S = events.c, sends.c


@dataclass(frozen=True, slots=True)
class Found:
    """One page: event rows and rows of sends, each with the place it has among both; and the cursor of the next."""

    events: list[Any]
    sends: list[Any]
    order: list[tuple[str, str]]  # ("event" | "send", id), newest first
    older: str


def page(
    conn: sa.Connection, lanes: Collection[str], records: Collection[tuple[str, str, str]], before: str, limit: int
) -> Found:
    """`lanes` are the contact's, `records` its (account, object, id). Two streams, each with a place of its own."""
    first, _, second = before.partition("!")
    at, sent = read(first), read(second)
    mine = [*lanes, *(f"record:{account}:{object_}:{id_}" for account, object_, id_ in records)]
    wrote = _events(conn, mine, at, limit + 1)
    got = _sends(conn, lanes, sent, limit + 1)
    order, e, s = _merged(wrote, got, limit)
    if e:
        at = Cursor(wrote[e - 1].seq, "")
    if s:
        sent = Cursor(to_ms(got[s - 1].at), got[s - 1].id)
    more = len(wrote) > e or len(got) > s
    return Found(wrote[:e], got[:s], order, f"{at.text()}!{sent.text()}" if more else "")


def _merged(wrote: list[Any], got: list[Any], limit: int) -> tuple[list[tuple[str, str]], int, int]:
    """The first of both by time, each stream in its own order; and how many of each."""
    order: list[tuple[str, str]] = []
    e = s = 0
    while len(order) < limit and (e < len(wrote) or s < len(got)):
        if s == len(got) or (e < len(wrote) and wrote[e].received_at >= got[s].at):
            order.append(("event", wrote[e].id))
            e += 1
        else:
            order.append(("send", got[s].id))
            s += 1
    return order, e, s


def _events(conn: sa.Connection, lanes: Collection[str], cursor: Cursor, size: int) -> list[Any]:
    """By the lanes' index: sorted by an expression, as else all of history might be walked instead."""
    query = sa.select(events).where(_E.lane.in_(lanes), _E.seq < cursor.seq, _E.kind != "DeliveryStatus")
    return list(conn.execute(query.order_by((_E.seq + 0).desc()).limit(size)))


def _sends(conn: sa.Connection, lanes: Collection[str], cursor: Cursor, size: int) -> list[Any]:
    ms = sa.type_coerce(_S.at, sa.BigInteger)
    query = sa.select(*COLUMNS).where(_S.lane.in_(lanes))
    if cursor != START:
        query = query.where(sa.or_(ms < cursor.seq, sa.and_(ms == cursor.seq, _S.id < cursor.id)))
    return list(conn.execute(query.order_by((ms + 0).desc(), _S.id.desc()).limit(size)))
