"""Is it still you? Asked before what cannot be taken back, when the last password or code was shown a while ago."""

from typing import Any

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request

from connector.store import audit, factors, users
from connector.web.auth import needs, passwords, person, signed_in_with
from connector.web.frame import given, house_of, ours, t

screen = Blueprint("proving", __name__, url_prefix="/prove")
DONE = '{"proved": {}}'  # app.js does again what was refused


def asked() -> Response:
    """What is answered to an act that needs it: htmx gets a dialog, and does the act again afterwards."""
    return _shown(_page(), "", 403)


@screen.get("/")
@needs("viewer", enrol=True)
def form() -> Response:
    """The question as a page."""
    return _shown(ours(given(request.args, "next", 2000)), "", 200)


@screen.post("/")
@needs("viewer", enrol=True)
def prove() -> Response:
    """A right password or code: the session goes on under a new token, and dangerous acts are open for a while."""
    house, back, now = house_of(current_app), ours(given(request.form, "next", 2000)), house_of(current_app).clock.now()
    shown = given(request.form, "proof", passwords.LONGEST)
    keys = [f"proof:{person().id}"]  # not the e-mail's: a stranger's guesses keep nobody from what they may
    with house.store.write() as conn:
        row, wait = users.get(conn, person().id), users.tried(conn, keys, now)
    if wait:
        answer = _shown(back, t("signin.slow", n=int(wait) + 1), 429)
        answer.headers["Retry-After"] = str(int(wait) + 1)
        return answer
    if row is None or not shown or not proves(house, row, shown, now):
        return _shown(back, t("prove.wrong"), 422)
    with house.store.write() as conn:
        users.forgiven(conn, keys)
        token = users.proved(conn, person().session, now)
        audit.append(conn, row.email, "session.prove", row.email, {}, now)
    if "HX-Request" in request.headers:
        return signed_in_with(make_response("", 204, {"HX-Trigger": DONE}), house, token)
    return signed_in_with(make_response(redirect(back, 303)), house, token)


def proves(house: Any, row: Any, shown: str, now: Any) -> bool:
    """A code of theirs, or their password, which is never as short as one."""
    if row.totp and len(factors.plain(shown)) < passwords.SHORTEST:
        with house.store.write() as conn:
            return bool(factors.shown(conn, house.keyring, row, shown, now))
    return passwords.right(row.password, shown)


def _shown(back: str, problem: str, status: int) -> Response:
    house = house_of(current_app)
    with house.store.read() as conn:
        row = users.get(conn, person().id)
    filled = {"back": back, "problem": problem, "app": bool(row is not None and row.totp)}
    if "HX-Request" not in request.headers:
        return make_response(render_template("prove.html", **filled), status)
    part = make_response(render_template("parts/prove.html", **filled), status)
    part.headers["HX-Reswap"] = "innerHTML"
    part.headers.update({"HX-Retarget": "#prove", "HX-Reselect": "#prove-dialog", "X-Prove": "1"})
    return part


def _page() -> str:
    """Where the act stands: its own address, or the page above it."""
    if request.method == "GET":
        return ours(request.full_path.rstrip("?"))
    above = request.path.rpartition("/")[0]
    known = current_app.url_map.bind("")
    return next((place for place in (request.path, above, f"{above}/") if known.test(place, "GET")), "/")
