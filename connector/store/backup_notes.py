"""How the last backup went, for alarms and pages: the row `backup.last` of `settings`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store.bulk import insert_many
from connector.store.tables import from_ms, settings, to_ms

NAME = "backup.last"


def last(conn: sa.Connection) -> dict[str, Any] | None:
    """{tried_at (ms), ok, at (ms, of the last good one or None), file, size, seconds, error}; None = never tried."""
    held = conn.execute(sa.select(settings.c.value).where(settings.c.name == NAME)).scalar()
    return dict(held) if held else None


def put(conn: sa.Connection, told: Mapping[str, Any], now: datetime) -> None:
    """One more try; a failed one keeps when the last good one was, and where."""
    before = last(conn) or {}
    good = {name: before.get(name) for name in ("at", "file", "size", "seconds")}
    value = {**good, "error": "", **told, "tried_at": to_ms(now)} | ({"at": to_ms(now)} if told["ok"] else {})
    conn.execute(sa.delete(settings).where(settings.c.name == NAME))
    insert_many(conn, settings, [{"name": NAME, "value": value, "at": now}])


def last_good(conn: sa.Connection) -> datetime | None:
    """When the last good one was finished; None = none was ever made here."""
    at = (last(conn) or {}).get("at")
    return from_ms(int(at)) if at else None
