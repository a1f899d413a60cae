"""The phone in the page: a customer of the sandbox, who gets what we send and taps; the CRM's record beside it."""

import json
import re
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, abort, current_app, make_response, redirect, render_template, request, url_for

from connector import errors
from connector.store import setting_up
from connector.web.auth import allows, needs, person
from connector.web.checklist import why
from connector.web.frame import given, house_of
from connector.web.sandbox import Sandbox

screen = Blueprint("phone", __name__, url_prefix="/phone")
WHO = re.compile(r"[0-9]{5,20}|[A-Z]{2}\.[A-Za-z0-9]{1,140}")
FRESH = 5.0  # seconds a changed field is lit
RECENT = 900.0  # seconds its value from before stands beside it
TEXT = 4096  # characters of a message
LAST = 253_402_300_799_000  # milliseconds: the last moment that datetime knows
FILE = re.compile(r"[0-9]{5,25}")
PICTURES = ("image/png", "image/jpeg", "image/webp")
PLACE = {"latitude": 4.6533, "longitude": -74.0836, "name": "Parque de la 93", "address": "Bogotá"}


@screen.get("")
@needs("viewer")
def index() -> Response:
    """The phone of whoever wrote or was written to last."""
    people = _sandbox().people()
    latest = max(people, key=lambda one: one["last"] or 0.0)
    who = latest if latest["last"] else people[0]
    return make_response(redirect(url_for(".of", who=who["id"])))


@screen.get("/<who>")
@needs("viewer")
def of(who: str) -> str:
    """One customer's phone, and their records."""
    sandbox, who = _sandbox(), _who(who)
    try:
        return render_template("phone/index.html", people=sandbox.people(), **_shown(sandbox, who))
    except errors.Unreachable as error:
        return render_template("phone/away.html", error=error)


@screen.get("/<who>/live")
@needs("viewer")
def live(who: str) -> str:
    """What may have changed."""
    return _live(_sandbox(), _who(who))


@screen.get("/<who>/file/<id_>")
@needs("viewer")
def file(who: str, id_: str) -> Response:
    """A picture on the phone; nothing but pictures is shown in a page."""
    _who(who)
    if not FILE.fullmatch(id_):
        abort(404)
    try:
        kind, data = _sandbox().file(id_)
    except errors.NotFound:
        abort(404)
    if kind not in PICTURES:
        abort(404)
    answer = make_response(data)
    answer.headers["Content-Type"] = kind
    answer.headers["Cache-Control"] = "private, max-age=3600"
    return answer


@screen.get("/<who>/sheet/<wamid>")
@needs("editor")
def sheet(who: str, wamid: str) -> str:
    """A list's rows, or a form's fields, drawn up from below."""
    phone = _sandbox().phone(_who(who))
    message = next((m for m in phone["messages"] if m["id"] == wamid), None)
    if message is None:
        abort(404)
    return render_template("phone/_sheet.html", who=who, message=message, form=phone["form"])


@screen.post("/<who>/write")
@needs("editor")
def write(who: str) -> str:
    """The customer writes, taps, chooses, fills in, shares."""
    sandbox, who = _sandbox(), _who(who)
    kind = given(request.form, "kind", 20) or "text"
    reader = ANSWERS.get(kind)
    if reader is None:
        abort(400)
    answer = reader()
    if answer is not None:
        reply = given(request.form, "reply_to", 300)
        sandbox.write(who, answer | ({"reply_to": reply} if reply else {}))
    return _live(sandbox, who)


def _text() -> dict[str, Any] | None:
    text = given(request.form, "text", TEXT)
    return {"text": text} if text.strip() else None


def _choice() -> dict[str, str]:
    return {"id": given(request.form, "id", 256), "title": given(request.form, "title", 256)}


def _form() -> dict[str, Any]:
    names = [name for name in request.form if name.startswith("form-")][:20]
    return {"form": {name.removeprefix("form-"): given(request.form, name, 1000) for name in names}}


