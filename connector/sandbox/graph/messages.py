"""What may be sent: the shape and the limits of every kind of message that is not a template.

Limits: Cloud API message pages, checked 2025-12 and 2026-09.
"""

from collections.abc import Callable
from typing import Any

from connector.sandbox.graph.errors import GraphError

Document = dict[str, Any]
TEXT, BODY, LIST_BODY, SHORT = 4096, 1024, 4096, 60
MEDIA = ("image", "video", "document", "audio", "sticker")
CAPTION = 1024


def check(document: Document) -> None:
    """Raise GraphError for a message Meta would not take; templates are checked elsewhere."""
    kind = document.get("type", "text")
    checker = CHECKS.get(kind)
    if checker is None:
        raise GraphError(100, f"Param type must be one of {{{', '.join([*CHECKS, 'template']).upper()}}}")
    content = document.get(kind)
    if not isinstance(content, list if kind == "contacts" else dict):
        raise GraphError(131008, f"Parameter '{kind}' is mandatory for type '{kind}'")
    checker(content)


def _length(value: object, where: str, most: int, required: bool = True) -> None:
    if value is None and not required:
        return
    if not isinstance(value, str) or not value.strip():
        raise GraphError(131008, f"Parameter '{where}' is mandatory and a text")
    if len(value) > most:
        raise GraphError(131009, f"Parameter '{where}' is {len(value)} characters long, {most} are allowed")


def _part(content: Document, name: str, where: str) -> Document:
    part = content.get(name)
    if not isinstance(part, dict):
        raise GraphError(131008, f"Parameter '{where}' is mandatory")
    return part


def _items(content: Document, name: str, where: str, most: int) -> list[Document]:
    items = content.get(name)
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise GraphError(131008, f"Parameter '{where}' is a list of at least one object")
    if len(items) > most:
        raise GraphError(131009, f"Parameter '{where}' has {len(items)} entries, {most} are allowed")
    return items


def _unique(values: list[Any], where: str) -> None:
    if len(set(values)) < len(values):
        raise GraphError(131009, f"Parameter '{where}': every one must be different")


def _text(content: Document) -> None:
    _length(content.get("body"), "text.body", TEXT)


def _media(content: Document) -> None:
    if bool(content.get("id")) == bool(content.get("link")):
        raise GraphError(131008, "a media object needs either an id or a link")
    _length(content.get("caption"), "caption", CAPTION, required=False)


def _location(content: Document) -> None:
    for name in ("latitude", "longitude"):
        if not isinstance(content.get(name), int | float | str):
            raise GraphError(131008, f"Parameter 'location.{name}' is mandatory")


def _contacts(content: list[Any]) -> None:
    for contact in content:
        if not isinstance(contact, dict) or not _part(contact, "name", "contacts.name").get("formatted_name"):
            raise GraphError(131008, "Parameter 'contacts.name.formatted_name' is mandatory")


def _reaction(content: Document) -> None:
    if not content.get("message_id") or not isinstance(content.get("emoji"), str):
        raise GraphError(131008, "a reaction needs message_id and emoji")


def _interactive(content: Document) -> None:
    kind = content.get("type")
    if kind not in ACTIONS:
        raise GraphError(100, f"Param interactive['type'] must be one of {{{', '.join(ACTIONS).upper()}}}")
    body = _part(content, "body", "interactive.body")
    _length(body.get("text"), "interactive.body.text", LIST_BODY if kind == "list" else BODY)
    for name in ("footer", "header"):
        part = content.get(name)
        if isinstance(part, dict) and "text" in part:
            _length(part["text"], f"interactive.{name}.text", SHORT)
    ACTIONS[kind](_part(content, "action", "interactive.action"))


def _buttons(action: Document) -> None:
    replies = [
        _part(button, "reply", "button.reply") for button in _items(action, "buttons", "interactive.action.buttons", 3)
    ]
    for reply in replies:
        _length(reply.get("id"), "button.reply.id", 256)
        _length(reply.get("title"), "button.reply.title", 20)
    _unique([reply["id"] for reply in replies], "button.reply.id")
    _unique([reply["title"] for reply in replies], "button.reply.title")


def _list(action: Document) -> None:
    _length(action.get("button"), "interactive.action.button", 20)
    sections = _items(action, "sections", "interactive.action.sections", 10)
    rows = [row for section in sections for row in _items(section, "rows", "section.rows", 10)]
    for section in sections:
        _length(section.get("title"), "section.title", 24, required=len(sections) > 1)
    if len(rows) > 10:
        raise GraphError(131009, f"Total row count of the list is {len(rows)}, 10 are allowed")
    for row in rows:
        _length(row.get("id"), "row.id", 200)
        _length(row.get("title"), "row.title", 24)
        _length(row.get("description"), "row.description", 72, required=False)
    _unique([row["id"] for row in rows], "row.id")


def _link(action: Document) -> None:
    parameters = _part(action, "parameters", "interactive.action.parameters")
    _length(parameters.get("display_text"), "action.parameters.display_text", 20)
    _length(parameters.get("url"), "action.parameters.url", 2000)


def _flow(action: Document) -> None:
    parameters = _part(action, "parameters", "interactive.action.parameters")
    if not (parameters.get("flow_id") or parameters.get("flow_name")):
        raise GraphError(131008, "Parameter 'action.parameters.flow_id' is mandatory")
    _length(parameters.get("flow_cta"), "action.parameters.flow_cta", 30)


def _nothing_more(_action: Document) -> None:
    """Kinds whose action holds only a name."""


ACTIONS: dict[str, Callable[[Document], None]] = {
    "button": _buttons,
    "list": _list,
    "cta_url": _link,
    "flow": _flow,
    "location_request_message": _nothing_more,
    "request_contact_info": _nothing_more,
}
CHECKS: dict[str, Callable[[Any], None]] = {
    "text": _text,
    **dict.fromkeys(MEDIA, _media),
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "interactive": _interactive,
}
