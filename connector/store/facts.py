"""What stands around the events of one page: plans, changes, sends, people; one query for each kind of thing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.core.contact import Contact
from connector.store import contacts
from connector.store.among import among
from connector.store.holding import COLUMNS, explained
from connector.store.tables import accounts, changes, parks, plans, sends

MOST = 1000  # changes, and sends, of one page that are read whole; states are counted by the caller
_C, _P, _S = changes.c, plans.c, sends.c


@dataclass(frozen=True, slots=True)
class Facts:
    """By event id: its plans, changes and sends; by contact id: the person that goes on."""

    plans: Mapping[str, list[Any]] = field(default_factory=dict)
    changes: Mapping[str, list[Any]] = field(default_factory=dict)
    sends: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    people: Mapping[str, Contact] = field(default_factory=dict)
    rests: Mapping[str, str] = field(default_factory=dict)  # account -> why it does nothing


def around(conn: sa.Connection, rows: Sequence[Any], now: datetime) -> Facts:
    """All that the lines of these event rows show."""
    ids = [row.id for row in rows]
    if not ids:
        return Facts()
    made = sa.select(_P.event, _P.account, _P.state, _P.next_at, _P.body, _P.error)
    made = made.where(among(conn, _P.event, ids)).order_by(_P.event, _P.account)
    changed = sa.select(
        _C.event, _C.account, _C.ordinal, _C.kind, _C.body, _C.state, _C.next_at, _C.outcome, _C.object, _C.record
    ).where(among(conn, _C.event, ids))
    changed = changed.order_by(_C.event, _C.account, _C.ordinal).limit(MOST)
    sent = sa.select(*COLUMNS).where(among(conn, _S.event, ids)).order_by(_S.event, _S.at, _S.id).limit(MOST)
    lines = explained(conn, conn.execute(sent).all(), now)
    lanes = {row.lane for row in rows if row.lane} | {line["lane"] for line in lines if line["lane"]}
    return Facts(
        _by(conn.execute(made).all(), lambda row: row.event),
        _by(conn.execute(changed).all(), lambda row: row.event),
        _by(lines, lambda line: line["event"]),
        faces(conn, lanes),
        resting(conn, now),
    )


def faces(conn: sa.Connection, ids: Collection[str]) -> dict[str, Contact]:
    """{contact id, also of one that was merged: the person that goes on}; lanes that are no contact are absent."""
    mine = [id_ for id_ in ids if ":" not in id_]
    moved = contacts.heirs(conn, mine)
    found = contacts.load(conn, [moved.get(id_, id_) for id_ in mine])
    return {id_: found[heir] for id_ in mine if (heir := moved.get(id_, id_)) in found}


def resting(conn: sa.Connection, now: datetime) -> dict[str, str]:
    """{account: why it does nothing now}: parked, paused, or waiting for a person."""
    p, a = parks.c, accounts.c
    parked = conn.execute(sa.select(p.key, p.reason, p.until).where(p.scope == "account", p.until > now))
    found = {row.key: f"{row.reason} Next try at {row.until:%H:%M:%S} UTC." for row in parked}
    held = conn.execute(sa.select(a.id, a.state, a.reason).where(a.state != "ok"))
    return found | {row.id: row.reason or f"The account is {row.state}." for row in held}


def _by(rows: Sequence[Any], key: Any) -> dict[str, list[Any]]:
    out: dict[str, list[Any]] = {}
    for row in rows:
        out.setdefault(key(row), []).append(row)
    return out
