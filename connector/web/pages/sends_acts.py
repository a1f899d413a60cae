"""What a person does about many sends: hold them back, let them go on, end what a document has not sent yet."""

from typing import Any

from flask import Blueprint, abort, current_app, redirect, request

from connector.pipeline.sending import held
from connector.store import audit, documents, holding, waiting
from connector.web.auth import needs, person
from connector.web.frame import given, house_of, t, toast
from connector.web.pages import sends_list

screen = Blueprint("acts", __name__)


@screen.post("/pause")
@needs("publisher")
def pause() -> Any:
    """Everything, one number or one document: nothing of it is sent until it is resumed."""
    house, now = house_of(current_app), house_of(current_app).clock.now()
    what, reason = given(request.form, "what", 600), given(request.form, "reason", 300).strip()
    with house.store.write() as conn:
        places = _places(conn, what)
        for scope, key in places:
            held.pause(conn, scope, key, reason or t("sends.paused_by", who=person().name), now)
        audit.append(conn, person().name, "sends.pause", what, {"reason": reason}, now)
    if not places:
        return done(t("sends.no_number"), "bad", 422)
    return done(t("sends.done_pause"))


@screen.post("/resume")
@needs("publisher")
def resume() -> Any:
    """It goes on, and what waited is looked at now."""
    house, now = house_of(current_app), house_of(current_app).clock.now()
    what = given(request.form, "what", 600)
    with house.store.write() as conn:
        n = sum(held.resume(conn, scope, key, now) for scope, key in _places(conn, what, known=False))
        audit.append(conn, person().name, "sends.resume", what, {"resumed": n}, now)
        numbers = [one.number for one in waiting.senders(conn)]
    house.ring(*(f"send:{number}" for number in numbers if number))
    return done(t("sends.done_resume") if n else t("sends.was_not_paused"), "good" if n else "bad")


@screen.post("/cancel")
@needs("publisher")
def cancel() -> Any:
    """All that a document has not sent yet; its name has to be typed."""
    house, now = house_of(current_app), house_of(current_app).clock.now()
    document = given(request.form, "document", 600)
    if not document or given(request.form, "confirm", 600).strip() != document:
        return done(t("sends.name_differs", name=document), "bad", 422)
    with house.store.write() as conn:
        n = holding.cancel(conn, "document", document, t("sends.cancelled_by", who=person().name), now)
        audit.append(conn, person().name, "sends.cancel", document, {"cancelled": n}, now)
    return done(t("sends.done_cancel_all", n=n))


def _places(conn: Any, what: str, *, known: bool = True) -> list[tuple[str, str]]:
    """[(scope, key)] of `all`, `number:ID` or `document:NAME`; 404 for what there is not, unless `known` is False."""
    if what == "all":
        return [("number", number) for number in held.everything(conn)]
    scope, _, key = what.partition(":")
    if scope not in held.SCOPES or not key:
        abort(400)
    there = key in held.everything(conn) if scope == "number" else documents.latest(conn, key) is not None
    return [(scope, key)] if there or not known else abort(404)


def done(words: str, kind: str = "good", status: int = 200) -> Any:
    """The list as it is now, with the filters it had."""
    if "HX-Request" in request.headers:
        return sends_list.page(), status, toast(words, kind)
    if status >= 400:
        abort(status, words)
    return redirect(sends_list.here(sends_list.wanted()), 303)
