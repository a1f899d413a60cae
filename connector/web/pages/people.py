"""Settings, People: who may sign in, as what, and the one-time links that let them."""

from typing import Any

from flask import Blueprint, abort, current_app, make_response, render_template, request

from connector.store import audit, factors, users
from connector.web.auth import ROLES, needs, person
from connector.web.frame import given, house_of, t, toast
from connector.web.pages.signin import EMAIL, LONGEST

screen = Blueprint("people", __name__, url_prefix="/settings/people")
STATES = ("active", "disabled")


@screen.get("/")
@needs("viewer")
def index() -> str:
    """Everybody."""
    return _shown()


@screen.post("/")
@needs("admin", fresh=True)
def add() -> Any:
    """Makes a person; their link is shown once."""
    house, email = house_of(current_app), given(request.form, "email", LONGEST).strip()
    name, role = given(request.form, "name", 100), _role()
    if not EMAIL.fullmatch(email):
        return _shown(problem=t("welcome.bad_email"), typed=request.form), 422
    now = house.clock.now()
    with house.store.write() as conn:
        user = users.add(conn, email, name, role, now)
        token = users.invite(conn, user, now) if user else ""
        if user:
            audit.append(conn, person().name, "person.add", email.lower(), {"role": role}, now)
    if not token:
        return _shown(problem=t("welcome.taken"), typed=request.form), 422
    return _shown(link=_address(token), link_for=email.lower())


@screen.post("/<user>/link")
@needs("admin", fresh=True)
def link(user: str) -> Any:
    """A new one-time link, for who has no password or forgot it."""
    house, found = house_of(current_app), _one(user)
    with house.store.write() as conn:
        token = users.invite(conn, found.id, house.clock.now())
        audit.append(conn, person().name, "person.link", found.email, {}, house.clock.now())
    return _shown(link=_address(token), link_for=found.email)


@screen.post("/<user>/second")
@needs("admin", fresh=True)
def second(user: str) -> Any:
    """Takes away the second factor of who lost the app and the codes; they sign in anew."""
    house, found, now = house_of(current_app), _one(user), house_of(current_app).clock.now()
    if found.id == person().id:
        return make_response(_shown(problem=t("people.not_your_own")), 422)
    with house.store.write() as conn:
        factors.off(conn, found.id)
        users.sign_out_others(conn, found.id, "")
        audit.append(conn, person().name, "person.second_factor", found.email, {"set": "none"}, now)
    return _shown(), 200, toast(t("people.second_gone", email=found.email))


@screen.post("/<user>")
@needs("admin", fresh=True)
def change(user: str) -> Any:
    """Another role, or in and out of service. Nobody does it to themselves, and one admin always stays."""
    house, found, role = house_of(current_app), _one(user), _role()
    state = request.form.get("state", "active")
    if state not in STATES:
        abort(400)
    with house.store.write() as conn:
        leaves = found.role == ROLES[-1] and found.state == "active" and (role != ROLES[-1] or state != "active")
        if found.id == person().id:
            problem = t("people.not_yourself")
        elif leaves and users.admins(conn) < 2:
            problem = t("people.last_admin")
        else:
            problem = ""
            users.change(conn, found.id, role=role, state=state)
            now, detail = house.clock.now(), {"role": [found.role, role], "state": [found.state, state]}
            audit.append(conn, person().name, "person.change", found.email, detail, now)
    if problem:
        return make_response(_shown(problem=problem), 422)
    return _shown(), 200, toast(t("frame.saved"))


def _role() -> str:
    role = request.form.get("role", ROLES[0])
    if role not in ROLES:
        abort(400)
    return role


def _one(user: str) -> Any:
    with house_of(current_app).store.read() as conn:
        found = users.get(conn, user)
    return found if found is not None else abort(404)


def _address(token: str) -> str:
    return f"{house_of(current_app).public_url}/welcome/{token}"


def _shown(**more: Any) -> str:
    with house_of(current_app).store.read() as conn:
        people = users.everyone(conn)
    filled = {"people": people, "roles": ROLES, **more}
    return render_template("settings/people.html", part="HX-Request" in request.headers, **filled)
