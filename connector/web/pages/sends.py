"""sends"""

from flask import Blueprint, render_template

from connector.web.auth import needs

screen = Blueprint("sends", __name__, url_prefix="/sends")


@screen.get("/")
@needs("viewer")
def index() -> str:
    return render_template("soon.html")
