"""Who changed what: append-only."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store.bulk import insert_many
from connector.store.tables import audit


def append(
    conn: sa.Connection, who: str, action: str, object_: str, detail: Mapping[str, Any], now: datetime
) -> None:
    """Notes one change, in the transaction that makes it."""
    row = {"at": now, "who": who, "action": action, "object": object_, "detail": dict(detail)}
    insert_many(conn, audit, [row])
