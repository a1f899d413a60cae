"""Our numbers as Meta last showed them: what they are called, how fast they may send, how they fare."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.ports import NumberState
from connector.store.bulk import insert_many
from connector.store.tables import accounts, numbers

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


def displays(conn: sa.Connection) -> dict[str, str]:
    """{name of the account: the digits of its number, as Meta writes them}; those that Meta did not tell are absent."""
    rows = conn.execute(sa.select(accounts.c.name, _T.display).join(accounts, accounts.c.id == _T.account))
    found = {row.name: "".join(c for c in row.display if c.isascii() and c.isdigit()) for row in rows}
    return {name: digits for name, digits in sorted(found.items()) if digits}