ANSWERS: dict[str, Any] = {
    "text": _text,
    "reply": lambda: {"button": _choice()},
    "list": lambda: {"list": _choice()},
    "form": _form,
    "location": lambda: {"location": PLACE},
    "contact": lambda: {"contact": {"name": "Sandbox friend", "phone": "+573009998877"}},
    "image": lambda: {"media": {"kind": "image", "mime_type": "image/png"}},
    "video": lambda: {"media": {"kind": "video", "caption": "Look at this"}},
    "sticker": lambda: {"media": "sticker"},
    "reaction": lambda: {"reaction": given(request.form, "emoji", 20) or "\U0001f44d"},
    "audio": lambda: {"media": {"kind": "audio", "voice": True}},
    "document": lambda: {"media": {"kind": "document", "filename": "contract.pdf"}},
}


@screen.post("/<who>/move")
@needs("editor")
def move(who: str) -> str:
    """A colleague changes the stage of a deal in the CRM's own screen."""
    sandbox, who = _sandbox(), _who(who)
    names = ("service", "object", "id", "field", "value")
    service, object_, id_, field, value = (given(request.form, name, 200) for name in names)
    cards = [card for card in sandbox.phone(who)["records"] if card["stage"]]
    known = {(card["service"], card["object"], card["id"], card["stage"]["name"]) for card in cards}
    if (service, object_, id_, field) not in known:
        abort(404)
    sandbox.change(service, object_, id_, {field: value})
    return _live(sandbox, who)


def _live(sandbox: Sandbox, who: str) -> str:
    return render_template("phone/_live.html", **_shown(sandbox, who))


def _shown(sandbox: Sandbox, who: str) -> dict[str, Any]:
    """Everything both parts show: the messages with the events they became, the records with what changed."""
    phone, house = sandbox.phone(who), house_of(current_app)
    wamids = [message["id"] for message in phone["messages"]]
    with house.store.read() as conn:
        events = setting_up.remembered(conn, wamids)
    for message in phone["messages"]:
        event = events.get(message["id"])
        message["why"] = "" if event is None else _why(event)
        message["filled"] = _filled(message.get("form"))
        message["time"] = datetime.fromtimestamp(message["at"], UTC)
        _dress(message)
    titles = {one.stand_in.service: one.title for one in house.manifests.values() if one.stand_in is not None}
    for record in phone["records"]:
        record["system"] = titles.get(record["service"], record["service"])
        record["new"] = record["new_at"] is not None and phone["now"] - record["new_at"] < RECENT
        for field in record["fields"]:
            age = phone["now"] - field["changed_at"] if "changed_at" in field else RECENT
            field["fresh"], field["recent"] = age < FRESH, age < RECENT
    last = next((m for m in reversed(phone["messages"]) if m["why"]), None)
    return phone | {"who": who, "last": last, "editor": allows(person().role, "editor")}


def _dress(message: dict[str, Any]) -> None:
    """When an offer ends, and which files are pictures that the sandbox has."""
    offer = message.get("offer") or {}
    ends = offer.get("ends")
    if type(ends) is int and 0 < ends < LAST:
        offer["until"] = datetime.fromtimestamp(ends / 1000, UTC)
    for part in (message, *message.get("cards", [])):
        media = part.get("media") or {}
        media["shown"] = media.get("here") is True and bool(FILE.fullmatch(str(media.get("id") or "")))


def _filled(form: str | None) -> dict[str, str]:
    """What stands in a form that was sent."""
    try:
        found = json.loads(form or "{}")
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in found.items() if k != "flow_token"} if isinstance(found, dict) else {}


def _why(event: str) -> str:
    endpoint, values = why(event)
    return url_for(endpoint, **values)


def _sandbox() -> Sandbox:
    address = house_of(current_app).sandbox
    if not address:
        abort(404)
    return Sandbox(address)


def _who(who: str) -> str:
    if not WHO.fullmatch(who):
        abort(404)
    return who
