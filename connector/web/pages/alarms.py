"""Settings, Alarms: what rings, what did, and whether anybody is told."""

from typing import Any

from flask import Blueprint, current_app, render_template, request

from connector.store import alarms, audit, tasks
from connector.web.auth import needs, person
from connector.web.frame import house_of

screen = Blueprint("alarms", __name__, url_prefix="/settings/alarms")
SHOWN = 50


@screen.get("/")
@needs("viewer")
def index() -> str:
    """What rings first."""
    return render_template("settings/alarms.html", part="HX-Request" in request.headers, **_told())


@screen.post("/test")
@needs("admin")
def test() -> str:
    """A worker tells every target that this is a test; the part that comes back says whether it arrived."""
    house = house_of(current_app)
    with house.store.write() as conn:
        task = tasks.add(conn, "alarms.test", {}, person().name, house.clock.now())
        audit.append(conn, person().name, "alarms.test", task, {}, house.clock.now())
    house.ring("task")
    return render_template("settings/_alarm_test.html", id=task)


@screen.get("/tested/<id>")
@needs("admin")
def tested(id: str) -> str:
    """What became of the test."""
    with house_of(current_app).store.read() as conn:
        found = tasks.get(conn, id)
    told = found.result if found is not None and found.kind == "alarms.test" and isinstance(found.result, dict) else {}
    return render_template("settings/_alarm_tested.html", told=told)


def _told() -> dict[str, Any]:
    house = house_of(current_app)
    with house.store.read() as conn:
        rows = alarms.listing(conn, SHOWN)
    return {
        "ringing": [row for row in rows if row.resolved_at is None],
        "over": [row for row in rows if row.resolved_at is not None], "targets": house.alarm_targets,
    }  # fmt: skip
