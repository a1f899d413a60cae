"""setup"""

from flask import Blueprint, render_template

from connector.web.auth import needs

screen = Blueprint("setup", __name__, url_prefix="/setup")


@screen.get("/")
@needs("viewer")
def index() -> str:
    return render_template("soon.html")
