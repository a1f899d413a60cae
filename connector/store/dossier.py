"""Everything stored about one person, for them to read: rows as they stand, of bodies only their items."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from connector.store import mentions
from connector.store.bulk import in_chunks
from connector.store.family import Family
from connector.store.tables import (
    accounts,
    broadcast_people,
    changes,
    consents,
    contact_keys,
    contacts,
    conversations,
    crm_links,
    events,
    holds,
    media,
    plans,
    record_values,
    send_attempts,
    sends,
    statuses,
    windows,
)


def of(conn: sa.Connection, family: Family) -> dict[str, Any]:
    """{contact, keys, links, consents, conversations, holds, windows, events, media, plans, changes, sends, broadcasts,
    attempts, statuses, record_values, raw}. The bytes of files are not among it: `media` says which there are."""
    mine = family.contacts
    found = _rows(conn, events, events.c.lane, family.lanes, events.c.seq) + _unclaimed(conn, family)
    sent = _rows(conn, sends, sends.c.lane, mine, sends.c.at)
    ids, send_ids = [row["id"] for row in found], [row["id"] for row in sent]
    wamids = sorted({row["wamid"] for row in sent if row["wamid"]})
    return {
        "contact": next(iter(_rows(conn, contacts, contacts.c.id, [family.root], contacts.c.id)), None),
        "merged": [one for one in mine if one != family.root],
        "keys": _rows(conn, contact_keys, contact_keys.c.contact, mine, contact_keys.c.at),
        "links": _rows(conn, crm_links, crm_links.c.contact, mine, crm_links.c.at),
        "consents": _rows(conn, consents, consents.c.contact, mine, consents.c.seq),
        "conversations": _rows(conn, conversations, conversations.c.contact, mine, conversations.c.started_at),
        "holds": _rows(conn, holds, holds.c.contact, mine, holds.c.at),
        "windows": _rows(conn, windows, windows.c.contact, mine, windows.c.at),
        "events": [{k: v for k, v in row.items() if k != "payload"} | _told(row["payload"]) for row in found],
        "media": _rows(conn, media, media.c.event, ids, media.c.at),
        "plans": _rows(conn, plans, plans.c.event, ids, plans.c.event_seq),
        "changes": _changes(conn, family, ids, sent),
        "sends": sent,
        "broadcasts": _rows(conn, broadcast_people, broadcast_people.c.contact, mine, broadcast_people.c.line),
        "attempts": _rows(conn, send_attempts, send_attempts.c.send, send_ids, send_attempts.c.started_at),
        "statuses": _rows(conn, statuses, statuses.c.wamid, wamids, statuses.c.at),
        "record_values": _values(conn, family),
        "raw": [
            {"event": row["id"], "delivery": row["delivery"], "item": row["payload"]["raw"]}
            for row in found
            if row["payload"].get("raw")
        ],
        "accounts": {row.id: row.name for row in conn.execute(sa.select(accounts.c.id, accounts.c.name))},
    }


def _unclaimed(conn: sa.Connection, family: Family) -> list[dict[str, Any]]:
    """Events of theirs that no contact had: what we could not read, and what other tools wrote to them."""
    found, after, more = [], None, bool(family.ids)
    while more:
        rows, after, _ = mentions.look(conn, "events", family.ids, datetime.now(UTC), after)
        found += [_plain(row) for row in rows if mentions.is_theirs(row, family)]
        more = after is not None
    return found


def _told(payload: dict[str, Any]) -> dict[str, Any]:
    return {"payload": {name: value for name, value in payload.items() if name != "raw"}}


def _rows(
    conn: sa.Connection, table: sa.Table, column: sa.Column[Any], values: Sequence[str], order: sa.Column[Any]
) -> list[dict[str, Any]]:
    """The rows whose column is one of these, in order."""
    rows = [
        row for chunk in in_chunks(list(values)) for row in
        conn.execute(sa.select(table).where(column.in_(chunk)).order_by(order))
    ]  # fmt: skip
    return [_plain(row) for row in rows]


def _plain(row: sa.Row[Any]) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in row._mapping.items()}


def _changes(conn: sa.Connection, family: Family, ids: Sequence[str], sent: Sequence[Any]) -> list[dict[str, Any]]:
    """What was made of their events, what their messages came to, and what was written on their records."""
    t = changes.c
    found = _rows(conn, changes, t.event, ids, t.seq)
    told = {row["event"] for row in sent if row["event"]} - set(ids)
    lanes = {*family.contacts, *(f"send:{row['id']}" for row in sent)}
    found += [row for row in _rows(conn, changes, t.event, sorted(told), t.seq) if row["lane"] in lanes]
    for account, object_, record in family.links:
        place = sa.and_(t.account == account, t.object == object_, t.record == record)
        found += [_plain(row) for row in conn.execute(sa.select(changes).where(place))]
    return list({row["seq"]: row for row in sorted(found, key=lambda row: row["seq"])}.values())


def _values(conn: sa.Connection, family: Family) -> list[dict[str, Any]]:
    t, found = record_values.c, []
    for account, object_, record in family.links:
        place = sa.and_(t.account == account, t.object == object_, t.record == record)
        found += [_plain(row) for row in conn.execute(sa.select(record_values).where(place).order_by(t.field))]
    return found
