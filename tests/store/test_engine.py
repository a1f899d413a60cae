"""The two doors, what counts as an outage, and the tables that migrations make."""

import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from connector.errors import StoreDown
from connector.store import engine as engine_module
from connector.store.engine import Store, in_chunks, insert_many, open_store, schema_state, upgrade
from connector.store.migrations import run
from connector.store.tables import contacts, events, metadata
from tests.servers import PostgresServer

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def contact(n: int) -> dict[str, Any]:
    return {"id": f"c{n}", "name": f"Ana {n}", "created_at": NOW}


def names(store: Store) -> list[str]:
    with store.read() as conn:
        return list(conn.execute(sa.select(contacts.c.name).order_by(contacts.c.id)).scalars())


def test_write_commits(store: Store) -> None:
    with store.write() as conn:
        insert_many(conn, contacts, [contact(1)])
    assert names(store) == ["Ana 1"]


def test_write_rolls_back_as_a_whole(store: Store) -> None:
    with store.write() as conn:
        insert_many(conn, contacts, [contact(2)])
    with pytest.raises(sa.exc.IntegrityError), store.write() as conn:
        [insert_many(conn, contacts, [contact(n)]) for n in (1, 2)]
    assert names(store) == ["Ana 2"]


def test_read_cannot_write(store: Store) -> None:
    with pytest.raises(sa.exc.DBAPIError), store.read() as conn:
        insert_many(conn, contacts, [contact(1)])
    with store.write() as conn:
        insert_many(conn, contacts, [contact(2)])
    assert names(store) == ["Ana 2"]


def test_a_bug_in_our_sql_is_not_an_outage(store: Store) -> None:
    with pytest.raises(sa.exc.DBAPIError), store.read() as conn:
        conn.execute(sa.text("SELECT * FROM no_such_table"))


def test_parameters_stay_out_of_errors(store: Store) -> None:
    with pytest.raises(sa.exc.IntegrityError) as caught, store.write() as conn:
        conn.execute(sa.insert(contacts), [contact(1) | {"name": "a-secret"}] * 2)
    assert "a-secret" not in str(caught.value)


