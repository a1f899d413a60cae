"""What requests came to, written down in batches; and what a receipt teaches about a contact."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store import sends as send_rows
from connector.store import totals
from connector.store.among import among
from connector.store.bulk import in_chunks, insert_many
from connector.store.keys import holders_of
from connector.store.locks import key_of
from connector.store.merging import merge
from connector.store.once import once
from connector.store.sending import ENDED, Started
from connector.store.tables import contact_keys, contacts, in_state, send_attempts, sends

_T = sends.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What attempt `send.n` came to, and the state its send goes to (accepted: a status may be further already)."""

    send: Started
    outcome: str  # accepted again park failed unknown not_sent
    state: str
    wamid: str = ""
    code: str = ""
    reason: str = ""
    who: str = ""
    label: str = ""
    next_at: datetime | None = None


def record(conn: sa.Connection, results: Sequence[Result], now: datetime) -> None:
    """Stores the outcomes of many attempts, in the order of their ids, as statuses are: nobody waits in a ring."""
    ordered = sorted(results, key=lambda r: r.send.id)
    _attempts(conn, ordered, now)
    accepted = [r for r in ordered if r.outcome == "accepted"]
    _accepted(conn, accepted, now)
    _others(conn, [r for r in ordered if r.outcome != "accepted"], now)
    send_rows.catch_up(conn, [r.wamid for r in accepted])
    totals.note_all(conn, ((totals.SENDS, r.send.account, r.outcome) for r in results))
    over = [r for r in results if r.state in ENDED]
    totals.note_all(conn, ((totals.ENDED, r.state, "") for r in over))
    totals.note_all(conn, ((totals.REFUSALS, "send", r.code or r.state) for r in over))


def _attempt() -> sa.Update:
    a, b = send_attempts.c, sa.bindparam
    query = sa.update(send_attempts).where(a.send == b("i"), a.n == b("k"))
    return query.values(ended_at=b("end"), outcome=b("o"), code=b("c"), text=b("t"))


_ATTEMPT = _attempt()


def _attempts(conn: sa.Connection, results: Sequence[Result], now: datetime) -> None:
    conn.execute(
        _ATTEMPT,
        [
            {"i": r.send.id, "k": r.send.n, "end": now, "o": r.outcome, "c": r.code, "t": r.reason or None}
            for r in results
        ],
    )


def _accepted(conn: sa.Connection, results: Sequence[Result], now: datetime) -> None:
    """Whatever became of the row meanwhile: Meta has it. A status that came first stands."""
    if results:
        values = [{"i": r.send.id, "w": r.wamid, "end": now, "l": r.label} for r in results]
        conn.execute(_ACCEPT, values)


def _accept() -> sa.Update:
    b, first = sa.bindparam, _T.rank < send_rows.RANKS["accepted"]
    query = sa.update(sends).where(_T.id == b("i"), sa.or_(_T.wamid.is_(None), _T.wamid == b("w")))
    return query.values(
        wamid=b("w"), ended_at=b("end"), next_at=None,
        state=sa.case((first, "accepted"), else_=_T.state), rank=sa.case((first, 1), else_=_T.rank),
        code=sa.case((first, ""), else_=_T.code), reason=sa.case((first, ""), else_=_T.reason),
        label=sa.case((b("l") != "", b("l")), else_=_T.label),
        tell=sa.case((sa.and_(_T.callback.is_not(None), _T.crm != ""), 1), else_=_T.tell),
    )  # fmt: skip


_ACCEPT = _accept()


def _others(conn: sa.Connection, results: Sequence[Result], now: datetime) -> None:
    """Compare-and-set from the attempt in hand; one that was given up as unknown meanwhile is known now."""
    if not results:
        return
    b = sa.bindparam
    mine = sa.and_(_T.id == b("i"), _T.attempts == b("k"), in_state(sends, "in_flight", "unknown"))
    hears = sa.case((sa.and_(b("end").is_not(None), _T.crm != ""), 1), else_=_T.tell)
    query = sa.update(sends).where(mine)
    query = query.values(
        state=b("st"), code=b("c"), reason=b("r"), who=b("wh"), next_at=b("nx"), ended_at=b("end"), tell=hears
    )
    conn.execute(
        query,
        [
            {"i": r.send.id, "k": r.send.n, "st": r.state, "c": r.code, "r": r.reason, "wh": r.who, "nx": r.next_at,
             "end": now if r.state in ENDED else None}
            for r in results
        ],
    )  # fmt: skip


