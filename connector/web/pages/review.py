"""review"""

from flask import Blueprint, render_template

from connector.web.auth import needs

screen = Blueprint("review", __name__, url_prefix="/review")


@screen.get("/")
@needs("viewer")
def index() -> str:
    return render_template("soon.html")
