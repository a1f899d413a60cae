"""Conversations: who is in which flow, at which step; what was said; given back to the flow, or held by a person."""

from typing import Any

from flask import Blueprint, Response, abort, current_app, make_response, redirect, render_template, request, url_for

from connector.pipeline.views import conversations
from connector.store import documents
from connector.web.auth import allows, needs, person
from connector.web.frame import given, house_of, t, toast

screen = Blueprint("conversations", __name__, url_prefix="/conversations")
STATES = ("running", "ended", "all")
SIZE = 50
HOURS = (0, 4, 24)  # how long a person may hold somebody; 0 = until they are given back


@screen.get("/")
@needs("viewer")
def index() -> str:
    """One page, newest first."""
    house, asked, before = house_of(current_app), wanted(), given(request.args, "before", 100)
    now = house.clock.now()
    state = "" if asked["state"] == "all" else asked["state"]
    with house.store.read() as conn:
        found = conversations.listing(
            conn, house.names(), now, flow=asked["flow"], step=asked["step"], state=state, before=before, limit=SIZE
        )
        flows = sorted(row.name for row in documents.live(conn) if row.kind == "flow")
    return render_template(
        "conversations/index.html", rows=found.rows, older=here(asked, before=found.older) if found.older else "",
        newest=here(asked) if before else "", asked=asked, states=STATES, here=here,
        flows=sorted({*flows, asked["flow"]} - {""}),
    )  # fmt: skip


def wanted() -> dict[str, str]:
    """What the address asks for; running is what is looked at first."""
    found = {name: given(request.args, name, 200).strip() for name in ("flow", "step", "state")}
    return found | {"state": found["state"] or "running"}


def here(asked: dict[str, str], **more: str) -> str:
    """The address of the list with these wishes."""
    values: dict[str, Any] = {name: value for name, value in {**asked, **more}.items() if value}
    return url_for("conversations.index", **values)


@screen.get("/<id_>")
@needs("viewer")
def one(id_: str) -> str:
    """What was said, what was kept, where it stands."""
    house = house_of(current_app)
    with house.store.read() as conn:
        found = conversations.one(conn, house.names(), house.clock.now(), id_[:100])
    if found is None:
        abort(404)
    name = "conversations/_one.html" if "HX-Request" in request.headers else "conversations/one.html"
    return render_template(name, found=found, line=found.line, may=allows(person().role, "editor"), hours=HOURS)


@screen.post("/<id_>/release")
@needs("editor")
def release(id_: str) -> Response:
    """The flow goes on, and automation may speak again."""
    house = house_of(current_app)
    done = conversations.release(house.store, _contact(id_), person().name, house.clock.now())
    house.ring(*done["bells"])
    return _back(id_, t("flows.released") if done["released"] else t("flows.not_held"))


@screen.post("/<id_>/hold")
@needs("editor")
def hold(id_: str) -> Response:
    """A person talks with them: automation is silent."""
    house, text = house_of(current_app), given(request.form, "hours", 4)
    hours = int(text) if text.isascii() and text.isdigit() and int(text) in HOURS else 0
    conversations.hold(house.store, _contact(id_), person().name, house.clock.now(), hours)
    return _back(id_, t("flows.held"))


def _contact(id_: str) -> str:
    """Whose conversation it is, or 404."""
    house = house_of(current_app)
    with house.store.read() as conn:
        found = conversations.one(conn, house.names(), house.clock.now(), id_[:100])
    if found is None:
        abort(404)
    return found.line.who.id


def _back(id_: str, said: str) -> Response:
    if "HX-Request" not in request.headers:
        return make_response(redirect(url_for("conversations.one", id_=id_), 303))
    answer = make_response(one(id_))
    answer.headers.update(toast(said))
    return answer
