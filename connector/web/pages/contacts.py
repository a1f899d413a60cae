"""contacts"""

from flask import Blueprint, render_template

from connector.web.auth import needs

screen = Blueprint("contacts", __name__, url_prefix="/contacts")


@screen.get("/")
@needs("viewer")
def index() -> str:
    return render_template("soon.html")
