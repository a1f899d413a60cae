"""Retry: what ended badly goes back to the beginning, in its order; a message that failed is sent anew, once."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from connector.store import again
from connector.store import events as event_rows
from connector.store.bulk import in_chunks
from connector.store.engine import Store

Json = dict[str, Any]
AT_ONCE = 50  # events in one transaction
PATIENCE = 3.0  # seconds to wait for contacts and records that are being handled
BUSY = "It is being handled right now: try again in a moment."


def retry(store: Store, keys: Sequence[str], now: datetime) -> Json:
    """Every event of these ids (ours, a wamid, a send's) once more; no CRM is asked.

    {events: [{event, id, changes, plans, sends: [{id, again}], left: [why not], notes}], changes, plans, sends, left,
    bells: what to ring}"""
    told: list[Json] = []
    bells: set[str] = set()
    with store.read() as conn:
        found = {key: event_rows.get(conn, key) or event_rows.of_send(conn, key) for key in dict.fromkeys(keys)}
    told += [_line("", key) | {"left": [f"Nothing is known of {key}."]} for key, rows in found.items() if not rows]
    events = {row.id: row for rows in found.values() for row in rows}
    for chunk in in_chunks(sorted(events.values(), key=lambda row: row.seq), AT_ONCE):
        told += _some(store, chunk, now, bells)
    sums = {name: sum(one[name] for one in told) for name in ("changes", "plans")}
    sums |= {name: sum(len(one[name]) for one in told) for name in ("sends", "left")}
    return {"events": told, **sums, "bells": sorted(bells)}


def one_send(store: Store, id_: str, now: datetime) -> Json:
    """Only this message anew: {id, again: the id of the new one, "" = none, why: why not, bells}."""
    line, bells = _line("", id_), set[str]()
    with store.write() as conn:
        events = event_rows.of_send(conn, id_)
        for send in (row for event in events for row in again.stopped(conn, event.id) if row.id == id_):
            _send(conn, send, now, line, bells)
    made = next((one["again"] for one in line["sends"]), "")
    why = "" if made else next(iter(line["left"]), "It is not sent again.")
    return {"id": id_, "again": made, "why": why, "bells": sorted(bells)}


def _line(event: str, id_: str) -> Json:
    return {"event": event, "id": id_, "changes": 0, "plans": 0, "sends": [], "left": [], "notes": []}


def _some(store: Store, rows: Sequence[Any], now: datetime, bells: set[str]) -> list[Json]:
    """Events together, while nobody else plans for their contacts and records."""
    with store.read() as conn:
        locks = {row.id: _locks(conn, row) for row in rows}
    with ExitStack() as stack:
        held = hold(store, {name for names in locks.values() for name in names}, stack)
        with store.write() as conn:
            return [
                _one(conn, row, now, bells)
                if locks[row.id] <= held
                else _line(row.id, row.dedupe_key) | {"left": [BUSY]}
                for row in rows
            ]


def _locks(conn: Any, row: Any) -> set[str]:
    """What a handler holds while it plans for the same contacts and records."""
    names: set[str] = set()
    for change in again.ended(conn, row.id):
        names.add(f"lane:{change.account}:{change.lane}")
        if change.record:
            names.add(f"record:{change.account}:{change.record}")
    return names


def hold(store: Store, names: set[str], stack: ExitStack) -> set[str]:
    """Takes these locks, with a little patience; those that were got."""
    held: set[str] = set()
    end = time.monotonic() + PATIENCE
    while missing := names - held:
        held |= set(stack.enter_context(store.locks.hold(sorted(missing))))
        if time.monotonic() > end or held >= names:
            break
        time.sleep(0.05)
    return held


def _one(conn: Any, row: Any, now: datetime, bells: set[str]) -> Json:
    line = _line(row.id, row.dedupe_key)
    for change in again.ended(conn, row.id):
        why = again.change(conn, change, now)
        if why:
            line["left"].append(why)
        else:
            line["changes"] += 1
            bells.add(f"{'notify' if change.kind == again.NOTIFY else 'write'}:{change.account}")
    for plan in again.reopen(conn, row.id, now):
        line["plans"] += 1
        bells.add(f"{'trigger' if plan.journey == 'trigger' else 'handle'}:{plan.account}")
        later = again.handled_later(conn, plan)
        if later:
            line["notes"].append(f"{later} later events of the same contact or record were handled before it.")
    _revive(conn, row, now, line, bells)
    for send in again.stopped(conn, row.id):
        _send(conn, send, now, line, bells)
    if not (line["changes"] or line["plans"] or line["sends"] or line["left"]):
        line["left"].append("Nothing of it failed.")
    return line


def _revive(conn: Any, row: Any, now: datetime, line: Json, bells: set[str]) -> None:
    if row.state != "dead" or line["plans"]:
        return
    account = again.revive(conn, row, now)
    if account is None:
        line["left"].append(row.error or "It cannot be handled.")
    else:
        line["plans"] += 1
        bells.add(f"trigger:{account}")


def _send(conn: Any, send: Any, now: datetime, line: Json, bells: set[str]) -> None:
    why = again.why_not(send)
    fresh = None if why else again.send(conn, send, now)
    if fresh is None:
        line["left"].append(why or "Somebody else did it first.")
        return
    line["sends"].append({"id": send.id, "again": fresh["id"]})
    bells.add(f"send:{send.number}" if fresh["state"] == "ready" else f"prepare:{send.crm}")
