"""Signing in and out, and the one-time links that let somebody in for the first time."""

import logging
import re
from typing import Any

from flask import Blueprint, Response, abort, current_app, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import TooManyRequests

from connector import errors
from connector.store import audit, users
from connector.store.engine import Store
from connector.web.auth import ROLES, anyone, needs, passwords, person, signed_in_with, tries
from connector.web.frame import given, house_of, ours, t
from connector.web.house import House
from connector.web.pages import second

log = logging.getLogger("connector.web")
screen = Blueprint("signin", __name__)
EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s]{2,}")
LONGEST = 254  # characters of an e-mail address; RFC 5321


@screen.get("/signin")
@anyone
def form() -> str:
    """The form."""
    return render_template("signin.html", back=ours(request.args.get("next", "")))


@screen.post("/signin")
@anyone
def enter() -> Response:
    """Lets in who knows a password; guesses become slow, for an address and for an e-mail alike."""
    house = house_of(current_app)
    email, password = given(request.form, "email", LONGEST).strip().lower(), given(request.form, "password", 1024)
    keys, now = tries.keys(house, email), house.clock.now()
    with house.store.read() as conn:
        wait, row = users.held(conn, keys, now), users.get(conn, email) if email else None
    if not wait:
        with house.store.write() as conn:
            wait = users.tried(conn, keys, now)
    if wait:
        return second.slowly(_again(email, t("signin.slow", n=int(wait) + 1), 429), wait)
    try:
        right = passwords.right(row.password if row is not None and row.state == "active" else "", password)
    except errors.Busy:
        return second.slowly(_again(email, t("signin.slow", n=3), 503), 2)
    if not right:
        who = row.email if row is not None else "nobody we know"  # what was typed may be a password
        log.warning("a sign-in failed: %s, from %s", who, request.remote_addr)
        return _again(email, t("signin.wrong"), 401)
    assert row is not None
    if passwords.outdated(row.password):
        row = _stronger(house, row, password)
    back = ours(request.form.get("next", ""))
    if row.totp:
        with house.store.write() as conn:
            users.forgiven(conn, keys)
        return second.asked(house, row, back)
    return second.let_in(house, row, keys, back, "", now)


def _stronger(house: House, row: Any, password: str) -> Any:
    """The same password under today's costs: nobody is signed out for it."""
    hashed = passwords.hashed(password)
    with house.store.write() as conn:
        users.rehashed(conn, row.id, row.password, hashed)
        return users.get(conn, row.id)


@screen.post("/signout")
@needs("viewer", enrol=True)
def leave() -> Response:
    """Ends this session."""
    house = house_of(current_app)
    with house.store.write() as conn:
        users.sign_out(conn, person().session)
    return signed_in_with(_go(url_for("signin.form")), house, "")


@screen.get("/welcome/<token>")
@anyone
def welcome(token: str) -> tuple[str, int]:
    """What a one-time link shows: a form for a password; looking at it does not use it up."""
    house = house_of(current_app)
    row = _invited(house, token)
    with house.store.read() as conn:
        invited = users.get(conn, row.user) if row is not None and row.user else None
    if row is None:
        return render_template("welcome.html", gone=True), 410
    return render_template("welcome.html", token=token, invited=invited), 200


@screen.post("/welcome/<token>")
@anyone
def begin(token: str) -> Response:
    """Uses the link: sets the password (and makes the first admin), and signs in."""
    house = house_of(current_app)
    email, name = given(request.form, "email", LONGEST).strip(), given(request.form, "name", 100)
    password = given(request.form, "password", passwords.LONGEST)
    row = _invited(house, token)
    if row is None:
        return make_response(render_template("welcome.html", gone=True), 410)
    problem = t("welcome.short") if len(password) < passwords.SHORTEST else ""
    if row.user is None and not EMAIL.fullmatch(email):
        problem = t("welcome.bad_email")
    if problem:
        return _welcome_again(house.store, token, row.user, email, name, problem)
    hashed = passwords.hashed(password)  # slow on purpose, so before the transaction
    with house.store.write() as conn:
        if not users.use(conn, token, house.clock.now()):
            abort(410)
        user = row.user or users.add(conn, email, name, ROLES[-1], house.clock.now())
        if user is None:
            abort(409)
        users.change(conn, user, password=hashed, state="active")
        found = users.get(conn, user)
        assert found is not None
        audit.append(conn, found.email, "person.begin", found.email, {"role": found.role}, house.clock.now())
    if found.totp:  # a link is for who forgot the password; it does not stand for the second factor
        return second.asked(house, found, "/")
    return second.let_in(house, found, [], "/", "", house.clock.now())


def _invited(house: House, token: str) -> Any:
    """The link's row; None = it is not good. Raises TooManyRequests after many that were not."""
    guesser = tries.network(house)
    if wait := house.guesses.held(guesser):
        raise TooManyRequests(retry_after=wait)
    with house.store.read() as conn:
        row = users.invited(conn, token[:100], house.clock.now())
    if row is None:
        house.guesses.wrong(guesser)
    return row


def _welcome_again(store: Store, token: str, user: str | None, email: str, name: str, problem: str) -> Response:
    with store.read() as conn:
        invited = users.get(conn, user) if user else None
    filled = {"token": token, "invited": invited, "email": email, "name": name, "problem": problem}
    return make_response(render_template("welcome.html", **filled), 422)


def _again(email: str, problem: str, status: int) -> Response:
    back = ours(request.form.get("next", ""))
    return make_response(render_template("signin.html", email=email, problem=problem, back=back), status)


def _go(place: str) -> Response:
    return make_response(redirect(place, 303))
