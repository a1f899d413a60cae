"""Runs Alembic from code, and says where a database stands."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

LOCK = 5_713_020_266_701_948  # of pg_advisory_xact_lock; any number that is only ours
PATIENCE = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s'"


def config() -> Config:
    """Alembic's settings, without an ini file."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    settings.set_main_option("path_separator", "os")
    return settings


def upgrade(conn: sa.Connection) -> None:
    """Up to the newest version, in the caller's transaction. SQLite's BEGIN IMMEDIATE is the lock there."""
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(PATIENCE)
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
    if state(conn) == "newer":
        return
    settings = config()
    settings.attributes["connection"] = conn
    command.upgrade(settings, "head")


def state(conn: sa.Connection) -> str:
    """current, older, newer or empty."""
    found = MigrationContext.configure(conn).get_current_revision()
    if found is None:
        return "empty"
    scripts = ScriptDirectory.from_config(config())
    if found == scripts.get_current_head():
        return "current"
    return "older" if found in {script.revision for script in scripts.walk_revisions()} else "newer"
