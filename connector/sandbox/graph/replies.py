"""What a customer answers, as the `messages[]` item Meta makes of it."""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from connector.sandbox.graph.customers import Choice, Sent, choices, flow_token

Message = dict[str, Any]
ANSWERS_LAST = ("button", "list", "form", "reaction")  # these always name the message they answer; a text rarely does
MIME = {
    "image": "image/jpeg",
    "video": "video/mp4",
    "audio": "audio/ogg; codecs=opus",
    "document": "application/pdf",
    "sticker": "image/webp",
}


class AnswerError(ValueError):
    """Not something a customer can do; the text says what is missing."""


def build(answer: Mapping[str, Any], sent: Sent | None) -> Message:
    """`{"text": "hello"}` -> `{"type": "text", "text": {"body": "hello"}}`; `sent` is the message it answers."""
    kinds = [kind for kind in READERS if kind in answer]
    if len(kinds) != 1:
        raise AnswerError(f"an answer has exactly one of {', '.join(READERS)}")
    message = READERS[kinds[0]](answer[kinds[0]], sent)
    if "referral" in answer:
        message["referral"] = answer["referral"]
    return message


def _text(value: Any, _sent: Sent | None) -> Message:
    if not isinstance(value, str):
        raise AnswerError("text is a text")
    return {"type": "text", "text": {"body": value}}


def _chosen(value: Any, sent: Sent | None) -> Choice:
    """By id or title; what is not on the message is sent as it stands, as an old client or another tool would."""
    if isinstance(value, dict):
        id = str(value.get("id", value.get("payload", "")))
        return Choice(id, str(value.get("title", value.get("text", id))), value.get("description"))
    if not isinstance(value, str):
        raise AnswerError("a button or a list row is named by its id or its title")
    on_it = choices(sent)
    by_id = (choice for choice in on_it if choice.id == value)
    by_title = (choice for choice in on_it if choice.title.casefold() == value.casefold())
    return next(by_id, None) or next(by_title, None) or Choice(value, value)


def _button(value: Any, sent: Sent | None) -> Message:
    choice = _chosen(value, sent)
    if sent is not None and sent.template is None:
        reply = {"id": choice.id, "title": choice.title}
        return {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": reply}}
    return {"type": "button", "button": {"payload": choice.id, "text": choice.title}}


def _list(value: Any, sent: Sent | None) -> Message:
    choice = _chosen(value, sent)
    row = {"id": choice.id, "title": choice.title}
    if choice.description:
        row["description"] = choice.description
    return {"type": "interactive", "interactive": {"type": "list_reply", "list_reply": row}}


def _form(value: Any, sent: Sent | None) -> Message:
    if not isinstance(value, dict):
        raise AnswerError("a form is an object of its fields")
    fields = json.dumps({"flow_token": flow_token(sent), **value}, ensure_ascii=False)
    reply = {"name": "flow", "body": "Sent", "response_json": fields}
    return {"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": reply}}


def _media(value: Any, _sent: Sent | None) -> Message:
    given = {"kind": value} if isinstance(value, str) else value
    kind = given.get("kind", "image") if isinstance(given, dict) else None
    if kind not in MIME:
        raise AnswerError(f"media is one of {', '.join(MIME)}, or an object with kind, caption, filename")
    id = str(secrets.randbelow(10**16)).zfill(16)
    digest = base64.b64encode(hashlib.sha256(id.encode()).digest()).decode()
    media: Message = {"id": id, "mime_type": given.get("mime_type", MIME[kind]), "sha256": digest}
    media |= {name: given[name] for name in ("caption", "filename", "voice", "url") if name in given}
    return {"type": kind, kind: media}


def _location(value: Any, _sent: Sent | None) -> Message:
    if not isinstance(value, dict) or not {"latitude", "longitude"} <= set(value):
        raise AnswerError("a location has latitude and longitude")
    return {"type": "location", "location": value}


def _contact(value: Any, _sent: Sent | None) -> Message:
    if not isinstance(value, dict):
        raise AnswerError("a contact has name, phone, email")
    name = str(value.get("name", ""))
    card: Message = {"name": {"formatted_name": name, "first_name": name.split(" ")[0]}}
    if value.get("phone"):
        digits = "".join(filter(str.isdigit, str(value["phone"])))
        card["phones"] = [{"phone": value["phone"], "wa_id": digits, "type": "CELL"}]
    if value.get("email"):
        card["emails"] = [{"email": value["email"], "type": "WORK"}]
    return {"type": "contacts", "contacts": [card]}


def _reaction(value: Any, sent: Sent | None) -> Message:
    given = {"emoji": value} if isinstance(value, str) else dict(value or {})
    if sent is not None:
        given.setdefault("message_id", sent.wamid)
    if "message_id" not in given:
        raise AnswerError("a reaction needs a message: send one first, or say which with reply_to")
    return {"type": "reaction", "reaction": given}


def _raw(value: Any, _sent: Sent | None) -> Message:
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        raise AnswerError("message is a whole message with its type")
    return dict(value)


READERS: dict[str, Callable[[Any, Sent | None], Message]] = {
    "text": _text,
    "button": _button,
    "list": _list,
    "form": _form,
    "media": _media,
    "location": _location,
    "contact": _contact,
    "reaction": _reaction,
    "message": _raw,
}
