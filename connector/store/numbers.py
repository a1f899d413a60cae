"""Our numbers as Meta last showed them: what they are called, how fast they may send, how they fare."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.ports import NumberState
from connector.store.bulk import insert_many
from connector.store.tables import numbers

_T = numbers.c


def put(
    conn: sa.Connection, account: str, name: str, state: NumberState, profile: Mapping[str, Any], now: datetime
) -> None:
    """Keeps one number; account alerts stay beside it."""
    values = {
        "account": account, "name": name, "display": state.display, "throughput": state.throughput, "tier": state.tier,
        "health": state.health, "verified_name": state.verified_name, "quality": state.quality,
        "profile": dict(profile), "checked_at": now,
    }  # fmt: skip
    insert_many(conn, numbers, [{"id": state.id, **values}], ignore_conflicts=True)
    conn.execute(sa.update(numbers).where(_T.id == state.id).values(**values))


def of_account(conn: sa.Connection, account: str) -> Sequence[sa.Row[Any]]:
    """The numbers of one WhatsApp account."""
    return conn.execute(sa.select(numbers).where(_T.account == account).order_by(_T.id)).all()
