"""health"""

from flask import Blueprint, render_template

from connector.web.auth import needs

screen = Blueprint("health", __name__, url_prefix="/health")


@screen.get("/")
@needs("viewer")
def index() -> str:
    return render_template("soon.html")
