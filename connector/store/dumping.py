"""The whole database as parts of a backup, consistent while everything runs; and back again.

SQLite: its own online copy, checked. Postgres: COPY of every table in one REPEATABLE READ transaction; pg_dump is not
used, because it must be there and be no older than the server (docs/decisions/0027)."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from connector.errors import GiveUp, Rejected
from connector.store.archive import Archive, Reading
from connector.store.engine import Store, conninfo, open_store, translated, upgrade
from connector.store.migrations import run
from connector.store.tables import metadata

FILE = "connector.db"
TABLES = "tables/"
COUNTED = ("contacts", "deliveries", "documents", "events", "sends")  # what the manifest tells people
BLOCK = 1 << 20
Told = dict[str, Any]  # of the manifest: database, schema, counts, and tables with their columns


def dump(store: Store, archive: Archive, folder: Path) -> Told:
    """The database into the archive; `folder` has room for a copy of SQLite's file. Raises StoreDown, GiveUp."""
    with translated():
        return _dump_sqlite(store, archive, folder) if store.dialect == "sqlite" else _dump_postgres(store, archive)


# ---- SQLite ------------------------------------------------------------------------------------------------------
def _dump_sqlite(store: Store, archive: Archive, folder: Path) -> Told:
    with tempfile.TemporaryDirectory(dir=folder, prefix=".copy-") as name:
        copy = Path(name) / FILE
        with (
            closing(sqlite3.connect(str(store.engine.url.database), timeout=30)) as source,
            closing(sqlite3.connect(copy)) as goal,
        ):
            source.backup(goal)  # all pages at once: one snapshot, and writers go on in their log
        with closing(sqlite3.connect(copy)) as goal:
            _sound(goal, copy.name)
            told = {
                "database": "sqlite", "schema": _first(goal, "SELECT version_num FROM alembic_version"),
                "counts": {t: _first(goal, f"SELECT count(*) FROM {t}") for t in COUNTED},  # noqa: S608
            }  # fmt: skip
        archive.copy(FILE, copy)
    return told


def _first(conn: sqlite3.Connection, query: str) -> Any:
    return conn.execute(query).fetchone()[0]


def _sound(conn: sqlite3.Connection, name: str) -> None:
    try:
        found = [row[0] for row in conn.execute("PRAGMA integrity_check(5)")]
    except sqlite3.DatabaseError as error:
        found = [str(error)]
    if found != ["ok"]:
        raise GiveUp(
            f"The copy {name} is damaged: {found[0]}", hint="Keep earlier backups, and look at the disk.",
            code="backup_damaged",
        )  # fmt: skip


