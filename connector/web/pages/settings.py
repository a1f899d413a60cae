"""settings"""

from flask import Blueprint, render_template

from connector.web.auth import needs

screen = Blueprint("settings", __name__, url_prefix="/settings")


@screen.get("/")
@needs("viewer")
def index() -> str:
    return render_template("soon.html")
