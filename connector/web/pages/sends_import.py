"""Messages that another tool sent, made known, so that a reply finds what it answers."""

from typing import Any

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for

from connector.pipeline.intake.imports import read_rows
from connector.store import audit, tasks
from connector.web.auth import needs, person
from connector.web.frame import given, house_of, t

screen = Blueprint("bring", __name__, url_prefix="/import")
KIND = "sends.import"
LAST = 10  # imports that are listed


@screen.get("")
@needs("editor")
def index() -> str:
    """The form, and the last imports."""
    return _shown()


@screen.post("")
@needs("editor")
def add() -> Any:
    """Takes a file, or what was pasted; a worker stores it."""
    house, now = house_of(current_app), house_of(current_app).clock.now()
    text, name = _text()
    problem = _problem(text)
    if problem or text is None:
        return _shown(problem=problem, typed=request.form.get("text", "")), 422
    with house.store.write() as conn:
        task = tasks.add(conn, KIND, {"text": text, "name": name}, person().name, now)
        audit.append(conn, person().name, KIND, name, {"characters": len(text)}, now)
    house.ring("task")
    if "HX-Request" in request.headers:
        return _shown(task=task)
    return redirect(url_for("sends.bring.one", task=task), 303)


@screen.get("/<task>")
@needs("viewer")
def one(task: str) -> str:
    """How far it came; once it is done, what it came to, row by row."""
    with house_of(current_app).store.read() as conn:
        found = tasks.get(conn, task[:64].replace("\0", ""))
    if found is None or found.kind != KIND:
        abort(404)
    part = "HX-Request" in request.headers
    return render_template("sends/_imported.html" if part else "sends/imported.html", task=found)


def _text() -> tuple[str | None, str]:
    """(the text, the file's name); None = it is no UTF-8 text."""
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        return given(request.form, "text", 1_000_000).lstrip("\ufeff"), ""
    try:
        return upload.read().decode("utf-8-sig").replace("\0", ""), upload.filename[:200]
    except UnicodeDecodeError:
        return None, upload.filename[:200]


def _problem(text: str | None) -> str:
    from connector import errors

    if text is None:
        return t("sends.not_text")
    if not text.strip():
        return t("sends.no_text")
    try:
        rows = read_rows(text, csv_=not text.lstrip().startswith(("{", "[")))
    except errors.Rejected as error:
        return f"{error.message} {error.hint}"
    return "" if rows else t("sends.no_rows")


def _shown(**more: Any) -> str:
    with house_of(current_app).store.read() as conn:
        rows = tasks.list_(conn, kinds=[KIND], limit=LAST)
    return render_template("sends/import.html", rows=rows, **more)
