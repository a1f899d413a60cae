"""Tasks on both databases: each once, with progress, pause, cancel, and a successor when its worker is killed."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector import errors
from connector.pipeline.chores.tasks import Progress, Tasks, Work
from connector.store import tasks as rows
from connector.store.engine import Store
from connector.store.tasks import Task

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass
class Hands:
    """A clock that is set by hand."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


@dataclass
class Desk:
    """A runner with kinds of the test's own; every row's progress is stored."""

    store: Store
    clock: Hands = field(default_factory=Hands)

    def ask(self, kind: str = "k", **args: Any) -> str:
        with self.store.write() as conn:
            return rows.add(conn, kind, args, "ana", self.clock.now())

    def wish(self, id_: str, what: str) -> bool:
        with self.store.write() as conn:
            return rows.wish(conn, id_, what, self.clock.now())

    def see(self, id_: str) -> Task:
        with self.store.read() as conn:
            found = rows.get(conn, id_)
        assert found is not None
        return found

    def runner(self, run: Callable[[Task, Progress], Any], *, again: bool = True, beat: float = 0) -> Tasks:
        return Tasks(self.store, self.clock, {"k": Work(run, again)}, beat)

    def work(
        self, run: Callable[[Task, Progress], Any], stop: Callable[[], bool] = lambda: False, *, again: bool = True
    ) -> None:
        self.runner(run, again=again).drain(stop)


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def count(task: Task, progress: Progress) -> dict[str, Any]:
    """Three rows, each told."""
    for n in range(progress.cursor or 0, 3):
        progress(n + 1, 3, n + 1)
    return {"counted": 3}


def test_a_task_is_done_with_its_result(desk: Desk) -> None:
    id_ = desk.ask()
    desk.work(count)
    task = desk.see(id_)
    assert (task.state, task.done, task.total, task.result, task.author) == ("done", 3, 3, {"counted": 3}, "ana")
    assert task.ended_at == NOW
    with desk.store.read() as conn:
        assert not rows.due(conn, NOW + timedelta(days=1))


def test_the_oldest_is_done_first(desk: Desk) -> None:
    order: list[str] = []
    asked = []
    for n in range(3):
        desk.clock.at = NOW + timedelta(seconds=n)
        asked.append(desk.ask())
    desk.work(lambda task, _: order.append(task.id))
    assert order == asked


def test_cancel_ends_a_running_task_at_its_next_row(desk: Desk) -> None:
    id_ = desk.ask()

    def run(task: Task, progress: Progress) -> None:
        progress(1, 3, 1)
        assert desk.wish(id_, "cancel")
        assert not desk.wish(id_, "cancel")  # once is enough
        progress(2, 3, 2)
        raise AssertionError

    desk.work(run)
    task = desk.see(id_)
    assert (task.state, task.done, task.total, task.wish, task.result) == ("cancelled", 2, 3, "", None)


def test_a_paused_task_goes_on_from_where_it_was(desk: Desk) -> None:
    id_ = desk.ask()
    seen: list[int] = []

    def run(task: Task, progress: Progress) -> str:
        for n in range(progress.cursor or 0, 4):
            seen.append(n)
            if n == 1 and progress.cursor is None:
                desk.wish(id_, "pause")
            progress(n + 1, 4, lambda n=n: n + 1)
        return "all"

    desk.work(run)
    assert (desk.see(id_).state, desk.see(id_).done, seen) == ("paused", 2, [0, 1])
    desk.work(run)  # nobody takes a paused one
    assert desk.see(id_).state == "paused"
    assert desk.wish(id_, "resume")
    desk.work(run)
    assert (desk.see(id_).state, desk.see(id_).result, seen) == ("done", "all", [0, 1, 2, 3])


def test_a_task_that_waits_is_paused_resumed_and_cancelled_at_once(desk: Desk) -> None:
    id_ = desk.ask()
    assert desk.wish(id_, "pause")
    assert desk.see(id_).state == "paused"
    assert not desk.wish(id_, "pause")
    assert desk.wish(id_, "resume")
    assert desk.wish(id_, "cancel")
    assert desk.see(id_).state == "cancelled"
    assert not any(desk.wish(id_, what) for what in ("pause", "resume", "cancel"))
    assert not desk.wish("nothing", "cancel")


