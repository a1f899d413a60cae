"""Deliveries: safe when `submit` returns, told as an outage when not, byte for byte as they came."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from connector.errors import StoreDown
from connector.store import deliveries
from connector.store.deliveries import Intake
from connector.store.engine import Store, open_store, upgrade
from connector.store.tables import deliveries as table
from tests.servers import PostgresServer

NOW = datetime(2026, 11, 22, 10, 0, 0, 123_000, tzinfo=UTC)
JSON = {"content-type": "application/json", "x-hub-signature-256": "sha256=0", "cookie": "c"}


@pytest.fixture
def intake(store: Store) -> Iterator[Intake]:
    opened = Intake(store, timeout=20)  # the machine may be busy; what is slow is tested below
    yield opened
    opened.close()


def stored(store: Store, limit: int = 1000) -> list[deliveries.Delivery]:
    with store.read() as conn:
        return deliveries.claim_deliveries(conn, limit)


def count(store: Store) -> int:
    with store.read() as conn:
        return conn.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def test_stored_when_it_returns(store: Store, intake: Intake) -> None:
    intake.submit("a1", JSON, b'{"object":"x"}', NOW)
    (row,) = stored(store)
    assert (row.account, row.received_at, row.body, row.attempts) == ("a1", NOW, b'{"object":"x"}', 0)
    assert row.headers == {"content-type": "application/json"}
    with store.read() as conn:
        assert deliveries.get(conn, row.id) == row
        assert deliveries.get(conn, "no such id") is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00",
        b'{"text":"a\\u0000b"}',
        b'{"text":"a\x00b"}',
        '{"text":"\ud800"}'.encode("utf-8", "surrogatepass"),
        bytes(range(256)) * 40,
        os.urandom(3 * 1024 * 1024),
        b"\\x00 not hex",
        b"{NULL,1}",
    ],
    ids=lambda body: str(len(body)),
)
def test_bytes_stay_as_they_came(store: Store, intake: Intake, body: bytes) -> None:
    intake.submit("a1", {"content-type": "text/\xff; charset=\x00"}, body, NOW)
    assert [(row.body, row.headers["content-type"]) for row in stored(store)] == [(body, "text/\xff; charset=\x00")]


def test_64_threads_lose_nothing(store: Store, intake: Intake) -> None:
    def send(n: int) -> None:
        for k in range(20):
            intake.submit("a1", JSON, f"{n}-{k}".encode(), NOW)

    run([threading.Thread(target=send, args=(n,)) for n in range(64)])
    rows = stored(store, 2000)
    assert sorted(row.body for row in rows) == sorted(f"{n}-{k}".encode() for n in range(64) for k in range(20))
    assert len({row.id for row in rows}) == 64 * 20
    for n in range(64):  # one caller's deliveries keep their order
        mine = [row.body for row in rows if row.body.startswith(f"{n}-".encode())]
        assert mine == [f"{n}-{k}".encode() for k in range(20)]


def run(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_many_wait_for_one_commit(store: Store) -> None:
    """Callers that come while the database is busy share one transaction."""
    calls: list[int] = []
    intake = Intake(store, timeout=20, on_commit=lambda: calls.append(1))
    commit = intake._backend.commit
    groups: list[int] = []
    intake._backend.commit = lambda rows: (groups.append(len(rows)), commit(rows))  # type: ignore[method-assign]
    with busy(store, intake) as waits:
        threads = [threading.Thread(target=intake.submit, args=("a", JSON, b"%d" % n, NOW)) for n in range(30)]
        threads[0].start()
        waits()
        for thread in threads[1:]:
            thread.start()
        until(lambda: intake._queue.qsize() == 29)
    for thread in threads:
        thread.join()
    intake.close()
    assert count(store) == 30
    assert groups == ([30] if store.dialect == "sqlite" else [1, 29])
    assert calls


@contextmanager
def busy(store: Store, intake: Intake) -> Iterator[Callable[[], None]]:
    """Somebody else writes; the function returns once the writer thread stands in line behind it."""
    with store.write() as conn:
        if store.dialect == "postgresql":
            conn.execute(sa.text("LOCK TABLE deliveries IN EXCLUSIVE MODE"))

        def stands_in_line() -> bool:
            if store.dialect == "sqlite":
                return intake._bytes > 0 and intake._queue.empty()  # it came, and was taken
            return conn.execute(sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one() > 0

        yield lambda: until(stands_in_line)


def until(condition: Callable[[], bool]) -> None:
    ready = threading.Event()
    for _ in range(1000):
        if condition():
            return
        ready.wait(0.01)
    raise AssertionError("it never came true")


def test_the_bell_rings_on_another_thread(store: Store) -> None:
    rung = threading.Event()
    names: list[str] = []

    def ring() -> None:
        names.append(threading.current_thread().name)
        rung.set()
        raise RuntimeError("a broken bell breaks nothing")

    intake = Intake(store, timeout=20, on_commit=ring)
    intake.submit("a", JSON, b"1", NOW)
    assert rung.wait(10)
    intake.submit("a", JSON, b"2", NOW)
    intake.close()
    assert set(names) == {"intake-bell"}
    assert count(store) == 2


def test_too_late_is_not_stored(store: Store) -> None:
    """What nobody waits for any more is not written when the database comes back."""
    intake = Intake(store, timeout=0.1)
    with busy(store, intake) as waits:
        results: list[str] = []

        def late(body: bytes) -> None:
            try:
                intake.submit("a", JSON, body, NOW)
            except StoreDown as error:
                results.append(error.code)

        threads = [threading.Thread(target=late, args=(b"%d" % n,)) for n in range(5)]
        threads[0].start()
        waits()
        run(threads[1:])
        threads[0].join()
        assert results == ["slow"] * 5
    intake.close()
    assert count(store) <= 1  # the one whose statement had begun may be stored: its repetition is known downstream


def test_a_full_queue_says_so_at_once(store: Store) -> None:
    intake = Intake(store, timeout=20, queue=3)
    with busy(store, intake) as waits:
        threads = [threading.Thread(target=intake.submit, args=("a", JSON, b"%d" % n, NOW)) for n in range(4)]
        threads[0].start()
        waits()
        for thread in threads[1:]:
            thread.start()
        until(lambda: intake._queue.qsize() == 3)
        with pytest.raises(StoreDown) as caught:
            intake.submit("a", JSON, b"4", NOW)
        assert caught.value.code == "full"
    for thread in threads:
        thread.join()
    intake.close()
    assert count(store) == 4


def test_closed_takes_nothing_more(store: Store) -> None:
    intake = Intake(store)
    intake.close()
    with pytest.raises(StoreDown):
        intake.submit("a", JSON, b"1", NOW)


@pytest.mark.long
def test_a_database_that_goes_and_comes(home: Path) -> None:
    """Stopped under load as a crash does it: whoever was told yes is there afterwards."""
    server = PostgresServer()
    try:
        url = server.database()
        upgrade(url)
        store = open_store(url, home=home)
        intake = Intake(store)
        yes: list[bytes] = []
        no: list[bytes] = []
        longest = [0.0]
        stop = threading.Event()

        def send(n: int) -> None:
            k = 0
            while not stop.is_set():
                body = f"{n}-{k}".encode()
                k += 1
                began = time.monotonic()
                try:
                    intake.submit("a", JSON, body, NOW)
                    yes.append(body)
                except StoreDown:
                    no.append(body)
                longest[0] = max(longest[0], time.monotonic() - began)

        threads = [threading.Thread(target=send, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        until(lambda: len(yes) > 50)
        server.stop()
        until(lambda: len(no) > 8)
        server.start()
        before = len(yes)
        until(lambda: len(yes) > before + 50)
        stop.set()
        for thread in threads:
            thread.join()
        intake.close()
        with store.read() as conn:
            there = set(conn.execute(sa.select(table.c.body)).scalars())
        store.close()
        assert set(yes) <= {bytes(body) for body in there}
        assert longest[0] < 10  # promptly: far below the server's own time-outs
    finally:
        server.close()


def test_the_first_call_after_a_restart_is_stored(home: Path) -> None:
    """An idle connection died unnoticed: the group is tried once more on a new one."""
    server = PostgresServer()
    try:
        url = server.database()
        upgrade(url)
        store = open_store(url, home=home)
        intake = Intake(store, timeout=20)
        intake.submit("a", JSON, b"1", NOW)
        server.stop()
        server.start()
        intake.submit("a", JSON, b"2", NOW)
        intake.close()
        assert [row.body for row in stored(store)] == [b"1", b"2"]
        store.close()
    finally:
        server.close()


def test_sigkill_keeps_what_was_promised(store: Store, store_url: str, home: Path) -> None:
    """A web process is killed in the middle: every body it had said yes to is there."""
    root = Path(__file__).parents[2]
    command = [sys.executable, str(Path(__file__).with_name("submitter.py")), store_url, str(home)]
    child = subprocess.Popen(command, cwd=root, env={"PYTHONPATH": str(root)}, stdout=-1)
    assert child.stdout is not None
    promised = [child.stdout.readline().strip() for _ in range(200)]
    child.send_signal(signal.SIGKILL)
    promised += [line.strip() for line in child.stdout if line.endswith(b"\n")]
    child.wait()
    child.stdout.close()
    with store.read() as conn:
        there = {bytes(body) for body in conn.execute(sa.select(table.c.body)).scalars()}
    assert set(promised) <= there


# ---- claiming ------------------------------------------------------------------------------------------------
def test_oldest_first_and_only_new(store: Store, intake: Intake) -> None:
    for n in range(6):
        intake.submit("a", JSON, b"%d" % n, NOW)
    rows = stored(store)
    with store.write() as conn:
        deliveries.finish_deliveries(conn, [rows[0].id, rows[2].id], "unpacked")
        deliveries.mark_dead(conn, rows[1].id, "The body cannot be read.")
    assert [row.body for row in stored(store, 2)] == [b"3", b"4"]
    with store.write() as conn:  # compare-and-set: what is final stays final
        deliveries.finish_deliveries(conn, [rows[1].id], "unpacked")
        states = list(conn.execute(sa.select(table.c.state).order_by(table.c.seq)).scalars())
    assert states == ["unpacked", "dead", "unpacked", "new", "new", "new"]


def test_large_bodies_are_claimed_in_small_batches(store: Store, intake: Intake) -> None:
    for _ in range(7):
        intake.submit("a", JSON, b"x" * 3_000_000, NOW)
    assert len(stored(store)) == 5
    with store.write() as conn:
        deliveries.finish_deliveries(conn, [row.id for row in stored(store)], "unpacked")
    assert len(stored(store)) == 2


def test_dead_after_so_many_attempts(store: Store, intake: Intake) -> None:
    intake.submit("a", JSON, b"1", NOW)
    (row,) = stored(store)
    for attempts in (1, 2):
        with store.write() as conn:
            deliveries.fail_delivery(conn, row.id, "KeyError", dead_after=3)
        assert [r.attempts for r in stored(store)] == [attempts]
    with store.write() as conn:
        deliveries.fail_delivery(conn, row.id, "KeyError", dead_after=3)
    assert stored(store) == []
