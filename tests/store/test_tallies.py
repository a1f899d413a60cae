"""Nobody counts history, and the counts are exact: while rows come in any order, and old ones go."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.store import doctor, tallies
from connector.store.engine import Store
from connector.store.tables import deliveries, events, metadata
from tests.depth import examples

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
TABLES = {"events": events, "deliveries": deliveries}
_next = iter(range(10**9))


def row(name: str) -> dict[str, Any]:
    n = next(_next)
    both = {"id": f"x{n}", "account": "wa", "received_at": NOW}
    if name == "deliveries":
        return both | {"body": b"{}", "state": "unpacked"}
    return both | {"dedupe_key": f"k{n}", "kind": "DeliveryStatus", "payload": {}, "state": "done"}


def put(conn: sa.Connection, name: str, count: int) -> None:
    conn.execute(sa.insert(TABLES[name]), [row(name) for _ in range(count)])


def check(store: Store) -> None:
    with store.read() as conn:
        told = doctor.counts(conn)
        for name, table in TABLES.items():
            assert told[name] == conn.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def advance(store: Store, times: int = 3) -> None:
    for _ in range(times):
        with store.write() as conn:
            tallies.advance(conn)


def places(store: Store) -> dict[str, int]:
    with store.read() as conn:
        return {part.name: part.upto for part in tallies.parts(conn)}


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from(sorted(TABLES)), st.integers(1, 5)),
        st.tuples(st.just("delete"), st.sampled_from(sorted(TABLES)), st.integers(1, 5)),
        st.tuples(st.just("advance"), st.just(""), st.integers(1, 3)),
    ),
    max_size=15,
)


@settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_the_counts_are_exact(store: Store, steps: list[tuple[str, str, int]]) -> None:
    with store.write() as conn:
        for table in metadata.sorted_tables:
            conn.execute(sa.delete(table))
    for what, name, n in steps:
        if what == "advance":
            advance(store, n)
            check(store)
            continue
        with store.write() as conn:
            if what == "put":
                put(conn, name, n)
            else:  # the oldest, and one that is not there
                table = TABLES[name]
                seqs = list(conn.execute(sa.select(table.c.seq).order_by(table.c.seq).limit(n)).scalars())
                assert tallies.delete(conn, name, [*seqs, -1]) == len(seqs)
    check(store)


def test_the_place_moves_on(store: Store) -> None:
    with store.write() as conn:
        put(conn, "events", 7)
    advance(store, 6)
    with store.read() as conn:
        assert places(store)["events"] == conn.execute(sa.select(sa.func.max(events.c.seq))).scalar_one()
    check(store)


@contextmanager
def late(store: Store) -> Iterator[None]:
    """A transaction that took its seq and commits only at the end of the block."""
    with store.engine.begin() as conn:
        put(conn, "events", 1)
        yield


def test_a_smaller_seq_that_commits_later_is_counted(postgres_store: Store) -> None:
    store = postgres_store
    with late(store):
        for _ in range(4):
            with store.write() as conn:
                put(conn, "events", 2)
            advance(store, 2)
            check(store)
    advance(store, 6)
    check(store)
    assert places(store)["events"] >= 9


def test_many_writers_and_a_chore_at_once(store: Store) -> None:
    failures: list[Exception] = []

    def work(turn: int) -> None:
        try:
            for n in range(8):
                with store.write() as conn:
                    if turn == 0:
                        tallies.advance(conn)
                    elif turn == 1 and n % 3 == 2:
                        tallies.delete(conn, "events", list(range(n * 4)))
                    else:
                        put(conn, "events", 3)
        except Exception as error:  # noqa: BLE001 - told by the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    check(store)
    advance(store, 6)
    check(store)


def test_a_restored_database_begins_anew(postgres_store: Store) -> None:
    with postgres_store.write() as conn:
        put(conn, "events", 3)
        tallies.advance(conn)
        conn.execute(sa.update(tallies.tallies).values(horizon=2**60))
    advance(postgres_store, 6)
    check(postgres_store)
    assert places(postgres_store)["events"] >= 3
