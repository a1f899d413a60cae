"""Tasks as every screen shows them: how far one came, pausing and ending it; and the last ones of everybody."""

import re
from typing import Any

from flask import Blueprint, abort, current_app, render_template, request
from werkzeug.exceptions import Forbidden

from connector.store import audit, tasks
from connector.store.tasks import ENDED, Task
from connector.web import words
from connector.web.auth import needs, person
from connector.web.auth.roles import may_hold, role_of
from connector.web.frame import given, house_of, t, toast

screen = Blueprint("tasks", __name__, url_prefix="/tasks")
LAST = 50
LONGEST = 64  # characters of an id
PATIENCE = 8  # seconds after which a task that nobody took is told to be so
SUBJECTS = ("name", "account", "document", "template", "event", "contact")  # what an argument says a task is about
_OURS = re.compile(r"/[A-Za-z0-9][\w./?=&%:@~+-]{0,400}")  # a part of this console


@screen.app_template_global("task_open")
def is_open(task: Task) -> bool:
    """It has not ended."""
    return task.state not in ENDED


@screen.app_template_global("task_kind")
def named(kind: str) -> str:
    """What a kind of task does, in words; its own name where the catalogue has none."""
    key = f"tasks.kind_{kind.replace('.', '_')}"
    return t(key) if key in words.catalogue() else kind


@screen.app_template_global("task_may")
def may(task: Task) -> bool:
    """The person who asks may pause, resume and cancel it."""
    return may_hold(person(), task.kind, task.author)


@screen.app_template_global("task_left")
def left(task: Task) -> str:
    """How long it takes from here, in words; "" while nobody can tell."""
    seconds = task.seconds_left
    if seconds is None or task.state != "running":
        return ""
    for unit, size in (("hours", 3600), ("minutes", 60), ("seconds", 1)):
        if seconds >= 2 * size or size == 1:
            return t(f"tasks.left_{unit}", n=max(1, round(seconds / size)))
    raise AssertionError


@screen.app_template_global("task_alone")
def alone(task: Task) -> bool:
    """No worker has taken it, although one should have by now."""
    waited = house_of(current_app).clock.now() - task.at
    return task.state == "new" and task.started_at is None and waited.total_seconds() > PATIENCE


@screen.get("/")
@needs("viewer")
def index() -> str:
    """The last ones, newest first."""
    with house_of(current_app).store.read() as conn:
        rows = tasks.list_(conn, limit=LAST)
    return render_template("tasks/index.html", rows=rows, about=about, part="HX-Request" in request.headers)


@screen.get("/<task>")
@needs("viewer")
def one(task: str) -> str:
    """How far it came: the part that asks again by itself, in a page of its own for a visit."""
    return _shown(_found(task))


@screen.post("/<task>/<any(pause, resume, cancel):what>")
@needs("editor")
def wish(task: str, what: str) -> Any:
    """Pauses, resumes or ends it; a running one obeys at its next row."""
    house, found = house_of(current_app), _found(task)
    if not may(found):
        raise Forbidden(role_of(found.kind))
    now = house.clock.now()
    with house.store.write() as conn:
        heard = tasks.wish(conn, found.id, what, now)
        if heard:
            audit.append(conn, person().name, f"task.{what}", found.id, {"kind": found.kind}, now)
    house.ring("task")
    return _shown(_found(task)), 200, {} if heard else toast(t("tasks.too_late"), "bad")


def about(task: Task) -> str:
    """The name of what it is about, "" where its arguments tell none."""
    given_ = [task.args.get(name) for name in SUBJECTS]
    named_ = [one.get("name") if isinstance(one, dict) else one for one in given_]
    return next((str(one) for one in named_ if isinstance(one, str) and one), "")


def _found(id_: str) -> Task:
    with house_of(current_app).store.read() as conn:
        found = tasks.get(conn, id_[:LONGEST].replace("\0", ""))
    return found if found is not None else abort(404)


def _shown(task: Task) -> str:
    """`done` is the part that takes its place when it ended well."""
    place = given(request.args, "done", 500)
    place = place if _OURS.fullmatch(place) else ""
    name = "tasks/_one.html" if "HX-Request" in request.headers else "tasks/one.html"
    return render_template(name, task=task, done_url=place, about=about)
