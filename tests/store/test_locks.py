"""Locks over threads, processes, SIGKILL and a database that goes away: the same on both databases."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.errors import StoreDown, TryAgain
from connector.store.engine import Store, open_store
from connector.store.locks import key_of
from tests.depth import examples
from tests.servers import PostgresServer

Spawn = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def spawn(store: Store, store_url: str, home: Path) -> Iterator[Spawn]:
    """Starts a holder of these names and waits until it has them; its first line says which."""
    children: list[subprocess.Popen[str]] = []

    def start(*names: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(Path(__file__).with_name("holder.py")), store_url, str(home), *names]
        root = Path(__file__).parents[2]
        child = subprocess.Popen(command, cwd=root, env={"PYTHONPATH": str(root)}, stdin=-1, stdout=-1, text=True)
        children.append(child)
        return child

    yield start
    for child in children:
        child.kill()
        child.communicate()


def line(child: subprocess.Popen[str]) -> list[str]:
    assert child.stdout is not None
    return child.stdout.readline().split()


def take(store: Store, *names: str) -> frozenset[str]:
    with store.locks.hold(names) as taken:
        return taken


def test_takes_what_is_free(store: Store) -> None:
    with store.locks.hold(["a", "b", "b"]) as first:
        assert first == {"a", "b"}
        with store.locks.hold(["b", "c"]) as second:
            assert second == {"c"}
        assert take(store, "a", "c") == {"c"}
    assert take(store, "a", "b", "c") == {"a", "b", "c"}


def test_no_names_are_no_work(store: Store) -> None:
    assert take(store) == frozenset()
    assert store.locks.still_held([])


def test_given_back_after_an_error(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.locks.hold(["a"]):
        1 / 0  # noqa: B018
    assert take(store, "a") == {"a"}


def test_threads_exclude_each_other(store: Store) -> None:
    with store.locks.hold(["a"]):
        seen: list[frozenset[str]] = []
        thread = threading.Thread(target=lambda: seen.append(take(store, "a", "b")))
        thread.start()
        thread.join()
        assert seen == [{"b"}]


def test_processes_exclude_each_other(store: Store, spawn: Spawn) -> None:
    child = spawn("a", "b")
    assert line(child) == ["a", "b"]
    with store.locks.hold(["b", "c"]) as taken:
        assert taken == {"c"}
        other = spawn("a", "c", "d")
        assert line(other) == ["d"]
    child.communicate("end\n")
    assert take(store, "a", "b") == {"a", "b"}


def test_sigkill_frees_at_once(store: Store, spawn: Spawn) -> None:
    child = spawn("lane:1", "unpack")
    assert line(child) == ["lane:1", "unpack"]
    assert take(store, "lane:1") == frozenset()
    child.kill()
    child.wait()
    with store.locks.wait("lane:1", 5):  # Postgres hears of the closed socket a moment later
        assert store.locks.still_held(["lane:1"])


def test_a_second_store_of_this_process_is_another_holder(store: Store, store_url: str, home: Path) -> None:
    """Closing it must not free what the first one holds (closing any file frees every fcntl lock of a process)."""
    second = open_store(store_url, home=home)
    with store.locks.hold(["a"]):
        assert take(second, "a", "b") == {"b"}
        second.close()
        third = open_store(store_url, home=home)
        assert take(third, "a") == frozenset()
        third.close()


def test_wait_gives_up(store: Store) -> None:
    with store.locks.hold(["a"]), pytest.raises(TryAgain) as caught, store.locks.wait("a", 0.05):
        pass
    assert caught.value.code == "lock_held"


def test_wait_takes_turns(store: Store) -> None:
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        with store.locks.wait("token:1", 30):
            inside += 1
            most = max(most, inside)
            inside -= 1

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (inside, most) == (0, 1)


def test_keys_fit_both_databases() -> None:
    keys = {key_of(f"lane:{n}") for n in range(10_000)}
    assert len(keys) == 10_000
    assert all(0 <= key < 2**62 for key in keys)
    assert key_of("\ud800") == key_of("\ud800")


NAMES = st.lists(st.sampled_from("abcdef"), max_size=6)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(["take", "give"]), NAMES), max_size=25))
def test_any_order_of_taking_and_giving_back(store: Store, steps: list[tuple[str, list[str]]]) -> None:
    """Against a plain model: nobody holds a name twice, and everything free is given."""
    stacks: list[tuple[ExitStack, frozenset[str]]] = []
    held: set[str] = set()
    try:
        for what, names in steps:
            if what == "give" and stacks:
                stack, taken = stacks.pop(len(names) % len(stacks))
                stack.close()
                held -= taken
            elif what == "take":
                stack = ExitStack()
                taken = stack.enter_context(store.locks.hold(names))
                assert taken == set(names) - held
                stacks.append((stack, taken))
                held |= taken
            assert store.locks.still_held(held)
            assert not store.locks.still_held({*held, "never taken"})
    finally:
        for stack, _ in stacks:
            stack.close()
    assert take(store, *"abcdef") == set("abcdef")


# ---- Postgres: the session may die ---------------------------------------------------------------------------
@contextmanager
def postgres_store(server: PostgresServer, home: Path) -> Iterator[Store]:
    store = open_store(server.database(), home=home)
    try:
        yield store
    finally:
        store.close()


def end_session(server: PostgresServer, store: Store) -> None:
    """As a failover or an administrator does it."""
    with store.write() as conn:
        conn.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )


def until(condition: Callable[[], bool]) -> None:
    """The server ends a session a moment after it said so."""
    ready = threading.Event()
    for _ in range(500):
        if condition():
            return
        ready.wait(0.01)
    raise AssertionError("it never came true")


def test_a_lost_session_is_visible(postgres: PostgresServer, home: Path) -> None:
    with postgres_store(postgres, home) as store, postgres_store(postgres, home):
        with store.locks.hold(["a", "b"]):
            assert store.locks.still_held(["a", "b"])
            before = store.locks.lost
            end_session(postgres, store)
            until(lambda: not store.locks.still_held(["a"]))
            assert store.locks.lost == before + 1
            with store.locks.hold(["a"]) as again:  # a new session; the name is free for anybody
                assert again == {"a"}
                assert not store.locks.still_held(["a", "b"])
        with store.locks.hold(["a"]) as taken:  # the old holder's exit gave nothing back that was not its own
            assert taken == {"a"}


def test_the_old_holder_gives_back_nothing_of_the_new(postgres: PostgresServer, home: Path) -> None:
    with postgres_store(postgres, home) as store:
        old, new = ExitStack(), ExitStack()
        old.enter_context(store.locks.hold(["a"]))
        end_session(postgres, store)
        until(lambda: not store.locks.still_held(["a"]))
        assert new.enter_context(store.locks.hold(["a"])) == {"a"}
        old.close()
        assert store.locks.still_held(["a"])
        assert take(store, "a") == frozenset()
        new.close()
        assert take(store, "a") == {"a"}


@pytest.mark.long
def test_a_stopped_database_is_an_outage(home: Path) -> None:
    server = PostgresServer()
    try:
        with postgres_store(server, home) as store:
            with store.locks.hold(["a"]):
                server.stop()
                assert not store.locks.still_held(["a"])
                with pytest.raises(StoreDown), store.locks.hold(["b"]):
                    pass
            server.start()
            assert take(store, "a", "b") == {"a", "b"}
    finally:
        server.close()
