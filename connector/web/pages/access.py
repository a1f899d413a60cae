"""Settings, Sign-in: one's own password, second factor and sessions."""

from typing import Any

from flask import Blueprint, abort, current_app, make_response, render_template, request

from connector.core import totp
from connector.pipeline.talks.flow_links import qr_data
from connector.store import audit, factors, options, users
from connector.web.auth import needs, passwords, person, signed_in_with
from connector.web.frame import given, house_of, t, toast
from connector.web.pages import second
from connector.web.showing import browser

screen = Blueprint("access", __name__, url_prefix="/settings/access")
ISSUER = "WhatsApp-CRM connector"


@screen.get("/")
@needs("viewer", enrol=True)
def index() -> str:
    """What holds now."""
    return _shown()


@screen.post("/password")
@needs("viewer", enrol=True)
def password() -> Any:
    """A new password, for who knows the old one; every other session of theirs ends."""
    house, now = house_of(current_app), house_of(current_app).clock.now()
    old, new = (given(request.form, name, passwords.LONGEST) for name in ("old", "new"))
    keys = [f"password:{person().id}"]  # not the e-mail's: a stranger's guesses keep nobody from a new password
    with house.store.write() as conn:
        row, wait = users.get(conn, person().id), users.tried(conn, keys, now)
    if wait:
        return second.slowly(make_response(_shown(problem=t("signin.slow", n=int(wait) + 1)), 429), wait)
    if row is None or not passwords.right(row.password, old):
        return _shown(problem=t("me.wrong")), 422
    if len(new) < passwords.SHORTEST:
        return _shown(problem=t("welcome.short")), 422
    hashed = passwords.hashed(new)
    with house.store.write() as conn:
        users.forgiven(conn, keys)
        users.change(conn, row.id, password=hashed)
        here = {"agent": request.user_agent.string, "network": request.remote_addr or "", "enrol": person().enrol}
        token = users.sign_in(conn, row.id, now, **here)  # type: ignore[arg-type]
        audit.append(conn, row.email, "person.password", row.email, {}, now)
    response = current_app.make_response(("", 204, {"HX-Refresh": "true"} | toast(t("frame.saved"))))
    return signed_in_with(response, house, token)


# ---- the second factor ---------------------------------------------------------------------------------------------
@screen.post("/app")
@needs("viewer", fresh=True, enrol=True)
def begin() -> str:
    """A new seed, shown until its first code comes; an app that is set up already goes on until then."""
    house = house_of(current_app)
    with house.store.write() as conn:
        seed = factors.propose(conn, house.keyring, person().id)
    return _shown(seed=seed)


@screen.post("/app/confirm")
@needs("viewer", fresh=True, enrol=True)
def confirm() -> Any:
    """The app's first code: from now on it is asked for; the recovery codes are shown once, other sessions end."""
    house, now, keys = house_of(current_app), house_of(current_app).clock.now(), [f"confirm:{person().id}"]
    shown = given(request.form, "code", 100)
    with house.store.write() as conn:
        row, wait = users.get(conn, person().id), users.tried(conn, keys, now)
    if row is None or not row.totp_new:
        return _shown(problem_app=t("access.begin_again")), 422
    seed = factors.proposed(house.keyring, row)
    if wait:
        slow = make_response(_shown(seed=seed, problem_app=t("signin.slow", n=int(wait) + 1)), 429)
        return second.slowly(slow, wait)
    with house.store.write() as conn:
        codes = factors.confirm(conn, house.keyring, row, shown, now)
        token = ""
        if codes:
            users.forgiven(conn, keys)
            users.sign_out_others(conn, row.id, person().session)
            token = users.proved(conn, person().session, now, enrolled=True)
            audit.append(conn, row.email, "person.second_factor", row.email, {"set": "app"}, now)
    if not codes:
        return _shown(seed=seed, problem_app=t("access.not_yet")), 422
    shown_once = _shown(codes=codes, here=users.digest(token))
    return signed_in_with(make_response(shown_once), house, token)


@screen.post("/app/codes")
@needs("viewer", fresh=True)
def codes() -> Any:
    """Ten new recovery codes; the old ones end."""
    house, now = house_of(current_app), house_of(current_app).clock.now()
    with house.store.write() as conn:
        row = users.get(conn, person().id)
        if row is None or not row.totp:
            abort(404)
        made = factors.recovery(conn, row.id)
        audit.append(conn, row.email, "person.recovery", row.email, {}, now)
    return _shown(codes=made)


@screen.post("/app/off")
@needs("viewer", fresh=True)
def off() -> Any:
    """Without a second factor again, unless everybody, or an admin, must have one."""
    house, now = house_of(current_app), house_of(current_app).clock.now()
    with house.store.write() as conn:
        asked = options.get(conn).asks_second_factor(person().role)
        if not asked:
            factors.off(conn, person().id)
            audit.append(conn, person().name, "person.second_factor", person().name, {"set": "none"}, now)
    if asked:
        return _shown(problem_app=t("access.must")), 422
    return _shown(), 200, toast(t("frame.saved"))


# ---- sessions ------------------------------------------------------------------------------------------------------
@screen.post("/sessions/<session>/end")
@needs("viewer", fresh=True, enrol=True)
def end(session: str) -> Any:
    """One of one's own, or all but this one."""
    house, now = house_of(current_app), house_of(current_app).clock.now()
    with house.store.write() as conn:
        if session == "others":
            done = users.sign_out_others(conn, person().id, person().session)
        else:
            done = int(session != person().session and users.sign_out(conn, session[:64], person().id))
        if done:
            audit.append(conn, person().name, "session.end", person().name, {"n": done}, now)
    if not done and session != "others":
        abort(404)
    return _shown(), 200, toast(t("access.ended", n=done))


def _shown(seed: bytes | None = None, here: str = "", **more: Any) -> str:
    house, now = house_of(current_app), house_of(current_app).clock.now()
    with house.store.read() as conn:
        row = users.get(conn, person().id)
        mine = users.sessions_of(conn, person().id, now)
        left, asked = factors.left(conn, person().id), options.get(conn).asks_second_factor(person().role)
    filled: dict[str, Any] = {"row": row, "left": left, "asked": asked, "here": here or person().session}
    filled["sessions"] = [(one, browser(one.agent)) for one in mine]
    if seed is not None and row is not None:
        said = totp.spelled(seed)
        filled["seed"] = " ".join(said[n : n + 4] for n in range(0, len(said), 4))
        filled["qr"] = qr_data(totp.address(seed, ISSUER, row.email))
    return render_template("settings/access.html", part="HX-Request" in request.headers, **filled, **more)
