"""Broadcasts: the list, a new one with its forecast, how one goes, and what came of it."""

import csv
import io
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)

from connector import errors
from connector.core import audience
from connector.core import documents as language
from connector.core.audience import Source
from connector.core.documents import SendDocument
from connector.ids import new_id
from connector.pipeline.broadcasts import acts, export
from connector.pipeline.broadcasts import told as telling
from connector.store import audit, broadcasts, documents, tasks, uploads
from connector.store.cursors import Cursor
from connector.web.auth import allows, needs, person
from connector.web.frame import given, house_of, t, toast

screen = Blueprint("broadcasts", __name__, url_prefix="/broadcasts")
SIZE = 30
ROWS = 40  # of odd rows that are shown
ENDED = (broadcasts.DONE, broadcasts.CANCELLED)
SOURCES = ("csv", "list", "report", "view", "query")
ACTS = {"pause": acts.pause, "resume": acts.resume, "cancel": acts.cancel}


@screen.app_template_filter("moment")
def moment(text: str) -> datetime:
    """The time that a JSON text says."""
    return datetime.fromisoformat(text)


@screen.get("")
@needs("viewer")
def index() -> str:
    """One page, newest first."""
    house, before = house_of(current_app), given(request.args, "before", 100)
    with house.store.read() as conn:
        found = broadcasts.page(conn, before, SIZE + 1)
        rows = telling.told_all(conn, found[:SIZE], house.clock.now())
    older = Cursor(0, found[SIZE - 1].id).text() if len(found) > SIZE else ""
    return render_template("broadcasts/index.html", rows=rows, older=older, may=may)


@screen.get("/new")
@needs("editor")
def new() -> str:
    """To whom, and with which document."""
    return _form()


@screen.post("")
@needs("editor")
def create() -> Any:
    """A draft, whose forecast a worker makes."""
    request.max_content_length = uploads.LARGEST + 1024 * 1024  # a list of people may be long
    house, now = house_of(current_app), house_of(current_app).clock.now()
    document, kind = given(request.form, "document", 600), given(request.form, "kind", 20)
    try:
        source = _source(kind)
        with house.store.write() as conn:
            row = acts.create(
                conn, house.accounts(), document, source, person().name, now, key=given(request.form, "key", 64),
                name=given(request.form, "name", 200).strip(), campaign=given(request.form, "campaign", 40).strip(),
                phone_column=given(request.form, "phone_column", 200).strip(),
            )  # fmt: skip
            audit.append(conn, person().name, "broadcasts.create", row.id, {"document": document}, now)
    except errors.ConnectorError as error:
        return _form(problem=f"{error.message} {error.hint}".strip()), 422
    house.ring("task")
    here = url_for("sends.broadcasts.one", id=row.id)
    if "HX-Request" in request.headers:
        return "", 204, {"HX-Redirect": here}
    return redirect(here, 303)


def _source(kind: str) -> Source | None:
    house = house_of(current_app)
    if kind == "own":  # the document names its list
        return None
    if kind == "csv":
        file = request.files.get("file")
        if file is None or not file.filename:
            raise errors.Rejected(t("broadcasts.no_file"), code="audience")
        with closing(file.stream) as stream:
            parts = iter(lambda: stream.read(uploads.PART), b"")
            id_ = uploads.add(house.store, file.filename, parts, person().name, house.clock.now())
        return Source(kind="csv", upload=id_, name=file.filename[:200])
    picked = given(request.form, "picked", 200).strip() if kind != "query" else ""
    value = picked or given(request.form, "value", audience.LONGEST).strip()
    try:
        found = audience.parse(value if kind == "query" else f"{kind} {value}") if kind in SOURCES else None
    except ValueError as error:
        raise errors.Rejected(str(error), code="audience") from None
    if found is None:
        raise errors.Rejected(t("broadcasts.no_list"), code="audience")
    return found


def _form(**more: Any) -> str:
    house = house_of(current_app)
    with house.store.read() as conn:
        live = [language.read(row.text) for row in documents.live(conn) if row.kind == "send"]
    usable = [one for one in live if isinstance(one, SendDocument) and one.segment]
    crms = [one for one in house.manifests.values() if one.crm]
    having = {kind: ", ".join(one.title for one in crms if kind in one.audiences) for kind in SOURCES}
    return render_template(
        "broadcasts/new.html", documents=usable, key=new_id(), typed=request.form,
        sources={kind: systems for kind, systems in having.items() if systems or kind == "csv"},
        campaigns=", ".join(one.title for one in crms if one.campaigns), **more,
    )  # fmt: skip


# ---- one -------------------------------------------------------------------------------------------------------------
@screen.get("/<id>")
@needs("viewer")
def one(id: str) -> str:
    """A draft with its forecast; a running one with its progress; an ended one with what came of it."""
    return render_template("broadcasts/one.html", **_facts(id))


@screen.get("/<id>/now")
@needs("viewer")
def now(id: str) -> Any:
    """How it stands, asked every few seconds while it goes; the whole page anew when its buttons are others now."""
    facts = _facts(id)
    seen = given(request.args, "seen", 60)
    if seen and seen != facts["seen"]:
        return "", 204, {"HX-Refresh": "true"}
    return render_template("broadcasts/_now.html", **facts)


