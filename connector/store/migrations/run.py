"""Runs Alembic from code, and says where a database stands."""

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:  # Alembic is 9 MB that a web process, which only asks for the state, does without
    from alembic.config import Config

LOCK = 5_713_020_266_701_948  # of pg_advisory_xact_lock; any number that is only ours
VERSION = sa.table("alembic_version", sa.column("version_num"))  # Alembic's own
PATIENCE = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s'"  # for another upgrade
# For a table: all who want it queue behind us while we wait, webhooks too (Meta comes again after a 503).
SHORT = "SET LOCAL lock_timeout = '1s'"


def config() -> "Config":
    """Alembic's settings, without an ini file."""
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    settings.set_main_option("path_separator", "os")
    return settings


def upgrade(conn: sa.Connection, to: str = "head") -> None:
    """Up to the newest version, or the one named, in the caller's transaction.

    SQLite's BEGIN IMMEDIATE is the lock there."""
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(PATIENCE)
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
        conn.exec_driver_sql(SHORT)
    from alembic import command

    if state(conn) == "newer":
        return
    settings = config()
    settings.attributes["connection"] = conn
    command.upgrade(settings, to)


def state(conn: sa.Connection) -> str:
    """current, older, newer or empty."""
    if not sa.inspect(conn).has_table(VERSION.name):
        return "empty"
    found = conn.execute(sa.select(VERSION.c.version_num)).scalar()
    if found is None:
        return "empty"
    known = revisions()
    return "current" if found == known[-1] else "older" if found in known else "newer"


def revisions() -> list[str]:
    """Our revisions, oldest first: the number each file of versions/ begins with."""
    return sorted(path.name.partition("_")[0] for path in (Path(__file__).parent / "versions").glob("[0-9]*_*.py"))
