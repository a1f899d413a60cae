"""A person gives us leave at the vendor: the way there and back. A worker exchanges the code; no SDK is loaded here."""

import base64
import hashlib
import secrets
from hmac import compare_digest

from flask import Blueprint, Response, abort, current_app, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException

from connector import errors
from connector.ports import Account, Consent, Manifest
from connector.store import audit, leave
from connector.store import tasks as task_rows
from connector.web.auth import needs, person
from connector.web.frame import given, house_of, t
from connector.web.house import House

screen = Blueprint("oauth", __name__, url_prefix="/oauth")
LONGEST = 4096  # characters of a code, or of what a vendor says


@screen.get("/<kind>/start")
@needs("admin")
def start(kind: str) -> Response:
    """Sends the browser to the vendor's consent page, with a state that only this session can bring back."""
    house = house_of(current_app)
    manifest, account = _asked(house, kind, given(request.args, "account", 200))
    assert manifest.oauth is not None
    missing = [flag for flag in manifest.oauth.needs if not _value(account, flag)]
    if missing:
        return _refused(account.name, t("setup.leave_needs"), ", ".join(missing), 422)
    verifier = secrets.token_urlsafe(48)
    back, now = f"{house.public_url}/oauth/{kind}/callback", house.clock.now()
    with house.store.write() as conn:
        asked = leave.Asked(person().session, account.id, kind, back, verifier)
        state = leave.ask(conn, house.keyring, asked, now)
        try:
            link = manifest.oauth.link(account.settings, Consent(back, state, challenge(verifier)))
        except errors.NotAllowed as error:
            return _refused(account.name, error.message, error.hint, 422)
        audit.append(conn, person().name, "account.ask_leave", account.name, {"kind": kind}, now)
    return make_response(redirect(link, 302))


@screen.get("/<kind>/callback")
@needs("admin")
def callback(kind: str) -> Response:
    """The browser is back: with a code, which a worker exchanges, or with the vendor's refusal as text."""
    house = house_of(current_app)
    asked, name = _taken(house, kind)
    if asked is None:
        return _refused(name, t("setup.leave_spent"), t("setup.leave_again"), 400)
    said = given(request.args, "error", LONGEST)
    code = given(request.args, "code", LONGEST)
    if said or not code:
        told = f"{said} {given(request.args, 'error_description', LONGEST)}".strip()
        return _refused(name, t("setup.leave_refused"), told, 400)
    hidden, now = {"code": code, "verifier": asked.verifier}, house.clock.now()
    with house.store.write() as conn:
        args = {"account": asked.account, "redirect_uri": asked.redirect_uri}
        id_ = task_rows.add(conn, "account.connect", args, person().name, now, keyring=house.keyring, secrets=hidden)
        audit.append(conn, person().name, "account.connect", name, {"kind": kind}, now)
    house.ring("task")
    return make_response(redirect(url_for("setup.connecting.outcome", task=id_), 303))


def challenge(verifier: str) -> str:
    """PKCE, S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _taken(house: House, kind: str) -> tuple[leave.Asked | None, str]:
    """What this session asked under the state that came back (spent from now on), and the account's name."""
    try:
        state = given(request.args, "state", 200)
    except HTTPException:
        return None, ""
    with house.store.write() as conn:
        asked = leave.take(conn, house.keyring, state, house.clock.now())
    if asked is None or asked.kind != kind or not compare_digest(asked.session, person().session):
        return None, ""
    account = next((one for one in house.accounts() if one.id == asked.account), None)
    return (asked, account.name) if account is not None else (None, "")


def _asked(house: House, kind: str, name: str) -> tuple[Manifest, Account]:
    manifest = house.manifests.get(kind)
    account = next((one for one in house.accounts() if one.name == name and one.kind == kind), None)
    if manifest is None or manifest.oauth is None or account is None:
        abort(404)
    return manifest, account


def _value(account: Account, flag: str) -> str:
    key = flag.replace("-", "_")
    return str(account.settings.get(key) or account.secrets.get(key) or "")


def _refused(name: str, text: str, said: str, status: int) -> Response:
    return make_response(render_template("setup/leave.html", name=name, text=text, told=said), status)
