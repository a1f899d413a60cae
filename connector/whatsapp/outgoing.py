"""A neutral message (core/message) as the Graph API wants it: `{"type": ..., <type>: ...}`. Pure; raises ValueError.

Source: Meta, Cloud API message pages, checked 2026-11.
"""

from collections.abc import Callable, Mapping
from typing import Any

from connector.core.message import check, key_of, neutral
from connector.core.message.check import MEDIA

Json = dict[str, Any]
Message = Mapping[str, Any]
Ids = Mapping[str, str]  # our file's key -> the id WhatsApp gave it
FLOW_VERSION = "3"  # of flow messages; Meta, interactive flow messages: "Value must be 3"


def graph(body: Message, files: Ids) -> Json:
    """The Graph body of a row of `sends`: its neutral message translated, or its own body as it stands."""
    message = neutral(body)
    if message is None:
        return dict(body)
    if faults := check(message):
        raise ValueError(str(faults[0]).rstrip("."))
    return MAKERS[message["type"]](message, files)


def quoted(body: Message) -> str | None:
    """The wamid of the message that this one answers."""
    message = neutral(body)
    return str(message["reply_to"]) if message and message.get("reply_to") else None


def _text(message: Message, _: Ids) -> Json:
    return {"type": "text", "text": {"body": message["text"], "preview_url": bool(message.get("preview_url"))}}


def _media(message: Message, files: Ids) -> Json:
    kind = message["type"]
    names = ("caption", "filename")
    more: Json = {name: message[name] for name in names if message.get(name)}
    more |= {"voice": True} if message.get("voice") else {}
    return {"type": kind, kind: _file(message, files) | more}


def _file(found: Message, files: Ids) -> Json:
    if key := key_of(found):
        known = files.get(key)
        if known is None:
            raise ValueError("its file is not at WhatsApp yet")
        return {"id": known}
    return {"id": str(found["id"])} if found.get("id") else {"link": found["url"]}


def _location(message: Message, _: Ids) -> Json:
    names = ("latitude", "longitude", "name", "address")
    return {"type": "location", "location": {name: message[name] for name in names if message.get(name) is not None}}


def _contacts(message: Message, _: Ids) -> Json:
    return {"type": "contacts", "contacts": [_card(one) for one in message["contacts"]]}


def _card(one: Message) -> Json:
    """Meta wants a formatted name and one more of its parts."""
    first, _, last = one["name"].strip().partition(" ")
    card: Json = {"name": {"formatted_name": one["name"], "first_name": first} | ({"last_name": last} if last else {})}
    phones = [{"phone": phone, "type": "CELL"} | _wa_id(phone) for phone in one.get("phones") or ()]
    emails = [{"email": email, "type": "WORK"} for email in one.get("emails") or ()]
    card |= {"phones": phones} if phones else {}
    card |= {"emails": emails} if emails else {}
    return card | ({"org": {"company": one["org"]}} if one.get("org") else {})


def _wa_id(phone: str) -> Json:
    """With it the phone offers to write, without it to invite; only an international number tells one."""
    digits = "".join(c for c in phone if c.isascii() and c.isdigit())
    return {"wa_id": digits} if phone.strip().startswith("+") and digits else {}


def _reaction(message: Message, _: Ids) -> Json:
    return {
        "type": "reaction", "reaction": {"message_id": message["message_id"], "emoji": message.get("emoji") or ""},
    }  # fmt: skip


# ---- interactive -------------------------------------------------------------------------------------------------
def _interactive(kind: str, message: Message, files: Ids, action: Json) -> Json:
    inner: Json = {"type": kind}
    if header := message.get("header"):
        inner["header"] = {"type": "text", "text": header} if isinstance(header, str) else _head(header, files)
    inner["body"] = {"text": message["text"]}
    if message.get("footer"):
        inner["footer"] = {"text": message["footer"]}
    return {"type": "interactive", "interactive": inner | {"action": action}}


def _head(header: Message, files: Ids) -> Json:
    kind, name = header["type"], header.get("filename")
    return {"type": kind, kind: _file(header, files) | ({"filename": name} if name and kind == "document" else {})}


def _buttons(message: Message, files: Ids) -> Json:
    replies = [{"type": "reply", "reply": {"id": one["id"], "title": one["title"]}} for one in message["buttons"]]
    return _interactive("button", message, files, {"buttons": replies})


def _list(message: Message, files: Ids) -> Json:
    sections = [
        ({"title": one["title"]} if one.get("title") else {}) | {"rows": [_row(row) for row in one["rows"]]}
        for one in message["sections"]
    ]
    return _interactive("list", message, files, {"button": message["button"], "sections": sections})


def _row(row: Message) -> Json:
    return {name: row[name] for name in ("id", "title", "description") if row.get(name)}


def _link(message: Message, files: Ids) -> Json:
    parameters = {"display_text": message["title"], "url": message["url"]}
    return _interactive("cta_url", message, files, {"name": "cta_url", "parameters": parameters})


def _form(message: Message, files: Ids) -> Json:
    parameters: Json = {
        "flow_message_version": FLOW_VERSION, "flow_id": message["flow_id"], "flow_cta": message["title"],
        "flow_token": message.get("flow_token") or "unused", "flow_action": "navigate",
    }  # fmt: skip
    if message.get("screen"):
        payload: Json = {"screen": message["screen"]}
        # Meta: "optional; must be a non-empty object"
        parameters["flow_action_payload"] = payload | ({"data": message["data"]} if message.get("data") else {})
    return _interactive("flow", message, files, {"name": "flow", "parameters": parameters})


def _location_request(message: Message, files: Ids) -> Json:
    return _interactive("location_request_message", message, files, {"name": "send_location"})


def _contact_request(message: Message, files: Ids) -> Json:
    return _interactive("request_contact_info", message, files, {"name": "request_contact_info"})


def _template(message: Message, _: Ids) -> Json:
    return {"type": "template", "template": dict(message["template"])}


def _raw(message: Message, _: Ids) -> Json:
    return dict(message["payload"])


MAKERS: Mapping[str, Callable[[Message, Ids], Json]] = {
    "text": _text,
    **dict.fromkeys(MEDIA, _media),
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "buttons": _buttons,
    "list": _list,
    "link": _link,
    "location_request": _location_request,
    "form": _form,
    "contact_request": _contact_request,
    "template": _template,
    "raw": _raw,
}