def _facts(id: str) -> dict[str, Any]:
    house = house_of(current_app)
    with house.store.read() as conn:
        row = broadcasts.get(conn, id[:64].replace("\0", "")) or abort(404)
        told = telling.told if row.state in (broadcasts.DRAFT, broadcasts.SCHEDULED) else telling.result
        found = told(conn, row, house.clock.now())
        task = tasks.get(conn, row.task) if row.task else None
    forecast = row.forecast
    return {
        "row": row, "one": found, "forecast": forecast, "task": task, "may": may, "ended": row.state in ENDED,
        "people": forecast["sendable"] + forecast["held"] if forecast else 0, "rows_shown": ROWS,
        "open": task is not None and task.state not in tasks.ENDED,
        "seen": f"{row.state}-{row.paused_at is not None}-{bool(found['failed'])}",
    }  # fmt: skip


@screen.post("/<id>/forecast")
@needs("editor")
def foretell(id: str) -> Any:
    """The forecast anew: lists, hours and templates change."""
    house, at = house_of(current_app), house_of(current_app).clock.now()
    try:
        with house.store.write() as conn:
            acts.foretell(conn, id, person().name, at)
            audit.append(conn, person().name, "broadcasts.forecast", id, {}, at)
    except errors.ConnectorError as error:
        return _done(id, f"{error.message} {error.hint}".strip(), "bad")
    house.ring("task")
    return _done(id, t("broadcasts.done_forecast"))


@screen.post("/<id>/start")
@needs("publisher")
def start(id: str) -> Any:
    """It begins, now or at a time; the number of people has to be typed. Two clicks begin it once."""
    house, at = house_of(current_app), house_of(current_app).clock.now()
    facts = _facts(id)
    if given(request.form, "confirm", 20).strip() != str(facts["people"]) or not facts["people"]:
        return _done(id, t("broadcasts.number_differs", n=facts["people"]), "bad")
    when = given(request.form, "at", 40).strip()
    try:
        account = next((a for a in house.accounts() if a.id == facts["row"].crm), None)
        zone = (account.settings.get("time_zone") if account else "") or "UTC"
        not_before = acts.when(when, zone) if when else None
        with house.store.write() as conn:
            begun = acts.start(conn, id, person().name, at, not_before)
            if begun:
                audit.append(conn, person().name, "broadcasts.start", id, {"people": facts["people"], "at": when}, at)
    except errors.ConnectorError as error:
        return _done(id, f"{error.message} {error.hint}".strip(), "bad")
    house.ring("task")
    return _done(id, t("broadcasts.done_start") if begun else t("broadcasts.was_started"))


@screen.post("/<id>/<any(pause, resume, cancel):what>")
@needs("publisher")
def act(id: str, what: str) -> Any:
    """Held, let go on, or ended."""
    house, at = house_of(current_app), house_of(current_app).clock.now()
    facts = _facts(id)
    if what == "cancel" and given(request.form, "confirm", 600).strip() != facts["row"].name.strip():
        return _done(id, t("broadcasts.name_differs"), "bad")
    with house.store.write() as conn:
        done = ACTS[what](conn, id, person().name, at)
        numbers = acts.numbers(conn)
        if done:
            audit.append(conn, person().name, f"broadcasts.{what}", id, {}, at)
    house.ring("task", *(f"send:{number}" for number in numbers))
    return _done(id, t(f"broadcasts.done_{what}") if done else t("broadcasts.too_late"), "good" if done else "bad")


@screen.post("/<id>/retry")
@needs("publisher")
def retry(id: str) -> Any:
    """Those that surely failed, once more."""
    house, at = house_of(current_app), house_of(current_app).clock.now()
    row = _facts(id)["row"]
    tried, after = 0, ""
    try:
        for _ in range(acts.ROUNDS):
            with house.store.write() as conn:
                some, _, after = acts.retry(conn, id, at, after)
            tried += some
            if not after:
                break
        with house.store.write() as conn:
            audit.append(conn, person().name, "broadcasts.retry", id, {"tried": tried}, at)
    except errors.ConnectorError as error:
        return _done(id, f"{error.message} {error.hint}".strip(), "bad")
    house.ring(f"prepare:{row.crm}")
    return _done(id, t("broadcasts.done_retry", n=tried))


@screen.get("/<id>/people.csv")
@needs("editor", fresh=True)
def people(id: str) -> Response:
    """Everybody of the list and what became of each, as a sheet that runs no formula."""
    house, row = house_of(current_app), _facts(id)["row"]

    def lines() -> Iterator[str]:
        yield "\ufeff"
        for cells in export.rows(house.store, row.id):
            out = io.StringIO()
            csv.writer(out).writerow(cells)
            yield out.getvalue()

    headers = {"Content-Disposition": f'attachment; filename="broadcast-{row.id}.csv"', "Cache-Control": "no-store"}
    return Response(stream_with_context(lines()), mimetype="text/csv", headers=headers)


def _done(id: str, words: str, kind: str = "good") -> Any:
    """The page as it is now, and a word in passing."""
    if "HX-Request" in request.headers:
        return one(id), 200, toast(words, kind)
    return redirect(url_for("sends.broadcasts.one", id=id), 303)


def may(role: str) -> bool:
    """What a template shows only to those who may do it."""
    return allows(person().role, role)