def test_it_makes_room_and_the_next_bell_goes_on(desk: Desk) -> None:
    first, asked, seen = desk.ask(), threading.Event(), []

    def run(task: Task, progress: Progress) -> None:
        if task.id != first:
            seen.append("short")
            return
        for n in range(progress.cursor or 0, 3):
            seen.append(str(n))
            if n == 1:
                asked.set()
            progress(n + 1, 3, n + 1)

    desk.work(run, asked.is_set)
    assert (desk.see(first).state, desk.see(first).cursor) == ("new", 2)
    desk.clock.at += timedelta(seconds=1)
    desk.ask()
    desk.work(run)  # what was never begun comes first, so that a long one keeps nobody waiting
    assert seen == ["0", "1", "short", "2"]
    assert desk.see(first).state == "done"


def test_without_a_cursor_it_does_not_begin_again_and_again(desk: Desk) -> None:
    id_, asked = desk.ask(), threading.Event()

    def run(task: Task, progress: Progress) -> str:
        asked.set()
        progress(1, 2)
        return "whole"

    desk.work(run, asked.is_set)
    assert desk.see(id_).result == "whole"


def test_a_wish_that_comes_while_it_makes_room_is_kept(desk: Desk) -> None:
    id_ = desk.ask()
    with desk.store.write() as conn:
        (task,) = rows.claimable(conn, NOW)
        mine = rows.claim(conn, task, NOW)
        assert mine is not None
        assert rows.claim(conn, task, NOW) is None
    desk.wish(id_, "cancel")
    with desk.store.write() as conn:
        rows.rest(conn, mine, "new", NOW)
    assert desk.see(id_).state == "cancelled"


