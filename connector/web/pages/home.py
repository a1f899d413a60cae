"""The first page: setup while something is missing, else activity."""

from flask import Blueprint, current_app, redirect, url_for
from werkzeug.wrappers import Response

from connector.web.auth import needs
from connector.web.frame import house_of

screen = Blueprint("home", __name__)


@screen.get("/")
@needs("viewer")
def index() -> Response:
    """Where a visit begins."""
    kinds = {account.kind for account in house_of(current_app).accounts()}
    ready = "whatsapp" in kinds and len(kinds) > 1
    return redirect(url_for("activity.index" if ready else "setup.index"))
