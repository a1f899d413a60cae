"""mappings"""

from flask import Blueprint, render_template

from connector.web.auth import needs

screen = Blueprint("mappings", __name__, url_prefix="/mappings")


@screen.get("/")
@needs("viewer")
def index() -> str:
    return render_template("soon.html")
