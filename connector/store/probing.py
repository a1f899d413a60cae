"""What a database says of itself: its clock, its journal."""

from datetime import datetime

import sqlalchemy as sa

from connector.store.tables import from_ms


def now(conn: sa.Connection) -> datetime | None:
    """Its clock; None for SQLite, which has ours."""
    if conn.dialect.name != "postgresql":
        return None
    query = sa.text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)")
    return from_ms(int(conn.execute(query).scalar_one()))


def journal(conn: sa.Connection) -> str:
    """SQLite's journal mode; "" for Postgres."""
    return str(conn.exec_driver_sql("PRAGMA journal_mode").scalar()) if conn.dialect.name == "sqlite" else ""
