"""One's own account: name, language, password."""

from typing import Any

from flask import Blueprint, current_app, render_template, request

from connector.store import audit, users
from connector.web import words
from connector.web.auth import needs, passwords, person, signed_in_with
from connector.web.frame import given, house_of, t, toast

screen = Blueprint("me", __name__, url_prefix="/settings/me")


@screen.get("/")
@needs("viewer")
def index() -> str:
    """The forms."""
    return _shown()


@screen.post("/")
@needs("viewer")
def save() -> Any:
    """Name and language."""
    house, language = house_of(current_app), request.form.get("language", "")
    values = {"name": given(request.form, "name", 100), "language": language if language in words.LANGUAGES else ""}
    with house.store.write() as conn:
        users.change(conn, person().id, **values)
    return "", 204, {"HX-Refresh": "true"}


@screen.post("/password")
@needs("viewer")
def password() -> Any:
    """A new password, for who knows the old one; every other session of theirs ends."""
    house, now = house_of(current_app), house_of(current_app).clock.now()
    old, new = (given(request.form, name, passwords.LONGEST) for name in ("old", "new"))
    keys = [f"password:{person().id}"]  # not the e-mail's: a stranger's guesses keep nobody from a new password
    with house.store.write() as conn:
        row, wait = users.get(conn, person().id), users.tried(conn, keys, now)
    if wait:
        return _shown(problem=t("signin.slow", n=int(wait) + 1)), 429
    if row is None or not passwords.right(row.password, old):
        return _shown(problem=t("me.wrong")), 422
    if len(new) < passwords.SHORTEST:
        return _shown(problem=t("welcome.short")), 422
    hashed = passwords.hashed(new)
    with house.store.write() as conn:
        users.forgiven(conn, keys)
        users.change(conn, row.id, password=hashed)
        token = users.sign_in(conn, row.id, now)
        audit.append(conn, row.email, "person.password", row.email, {}, now)
    response = current_app.make_response(("", 204, {"HX-Refresh": "true"} | toast(t("frame.saved"))))
    return signed_in_with(response, house, token)


def _shown(**more: Any) -> str:
    with house_of(current_app).store.read() as conn:
        row = users.get(conn, person().id)
    filled = {"row": row, "languages": words.LANGUAGES, **more}
    return render_template("settings/me.html", part="HX-Request" in request.headers, **filled)
