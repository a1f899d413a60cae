"""One's own account: name and language."""

from typing import Any

from flask import Blueprint, current_app, render_template, request

from connector.store import users
from connector.web import words
from connector.web.auth import needs, person
from connector.web.frame import given, house_of

screen = Blueprint("me", __name__, url_prefix="/settings/me")


@screen.get("/")
@needs("viewer")
def index() -> str:
    """The form."""
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


def _shown(**more: Any) -> str:
    with house_of(current_app).store.read() as conn:
        row = users.get(conn, person().id)
    filled = {"row": row, "languages": words.LANGUAGES, **more}
    return render_template("settings/me.html", part="HX-Request" in request.headers, **filled)
