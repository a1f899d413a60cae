"""Settings, Audit: who changed what; rows are only ever added."""

from typing import Any

from flask import Blueprint, current_app, render_template, request, url_for

from connector.store import audit
from connector.store.cursors import read
from connector.web.auth import needs
from connector.web.frame import given, house_of

screen = Blueprint("audit", __name__, url_prefix="/settings/audit")
PAGE = 50


@screen.get("/")
@needs("publisher")
def index() -> str:
    """A page, newest first."""
    asked = {name: given(request.args, name, 300).strip() for name in ("who", "action", "object")}
    before = read(f"{given(request.args, 'before', 30)}.").seq if request.args.get("before") else None
    with house_of(current_app).store.read() as conn:
        rows = audit.page(
            conn, before=before, limit=PAGE + 1, who=asked["who"], action=asked["action"], object_=asked["object"]
        )
    more, rows = len(rows) > PAGE, rows[:PAGE]
    kept: dict[str, Any] = {name: value for name, value in asked.items() if value}
    older = url_for("audit.index", before=rows[-1].seq, **kept) if more else ""
    newer = url_for("audit.index", **kept) if before else ""
    return render_template("settings/audit.html", rows=rows, asked=asked, older=older, newer=newer)
