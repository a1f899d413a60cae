"""connector tasks: what was asked for, how far it is; held, let go on, ended."""

from connector.store import tasks as rows


def asked(house, kind="doctor"):
    with house.app.store.write() as conn:
        return rows.add(conn, kind, {}, "ana", house.app.clock.now())


def test_tasks_are_listed_held_let_go_on_and_ended(cli, house):
    assert "There is no task." in cli("tasks", "list").out
    id_ = asked(house)
    (listed,) = cli("tasks", "list", "--json").json
    assert (listed["id"], listed["kind"], listed["state"], listed["author"]) == (id_, "doctor", "new", "ana")
    assert {"done", "total", "rate", "seconds_left", "at", "error", "wish"} <= set(listed)
    assert cli("tasks", "pause", id_, "--json").json["state"] == "paused"
    assert "it cannot pause" in cli("tasks", "pause", id_, code=1).err
    assert "goes on" in cli("tasks", "resume", id_).out
    house.app.drain("task", stop=lambda: False)
    assert "done" in cli("tasks", "list").out
    assert cli("tasks", "list", "--open", "--json").json == []
    assert "is done: it cannot cancel" in cli("tasks", "cancel", id_, code=1).err


def test_a_running_one_shows_its_pace_and_what_it_was_told(cli, house):
    id_ = asked(house, "replay")
    from datetime import timedelta

    with house.app.store.write() as conn:
        now = house.app.clock.now()
        task = rows.claim(conn, rows.claimable(conn, now)[0], now)
        rows.beat(conn, task, now + timedelta(seconds=10), 50, 1050)
    assert "50 of 1,050  5.0 a second  0:03:20 left" in cli("tasks", "list").out
    assert "ends at its next row" in cli("tasks", "cancel", id_).out
    assert "cancelling" in cli("tasks", "list").out


def test_an_unknown_task_is_told(cli, house):
    assert "There is no task x" in cli("tasks", "cancel", "x", code=1).err
