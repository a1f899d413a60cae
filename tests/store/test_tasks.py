"""Tasks and snapshots as rows: order, wishes, rate, memory; and the count of a replay without an index of times."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from connector.store import events, snapshots, tasks
from connector.store.engine import Store
from connector.store.tasks import Task

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def ask(store: Store, kind: str = "k", at: datetime = NOW, **args: Any) -> str:
    with store.write() as conn:
        return tasks.add(conn, kind, args, "ana", at)


def claim(store: Store, at: datetime = NOW) -> Task:
    with store.write() as conn:
        task = tasks.claim(conn, tasks.claimable(conn, at)[0], at)
    assert task is not None
    return task


def test_a_listing_is_newest_first_and_light(store: Store) -> None:
    asked = [ask(store, kind, later(n)) for n, kind in enumerate(["a", "b", "a"])]
    with store.write() as conn:
        first = tasks.claim(conn, tasks.claimable(conn, NOW)[0], NOW)
        assert first is not None
        assert tasks.end(conn, first, "done", NOW, result={"large": 1})
        found = tasks.list_(conn)
        assert [task.id for task in found] == asked[::-1]
        assert found[2].result is None
        assert [task.id for task in tasks.list_(conn, kinds=["a"])] == [asked[2], asked[0]]
        assert [task.id for task in tasks.list_(conn, open_=True, limit=1)] == [asked[2]]
        whole = tasks.get(conn, asked[0])
        assert whole is not None
        assert whole.result == {"large": 1}
        assert tasks.get(conn, "nothing") is None


def test_only_one_gets_it(store: Store) -> None:
    ask(store)
    with store.write() as conn:
        (task,) = tasks.claimable(conn, NOW)
        assert tasks.claim(conn, task, NOW) is not None
        assert tasks.claim(conn, task, NOW) is None
        assert tasks.claimable(conn, later(59)) == []
        assert [left.id for left in tasks.claimable(conn, later(61))] == [task.id]


def test_rate_and_time_left_leave_rests_out(store: Store) -> None:
    ask(store)
    task = claim(store)
    assert (task.rate, task.seconds_left) == (None, None)
    with store.write() as conn:
        beaten = tasks.beat(conn, task, later(10), 20, 100, {"row": 20})
        assert beaten is not None
        assert (beaten.rate, beaten.seconds_left) == (2.0, 40.0)
        tasks.rest(conn, beaten, "paused", later(10))
        assert tasks.wish(conn, task.id, "resume", later(1000))
    again = claim(store, later(1010))
    with store.write() as conn:
        beaten = tasks.beat(conn, again, later(1020), 60, 100)
    assert beaten is not None
    assert (beaten.rate, beaten.seconds_left, beaten.cursor) == (3.0, pytest.approx(40 / 3), {"row": 20})


def test_who_lost_it_stores_nothing(store: Store) -> None:
    ask(store)
    old = claim(store)
    new = claim(store, later(100))
    with store.write() as conn:
        assert tasks.beat(conn, old, later(101), 1, 1) is None
        tasks.rest(conn, old, "new", later(101))
        assert not tasks.end(conn, old, "done", later(101))
        assert tasks.end(conn, new, "done", later(101))
        ended = tasks.get(conn, new.id)
    assert ended is not None
    assert (ended.state, ended.attempts) == ("done", 2)


@pytest.mark.parametrize(("first", "second"), [("pause", "paused"), ("cancel", "cancelled")])
def test_a_wish_that_met_a_rest(store: Store, first: str, second: str) -> None:
    id_ = ask(store)
    task = claim(store)
    with store.write() as conn:
        assert tasks.wish(conn, id_, first, NOW)
        tasks.rest(conn, task, "new", NOW)
        rested = tasks.get(conn, id_)
    assert rested is not None
    assert (rested.state, rested.wish) == (second, "")


def test_a_pause_can_be_taken_back_and_a_cancel_cannot(store: Store) -> None:
    id_ = ask(store)
    claim(store)
    with store.write() as conn:
        assert not tasks.wish(conn, id_, "resume", NOW)
        assert tasks.wish(conn, id_, "pause", NOW)
        assert tasks.wish(conn, id_, "resume", NOW)
        assert tasks.wish(conn, id_, "cancel", NOW)
        assert not tasks.wish(conn, id_, "pause", NOW)
        assert not tasks.wish(conn, id_, "resume", NOW)
        assert not tasks.wish(conn, id_, "frobnicate", NOW)


def test_a_failure_without_a_place_to_go_on_is_final(store: Store) -> None:
    id_ = ask(store)
    task = claim(store)
    with store.write() as conn:
        tasks.end(conn, task, "failed", NOW, error="no")
        assert not tasks.wish(conn, id_, "resume", NOW)


def test_old_ones_are_forgotten_open_ones_are_not(store: Store) -> None:
    ask(store)
    open_ = ask(store, at=later(1))
    task = claim(store)
    with store.write() as conn:
        tasks.end(conn, task, "done", NOW)
        assert tasks.prune(conn, NOW + timedelta(days=29)) == 0
        assert tasks.prune(conn, NOW + timedelta(days=31)) == 1
        assert [left.id for left in tasks.list_(conn)] == [open_]


def test_who_looks_for_work_reads_the_index_of_what_is_open(store: Store) -> None:
    if store.dialect != "sqlite":
        pytest.skip("SQLite tells its plan in words")
    steps: list[str] = []
    with store.write() as conn:

        def note(conn: Any, _: Any, statement: str, values: Any, __: Any, many: bool) -> None:
            found = conn.connection.cursor().execute(f"EXPLAIN QUERY PLAN {statement}", values)
            steps.extend(row[3] for row in found)

        sa.event.listen(conn, "before_cursor_execute", note)
        tasks.due(conn, NOW)
        tasks.claimable(conn, NOW)
    looks = [step for step in steps if "tasks" in step]
    assert len(looks) == 2
    assert all("tasks_open" in step for step in looks), steps


def test_a_snapshot_is_the_newest_answer(store: Store) -> None:
    with store.write() as conn:
        assert snapshots.get(conn, "doctor") is None
        snapshots.put(conn, "doctor", {"ok": False}, NOW)
        snapshots.put(conn, "doctor", {"ok": True}, later(5))
        assert snapshots.get(conn, "doctor") == ({"ok": True}, later(5))


def _event(n: int, at: datetime, kind: str = "InboundMessage") -> dict[str, Any]:
    return {
        "id": f"e{n}", "account": "a", "dedupe_key": f"d{n}", "kind": kind, "payload": {}, "received_at": at,
        "state": "done", "lane": "l",
    }  # fmt: skip


def test_the_events_since_a_time_are_found_in_a_few_steps(store: Store) -> None:
    hours = [timedelta(hours=n) for n in range(100)]
    rows = [_event(n, NOW + age, "InboundMessage" if n % 2 else "DeliveryStatus") for n, age in enumerate(hours)]
    with store.write() as conn:
        assert events.count_since(conn, NOW, "InboundMessage") == 0
        events.add(conn, rows, [])
        asked: list[str] = []
        sa.event.listen(conn, "before_cursor_execute", lambda *given: asked.append(given[2]))
        first = events.begins(conn, NOW + hours[60])
        assert len(asked) < 12
        seqs = [row.seq for row in events.since(conn, NOW + hours[60], "InboundMessage")]
        assert first <= min(seqs)
        assert events.count_since(conn, NOW + hours[60], "InboundMessage") == len(seqs) == 20
        assert events.count_since(conn, NOW - hours[60], "InboundMessage") == 50
        assert events.count_since(conn, NOW + timedelta(days=30), "InboundMessage") == 0