def _load_sqlite(url: sa.URL, reading: Reading, stamp: str) -> None:
    path = Path(str(url.database))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.restoring")
    reading.save(FILE, draft)
    with closing(sqlite3.connect(draft)) as conn:
        _sound(conn, draft.name)
        conn.execute("PRAGMA journal_mode=WAL").close()
    for ending in ("-wal", "-shm"):
        draft.with_name(draft.name + ending).unlink(missing_ok=True)
    if path.exists():
        _nobody_has(path)
        for ending in ("", "-wal", "-shm"):
            old = path.with_name(path.name + ending)
            if old.exists():
                old.replace(old.with_name(f"{path.name}.before-{stamp}{ending}"))
    draft.replace(path)
    handle = os.open(path.parent, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def _nobody_has(path: Path) -> None:
    """Leaving the log's mode needs the file alone: whoever else has it open makes it fail."""
    try:
        with closing(sqlite3.connect(path, timeout=0)) as conn:
            mode = _first(conn, "PRAGMA journal_mode=DELETE")
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return  # damaged: that is why it is replaced
        mode = "wal"
    if mode == "wal":
        raise _runs("Other processes have the database open.")


def _runs(what: str) -> Rejected:
    return Rejected(what, hint="Stop web, workers and clock first.", code="running")


# ---- Postgres ----------------------------------------------------------------------------------------------------
def _dump_postgres(store: Store, archive: Archive) -> Told:
    import psycopg

    tables: dict[str, Told] = {}
    with psycopg.connect(conninfo(store.engine.url)) as conn:
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        conn.execute("SET LOCAL statement_timeout = 0")
        conn.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        columns = _columns(conn)
        for name in (t.name for t in metadata.sorted_tables if t.name in columns):
            mine = ", ".join(f'"{c}"' for c in columns[name])
            with conn.cursor() as cursor, archive.part(f"{TABLES}{name}.copy") as out:
                with cursor.copy(f'COPY (SELECT {mine} FROM "{name}") TO STDOUT') as copy:  # noqa: S608
                    for block in copy:
                        out.write(bytes(block))
                tables[name] = {"columns": columns[name], "rows": cursor.rowcount}
        schema = conn.execute("SELECT version_num FROM alembic_version").fetchone()
    counts = {name: tables[name]["rows"] for name in COUNTED}
    return {"database": "postgresql", "schema": schema[0] if schema else "", "counts": counts, "tables": tables}


def _columns(conn: Any) -> dict[str, list[str]]:
    query = """SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"""
    found: dict[str, list[str]] = {}
    for table, column in conn.execute(query):
        if table in metadata.tables:
            found.setdefault(table, []).append(column)
    return found


def _load_postgres(url: sa.URL, reading: Reading) -> None:
    """All or nothing, in one transaction: what was there is dropped in it too."""
    with closing(_Engine(url)) as engine, translated(), engine.store.engine.begin() as conn:
        conn.exec_driver_sql("SET LOCAL statement_timeout = 0")
        others = conn.exec_driver_sql(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'connector' AND pid <> pg_backend_pid()"
        ).scalar_one()
        if others:
            raise _runs(f"{others} connections of ours are open.")
        for old in [*metadata.tables, run.VERSION.name]:
            conn.exec_driver_sql(f'DROP TABLE IF EXISTS "{old}" CASCADE')
        run.upgrade(conn, reading.manifest["schema"])
        raw: Any = conn.connection.dbapi_connection
        for name, told in reading.manifest["tables"].items():
            mine = ", ".join(f'"{c}"' for c in told["columns"])
            with raw.cursor() as cursor, reading.open(f"{TABLES}{name}.copy") as file:
                with cursor.copy(f'COPY "{name}" ({mine}) FROM STDIN') as copy:
                    while block := file.read(BLOCK):
                        copy.write(block)
                if cursor.rowcount != told["rows"]:
                    raise GiveUp(f"{name} has {cursor.rowcount} rows and not {told['rows']}.", code="backup_damaged")
        for table in metadata.tables.values():
            if "seq" in table.c and table.name in reading.manifest["tables"]:
                conn.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{table.name}', 'seq'),"  # noqa: S608
                    f" coalesce((SELECT max(seq) FROM {table.name}), 0) + 1, false)"
                )


class _Engine:
    """A store for one transaction, without its locks' session."""

    def __init__(self, url: sa.URL) -> None:
        self.store = open_store(url.render_as_string(hide_password=False), home=Path(tempfile.gettempdir()))

    def close(self) -> None:
        self.store.engine.dispose()


# ---- both --------------------------------------------------------------------------------------------------------
def fits(url: str, reading: Reading) -> None:
    """Raises Rejected when this database cannot take this backup."""
    kind, schema = sa.make_url(url).get_backend_name(), reading.manifest["schema"]
    if kind != reading.manifest["database"]:
        raise Rejected(
            f"The backup is of {reading.manifest['database']}, DATABASE_URL is {kind}.",
            hint="Restore it into the same kind of database.", code="backup_kind",
        )  # fmt: skip
    if schema not in run.revisions():
        hint = "Restore it with the release that made it, or a newer one."
        raise Rejected(f"The backup's tables are newer ({schema}) than this release.", hint=hint, code="backup_newer")


def in_use(url: str, home: Path) -> Mapping[str, int]:
    """{table: rows} of what this database holds already; empty for one that is new, absent or damaged."""
    address = sa.make_url(url)
    if address.get_backend_name() == "sqlite" and not Path(str(address.database)).exists():
        return {}
    with _open(url, home) as store:
        try:
            with store.read() as conn:
                there = set(sa.inspect(conn).get_table_names())
                rows = {
                    name: int(conn.execute(sa.select(sa.func.count()).select_from(metadata.tables[name])).scalar_one())
                    for name in (*COUNTED, "accounts", "users") if name in there
                }  # fmt: skip
        except sa.exc.DatabaseError:
            return {}
    return {name: n for name, n in rows.items() if n}


@contextmanager
def _open(url: str, home: Path) -> Iterator[Store]:
    store = open_store(url, home=home)
    try:
        yield store
    finally:
        store.close()


def load(url: str, reading: Reading, stamp: str) -> None:
    """The backup's database in the place of what is there, brought up to this release's tables. Raises StoreDown.

    A SQLite file that was there stays beside it, as `connector.db.before-<stamp>`."""
    address = sa.make_url(url)
    if address.get_backend_name() == "sqlite":
        _load_sqlite(address, reading, stamp)
    else:
        _load_postgres(address, reading)
    upgrade(url)
