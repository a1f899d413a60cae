"""Settings, Alarms: what rings, what did, who is told; and Health, which shows what rings and what surrounds us."""

from datetime import timedelta

from connector.core.alarms import Alarm, steps
from connector.store import alarms, snapshots, tasks

HOSTILE = '"><script>alert(1)</script>'


def ring(console, *found, at=None):
    now = at or console.house.clock.now()
    with console.house.store.write() as conn:
        alarms.take(conn, steps(alarms.known(conn), found, now), ["webhook"], now)


def test_nobody_is_told_and_nothing_rings(console):
    page = console("viewer").get("/settings/alarms/").text
    assert "Nobody is told" in page
    assert "Nothing rings." in page
    assert "Send a test" not in page


def test_what_rings_and_what_is_over(console):
    old = Alarm("lag", "write", f"Late {HOSTILE}", "Look.")
    ring(console, old, at=console.house.clock.now() - timedelta(hours=3))
    ring(console, Alarm("disk_full", "/data", "The disk is full."))
    page = console("viewer").get("/settings/alarms/").text
    assert page.index("The disk is full.") < page.index("Late ")
    assert "still being told" in page
    assert "<script>alert" not in page
    health = console("viewer").get("/health/").text
    assert "The disk is full." in health
    assert "Late" not in health


def test_an_admin_sends_a_test_and_sees_whether_it_arrived(console):
    console.house.alarm_targets.update(webhook="ops.example", email="ops@example.com")
    admin = console("admin")
    assert "Send a test" in admin.get("/settings/alarms/").text
    assert "ops.example" in console("viewer").get("/settings/alarms/").text
    assert console("editor").post("/settings/alarms/test", part=True).status_code == 403
    assert admin.post("/settings/alarms/test", part=True).status_code == 200
    with console.house.store.write() as conn:
        (task,) = tasks.list_(conn, limit=5)
        assert task.kind == "alarms.test"
    assert console.rung == ["task"]


def test_what_surrounds_us_is_shown_as_it_was_last_seen(console):
    with console.house.store.write() as conn:
        found = {"code": "clock", "count": 1, "examples": [f"80 seconds behind {HOSTILE}"], "hint": "Run chrony."}
        snapshots.put(conn, "deep", {"ok": False, "findings": [found]}, console.house.clock.now())
    page = console("viewer").get("/health/").text
    assert "80 seconds behind" in page
    assert "Run chrony." in page
    assert "<script>alert" not in page
    assert "Look around" not in page
    assert console("admin").post("/health/look", part=True).status_code == 200
    assert console("publisher").post("/health/look", part=True).status_code == 403
