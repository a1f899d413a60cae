"""Tasks: how far one came, who may hold it up, what takes its place at the end."""

from datetime import timedelta

import pytest

from connector.store import tasks

HOSTILE = '"><script>alert(1)</script>\u202eevil' + "x" * 5000


def add(console, kind="replay", author="editor@example.com", **args):
    with console.house.store.write() as conn:
        return tasks.add(conn, kind, args, author, console.house.clock.now())


def run(console, id_, done=0, total=0, cursor=None, state="", result=None, error=""):
    """A worker takes it, works ten seconds, and may end it."""
    clock = console.house.clock
    with console.house.store.write() as conn:
        mine = tasks.claim(conn, tasks.get(conn, id_), clock.now())
        clock.at += timedelta(seconds=10)
        mine = tasks.beat(conn, mine, clock.now(), done, total, cursor)
        if state:
            tasks.end(conn, mine, state, clock.now(), result=result, error=error)


def state_of(console, id_):
    with console.house.store.read() as conn:
        found = tasks.get(conn, id_)
    return found.state, found.wish


def test_a_part_asks_again_while_it_is_open(console):
    id_, viewer = add(console, document={"name": "interest", "version": 3}), console("viewer")
    part = viewer.get(f"/tasks/{id_}?done=/mappings/interest/replay", part=True)
    assert "<html" not in part.text
    assert 'hx-trigger="every 1s"' in part.text
    assert f"/tasks/{id_}?done=/mappings/interest/replay" in part.text
    assert "Pause" not in part.text
    run(console, id_, done=50, total=200)
    part = viewer.get(f"/tasks/{id_}", part=True).text
    assert "50 / 200" in part
    assert "5.0 a second" in part
    assert "about 30 s left" in part
    assert '<progress max="200" value="50"' in part


def test_the_end_loads_what_was_promised_and_asks_no_more(console):
    id_ = add(console)
    run(console, id_, state="done", result={})
    part = console("viewer").get(f"/tasks/{id_}?done=/health/findings", part=True).text
    assert "every 1s" not in part
    assert 'hx-get="/health/findings" hx-trigger="load"' in part


@pytest.mark.parametrize(
    "place", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", ""]
)
def test_only_our_own_parts_take_its_place(console, place):
    id_ = add(console)
    run(console, id_, state="done", result={})
    part = console("viewer").get(f"/tasks/{id_}", query_string={"done": place}, part=True).text
    assert "hx-get" not in part


def test_a_failure_says_why_and_can_go_on(console):
    id_ = add(console)
    run(console, id_, done=3, total=9, cursor={"n": 3}, state="failed", error=HOSTILE)
    part = console("publisher").get(f"/tasks/{id_}", part=True).text
    assert "<script>alert" not in part
    assert "RLO" in part
    assert "Resume" in part
    assert "Stop<" not in part
    assert console("publisher").post(f"/tasks/{id_}/resume", part=True).status_code == 200
    assert state_of(console, id_) == ("new", "")


def test_pause_resume_and_cancel(console):
    id_, one = add(console), console("publisher")
    assert "In pause" not in one.post(f"/tasks/{id_}/pause", part=True).text
    assert state_of(console, id_) == ("paused", "")
    assert console.rung == ["task"]
    one.post(f"/tasks/{id_}/resume", part=True)
    run(console, id_, done=1, total=2)
    part = one.post(f"/tasks/{id_}/pause", part=True).text
    assert "Pausing" in part
    assert "Resume" in part
    part = one.post(f"/tasks/{id_}/cancel", part=True).text
    assert state_of(console, id_) == ("running", "cancel")
    assert "Stopping" in part
    assert "<button" not in part
    answer = one.post(f"/tasks/{id_}/pause", part=True)
    assert "too late" in answer.headers["HX-Trigger"]
    assert one.post(f"/tasks/{id_}/explode", part=True).status_code == 404


@pytest.mark.parametrize(
    ("role", "kind", "author", "status"),
    [
        ("viewer", "replay", "viewer@example.com", 403), ("editor", "replay", "somebody@example.com", 403),
        ("editor", "replay", "editor@example.com", 200), ("publisher", "replay", "somebody@example.com", 200),
        ("publisher", "contact.erase", "somebody@example.com", 403),
        ("publisher", "account.save", "somebody@example.com", 403),
        ("admin", "contact.erase", "somebody@example.com", 200),
    ],
)  # fmt: skip
def test_who_may_hold_it_up(console, role, kind, author, status):
    id_ = add(console, kind, author)
    assert console(role).post(f"/tasks/{id_}/cancel", part=True).status_code == status
    assert state_of(console, id_)[0] == ("cancelled" if status == 200 else "new")
    assert ("hx-post" in console(role).get(f"/tasks/{add(console, kind, author)}", part=True).text) == (status == 200)


def test_a_worker_that_does_not_come_is_told(console):
    id_, one = add(console), console("viewer")
    assert "No worker" not in one.get(f"/tasks/{id_}", part=True).text
    console.house.clock.at += timedelta(seconds=9)
    assert "No worker" in one.get(f"/tasks/{id_}", part=True).text


def test_the_last_ones_are_listed(console):
    one = console("viewer")
    assert "No tasks yet" in one.get("/tasks/").text
    add(console, "templates.edit", HOSTILE, template=HOSTILE)
    add(console, "a.kind.of.tomorrow")
    page = one.get("/tasks/").text
    assert "<script>alert" not in page
    assert "a.kind.of.tomorrow" in page
    assert "Edit a template" in page
    for _ in range(55):
        add(console)
    assert one.get("/tasks/").text.count('<tr class="opens">') == 50


def test_a_page_for_a_visit_and_nothing_for_a_guess(console):
    id_, one = add(console), console("viewer")
    assert "<html" in one.get(f"/tasks/{id_}").text
    assert one.get("/tasks/nothing").status_code == 404
    assert console.stranger.get(f"/tasks/{id_}").status_code == 302


def test_every_kind_has_a_name():
    from connector import works
    from connector.web.words import catalogue

    assert not [kind for kind in works.KINDS if f"tasks.kind_{kind.replace('.', '_')}" not in catalogue()]
