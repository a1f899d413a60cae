"""Rows lose what speaks of one person; ids, states and times stay, so that every promise still holds."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from connector.core import redact
from connector.store.bulk import in_chunks
from connector.store.family import Family
from connector.store.tables import changes, consents, deliveries, events, plans, send_attempts, sends, shadows, statuses
from connector.store.veil import Veil

REDACTED = "x-redacted"  # a header of ours: what was in this body is not all there any more
Rows = Sequence[sa.Row[Any]]
b = sa.bindparam


def blank(conn: sa.Connection, rows: Rows, family: Family, veil: Veil) -> dict[str, int]:
    """Events of the person, with the bodies they came in and all that was made of them."""
    fresh = [row for row in rows if row.payload.get(redact.MARK) != "erased"]
    if not fresh:
        return {}
    found = {"deliveries": _bodies(conn, fresh, family), "events": len(fresh)}
    new = [{"q": row.seq, "k": veil.key(row.dedupe_key), "p": _payload(row, veil)} for row in fresh]
    t = events.c
    values = {"dedupe_key": b("k"), "payload": b("p", type_=t.payload.type), "error": None}
    conn.execute(sa.update(events).where(t.seq == b("q")).values(**values), new)
    ids = [row.id for row in fresh]
    found["plans"] = blank_plans(conn, ids)
    for chunk in in_chunks(ids):
        found["changes"] = blank_changes(conn, conn.execute(sa.select(changes).where(changes.c.event.in_(chunk))).all())
        conn.execute(sa.delete(shadows).where(shadows.c.event.in_(chunk)))
    keys = [{"o": row.dedupe_key, "n": veil.key(row.dedupe_key)} for row in fresh]
    for table in (consents, statuses):
        conn.execute(sa.update(table).where(table.c.event == b("o")).values(event=b("n")), keys)
    _statuses(conn, [row.payload["wamid"] for row in fresh if row.payload.get("wamid")], veil)
    return found


def _payload(row: sa.Row[Any], veil: Veil) -> dict[str, Any]:
    payload = redact.erased(row.payload, veil.key(row.dedupe_key))
    return payload | ({"wamid": veil.key(row.payload["wamid"])} if "wamid" in payload else {})


def _statuses(conn: sa.Connection, wamids: Iterable[str], veil: Veil) -> None:
    pairs = [{"o": wamid, "n": veil.key(wamid)} for wamid in sorted(set(wamids)) if wamid != veil.key(wamid)]
    if pairs:
        conn.execute(sa.update(statuses).where(statuses.c.wamid == b("o")).values(wamid=b("n")), pairs)


def _bodies(conn: sa.Connection, rows: Rows, family: Family) -> int:
    """Takes the items out of the bodies they came in; how many bodies changed."""
    by_delivery: dict[str, list[sa.Row[Any]]] = {}
    for row in rows:
        if row.delivery:
            by_delivery.setdefault(row.delivery, []).append(row)
    done = 0
    for delivery, mine in by_delivery.items():
        traces = redact.of_items([row.payload["raw"] for row in mine if row.payload.get("raw")])
        t = deliveries.c
        kept = conn.execute(sa.select(t.seq, t.account, t.body, t.headers).where(t.id == delivery)).all()
        done += sum(redact_delivery(conn, one, traces | family.traces(one.account)) for one in kept)
    return done


def redact_delivery(conn: sa.Connection, row: Any, traces: redact.Traces) -> bool:
    """One stored body (seq, body, headers) without these; False when none of them is in it."""
    new = redact.body(bytes(row.body), traces) if row.body else None
    if new is None:
        return False
    headers = row.headers if isinstance(row.headers, dict) else json.loads(row.headers)
    marked = json.dumps(headers | {REDACTED: "1"})
    conn.execute(sa.update(deliveries).where(deliveries.c.seq == row.seq).values(body=new, headers=marked))
    return True


def blank_plans(conn: sa.Connection, ids: Sequence[str]) -> int:
    """Plans of these events without the values they speak of; how many."""
    t, done = plans.c, 0
    for chunk in in_chunks(ids):
        rows = conn.execute(sa.select(t.event, t.account, t.body).where(t.event.in_(chunk), t.body.is_not(None))).all()
        new = [{"v": row.event, "a": row.account, "p": redact.plan(row.body)} for row in rows]
        if new:
            mine = sa.update(plans).where(t.event == b("v"), t.account == b("a"))
            conn.execute(mine.values(body=b("p", type_=t.body.type), error=None), new)
        done += len(new)
    return done


def blank_changes(conn: sa.Connection, rows: Rows) -> int:
    """Changes without their values; what is still to be written must have been ended before."""
    t = changes.c
    new = [{"q": r.seq, "p": redact.change(r.body), "o": redact.outcome(r.outcome)} for r in rows]
    if new:
        values = {"body": b("p", type_=t.body.type), "outcome": b("o", type_=t.outcome.type)}
        conn.execute(sa.update(changes).where(t.seq == b("q")).values(**values), new)
    return len(new)


def blank_sends(conn: sa.Connection, rows: Rows, family: Family, veil: Veil) -> dict[str, int]:
    """Messages to the person, their attempts, and the statuses that came for them."""
    t, wamids = sends.c, [row.wamid for row in rows if row.wamid]
    named = redact.pattern(family.ids)

    def cause(row: Any) -> str:
        whose = row.cause.startswith("import:") or (named and named.search(row.cause)) or "wamid" in row.cause
        return veil.key(row.cause) if whose else str(row.cause)

    new = [{"i": r.id, "c": cause(r), "w": veil.key(r.wamid) if r.wamid else None} for r in rows]
    gone = {"body": None, "context": None, "buttons": None, "person": None, "user_id": None, "to": "", "tell": 0,
            "goal": None}  # fmt: skip
    conn.execute(sa.update(sends).where(t.id == b("i")).values(**gone, cause=b("c"), wamid=b("w")), new)
    ids, a = [row.id for row in rows], send_attempts.c
    attempts = conn.execute(sa.update(send_attempts).where(a.send.in_(ids)).values(text=None)).rowcount
    found = {"sends": len(rows), "send_attempts": attempts, "statuses": len(wamids)}
    early = _early(conn, wamids)
    more = blank(conn, early, family, veil) if early else {}
    _statuses(conn, wamids, veil)
    lanes = [*family.contacts, *(f"send:{i}" for i in ids)]
    told = sa.and_(changes.c.event.in_([row.event for row in rows if row.event]), changes.c.lane.in_(lanes))
    n = blank_changes(conn, conn.execute(sa.select(changes).where(told)).all())
    return {name: found.get(name, 0) + more.get(name, 0) for name in {*found, *more}} | {
        "changes": n + more.get("changes", 0)
    }


def _early(conn: sa.Connection, wamids: Sequence[str]) -> Rows:
    """Events of statuses that came before we knew whose they were: they stand in nobody's lane."""
    keys: set[str] = set()
    for chunk in in_chunks(wamids):
        keys.update(conn.execute(sa.select(statuses.c.event).where(statuses.c.wamid.in_(chunk))).scalars())
    t = events.c
    return [
        row for chunk in in_chunks(sorted(keys)) for row in
        conn.execute(sa.select(events).where(t.dedupe_key.in_(chunk), t.lane.is_(None)))
    ]  # fmt: skip
