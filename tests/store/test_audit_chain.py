"""The audit log's chain: whatever is done to a line by another way than ours is refused, and found when it was not."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from connector.config import key_file
from connector.store import audit, audit_chain
from connector.store.engine import Store
from connector.store.secrets import Keyring
from connector.store.tables import audit as table

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
GUARDS = {  # Postgres' tables are used again by other tests
    "sqlite": ("DROP TRIGGER audit_kept", "DROP TRIGGER audit_same"),
    "postgresql": ("SET LOCAL session_replication_role = replica",),
}


@pytest.fixture
def store(store: Store, tmp_path) -> Store:
    store.keyring = Keyring(key_file(tmp_path / "keys"))
    with store.write() as conn:
        for n in range(6):
            audit.append(conn, "ana@example.com", "settings.change", f"s{n}", {"n": n}, NOW + timedelta(days=n))
    return store


def do(store: Store, *statements: str) -> None:
    with store.write() as conn:
        for statement in statements:
            conn.exec_driver_sql(statement)


def forged(store: Store, *statements: str) -> None:
    """As somebody does it who may take the triggers away."""
    do(store, *GUARDS[store.dialect], *statements)


def found(store: Store, **how) -> list[tuple[int | None, str]]:
    with store.read() as conn:
        return [(one["seq"], one["what"]) for one in audit_chain.verify(conn, **how).problems]


def test_what_was_written_is_whole(store):
    assert found(store) == found(store, newest=3) == []
    with store.read() as conn:
        verdict = audit_chain.verify(conn)
        assert (verdict.lines, verdict.older, verdict.erased) == (6, 0, 0)
        assert audit_chain.summed(conn, 3) == []


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit SET who = 'eve' WHERE seq = 2", "UPDATE audit SET hash = '' WHERE seq = 2",
     "DELETE FROM audit WHERE seq = 2", "DELETE FROM audit", "UPDATE audit SET erased = 1, at = 0 WHERE seq = 2"],
)  # fmt: skip
def test_the_database_itself_refuses(store, statement):
    with pytest.raises(sa.exc.DBAPIError, match="only added to"):
        do(store, statement)
    assert found(store) == []


def test_postgres_refuses_to_empty_it(store):
    if store.dialect == "postgresql":
        with pytest.raises(sa.exc.DBAPIError, match="only added to"):
            do(store, "TRUNCATE audit")


@pytest.mark.parametrize(
    ("statement", "problems"),
    [
        ("UPDATE audit SET who = 'eve' WHERE seq = 2", [(2, "changed")]),
        ("UPDATE audit SET detail = NULL WHERE seq = 6", [(6, "changed")]),
        ("UPDATE audit SET at = at + 1000 WHERE seq = 3", [(3, "removed")]),
        ("UPDATE audit SET action = 'x' WHERE seq = 3", [(3, "removed")]),
        ("DELETE FROM audit WHERE seq = 4", [(5, "removed")]),
        ("DELETE FROM audit WHERE seq < 3", [(3, "start")]),
        ("DELETE FROM audit WHERE seq > 4", [(None, "end")]),
        ("DELETE FROM audit", [(None, "end")]),
        ("DELETE FROM audit_chain", [(6, "seal")]),
        ("UPDATE audit_chain SET cut = 2", [(None, "seal")]),
        ("UPDATE audit_chain SET hash = (SELECT hash FROM audit WHERE seq = 4)", [(None, "seal")]),
        ("INSERT INTO audit (at, who, action, object) VALUES (1, 'eve', 'x', 'y')", [(7, "unchained")]),
        ("UPDATE audit SET seq = 100 WHERE seq = 2", [(3, "removed"), (100, "removed")]),
    ],
)  # fmt: skip
def test_what_was_done_nevertheless_is_found(store, statement, problems):
    forged(store, statement)
    assert found(store) == problems


def test_the_doctor_tells_it_and_looks_at_the_newest_lines_only(store):
    forged(store, "UPDATE audit SET object = 'other' WHERE seq = 5")
    with store.read() as conn:
        (told,) = audit_chain.summed(conn, 3)
        assert (told["code"], told["count"], told["examples"]) == ("audit_chain", 1, ["changed 5"])
        assert audit_chain.summed(conn, 1) == []


def test_an_end_that_was_noted_elsewhere_must_be_in_the_chain(store):
    with store.read() as conn:
        noted = audit_chain.verify(conn).head
    with store.write() as conn:
        audit.append(conn, "ana@example.com", "x", "y", None, NOW)
    assert found(store, expect=noted) == []
    assert found(store, expect="0" * 64) == [(None, "end")]


def test_retention_cuts_the_oldest_end_and_the_rest_stays_whole(store):
    with store.write() as conn:
        assert audit.prune(conn, NOW + timedelta(days=2), 1) == 1
        assert audit.prune(conn, NOW + timedelta(days=2), 10) == 1
    assert found(store) == []
    with store.write() as conn:
        audit.append(conn, "ana@example.com", "x", "y", None, NOW + timedelta(days=6))
        assert audit.prune(conn, NOW + timedelta(days=90), 100) == 5
        audit.append(conn, "ana@example.com", "x", "z", None, NOW + timedelta(days=7))
    assert found(store) == []
    with pytest.raises(sa.exc.DBAPIError, match="only added to"):
        do(store, "DELETE FROM audit")


def test_who_lacks_the_keys_cannot_write_a_line_that_fits(store, tmp_path):
    store.keyring = Keyring(key_file(tmp_path / "others"))
    with store.write() as conn:
        audit.append(conn, "eve", "x", "y", None, NOW)  # the act goes on; its line stands outside of the chain
    assert found(store) == [(None, "seal")]
    store.keyring = Keyring(key_file(tmp_path / "keys"))
    assert found(store) == [(7, "unchained")]


def test_lines_that_are_older_than_the_chain_are_counted_and_no_fault(store):
    forged(store, "DELETE FROM audit", "DELETE FROM audit_chain",
           "INSERT INTO audit (at, who, action, object) VALUES (1, 'ana', 'x', 'y')")  # fmt: skip
    with store.write() as conn:
        audit.append(conn, "ana", "x", "y", None, NOW)
    assert found(store) == []
    with store.read() as conn:
        assert audit_chain.verify(conn).older == 1
    with store.write() as conn:
        assert audit.prune(conn, NOW, 10) == 1
    assert found(store) == []


def test_a_person_is_taken_out_of_a_line_and_the_chain_says_so(store):
    with store.write() as conn:
        line = conn.execute(sa.select(table).where(table.c.seq == 2)).one()
        assert audit_chain.blanked(conn, table.c.seq == 2, line, {"object": "[erased]"}, line.at) == 1
    with store.read() as conn:
        verdict = audit_chain.verify(conn)
        assert (verdict.erased, verdict.problems) == (1, [])
    forged(store, "UPDATE audit SET object = 'somebody else' WHERE seq = 2")
    assert found(store) == [(2, "changed")]


def test_many_who_write_at_once_make_one_chain(store):
    def write(who: int) -> None:
        for n in range(4):
            with store.write() as conn:
                audit.append(conn, f"p{who}", "x", str(n), None, NOW)

    threads = [threading.Thread(target=write, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found(store) == []
    with store.read() as conn:
        assert audit_chain.verify(conn).lines == 22
