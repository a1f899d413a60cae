"""Replay: what a version would have made of the last days, as CRM writes; written only when a publisher says so."""

from datetime import timedelta

from flask import Response, abort, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import Forbidden

from connector.store import audit, tasks
from connector.store.tasks import Task
from connector.web.auth import allows, needs, person
from connector.web.auth.roles import may_hold, role_of
from connector.web.frame import given, t
from connector.web.pages.mappings import screen
from connector.web.pages.mappings.known import document, house, number, refused

DAYS = ("1", "7", "30")
LOOKED = 200  # replays among which this document's newest is looked for


@screen.get("/<name>/replay")
@needs("viewer")
def replay(name: str) -> str:
    """Which days, which version; and the newest replay of this document."""
    found = document(name)
    with house().store.read() as conn:
        wanted = given(request.args, "task", 40)
        task = tasks.get(conn, wanted) if wanted else _newest(conn, name)
    if task is not None and not _mine(task, name):
        abort(404)
    return render_template(
        "mappings/replay.html", document=found, tab="replay", task=task, days=DAYS,
        may=allows(person().role, "editor"), may_apply=allows(person().role, "publisher"),
    )  # fmt: skip


def _newest(conn: object, name: str) -> Task | None:
    found = next((one for one in tasks.list_(conn, kinds=["replay"], limit=LOOKED) if _mine(one, name)), None)  # type: ignore[arg-type]
    return tasks.get(conn, found.id) if found is not None else None  # type: ignore[arg-type]


def _mine(task: Task, name: str) -> bool:
    return task.kind == "replay" and (task.args.get("document") or {}).get("name") == name


@screen.post("/<name>/replay")
@needs("editor")
def begin(name: str) -> Response:
    """A worker judges the last days anew; nothing is written."""
    found, days, version = document(name), given(request.form, "days", 3), number(request.form, "version")
    if days not in DAYS or not version or found.kind != "mapping":
        abort(422)
    return _ask(name, {"since": f"{days}d", "document": {"name": name, "version": version}, "apply": False})


@screen.post("/<name>/replay/<id_>/apply")
@needs("publisher")
def apply(name: str, id_: str) -> Response:
    """The same once more, and written; its name was typed."""
    with house().store.read() as conn:
        task = tasks.get(conn, id_[:40])
    if task is None or not _mine(task, name) or task.state != "done" or task.args.get("apply"):
        abort(404)
    if given(request.form, "sure", 100).strip() != name:
        return refused(t("mappings.type_name", name=name))
    return _ask(name, {**task.args, "since": _since(task), "apply": True})


def _since(task: Task) -> str:
    """The same days as were shown, whenever it is applied."""
    given_ = str(task.args["since"])
    return (task.at - timedelta(days=int(given_[:-1]))).isoformat() if given_.endswith("d") else given_


def _ask(name: str, args: dict[str, object]) -> Response:
    now = house().clock.now()
    with house().store.write() as conn:
        id_ = tasks.add(conn, "replay", args, person().name, now)
        audit.append(conn, person().name, "mapping.replay", name, {"task": id_, **args}, now)
    house().ring("task")
    place = url_for("mappings.replay", name=name, task=id_)
    answer = make_response(redirect(place, 303))
    if "HX-Request" in request.headers:
        answer = make_response("")
        answer.headers["HX-Redirect"] = place
    return answer


@screen.get("/<name>/replay/<id_>")
@needs("viewer")
def progress(name: str, id_: str) -> str:
    """How far it is; at its end the table."""
    with house().store.read() as conn:
        task = tasks.get(conn, id_[:40])
    if task is None or not _mine(task, name):
        abort(404)
    return render_template(
        "mappings/_replay.html", name=name, task=task, may=allows(person().role, "editor"),
        may_apply=allows(person().role, "publisher"),
    )  # fmt: skip


@screen.post("/<name>/replay/<id_>/<what>")
@needs("editor")
def wish(name: str, id_: str, what: str) -> str:
    """pause, resume, cancel."""
    if what not in ("pause", "resume", "cancel"):
        abort(404)
    with house().store.write() as conn:
        task = tasks.get(conn, id_[:40])
        if task is None or not _mine(task, name):
            abort(404)
        if not may_hold(person(), task.kind, task.author):
            raise Forbidden(role_of(task.kind))
        tasks.wish(conn, task.id, what, house().clock.now())
        audit.append(conn, person().name, f"mapping.replay_{what}", name, {"task": task.id}, house().clock.now())
    house().ring("task")
    return progress(name, id_)
