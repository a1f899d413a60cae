"""A broadcast as people see it: how it stands, and what came of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from connector.core import audience
from connector.core.audience import Source
from connector.store import broadcast_people
from connector.store.broadcasts import DRAFT, PLANNING, RUNNING

RATE = timedelta(seconds=60)  # over which a rate is measured


def told(conn: Any, row: Any, now: datetime) -> dict[str, Any]:
    """One broadcast as JSON: how it stands, how fast it goes, how long it still takes."""
    return told_all(conn, [row], now)[0]


def told_all(conn: Any, rows: Sequence[Any], now: datetime) -> list[dict[str, Any]]:
    """The same of many, with as many queries."""
    counts = broadcast_people.progress(conn, [row.id for row in rows if row.state != DRAFT])
    going = [row.id for row in rows if row.state in (PLANNING, RUNNING)]
    recent = broadcast_people.started_since(conn, going, now - RATE)
    nobody = broadcast_people.Progress()
    return [_told(row, counts.get(row.id, nobody), recent.get(row.id, 0), now) for row in rows]


def _told(row: Any, counts: broadcast_people.Progress, recent: int, now: datetime) -> dict[str, Any]:
    since = min(RATE, now - row.started_at) if row.started_at else RATE
    rate = recent / max(since.total_seconds(), 1.0)
    open_ = counts.waiting
    times = ("at", "start_at", "started_at", "planned_at", "paused_at", "ended_at")
    return {
        "id": row.id, "name": row.name, "document": row.document, "version": row.version,
        "source": str(source_of(row)), "campaign": row.campaign, "state": row.state,
        "paused": row.paused_at is not None, "reason": row.reason, "author": row.author, "starter": row.starter,
        "task": row.task,
        "read": row.rows_read, "total": row.total, "planned": row.planned, "refused": row.refused,
        "waiting": open_, "unknown": counts.of("unknown"), "sent": counts.at_least("accepted"),
        "delivered": counts.at_least("delivered"), "read_by": counts.at_least("read"), "failed": counts.of("failed"),
        "not_sent": counts.of("refused", "expired"), "cancelled": counts.of("cancelled"),
        "rate": round(rate, 2), "seconds_left": round(open_ / rate) if rate and open_ else None,
        **{name: at.isoformat() if (at := getattr(row, name)) else None for name in times},
    }  # fmt: skip


def source_of(row: Any) -> Source:
    return audience.of_json({name: value for name, value in row.source.items() if name != "phone_column"})


def result(conn: Any, row: Any, now: datetime) -> dict[str, Any]:
    """What came of it: the counts, the buttons people tapped, and why what did not arrive did not."""
    buttons: dict[str, int] = {}
    answered = 0
    for one in broadcast_people.answers(conn, row.id):
        answered += 1
        label = answer_of(one.payload, one.buttons)
        if label:
            buttons[label] = buttons.get(label, 0) + 1
    reasons = [
        {"what": what, "code": code, "reason": reason, "count": n}
        for what, code, reason, n in broadcast_people.reasons(conn, row.id)
    ]
    ranked = sorted(buttons.items(), key=lambda one: (-one[1], one[0]))
    return told(conn, row, now) | {
        "answered": answered, "buttons": [{"button": label, "count": n} for label, n in ranked], "reasons": reasons,
    }  # fmt: skip


def answer_of(payload: Mapping[str, Any], buttons: Mapping[str, str] | None) -> str:
    """The button that was tapped, by its id; "" for any other answer."""
    if payload.get("type") not in ("button", "list"):
        return ""
    given = payload.get("answer") or {}
    title = str(given.get("title") or "")
    return str((buttons or {}).get(title) or given.get("id") or title)
