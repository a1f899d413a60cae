"""Settings: the deployment's own (name, language, retention); people, links, tokens and the audit are beside it."""

from typing import Any

from flask import Blueprint, current_app, render_template, request

from connector import errors
from connector.store import audit, options
from connector.web.auth import needs, person
from connector.web.frame import given, house_of, t, toast

screen = Blueprint("settings", __name__, url_prefix="/settings")
RETENTION = ("retain_raw", "retain_text", "retain_audit", "retain_sessions")


@screen.get("/")
@needs("viewer")
def index() -> str:
    """What holds now."""
    return _shown({}, {})


@screen.post("/")
@needs("admin", fresh=True)
def save() -> Any:
    """Sets what the form says, all or none."""
    house = house_of(current_app)
    values = {name: given(request.form, name) for name in options.NAMES if name in request.form}
    try:
        with house.store.write() as conn:
            changed = options.put(conn, values, house.clock.now())
            if changed:
                audit.append(conn, person().name, "settings.change", "", changed, house.clock.now())
    except errors.Rejected as error:
        return _shown(values, dict(error.facts["fields"])), 422  # type: ignore[call-overload]
    return _shown({}, {}), 200, toast(t("frame.saved"))


def _shown(typed: dict[str, str], problems: dict[str, str]) -> str:
    house = house_of(current_app)
    with house.store.read() as conn:
        rows = options.listing(conn)
    filled = {"rows": rows, "typed": typed, "problems": problems, "retention": RETENTION}
    return render_template("settings/index.html", part="HX-Request" in request.headers, **filled)