def test_two_workers_do_one_task_once_and_two_tasks_side_by_side(desk: Desk) -> None:
    together, done = threading.Barrier(2, timeout=20), []

    def run(task: Task, progress: Progress) -> None:
        together.wait()  # both are in hand at the same time
        done.append(task.id)

    asked = [desk.ask(), desk.ask()]
    threads = [threading.Thread(target=desk.runner(run).drain, args=(lambda: False,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(done) == sorted(asked)
    assert {desk.see(id_).state for id_ in asked} == {"done"}


def test_a_refusal_is_told_in_words_and_what_can_go_on_does(desk: Desk) -> None:
    id_ = desk.ask()
    down = threading.Event()
    down.set()

    def run(task: Task, progress: Progress) -> str:
        progress(1, 2, 1)
        if down.is_set():
            progress._beat(1)
            raise errors.Unreachable("HubSpot cannot be reached.", hint="Try again later.", code="no_connection")
        return "went on"

    desk.work(run)
    task = desk.see(id_)
    assert (task.state, task.error) == ("failed", "HubSpot cannot be reached. Try again later.")
    assert task.result == {
        "code": "no_connection", "message": "HubSpot cannot be reached.", "hint": "Try again later.", "facts": {}
    }  # fmt: skip
    down.clear()
    assert desk.wish(id_, "resume")
    desk.work(run)
    assert (desk.see(id_).state, desk.see(id_).result, desk.see(id_).error) == ("done", "went on", "")


def test_an_error_of_ours_says_where_to_look_and_the_next_task_is_done(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = desk.ask(wrong=True), desk.ask()

    def run(task: Task, progress: Progress) -> str:
        if task.args.get("wrong"):
            raise KeyError("a bug")
        return "done"

    with caplog.at_level(logging.ERROR):
        desk.work(run)
    assert desk.see(bad).error == f"Something unexpected stopped it. The worker's log tells more; look for task {bad}."
    assert [record.task for record in caplog.records if hasattr(record, "task")] == [bad]
    assert "KeyError: 'a bug'" in caplog.text
    assert desk.see(good).state == "done"


def test_what_is_no_json_fails_alone(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    id_ = desk.ask()
    desk.work(lambda *_: float("nan"))
    assert desk.see(id_).state == "failed"


def test_an_unknown_kind_says_what_to_do(desk: Desk) -> None:
    id_ = desk.ask("tomorrows")
    desk.work(count)
    assert desk.see(id_).error.endswith("Restart the workers, all with the same version.")


def test_a_database_that_is_away_ends_nothing(desk: Desk) -> None:
    id_ = desk.ask()

    def run(task: Task, progress: Progress) -> None:
        raise errors.StoreDown("The database did not answer in time.")

    with pytest.raises(errors.StoreDown):
        desk.work(run)
    assert desk.see(id_).state == "running"


def die(desk: Desk, store_url: str, home: Any) -> None:
    """A worker takes the first task, notes row 2, and is killed."""
    argv = [sys.executable, "-m", "tests.pipeline.task_worker", store_url, str(home), desk.clock.now().isoformat()]
    found = subprocess.run(argv, capture_output=True, timeout=60, check=False)
    assert found.returncode == -9, found.stderr.decode()
    assert found.stdout == b"in the middle\n"


def test_another_worker_goes_on_with_what_a_killed_one_left(desk: Desk, store_url: str, home: Any) -> None:
    id_ = desk.ask()
    die(desk, store_url, home)
    assert (desk.see(id_).state, desk.see(id_).done, desk.see(id_).cursor) == ("running", 2, 2)
    seen: list[int] = []

    def run(task: Task, progress: Progress) -> None:
        for n in range(progress.cursor, 4):
            seen.append(n)
            progress(n + 1, 4, n + 1)

    desk.work(run)
    assert seen == []  # its worker may still be alive
    desk.clock.at += rows.DEAD + timedelta(seconds=1)
    desk.work(run)
    assert (seen, desk.see(id_).state, desk.see(id_).done) == ([2, 3], "done", 4)


def test_a_cancel_that_a_dead_worker_never_saw_is_obeyed(desk: Desk, store_url: str, home: Any) -> None:
    id_ = desk.ask()
    die(desk, store_url, home)
    desk.wish(id_, "cancel")
    desk.clock.at += rows.DEAD + timedelta(seconds=1)
    desk.work(count)
    assert desk.see(id_).state == "cancelled"


def test_what_is_not_to_be_repeated_fails_when_its_worker_died(desk: Desk, store_url: str, home: Any) -> None:
    id_ = desk.ask(silent=True)
    die(desk, store_url, home)
    desk.clock.at += rows.DEAD + timedelta(seconds=1)
    desk.work(count, again=False)
    assert desk.see(id_).error == (
        "The worker ended in the middle of it. It may have been done: look first, then ask for it again."
    )


@pytest.mark.long
def test_what_ends_its_workers_is_given_up(desk: Desk, store_url: str, home: Any) -> None:
    id_ = desk.ask(silent=True)
    for _ in range(3):
        die(desk, store_url, home)
        desk.clock.at += rows.DEAD + timedelta(seconds=1)
    desk.work(count)
    assert desk.see(id_).error == "3 workers ended while they did this. The log of the workers tells why."


def test_one_who_was_silent_too_long_and_was_followed_stores_nothing(desk: Desk) -> None:
    id_ = desk.ask()

    def slow(task: Task, progress: Progress) -> str:
        with desk.store.write() as conn:  # as a worker elsewhere that sees no lock of ours
            desk.clock.at += rows.DEAD + timedelta(seconds=1)
            (left,) = rows.claimable(conn, desk.clock.now())
            assert rows.claim(conn, left, desk.clock.now()) is not None
        progress(1, 1, 1)
        raise AssertionError

    desk.work(slow)
    assert desk.see(id_).state == "running"


def test_json_in_the_table_is_what_a_page_reads(desk: Desk) -> None:
    desk.ask(since="7d")
    with desk.store.read() as conn:
        (listed,) = rows.list_(conn, open_=True, kinds=["k"])
    assert json.dumps(listed.args) == '{"since": "7d"}'
