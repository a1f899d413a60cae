"""The sweep: rings for whatever waits, so that a lost ring costs latency and nothing else."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from connector.pipeline.chores import alarms as alarming
from connector.pipeline.drain import SETTLE
from connector.pipeline.intake import media_in
from connector.store import (
    accounts,
    alarms,
    changes,
    conversations,
    media,
    notifications,
    parks,
    pending,
    plans,
    sending,
    tasks,
    telling,
)
from connector.store.engine import Store


def due(store: Store, now: datetime) -> list[str]:
    """The bells that have work, in the order of a message's way; parked and paused accounts stay silent."""
    settled = now - timedelta(seconds=SETTLE)
    with store.read() as conn:
        there = pending.kinds(conn)  # most often nothing waits
        bells = ["unpack"] if "deliveries" in there else []
        asking: dict[str, list[str]] = {}  # these need the CRM
        if "plans" in there:
            asking["handle"] = plans.accounts_due(conn, now)
            asking["trigger"] = plans.accounts_due(conn, now, "trigger")
        if "waiting" in there:
            asking["prepare"] = sending.crms_due(conn, now)
        if "changes" in there:
            asking["write"] = changes.accounts_due(conn, now, settled)
        held = _held(conn, {name for names in asking.values() for name in names}, now)
        if there & {"ready", "in_flight", "unknown"}:
            bells += [f"send:{number}" for number in sending.numbers_due(conn, now, settled)]
        if "conversations" in there and conversations.due(conn, now, 1):
            bells.append("wake")
        if "media_ids" in there:
            bells += [f"upload:{number}" for number in sorted({row.number for row in media.uploads_due(conn, now)})]
        if "media" in there and media.due(conn, now, 1):
            bells.append(media_in.BELL)
        if "tell" in there:
            bells += [f"truth:{name}" for name in telling.accounts_due(conn)]
        if "changes" in there:
            bells += [f"notify:{name}" for name in notifications.accounts_due(conn, now)]
        if "alarm_calls" in there and alarms.due(conn, now, 1):
            bells.append(alarming.BELL)
        asked = ["task"] if "tasks" in there and tasks.due(conn, now) else []
    return bells + [f"{stage}:{name}" for stage, names in asking.items() for name in names if name not in held] + asked


def _held(conn: Any, names: set[str], now: datetime) -> set[str]:
    parked: Sequence[str] = list(parks.parked(conn, "account", sorted(names), now))
    return {*parked, *(name for name in names if accounts.state(conn, name) != "ok")}
