"""Setup: what is there, what is missing, and the way to each; the sandbox in one click."""

from flask import Blueprint, Response, abort, current_app, make_response, redirect, render_template, request, url_for

from connector import errors
from connector.store import audit, setting_up
from connector.store import tasks as task_rows
from connector.web import checklist
from connector.web.auth import allows, needs, person
from connector.web.frame import house_of
from connector.web.pages import connecting
from connector.web.sandbox import Sandbox

screen = Blueprint("setup", __name__, url_prefix="/setup")
screen.register_blueprint(connecting.screen)


@screen.get("/")
@needs("viewer")
def index() -> str:
    """The checklist, the connected systems, the doctor's findings."""
    found = _seen()
    return render_template("setup/index.html", forgot=found["playing"] and not _heard(), **found)


@screen.get("/ticks")
@needs("viewer")
def ticks() -> str:
    """The live part."""
    return render_template("setup/_ticks.html", **_seen())


@screen.post("/sandbox")
@needs("admin")
def sandbox() -> Response:
    """Connects the sandbox's systems; a worker does it."""
    house = house_of(current_app)
    if not house.sandbox:
        abort(404)
    with house.store.write() as conn:
        id_ = task_rows.add(conn, "sandbox.connect", {}, person().name, house.clock.now())
        audit.append(conn, person().name, "sandbox.connect", "sandbox", {}, house.clock.now())
    house.ring("task")
    if "HX-Request" in request.headers:
        return make_response(connecting.outcome_part(id_))
    return make_response(redirect(url_for("setup.connecting.outcome", task=id_), 303))


def _heard() -> bool:
    """The sandbox knows where its webhooks go: one that was started anew has forgotten."""
    try:
        return Sandbox(house_of(current_app).sandbox).heard()
    except errors.ConnectorError:
        return True  # it is away: the phone says so


def _seen() -> dict[str, object]:
    house = house_of(current_app)
    with house.store.read() as conn:
        found = setting_up.steps(conn)
    lines = checklist.steps(house, found)
    accounts = [a for a in house.accounts() if a.kind in connecting.kinds(house)]
    doctor, at = found.doctor or (None, None)
    ours = [a for a in accounts if house.sandbox and str(a.settings.get("base_url", "")).startswith(house.sandbox)]
    return {
        "steps": lines, "accounts": accounts, "manifests": connecting.kinds(house), "doctor": doctor, "doctor_at": at,
        "done": sum(step.state == "yes" for step in lines), "playing": bool(ours),
        "admin": allows(person().role, "admin"), "new": len(ours) == len(accounts),
        "played": ", ".join(one.title for one in house.manifests.values() if one.stand_in),
    }  # fmt: skip
