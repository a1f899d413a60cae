"""Sends: every message of ours by how it stands, and what holds messages back."""

from flask import Blueprint, current_app, render_template, request

from connector.store import send_lists
from connector.store.send_lists import Wanted
from connector.web.auth import needs
from connector.web.frame import given, house_of
from connector.web.pages import broadcast_lists, broadcasts, sends_acts, sends_import, sends_list, sends_one
from connector.web.pages.sends_list import here, wanted

screen = Blueprint("sends", __name__, url_prefix="/sends")
screen.register_blueprint(broadcast_lists.screen)
screen.register_blueprint(broadcasts.screen)  # before a send's own address
screen.register_blueprint(sends_import.screen)  # before a send's own address
screen.register_blueprint(sends_acts.screen)
screen.register_blueprint(sends_one.screen)

MOST_NEW = 100  # counted above the first line; more are "100+"


@screen.get("/")
@needs("viewer")
def index() -> str:
    """One page of messages, newest first."""
    return sends_list.page()


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
