"""Settings, API tokens: made, shown once, ended."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, current_app, render_template, request

from connector.store import api_tokens, audit
from connector.web import callers
from connector.web.api.calls import SCOPES
from connector.web.auth import ROLES, needs, person
from connector.web.frame import given, house_of, t, toast

screen = Blueprint("tokens", __name__, url_prefix="/settings/tokens")
LIVES = {"30": timedelta(days=30), "90": timedelta(days=90), "365": timedelta(days=365), "": None}
NETWORKS = 20  # of one token


@screen.get("/")
@needs("admin")
def index() -> str:
    """Every token; none is shown again."""
    return _shown()


@screen.post("/")
@needs("admin", fresh=True)
def add() -> Any:
    """A new one, shown once."""
    house, name, role = house_of(current_app), given(request.form, "name", 100).strip(), request.form.get("role", "")
    life = request.form.get("days", "90")
    if role not in ROLES or life not in LIVES:
        abort(400)
    scopes = [scope for scope in SCOPES if scope in request.form.getlist("scope")]
    networks = callers.usable(given(request.form, "networks", 1000))
    problem = "" if name else t("tokens.no_name")
    problem = problem or ("" if scopes else t("tokens.no_scope"))
    if networks is None or len(networks) > NETWORKS:
        problem = t("tokens.bad_networks", n=NETWORKS)
    if problem or networks is None:
        return _shown(problem=problem, typed=request.form, chosen=scopes), 422
    now, lives = house.clock.now(), LIVES[life]
    limits = {"role": role, "days": life or "no end", "scopes": scopes, "networks": networks}
    with house.store.write() as conn:
        _, token = api_tokens.add(
            conn, name, role, person().name, now, now + lives if lives else None,
            user=person().id, scopes=scopes, networks=networks,
        )  # fmt: skip
        audit.append(conn, person().name, "api.add", name, limits, now)
    return _shown(made=token, made_name=name)


@screen.post("/<token>/revoke")
@needs("admin")
def revoke(token: str) -> Any:
    """From now on it opens nothing."""
    house = house_of(current_app)
    with house.store.write() as conn:
        name = api_tokens.revoke(conn, token, house.clock.now())
        if name:
            audit.append(conn, person().name, "api.revoke", name, {}, house.clock.now())
    if not name:
        abort(404)
    return _shown(), 200, toast(t("tokens.ended", name=name))


def _shown(**more: Any) -> str:
    house = house_of(current_app)
    with house.store.read() as conn:
        rows = api_tokens.all_tokens(conn)
    filled = {"rows": rows, "roles": ROLES, "lives": LIVES, "base": f"{house.public_url}/api/v1", "scopes": SCOPES,
              "chosen": ["read"], **more}  # fmt: skip
    return render_template("settings/tokens.html", part="HX-Request" in request.headers, **filled)