# ---- rows that nobody owns ---------------------------------------------------------------------------------------
def lose(conn: sa.Connection, number: str, before: datetime, look_at: datetime) -> int:
    """In flight since before then, and the caller holds the number: their process died. They may have been sent."""
    lost = list(_ownerless(conn, number, before).scalars())
    text = "The worker ended while this was being sent: it may have been sent."
    for chunk in in_chunks(lost):
        step = sa.update(sends).where(_T.id.in_(chunk), in_state(sends, "in_flight"))
        conn.execute(step.values(state="unknown", code="lost", reason=text, next_at=look_at))
    return len(lost)


@once
def _ownerless(_: sa.Connection, number: str, before: datetime) -> sa.Executable:
    mine = sa.and_(in_state(sends, "in_flight"), _T.number == number, _T.started_at < before)
    return sa.select(_T.id).where(mine).order_by(_T.id)


def unknown(conn: sa.Connection, number: str, now: datetime, limit: int) -> Sequence[Any]:
    """(id, category, label, started_at) of unknown sends that are due for a look."""
    return _unknown(conn, number, now, limit).all()


@once
def _unknown(_: sa.Connection, number: str, now: datetime, limit: int) -> sa.Executable:
    due = sa.and_(in_state(sends, "unknown"), _T.number == number, _T.next_at <= now)
    return sa.select(_T.id, _T.category, _T.label, _T.started_at).where(due).order_by(_T.started_at).limit(limit)


def heard_since(conn: sa.Connection, number: str, started: datetime, besides: str) -> bool:
    """A status has come for another message of this number that was sent later: statuses do arrive.

    The newest ids first: where statuses come in, the first rows looked at have one."""
    other = sa.and_(_T.number == number, _T.started_at > started, _T.rank >= send_rows.RANKS["sent"], _T.id != besides)
    return conn.execute(sa.select(_T.id).where(other).order_by(_T.id.desc()).limit(1)).first() is not None


# ---- what a receipt teaches --------------------------------------------------------------------------------------
def learn(conn: sa.Connection, given: Mapping[str, Mapping[str, str]], now: datetime) -> None:
    """{contact: {"wa_id": ..., "bsuid": ...}} as Meta spells them. A key nobody has is the contact's from now on.

    One that another contact has proves that both are one person only while ours is nothing but a phone of the CRM's."""
    if conn.dialect.name == "postgresql":  # as whoever else makes or moves keys
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(key_of("contacts"))))
    keys = {(kind, value) for mine in given.values() for kind, value in mine.items()}
    owners = _owners(conn, keys)
    named = _named(conn, list(given))
    fresh = []
    for contact, mine in sorted(given.items()):
        for key in mine.items():
            owner = owners.get(key)
            if owner is None:
                fresh.append({"kind": key[0], "value": key[1], "contact": contact, "at": now})
                owners[key] = contact
            elif owner != contact and contact not in named:
                merge(conn, min(owner, contact), max(owner, contact), now)
                break
    insert_many(conn, contact_keys, fresh, ignore_conflicts=True)


def unheard(conn: sa.Connection, given: Mapping[str, Mapping[str, str]]) -> dict[str, Mapping[str, str]]:
    """Those of `given` that teach something."""
    owners = _owners(conn, {(kind, value) for mine in given.values() for kind, value in mine.items()})
    return {c: mine for c, mine in given.items() if any(owners.get(key) != c for key in mine.items())}


def _owners(conn: sa.Connection, keys: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
    found = {}
    for kind in sorted({kind for kind, _ in keys}):
        rows = holders_of(conn, kind, {value for k, value in keys if k == kind})
        found.update({(kind, row.value): row.contact for row in rows})
    return found


def _named(conn: sa.Connection, ids: Sequence[str]) -> set[str]:
    """Contacts that have an identity of their own already, or were merged away."""
    t, c = contact_keys.c, contacts.c
    has = sa.select(t.contact).where(among(conn, t.contact, ids), t.kind.in_(["bsuid", "wa_id"]))
    gone = sa.select(c.id).where(among(conn, c.id, ids), c.merged_into.is_not(None))
    return {*conn.execute(has).scalars(), *conn.execute(gone).scalars()}
