"""activity"""

from flask import Blueprint, render_template

from connector.web.auth import needs

screen = Blueprint("activity", __name__, url_prefix="/activity")


@screen.get("/")
@needs("viewer")
def index() -> str:
    return render_template("soon.html")
