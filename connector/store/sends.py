"""Messages of ours: what a reply can answer, and what became of each (statuses only move forward)."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.core.contact import Answered, RecordRef
from connector.store.among import among
from connector.store.engine import insert_many
from connector.store.once import once
from connector.store.tables import in_state, sends, statuses

# Proof of delivery beats a failure report (architecture 1.7).
OPEN = ("waiting", "ready", "in_flight")  # has not left yet, or may be leaving now
RANKS = {"accepted": 1, "sent": 2, "failed": 3, "delivered": 4, "read": 5, "played": 6}


def add(conn: sa.Connection, rows: Sequence[dict[str, Any]]) -> int:
    """Stores sends; a cause or wamid that is there already is left alone. How many were new."""
    return len(insert_many(conn, sends, [_timed(row) for row in rows], ignore_conflicts=True, returning=["id"]))


def in_turn(conn: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """What is said to a person leaves in this order: each waits behind the last one that has not left yet."""
    lanes = {row["lane"] for row in rows if row["lane"]}
    t = sends.c
    mine = sa.and_(among(conn, t.lane, lanes), in_state(sends, *OPEN), t.priority == 0)
    order = sa.select(t.lane, t.id, t.behind).where(mine).order_by(t.at, t.id)
    waits = conn.execute(order).all() if lanes else []
    followed = {row.behind for row in waits}
    last = {row.lane: row.id for row in waits if row.id not in followed}
    for row in rows:
        row["behind"] = last.get(row["lane"])
        if row["lane"] and row["state"] in OPEN:
            last[row["lane"]] = row["id"]


def _timed(row: dict[str, Any]) -> dict[str, Any]:
    """What is to be sent has a time, so that the index of what is due finds it."""
    at = row.get("next_at") or (row["at"] if row.get("state") in ("waiting", "ready") else None)
    return {**row, "next_at": at}


def add_statuses(conn: sa.Connection, facts: Sequence[Mapping[str, Any]]) -> None:
    """Keeps each status as a fact; its send, found by id or wamid, moves forward and never back.

    A fact: {wamid, status, event, send, at, reason}, and where known code, who, pricing."""
    if not facts:
        return
    keep = [{k: f[k] for k in ("wamid", "status", "event", "send", "at")} for f in facts]
    insert_many(conn, statuses, keep, ignore_conflicts=True)
    known = sorted((f for f in facts if f["status"] in RANKS), key=lambda f: (f["send"] or "", f["wamid"]))
    if not known:
        return
    conn.execute(_STEP, [_step(f) for f in known])
    priced = [{"w": f["wamid"], "s": f["send"], "p": _price(f)} for f in known if _price(f)]
    if priced:
        conn.execute(_PRICE, priced)
    named = {f["wamid"] for f in known if f["send"]}
    if named:  # our id may have told us whose message id this is: what came under it alone before is matched now
        catch_up(conn, named)


def _step(fact: Mapping[str, Any]) -> dict[str, Any]:
    code = fact.get("code")
    return {
        "w": fact["wamid"], "s": fact["send"], "k": RANKS[fact["status"]], "st": fact["status"], "r": fact["reason"],
        "c": f"graph_{code}" if code else "", "wh": fact.get("who") or "", "a": fact["at"],
    }  # fmt: skip


def _price(fact: Mapping[str, Any]) -> dict[str, str]:
    """{type, category}: what decides the price, now that `billable` goes away."""
    given = fact.get("pricing") or {}
    return {name: given[name] for name in ("type", "category") if given.get(name)}


def _steps() -> tuple[sa.Update, sa.Update]:
    """What moves a send forward, by wamid or by our id (the wamid is then known), and what keeps its price."""
    b, t = sa.bindparam, sends.c
    mine = sa.or_(t.wamid == b("w"), t.id == b("s"))
    step = sa.update(sends).where(mine, t.rank < b("k"))
    step = step.values(
        rank=b("k"), state=b("st"), reason=b("r"), code=b("c"), who=b("wh"), next_at=None,
        wamid=sa.func.coalesce(t.wamid, b("w")), ended_at=sa.func.coalesce(t.ended_at, b("a", type_=t.at.type)),
        tell=sa.case((t.crm != "", 1), else_=0),
    )  # fmt: skip
    return step, sa.update(sends).where(mine).values(pricing=b("p"))


_STEP, _PRICE = _steps()


def catch_up(conn: sa.Connection, wamids: Iterable[str]) -> None:
    """Statuses that came before we knew the message id are matched now."""
    rows = _early(conn, set(wamids)).all()
    add_statuses(conn, [dict(r._mapping) | {"reason": ""} for r in rows])


@once
def _early(conn: sa.Connection, wamids: set[str]) -> sa.Executable:
    return sa.select(statuses).where(among(conn, statuses.c.wamid, wamids), statuses.c.send.is_(None))


def by_wamid(conn: sa.Connection, wamids: Collection[str]) -> dict[str, tuple[str | None, Answered]]:
    """{wamid: (lane, what it was)} of our own messages."""
    out: dict[str, tuple[str | None, Answered]] = {}
    for row in conn.execute(sa.select(sends).where(among(conn, sends.c.wamid, set(wamids)))) if wamids else ():
        out[row.wamid] = (row.lane, _answered(row))
    return out


def awaiting(
    conn: sa.Connection, lanes: Iterable[str], since: datetime
) -> dict[str, list[tuple[Answered, str | None]]]:
    """Messages to these contacts since then, newest first: {lane: [(what it was, the event that answered it)]}."""
    out: dict[str, list[tuple[Answered, str | None]]] = defaultdict(list)
    t = sends.c
    over = t.state.not_in(["refused", "cancelled", "failed"])
    query = sa.select(sends).where(among(conn, t.lane, set(lanes)), t.at >= since, over)
    for row in conn.execute(query.order_by(t.at.desc(), t.id.desc())):
        out[row.lane].append((_answered(row), row.answered_by))
    return out


def mark_answered(conn: sa.Connection, pairs: Mapping[str, str]) -> None:
    """{send: event}: the first answer counts."""
    if pairs:
        b, t = sa.bindparam, sends.c
        tell = sa.case((t.crm != "", 1), else_=0)
        once = sa.update(sends).where(t.id == b("s"), t.answered_by.is_(None)).values(answered_by=b("e"), tell=tell)
        conn.execute(once, [{"s": s, "e": e} for s, e in sorted(pairs.items())])


def _answered(row: sa.Row[Any]) -> Answered:
    record = RecordRef(*row.record) if row.record else None
    return Answered(
        send=row.id,
        at=row.at,
        template=row.template or None,
        step=row.step or None,
        buttons=row.buttons or {},
        record=record,
        awaited=row.callback is not None,
        by=row.answered_by,
        event=row.event,
    )


def newest(conn: sa.Connection, limit: int) -> list[dict[str, Any]]:
    """The newest messages, as `sends list --json` has them, with the template beside."""
    t = sends.c
    query = (
        sa.select(t.id, t.document, t.template, t.step, t.to, t.state, t.label, t.reason, t.next_at)
        .order_by(t.at.desc(), t.id)
        .limit(limit)
    )
    return [dict(row._mapping) for row in conn.execute(query)]
