"""Questions for a person: found, closed by compare-and-set; and messages of which nobody knows whether they left."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store.among import among
from connector.store.bulk import in_chunks
from connector.store.contacts import heirs
from connector.store.sends import RANKS
from connector.store.tables import changes, contacts, crm_links, events, in_state, sends

WHO = ("several_records", "another_user", "no_record")  # whose record is it?
LOOKED = 2000  # questions, the newest, that the list of people is made of
SETTLED = "settled_by_person"
_C, _S = changes.c, sends.c
_BODY = sa.type_coerce(_C.body, sa.Text).label("body")


def open_asks(conn: sa.Connection, seqs: Collection[int]) -> list[Any]:
    """Those of these rows that are questions and still open, in the order of their events, with their lanes of now."""
    return [row for row in _in_review(conn, seqs) if row.kind == "Ask"]


def _in_review(conn: sa.Connection, seqs: Collection[int]) -> list[Any]:
    found: list[Any] = []
    for chunk in in_chunks(sorted(seqs)):
        query = sa.select(changes).where(in_state(changes, "review"), _C.seq.in_(chunk))
        found += conn.execute(query.order_by(_C.seq))
    return found


def whose(conn: sa.Connection, limit: int = 50) -> list[list[Any]]:
    """Open questions about whose record it is, those of one contact in one account together; newest contact first."""
    asks = sa.select(_C.seq, _BODY).where(in_state(changes, "review"), _C.kind == "Ask").order_by(_C.seq.desc())
    words = [json.dumps(why) for why in WHO]  # most questions are of another kind: their bodies are not read
    seqs = [row.seq for row in conn.execute(asks.limit(LOOKED)) if any(word in row.body for word in words)]
    query = sa.select(changes).where(among(conn, _C.seq, seqs)).order_by(_C.seq.desc())
    rows = [row for row in conn.execute(query) if row.body.get("why") in WHO] if seqs else []
    found: dict[tuple[str, str], list[Any]] = {}
    for row in rows:
        found.setdefault((row.account, row.lane), []).append(row)
    return list(found.values())[:limit]


def whose_of(conn: sa.Connection, account: str, lane: str) -> list[int]:
    """The rows of the same questions of one contact, oldest first."""
    query = sa.select(_C.seq, _C.body).where(
        in_state(changes, "review"), _C.kind == "Ask", _C.account == account, _C.lane == lane
    )
    return [row.seq for row in conn.execute(query.order_by(_C.seq)) if row.body.get("why") in WHO]


def owners(conn: sa.Connection, pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """{(account, record): the name of a contact that is linked to it}: what helps a person to choose."""
    ids = {record for _, record in pairs}
    query = sa.select(crm_links.c.account, crm_links.c.record_id, contacts.c.name)
    query = query.join(contacts, contacts.c.id == crm_links.c.contact).where(among(conn, crm_links.c.record_id, ids))
    found = {(row.account, row.record_id): row.name for row in conn.execute(query)} if ids else {}
    return {pair: found[pair] for pair in pairs if pair in found}


def close(conn: sa.Connection, row: Any, state: str, told: Mapping[str, Any], now: datetime) -> bool:
    """The question is answered; False when somebody was quicker."""
    mine = sa.and_(_C.seq == row.seq, _C.state == "review")
    values = {"state": state, "outcome": {**(row.outcome or {}), **told}, "done_at": now}
    return conn.execute(sa.update(changes).where(mine).values(**values)).rowcount == 1


def events_by_id(conn: sa.Connection, ids: Collection[str]) -> dict[str, Any]:
    """{id: its row}."""
    rows = conn.execute(sa.select(events).where(among(conn, events.c.id, ids))) if ids else ()
    return {row.id: row for row in rows}


def lanes(conn: sa.Connection, ids: Collection[str]) -> dict[str, str]:
    """{lane: who goes on in its stead}; nobody merges these contacts away until this transaction ends."""
    people = sorted(id_ for id_ in set(ids) if ":" not in id_)
    found = heirs(conn, people)
    kept = sorted({found.get(id_, id_) for id_ in people})
    conn.execute(sa.select(contacts.c.id).where(contacts.c.id.in_(kept)).order_by(contacts.c.id).with_for_update())
    return {id_: found.get(id_, id_) for id_ in ids}


def dismiss(conn: sa.Connection, seqs: Sequence[int], text: str, now: datetime) -> int:
    """Nothing more is to be done about these changes; how many were still in review."""
    return sum(close(conn, row, "refused", {"text": _both(row, text)}, now) for row in _in_review(conn, seqs))


def _both(row: Any, text: str) -> str:
    """What the CRM said stays readable beside what the person said."""
    before = str((row.outcome or {}).get("text", "")) if row.kind != "Ask" else ""
    return f"{before} {text}".strip()


def arrived(conn: sa.Connection, id: str, reason: str, now: datetime) -> bool:
    """A person has seen the message in the chat: it is sent. False when it is not unknown (any more)."""
    mine = sa.and_(_S.id == id, in_state(sends, "unknown"), _S.rank < RANKS["sent"])
    step = sa.update(sends).where(mine).values(
        state="sent", rank=RANKS["sent"], code="", reason=reason, who="", label=SETTLED, next_at=None,
        ended_at=sa.func.coalesce(_S.ended_at, sa.bindparam("ended", now, type_=_S.ended_at.type)),
        tell=sa.case((_S.crm != "", 1), else_=_S.tell),
    )  # fmt: skip
    return conn.execute(step).rowcount == 1


def number_of(conn: sa.Connection, id: str) -> str:
    """The number of ours a message goes out from."""
    return str(conn.execute(sa.select(_S.number).where(_S.id == id)).scalar() or "")
