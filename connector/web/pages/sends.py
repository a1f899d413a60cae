"""Sends: every message of ours by how it stands, and what holds messages back."""

from typing import Any

from flask import Blueprint, current_app, render_template, request, url_for

from connector.pipeline import held, sent
from connector.store import documents, send_lists, templates, waiting
from connector.store.send_lists import GROUPS, Wanted
from connector.web.auth import allows, needs, person
from connector.web.frame import given, house_of
from connector.web.pages import broadcast_lists, broadcasts, sends_acts, sends_import, sends_one

screen = Blueprint("sends", __name__, url_prefix="/sends")
screen.register_blueprint(broadcast_lists.screen)
screen.register_blueprint(broadcasts.screen)  # before a send's own address
screen.register_blueprint(sends_import.screen)  # before a send's own address
screen.register_blueprint(sends_acts.screen)
screen.register_blueprint(sends_one.screen)

SIZE = 50
MOST_NEW = 100  # counted above the first line; more are "100+"
FILTERS = ("group", "document", "number", "template", "q")
NOW = {"waiting": ("waiting", "ready", "in_flight"), "unknown": ("unknown",)}  # groups that are counted at this moment


@screen.get("/")
@needs("viewer")
def index() -> str:
    """One page of messages, newest first."""
    house, asked, before = house_of(current_app), wanted(), given(request.args, "before", 100)
    now, names = house.clock.now(), house.names()
    with house.store.read() as conn:
        found = sent.sends(
            conn, names, now, group=asked["group"], document=asked["document"], number=asked["number"],
            template=asked["template"], query=asked["q"], before=before, limit=SIZE,
        )  # fmt: skip
        counts = _counts(sent.summary(conn, now))
        live = documents.live(conn)
        senders = [one for one in waiting.senders(conn) if one.number]
        known = sorted({name for name, _ in templates.approved(conn)})
        held_back = held.listing(conn, names, now)
        open_ = send_lists.open_of(conn, asked["document"]) if asked["document"] else 0
    named = sorted({row.name for row in live if row.kind == "send"} | ({asked["document"]} - {""}))
    return render_template(
        "sends/index.html", rows=found.rows, older=here(asked, before=found.older) if found.older else "",
        newest=here(asked) if before else "", looked_back_to=found.looked_back_to, wanted=asked, groups=tuple(GROUPS),
        counts=counts, now_groups=tuple(NOW), names=named, senders=senders, templates=known, held=held_back, open=open_,
        live=here(asked, ".new", after=found.rows[0].id if found.rows else "0") if not (before or asked["q"]) else "",
        here=here, may=may, kept={name: value for name, value in asked.items() if value},
    )  # fmt: skip


@screen.get("/new")
@needs("viewer")
def new() -> str:
    """How many came above the first line, asked every few seconds; the list itself stays where it is."""
    house, asked = house_of(current_app), wanted()
    look = Wanted(
        group=asked["group"], document=asked["document"], number=asked["number"], template=asked["template"],
        typed=asked["q"],
    )  # fmt: skip
    with house.store.read() as conn:
        n = send_lists.newer(conn, look, given(request.args, "after", 100), MOST_NEW)
    return render_template("sends/_new.html", n=n, most=MOST_NEW, again=here(asked), live=request.full_path)


def wanted() -> dict[str, str]:
    """The filters as the address has them; a group that is none is no filter."""
    found = {name: given(request.args, name, 600).strip() for name in FILTERS}
    return found | {"group": found["group"] if found["group"] in GROUPS else ""}


def here(asked: dict[str, str], view: str = ".index", **more: str) -> str:
    """The address of the list with these filters; "" leaves one out."""
    values: dict[str, Any] = {name: value for name, value in {**asked, **more}.items() if value}
    return url_for(f"sends{view}", **values)


def may(role: str) -> bool:
    """What a template shows only to those who may do it."""
    return allows(person().role, role)


def _counts(found: Any) -> dict[str, int]:
    """By group: what is open at this moment, and of what has ended the last 7 days, as last counted."""
    now = {group: sum(found["now"].get(state, 0) for state in states) for group, states in NOW.items()}
    return {**found["week"], **now}
