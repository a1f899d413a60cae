"""A message as a phone draws it: the same bubble as a template's (core/template/drawn)."""

from collections.abc import Mapping
from typing import Any

from connector.core.message.check import MEDIA
from connector.core.message.preview import preview
from connector.core.template.drawn import MOST, Choice, Drawn, Piece

Json = Mapping[str, Any]
_ASKS = {"location_request": Choice("location", "Send location"), "contact_request": Choice("contact", "Share contact")}


def draw(message: Json) -> Drawn:
    """One bubble. Raises nothing."""
    kind = str(message.get("type") or "")
    header = message.get("header")
    head = header if isinstance(header, str) else ""
    above = header if isinstance(header, Mapping) else message if kind in MEDIA else {}
    text = message.get("caption") if kind in MEDIA else message.get("text")
    if kind in ("contacts", "reaction", "raw"):
        text = preview(message)
    return Drawn(
        media="location" if kind == "location" else str(above.get("type") or ""),
        file=_place(message) if kind == "location" else _name(above), head=_words(head), body=_words(text),
        foot=str(message.get("footer") or ""), choices=tuple(_choices(kind, message)[:MOST]),
    )  # fmt: skip


def _choices(kind: str, message: Json) -> list[Choice]:
    if kind == "buttons":
        return [Choice("quick_reply", str(one.get("title") or "")) for one in _objects(message.get("buttons"))]
    if kind == "list":
        rows = [row for one in _objects(message.get("sections")) for row in _objects(one.get("rows"))]
        return [Choice("list", str(row.get("title") or ""), str(row.get("description") or "")) for row in rows]
    if kind == "link":
        return [Choice("url", str(message.get("title") or ""), str(message.get("url") or ""))]
    if kind == "form":
        return [Choice("flow", str(message.get("title") or ""))]
    return [_ASKS[kind]] if kind in _ASKS else []


def _name(found: Json) -> str:
    return str(found.get("filename") or found.get("url") or "")


def _place(found: Json) -> str:
    named = [str(found[name]) for name in ("name", "address") if found.get(name)]
    return ", ".join(named or [str(found.get(name, "")) for name in ("latitude", "longitude")])


def _words(text: Any) -> tuple[Piece, ...]:
    return (Piece(str(text)),) if text else ()


def _objects(found: Any) -> list[Json]:
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list | tuple) else []
