"""The second step of signing in: a code of the app, or one of the ten for whoever lost it."""

import hashlib
import json
import logging
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for

from connector import errors
from connector.store import audit, factors, options, users
from connector.web.auth import anyone, signed_in_with, tries
from connector.web.auth.gate import cookie_name
from connector.web.frame import given, house_of, ours, t
from connector.web.house import House

log = logging.getLogger("connector.web")
screen = Blueprint("second", __name__, url_prefix="/signin/code")
PLACE = "second step"
LIFE = timedelta(minutes=5)  # between the password and the code
LONGEST = 4000  # characters of the cookie


@screen.get("/")
@anyone
def form() -> Response:
    """Asks for the code; whoever comes without a password goes back to it."""
    house = house_of(current_app)
    return _shown() if _pending(house) is not None else _back_to_start(house)


@screen.post("/")
@anyone
def enter() -> Response:
    """Lets in who shows a code that was not used yet; tries become slow as those at passwords do."""
    house, now = house_of(current_app), house_of(current_app).clock.now()
    found = _pending(house)
    if found is None:
        return _back_to_start(house)
    row, back = found
    keys, shown = tries.second(house, row.email), given(request.form, "code", 100)
    with house.store.write() as conn:
        wait = users.tried(conn, keys, now)
    if wait:
        return slowly(_shown(t("signin.slow", n=int(wait) + 1), 429), wait)
    with house.store.write() as conn:
        how = factors.shown(conn, house.keyring, row, shown, now)
    if not how:
        log.warning("a second step failed: %s, from %s", row.email, request.remote_addr)
        return _shown(t("second.wrong"), 401)
    return _forget(let_in(house, row, keys, back, how, now), house)


# ---- for both steps ------------------------------------------------------------------------------------------------
def asked(house: House, row: Any, back: str) -> Response:
    """The password was right, and a code is still to come: nothing is open before it."""
    told = json.dumps([row.id, _mark(row), back, house.clock.now().isoformat()])
    answer = make_response(redirect(url_for("second.form"), 303))
    answer.set_cookie(
        _name(house), house.keyring.encrypt(told, PLACE), max_age=int(LIFE.total_seconds()), secure=house.https,
        httponly=True, samesite="Strict", path="/",
    )  # fmt: skip
    return answer


def let_in(house: House, row: Any, keys: list[str], back: str, how: str, now: datetime) -> Response:
    """A new session, whatever this browser had before; first of all a second factor where that is asked for."""
    with house.store.write() as conn:
        users.forgiven(conn, keys)
        users.sign_out(conn, users.digest(request.cookies.get(cookie_name(house), "")))
        enrol = not row.totp and options.get(conn).asks_second_factor(row.role)
        token = users.sign_in(
            conn, row.id, now, agent=request.user_agent.string, network=request.remote_addr or "", enrol=enrol
        )
        audit.append(conn, row.email, "session.start", row.email, {"second": how} if how else {}, now)
    answer = make_response(redirect(url_for("access.index") if enrol else back, 303))
    return tries.remembered(signed_in_with(answer, house, token), house, row.email)


def slowly(answer: Response, wait: float) -> Response:
    """When the next try is looked at."""
    answer.headers["Retry-After"] = str(int(wait) + 1)
    return answer


def _pending(house: House) -> tuple[Any, str] | None:
    """(row, where to) of who has shown their password in this browser; None = nobody has, or too long ago."""
    kept = request.cookies.get(_name(house), "")
    try:
        if not kept.isascii() or len(kept) > LONGEST:
            return None
        user, mark, back, at = json.loads(str(house.keyring.decrypt(kept, PLACE)))
        late = datetime.fromisoformat(at) + LIFE < house.clock.now()
    except (errors.NotAllowed, ValueError):
        return None
    with house.store.read() as conn:
        row = users.get(conn, user)
    if row is None or late or row.state != "active" or not row.totp or mark != _mark(row):
        return None
    return row, ours(back)


def _mark(row: Any) -> str:
    """Of the password that was shown: with another one the first step is to be done again."""
    return hashlib.sha256(f"{row.password}{row.totp}".encode()).hexdigest()[:16]


def _name(house: House) -> str:
    return "__Host-connector-second" if house.https else "connector-second"


def _forget(answer: Response, house: House) -> Response:
    answer.delete_cookie(_name(house), secure=house.https, httponly=True, samesite="Strict", path="/")
    return answer


def _back_to_start(house: House) -> Response:
    return _forget(make_response(redirect(url_for("signin.form"), 303)), house)


def _shown(problem: str = "", status: int = 200) -> Response:
    return make_response(render_template("second.html", problem=problem), status)
