"""Activity: one line per event, newest first, both directions; found by state, kind, document, or what is typed."""

from typing import Any

from flask import Blueprint, current_app, render_template, request, url_for

from connector.pipeline.views import activity
from connector.store import activity as rows
from connector.store import documents
from connector.store.cursors import read
from connector.store.states import WORDS
from connector.web.auth import needs
from connector.web.frame import given, house_of
from connector.web.pages import why

screen = Blueprint("activity", __name__, url_prefix="/activity")
screen.register_blueprint(why.screen)

SIZE = 50
MOST_NEW = 100  # counted above the first line; more are "100+"
KINDS = ("in", "out", "status", "other")
FILTERS = ("q", "state", "kind", "document")


@screen.get("/")
@needs("viewer")
def index() -> str:
    """One page of lines."""
    house, wanted, before = house_of(current_app), _wanted(), given(request.args, "before", 100)
    with house.store.read() as conn:
        found = activity.activity(conn, house.names(), house.clock.now(), **_how(wanted), before=before, limit=SIZE)
        names = sorted({row.name for row in documents.live(conn)} | ({wanted["document"]} - {""}))
    first = found.rows[0].seq if found.rows else 0
    return render_template(
        "activity/index.html", lines=found.rows, older=_here(wanted, before=found.older) if found.older else "",
        newest=_here(wanted) if before else "", looked_back_to=found.looked_back_to, wanted=wanted, names=names,
        states=WORDS, kinds=KINDS, first=first, live="" if before else _here(wanted, ".new", after=str(first)),
        here=_here,
    )  # fmt: skip


@screen.get("/new")
@needs("viewer")
def new() -> str:
    """How much came above the first line, asked every few seconds; the list itself stays where it is."""
    house, wanted = house_of(current_app), _wanted()
    after = read(given(request.args, "after", 30) + ".").seq
    with house.store.read() as conn:
        n = rows.newer(conn, after, MOST_NEW)
        if n and any(wanted.values()):  # only what fits the filter is news
            found = activity.activity(conn, house.names(), house.clock.now(), **_how(wanted), limit=SIZE)
            n = sum(line.seq > after for line in found.rows)
    return render_template("activity/_new.html", n=n, most=MOST_NEW, again=_here(wanted), live=request.full_path)


def _wanted() -> dict[str, str]:
    """The filters as the address has them; a state or kind that is none is no filter."""
    found = {name: given(request.args, name, 200).strip() for name in FILTERS}
    found["state"] = found["state"] if found["state"] in WORDS else ""
    found["kind"] = found["kind"] if found["kind"] in KINDS else ""
    return found


def _how(wanted: dict[str, str]) -> dict[str, Any]:
    return {
        "state": wanted["state"], "direction": wanted["kind"], "document": wanted["document"], "query": wanted["q"],
    }  # fmt: skip


def _here(wanted: dict[str, str], view: str = ".index", **more: str) -> str:
    """The address of the list with these filters; "" leaves one out."""
    values: dict[str, Any] = {name: value for name, value in {**wanted, **more}.items() if value}
    return url_for(f"activity{view}", **values)
