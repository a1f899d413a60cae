"""What the pages of one event share: its facts, who may, and the way back."""

from typing import Any

from flask import abort, current_app, redirect, request, url_for
from werkzeug.wrappers import Response

from connector.pipeline.why import event as why
from connector.web.auth import allows, person
from connector.web.frame import toast
from connector.web.house import House

LONGEST = 200  # characters of an id
Answer = Response | tuple[str, int, dict[str, str]]


def explained(house: House, event: str) -> dict[str, Any]:
    """The facts of one event; 404 when there is none. A person's phone or a record is no event."""
    key = event.replace("\0", "")[:LONGEST]
    found = why.explain(house.store, key, house.names())
    mine = [one for one in found if key in (one["event"], one["id"]) or key in {s["id"] for s in one["sends"]}]
    if not mine:
        abort(404)
    return mine[0]


def back(event: str, words: str, kind: str = "good") -> Answer:
    """The page as it is now, with what was done in passing."""
    if "HX-Request" in request.headers:
        return str(current_app.view_functions["activity.why.index"](event=event)), 200, toast(words, kind)
    return redirect(url_for("activity.why.index", event=event), 303)


def may(role: str) -> bool:
    """What a template shows only to those who may do it."""
    return allows(person().role, role)
