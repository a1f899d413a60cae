"""The gate in front of every route: a session or a token, the role the route asks for, and no forged forms.

A route that names no role is closed to everybody: forgetting to think of it must not open it.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from flask import Flask, Response, abort, current_app, g, redirect, request
from werkzeug.exceptions import Forbidden, TooManyRequests

from connector import errors
from connector.store import users
from connector.web.auth import tries
from connector.web.auth.masks import masked, same
from connector.web.auth.roles import ROLES, Person, allows
from connector.web.house import House

log = logging.getLogger("connector.web")
SAFE = ("GET", "HEAD", "OPTIONS")
ANYONE = "anyone"
HEADER = "X-Csrf"
PROVE, ENROL = "prove", "enrol"  # why an act is refused to who may do it: `failures` says what to do
View = TypeVar("View", bound=Callable[..., Any])


def needs(role: str, *, fresh: bool = False, enrol: bool = False) -> Callable[[View], View]:
    """The route is for this role and those above it.

    `fresh`: who asks has shown a password or a code in the last minutes. `enrol`: open to who has to set up a second
    factor first."""
    if role not in (*ROLES, ANYONE):
        raise ValueError(role)

    def mark(view: View) -> View:
        view.role, view.fresh, view.enrol = role, fresh, enrol  # type: ignore[attr-defined]
        return view

    return mark


anyone = needs(ANYONE)  # sign-in and static files


def person() -> Person:
    """Who asks. Only for routes that need a role."""
    found: Person | None = g.get("person")
    if found is None:
        abort(401)
    return found


def cookie_name(house: House) -> str:
    """`__Host-` binds the cookie to this host and to TLS; a loopback address without TLS cannot have it."""
    return "__Host-connector" if house.https else "connector"


def guard(app: Flask, house: House, token_person: Callable[[str, datetime], Person | None]) -> None:
    """Every request passes here; `token_person` knows who an API token is."""

    @app.before_request
    def gate() -> Response | None:
        if "\0" in request.path:  # no id of ours; Postgres refuses it
            abort(404)
        view = app.view_functions.get(request.endpoint or "")
        if view is None:  # no such page
            g.person = _of_session(house)
            return None
        role = getattr(view, "role", None)
        if role is None:
            log.error("the route %s names no role", request.endpoint)
            abort(404)
        bearer = request.path.startswith("/api/")
        g.person = (
            None if role == ANYONE and bearer else _of_token(house, token_person) if bearer else _of_session(house)
        )
        if not bearer:
            _check_form(role)
        if role == ANYONE:
            return None
        if g.person is None:
            return _sign_in_first(bearer)
        if not allows(g.person.role, role):
            raise Forbidden(role)
        if bearer:
            _check_scope(view)
        else:
            _check_proof(view, house.clock.now())
        return None


def signed_in_with(response: Response, house: House, token: str) -> Response:
    """Gives the browser its session ("" = takes it away)."""
    name, flags = cookie_name(house), {"secure": house.https, "httponly": True, "samesite": "Lax", "path": "/"}
    if token:
        response.set_cookie(name, token, max_age=int(users.SESSION_LIFE.total_seconds()), **flags)  # type: ignore[arg-type]
    else:
        response.delete_cookie(name, **flags)  # type: ignore[arg-type]
    return response


def _of_session(house: House) -> Person | None:
    token = request.cookies.get(cookie_name(house), "")
    if not token or len(token) > 100:
        return None
    now = house.clock.now()
    with house.store.read() as conn:
        row = users.session(conn, token, now)
    if row is None:
        return None
    if row.seen_at < now - users.SEEN:
        _note(house, row.session, now)
    g.csrf = row.csrf
    return Person(
        row.user, row.email, row.role, row.email, row.language, row.session, masked(row.csrf), row.proved_at,
        bool(row.enrol),
    )  # fmt: skip


def _note(house: House, session: str, now: datetime) -> None:
    """A page is not refused because the note of its visit could not be written."""
    try:
        with house.store.write() as conn:
            users.seen(conn, session, now)
    except errors.StoreDown as error:
        log.warning("a visit was not noted: %s", error)


def _of_token(house: House, token_person: Callable[[str, datetime], Person | None]) -> Person | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token or len(token) > 200:
        return None
    guesser, known = tries.network(house), users.digest(token.strip())
    if wait := house.guesses.held(guesser, known):
        raise TooManyRequests(retry_after=wait)
    found = token_person(token.strip(), house.clock.now())
    if found is None:
        house.guesses.wrong(guesser)
    else:
        house.guesses.right(known)
    return found


def _check_scope(view: Any) -> None:
    """A token does what it was made for."""
    scope, scopes = getattr(view, "scope", ""), g.person.scopes
    if scopes is not None and scope not in scopes:
        raise Forbidden(f"scope {scope}")


def _check_proof(view: Any, now: datetime) -> None:
    """A session that was left open does nothing that cannot be taken back, and nothing before its second factor."""
    if g.person.enrol and not view.enrol:
        raise Forbidden(ENROL)
    if view.fresh and not g.person.fresh(now):
        raise Forbidden(PROVE)


def _check_form(role: str) -> None:
    """A change must come from a page of ours: the session's own token, and no other site as its origin."""
    if request.method in SAFE:
        return
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("form")
    if role == ANYONE or g.person is None:
        return
    given = request.headers.get(HEADER) or request.form.get("csrf", "")
    if not same(given, g.csrf):
        raise Forbidden("form")


def _sign_in_first(bearer: bool) -> Response:
    """A page goes to the sign-in and comes back; a part of a page says that the session is over and keeps its place."""
    if bearer:
        abort(401)
    if request.method not in SAFE or "HX-Request" in request.headers:
        abort(401)
    back = request.full_path.rstrip("?")
    return redirect(current_app.url_for("signin.form", next=back if back != "/" else None))  # type: ignore[return-value]
