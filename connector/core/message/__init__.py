"""Messages as the connector means them, whoever carries them: what one may hold, whether it fits, how it reads."""

from collections.abc import Mapping
from typing import Any

from connector.core.message.check import CHECKS, check
from connector.core.message.draw import draw
from connector.core.message.fault import Fault
from connector.core.message.limits import LIMITS, TYPES, Limit
from connector.core.message.preview import preview
from connector.core.message.words import build

__all__ = [
    "KINDS", "LIMITS", "TYPES", "Fault", "Limit", "build", "check", "draw", "files", "neutral", "preview", "said",
    "text",
]  # fmt: skip

KINDS = tuple(CHECKS)


def text(body: str) -> dict[str, Any]:
    """The neutral message that only says something."""
    return {"type": "text", "text": body}


def neutral(body: Any) -> Mapping[str, Any] | None:
    """The neutral message of a row of `sends` ({"message": ...}); None = its body is Graph's own."""
    found = body.get("message") if isinstance(body, Mapping) else None
    return found if isinstance(found, Mapping) else None


def said(body: Any) -> str:
    """What a row of `sends` says, as one reads it; "" for a template, which only its template can tell."""
    message = neutral(body)
    if message is not None:
        return preview(message) if message.get("type") != "template" else ""
    inner = body.get("text") if isinstance(body, Mapping) else None
    return str(inner.get("body") or "") if isinstance(inner, Mapping) else ""


def files(body: Any) -> tuple[str, ...]:
    """The keys of our own stored files that a row of `sends` carries."""
    message = neutral(body) or {}
    header = message.get("header")
    found = (message.get("media"), header.get("media") if isinstance(header, Mapping) else None)
    return tuple(key for key in found if isinstance(key, str) and key)
