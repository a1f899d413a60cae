"""The why of one event: what came in, what each document made of it, what was sent and told, and when."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, current_app, redirect, render_template, url_for
from werkzeug.wrappers import Response

from connector.pipeline.again.retry import retry
from connector.pipeline.why import around as why_around
from connector.pipeline.why import event as why
from connector.store import audit, tasks
from connector.web.auth import needs, person
from connector.web.frame import house_of, t
from connector.web.pages import why_try
from connector.web.pages.one_event import LONGEST, Answer, back, explained, may

screen = Blueprint("why", __name__, url_prefix="/<event>")
screen.register_blueprint(why_try.screen)

UNDO = "event.undo"
BAD = ("review", "refused")


@screen.get("")
@needs("viewer")
def index(event: str) -> str | Response:
    """The page; the vendor's id, or a message's, leads to it too."""
    house = house_of(current_app)
    told = explained(house, event)
    if told["event"] != event:
        return redirect(url_for("activity.why.index", event=told["event"]))
    around = why_around.around(house.store, told, house.names())
    with house.store.read() as conn:
        mine = next((one for one in tasks.list_(conn, kinds=[UNDO], limit=20) if one.args.get("event") == event), None)
        task = tasks.get(conn, mine.id) if mine is not None else None
    matched = [one for one in told["documents"] if one["matched"]]
    return render_template(
        "activity/why.html", told=told, around=around, matched=matched, may=may, task=task,
        others=[one for one in told["documents"] if not one["matched"]], can=_can(told),
        contact=told["contact"]["id"] if told["contact"]["id"] and ":" not in told["contact"]["id"] else "",
    )  # fmt: skip


@screen.get("/raw")
@needs("editor")
def raw(event: str) -> str:
    """What came in, as it came: loaded when somebody opens it."""
    found = why_around.raw(house_of(current_app).store, event)
    if found is None:
        abort(404)
    return render_template("activity/_raw.html", raw=found)


@screen.post("/retry")
@needs("publisher")
def again(event: str) -> Answer:
    """Once more what ended badly."""
    house, now = house_of(current_app), house_of(current_app).clock.now()
    told = explained(house, event)
    done = retry(house.store, [told["event"]], now)
    n = done["changes"] + done["plans"] + done["sends"]
    with house.store.write() as conn:
        detail = {name: done[name] for name in ("changes", "plans", "sends", "left")}
        audit.append(conn, person().name, "event.retry", told["event"], detail, now)
    house.ring(*done["bells"])
    left = " ".join(dict.fromkeys(why for one in done["events"] for why in one["left"]))
    words = (t("why.retried", n=n) if n else t("why.retried_none")) + (f" {left}" if left else "")
    return back(told["event"], words, "good" if n else "bad")


@screen.post("/undo")
@needs("publisher")
def undo(event: str) -> Answer:
    """Asks a worker to put back what was written; the page then shows how far it came."""
    house, now = house_of(current_app), house_of(current_app).clock.now()
    told = explained(house, event)
    with house.store.write() as conn:
        tasks.add(conn, UNDO, {"event": told["event"]}, person().name, now)
        audit.append(conn, person().name, "event.undo", told["event"], {}, now)
    house.ring("task")
    return back(told["event"], t("why.undo_asked"))


@screen.get("/task/<task>")
@needs("viewer")
def progress(event: str, task: str) -> str:
    """How far a task of this event came; asked until it has ended."""
    with house_of(current_app).store.read() as conn:
        found = tasks.get(conn, task[:LONGEST])
    if found is None or found.args.get("event") != event:
        abort(404)
    return render_template("activity/_task.html", task=found, event=event)


def _can(told: Mapping[str, Any]) -> dict[str, bool]:
    """Which actions make sense for this event."""
    fields = [field for one in told["documents"] for field in one["fields"]]
    return {
        "retry": told["state"] in BAD or any(one["state"] in ("failed", "refused", "expired") for one in told["sends"]),
        "undo": any(field["outcome"] == "written" for field in fields),
        "try": told["kind"] in why.JUDGED,
    }  # fmt: skip
