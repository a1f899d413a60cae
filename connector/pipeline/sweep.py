"""The sweep: rings for whatever waits, so that a lost ring costs latency and nothing else."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from connector.pipeline import alarms as alarming
from connector.pipeline import media_in
from connector.pipeline.drain import SETTLE
from connector.store import (
    accounts,
    alarms,
    changes,
    conversations,
    deliveries,
    media,
    notifications,
    parks,
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
        bells = ["unpack"] if deliveries.claim_deliveries(conn, 1) else []
        asking = {  # these need the CRM
            "handle": plans.accounts_due(conn, now),
            "trigger": plans.accounts_due(conn, now, "trigger"),
            "prepare": sending.crms_due(conn, now),
            "write": changes.accounts_due(conn, now, settled),
        }
        held = _held(conn, {name for names in asking.values() for name in names}, now)
        bells += [f"send:{number}" for number in sending.numbers_due(conn, now, settled)]
        bells += ["wake"] if conversations.due(conn, now, 1) else []
        bells += [f"upload:{number}" for number in sorted({row.number for row in media.uploads_due(conn, now)})]
        bells += [media_in.BELL] if media.due(conn, now, 1) else []
        bells += [f"truth:{name}" for name in telling.accounts_due(conn)]
        bells += [f"notify:{name}" for name in notifications.accounts_due(conn, now)]
        bells += [alarming.BELL] if alarms.due(conn, now, 1) else []
        asked = ["task"] if tasks.due(conn, now) else []
    return bells + [f"{stage}:{name}" for stage, names in asking.items() for name in names if name not in held] + asked


def _held(conn: Any, names: set[str], now: datetime) -> set[str]:
    parked: Sequence[str] = list(parks.parked(conn, "account", sorted(names), now))
    return {*parked, *(name for name in names if accounts.state(conn, name) != "ok")}
