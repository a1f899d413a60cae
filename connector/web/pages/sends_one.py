"""One send: its bubble with the values that were frozen, the gates it met, its way, and what a person may do."""

from typing import Any

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for

from connector.pipeline.again.retry import one_send as once_more
from connector.pipeline.views import one_send
from connector.store import audit, holding, resolving
from connector.web.auth import allows, needs, person
from connector.web.frame import given, house_of, t, toast

screen = Blueprint("one", __name__, url_prefix="/<send>")
LONGEST = 100  # characters of an id


@screen.get("")
@needs("viewer")
def index(send: str) -> str:
    """The page."""
    return _page(send)


@screen.post("/cancel")
@needs("publisher")
def cancel(send: str) -> Any:
    """It has not left, and never will."""
    house, now = house_of(current_app), house_of(current_app).clock.now()
    _one(send)
    with house.store.write() as conn:
        n = holding.cancel(conn, "send", send, t("sends.cancelled_by", who=person().name), now)
        audit.append(conn, person().name, "sends.cancel", send, {"cancelled": n}, now)
    return _back(send, t("sends.done_cancel") if n else t("sends.too_late"), bool(n))


@screen.post("/retry")
@needs("publisher")
def retry(send: str) -> Any:
    """A new message in its place, through every gate again."""
    house, now = house_of(current_app), house_of(current_app).clock.now()
    found = _one(send)
    if found.why_no_retry:
        return _back(send, found.why_no_retry, good=False)
    made = once_more(house.store, send, now)
    with house.store.write() as conn:
        audit.append(conn, person().name, "sends.retry", send, {"again": made["again"], "why": made["why"]}, now)
    house.ring(*made["bells"])
    return _back(made["again"] or send, made["why"] or t("sends.done_retry"), bool(made["again"]))


@screen.post("/arrived")
@needs("editor")
def arrived(send: str) -> Any:
    """A person has seen it in the chat."""
    house, now = house_of(current_app), house_of(current_app).clock.now()
    _one(send)
    with house.store.write() as conn:
        done = resolving.arrived(conn, send, t("sends.settled_by", who=person().name), now)
        audit.append(conn, person().name, "send.arrived", send, {"done": int(done)}, now)
    return _back(send, t("sends.done_arrived") if done else t("sends.too_late"), done)


@screen.post("/again")
@needs("publisher")
def again(send: str) -> Any:
    """A person has looked, and it is not in the chat: it goes out once more."""
    house, now = house_of(current_app), house_of(current_app).clock.now()
    number = _one(send).send.number
    with house.store.write() as conn:
        done = holding.send_again(conn, send, now)
        audit.append(conn, person().name, "send.again", send, {"done": int(done)}, now)
    if done:
        house.ring(f"send:{number}")
    return _back(send, t("sends.done_again") if done else t("sends.too_late"), done)


def _one(send: str) -> one_send.One:
    house = house_of(current_app)
    with house.store.read() as conn:
        found = one_send.load(conn, send[:LONGEST].replace("\0", ""), house.names(), house.clock.now())
    return found if found is not None else abort(404)


def _page(send: str) -> str:
    found = _one(send)
    back = given(request.args, "from", 20)
    return render_template(
        "sends/one.html", one=found, send=found.send, group=back, may=lambda role: allows(person().role, role),
    )  # fmt: skip


def _back(send: str, words: str, good: bool) -> Any:
    """The page as it is now, with what was done in passing; of the new message, where one was made."""
    if "HX-Request" in request.headers:
        more = {"HX-Push-Url": url_for("sends.one.index", send=send)}
        return _page(send), 200, toast(words, "good" if good else "bad") | more
    return redirect(url_for("sends.one.index", send=send), 303)
