"""A message as one reads it in a log or on the why page. Raises for nothing."""

from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]
_FILES = {"image": "image", "video": "video", "audio": "audio", "document": "document", "sticker": "sticker"}


def preview(message: Any) -> str:
    """Header, text, footer, and [what may be tapped], a line each."""
    if not isinstance(message, Mapping):
        return ""
    kind = _say(message.get("type"))
    lines = [
        _file(kind, message) if kind in _FILES else "",
        _header(message.get("header")),
        _say(message.get("text") or message.get("caption")),
        _say(message.get("footer")),
        *_more(kind, message),
    ]
    return "\n".join(line for line in lines if line) or f"({kind})"


def _more(kind: str, message: Json) -> list[str]:
    """What a kind has besides its texts."""
    if kind == "buttons":
        return [" ".join(f"[{_say(one.get('title'))}]" for one in _objects(message.get("buttons")))]
    if kind == "list":
        rows = [row for one in _objects(message.get("sections")) for row in _objects(one.get("rows"))]
        return [f"[{_say(message.get('button'))}]", *(f"- {_say(row.get('title'))}" for row in rows)]
    if kind == "link":
        return [f"[{_say(message.get('title'))}: {_say(message.get('url'))}]"]
    if kind == "form":
        return [f"[{_say(message.get('title'))}]"]
    if kind in _ASKS:
        return [_ASKS[kind]]
    if kind == "location":
        named = [_say(message.get(name)) for name in ("name", "address") if message.get(name)]
        place = f"{_say(message.get('latitude'))}, {_say(message.get('longitude'))}"
        return [f"(location: {', '.join(named) or place})"]
    if kind == "contacts":
        return [f"(contact: {', '.join(_say(one.get('name')) for one in _objects(message.get('contacts')))})"]
    if kind == "reaction":
        return [_say(message.get("emoji")) or "(reaction taken back)"]
    if kind == "template":
        inner = message.get("template")
        return [f"(template: {_say(inner.get('name')) if isinstance(inner, Mapping) else ''})"]
    payload = message.get("payload")
    return [f"(raw: {_say(payload.get('type'))})"] if kind == "raw" and isinstance(payload, Mapping) else []


_ASKS = {"location_request": "[Send location]", "contact_request": "[Share contact info]"}


def _header(header: Any) -> str:
    return _file(_say(header.get("type")), header) if isinstance(header, Mapping) else _say(header)


def _file(kind: str, found: Json) -> str:
    name = _say(found.get("filename") or found.get("url") or found.get("media") or found.get("id"))
    return f"({'voice message' if found.get('voice') else kind}{': ' if name else ''}{name})"


def _objects(found: Any) -> list[Json]:
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list | tuple) else []


def _say(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None or isinstance(value, list | dict) else str(value)