def test_writers_take_turns(store: Store) -> None:
    """Read, then write, from many threads: nobody is told to try again, nothing is lost."""

    def add(n: int) -> None:
        for _ in range(10):
            with store.write() as conn:
                query = sa.select(contacts.c.name).where(contacts.c.id == "c1").with_for_update()
                before = conn.execute(query).scalar_one()
                conn.execute(sa.update(contacts).values(name=str(int(before) + 1)))

    with store.write() as conn:
        insert_many(conn, contacts, [contact(1) | {"name": "0"}])
    threads = [threading.Thread(target=add, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(store) == ["80"]


def test_a_locked_sqlite_file_is_an_outage(sqlite_url: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "BUSY", 0.05)
    first, second = open_store(sqlite_url, home=home), open_store(sqlite_url, home=home)
    with first.write(), pytest.raises(StoreDown), second.write():
        pass
    first.close()
    second.close()


@pytest.mark.long
def test_a_stopped_postgres_is_an_outage_and_comes_back(home: Path) -> None:
    server = PostgresServer()
    try:
        url = server.database()
        upgrade(url)
        store = open_store(url, home=home)
        with pytest.raises(StoreDown):
            write_until_stopped(store, server)
        with pytest.raises(StoreDown), store.read():
            pass
        server.start()
        assert names(store) == []
        store.close()
    finally:
        server.close()


def write_until_stopped(store: Store, server: PostgresServer) -> None:
    with store.write() as conn:
        insert_many(conn, contacts, [contact(1)])
        server.stop()
        conn.execute(sa.select(contacts)).all()


def test_a_fork_gets_its_own_connections(store: Store) -> None:
    assert names(store) == []
    child = os.fork()
    if child == 0:  # nothing of pytest may run in the child
        try:
            with store.write() as conn:
                insert_many(conn, contacts, [contact(1)])
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert names(store) == ["Ana 1"]


# ---- bulk --------------------------------------------------------------------------------------------------------
EVENT = {
    "id": "e1", "delivery": None, "account": "a", "dedupe_key": "k", "lane": None, "kind": "Noted",
    "received_at": NOW, "state": "new",
}  # fmt: skip


@pytest.mark.parametrize(
    "payload",
    [
        {"text": "a\x00b"},
        {"text": "\ud800 alone"},
        {"text": "¿Qué? 😀 ' \" \\ %s :x {}"},
        {"n": [1, -2.5, None, True, 10**30]},
    ],
)
def test_json_comes_back_as_it_was(store: Store, payload: Any) -> None:
    with store.write() as conn:
        insert_many(conn, events, [EVENT | {"payload": payload}])
    with store.read() as conn:
        row = conn.execute(sa.select(events)).one()
    assert (row.payload, row.received_at, row.lane) == (payload, NOW, None)


def test_rows_keep_their_order(store: Store) -> None:
    rows = [EVENT | {"id": str(n), "dedupe_key": str(n), "payload": {}} for n in range(1200)]
    with store.write() as conn:
        insert_many(conn, events, rows)
        found = list(conn.execute(sa.select(events.c.id).order_by(events.c.seq)).scalars())
    assert found == [str(n) for n in range(1200)]


def test_conflicts_are_ignored_when_asked(store: Store) -> None:
    with store.write() as conn:
        insert_many(conn, contacts, [contact(1)])
        new = insert_many(
            conn, contacts, [contact(1), contact(2)], ignore_conflicts=True, returning=["id", "created_at"]
        )
    assert [tuple(row) for row in new] == [("c2", NOW)]
    with pytest.raises(sa.exc.IntegrityError), store.write() as conn:
        insert_many(conn, contacts, [contact(3), contact(1)])
    assert names(store) == ["Ana 1", "Ana 2"]


def test_no_rows_are_no_statement(store: Store) -> None:
    with store.read() as conn:
        assert insert_many(conn, contacts, []) == []


def test_in_chunks() -> None:
    assert [list(c) for c in in_chunks([1, 2, 3, 4, 5], 2)] == [[1, 2], [3, 4], [5]]
    assert list(in_chunks([])) == []


# ---- schema ------------------------------------------------------------------------------------------------------
COLUMNS = """SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version' ORDER BY 1, 2"""
INDEXES = """SELECT tablename, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY 1, 2"""
MASTER = """SELECT type, name, tbl_name, sql FROM sqlite_master
    WHERE tbl_name <> 'alembic_version' AND type <> 'trigger' ORDER BY 1, 2"""


def shape(store: Store) -> list[tuple[Any, ...]]:
    queries = [MASTER] if store.dialect == "sqlite" else [COLUMNS, INDEXES]
    with store.read() as conn:
        rows = [tuple(row) for query in queries for row in conn.execute(sa.text(query))]
    return [tuple(plain_words(v) if isinstance(v, str) else v for v in row) for row in rows]


def plain_words(sql: str) -> str:
    """One line; a table's columns in alphabetical order: a migration can only add one at the end."""
    words = " ".join(sql.split())
    head, bracket, columns = words.partition(" ( ")
    parts = sorted(part.strip() for part in columns.removesuffix(")").split(","))
    return head + bracket + ", ".join(parts) if bracket else words


def test_migrations_make_the_tables_of_the_code(store: Store, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if store.dialect == "sqlite":
        url = f"sqlite:///{tmp_path / 'plain.db'}"
    else:
        url = request.getfixturevalue("postgres").database()
    plain = open_store(url, home=tmp_path / "plain")
    with plain.write() as conn:
        metadata.create_all(conn)
    expected = shape(plain)
    plain.close()
    assert shape(store) == expected


def test_schema_state(store: Store, store_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    assert schema_state(store) == "current"
    upgrade(store_url)  # again: nothing to do
    with store.write() as conn:
        conn.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    assert schema_state(store) == "newer"
    upgrade(store_url)  # an older program leaves a newer schema alone
    assert schema_state(store) == "newer"


def test_many_upgrades_at_once(tmp_path: Path, postgres: PostgresServer) -> None:
    for url in (f"sqlite:///{tmp_path / 'new' / 'connector.db'}", postgres.database()):
        failures: list[BaseException] = []

        def run(url: str = url, failures: list[BaseException] = failures) -> None:
            try:
                upgrade(url)
            except BaseException as error:  # noqa: BLE001
                failures.append(error)

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        store = open_store(url, home=tmp_path)
        assert schema_state(store) == "current"
        store.close()


def test_an_upgrade_waits_for_a_table_without_holding_up_others(
    tmp_path: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody reads for long (a dump); whoever queued behind the upgrade must get through meanwhile."""
    url, asked, waited = postgres.database(), threading.Event(), []
    upgrade(url)
    monkeypatch.setattr(run, "SHORT", "SET LOCAL lock_timeout = '50ms'")
    monkeypatch.setattr(run, "upgrade", lambda conn: [conn.exec_driver_sql(run.SHORT), asked.set(), change(conn)])
    monkeypatch.setattr(engine_module, "UPGRADE_PAUSE", 0.05)

    def change(conn: sa.Connection) -> None:
        conn.exec_driver_sql("ALTER TABLE contacts ADD COLUMN one text")

    store = open_store(url, home=tmp_path)
    with store.read() as reader:
        reader.execute(sa.select(contacts.c.id)).all()
        thread = threading.Thread(target=lambda: waited.append(upgrade(url)))
        thread.start()
        assert asked.wait(10)
        with store.write() as conn:
            insert_many(conn, contacts, [contact(1)])
    thread.join(20)
    assert waited == [None]
    with store.read() as conn:
        assert conn.exec_driver_sql("SELECT one FROM contacts").all() == [(None,)]
    store.close()


def test_an_empty_database_says_so(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'none.db'}", home=tmp_path)
    assert schema_state(store) == "empty"
    store.close()


def test_a_host_that_vanished_is_given_up_by_the_server_too() -> None:
    """Its session holds locks: Linux would ask for the first time after two hours."""
    options = engine_module.server_settings(sa.make_url("postgresql+psycopg://db/connector"))["options"]
    assert "-c tcp_keepalives_idle=10" in options
    assert "-c tcp_user_timeout=25000" in options
