"""templates"""

from flask import Blueprint, render_template

from connector.web.auth import needs

screen = Blueprint("templates", __name__, url_prefix="/templates")


@screen.get("/")
@needs("viewer")
def index() -> str:
    return render_template("soon.html")
