"""Messages as the connector means them, whoever carries them: what one may hold, whether it fits, how it reads."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from connector.core.message.check import CHECKS, check
from connector.core.message.draw import draw
from connector.core.message.fault import Fault
from connector.core.message.limits import LIMITS, TYPES, Limit
from connector.core.message.preview import preview
from connector.core.message.words import build

__all__ = [
    "KINDS", "LIMITS", "TYPES", "Fault", "Limit", "build", "check", "draw", "files", "key_of", "neutral", "preview",
    "said", "text",
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


def files(body: Any) -> dict[str, str]:
    """{key: address} of the files that must be at WhatsApp before a row of `sends` may leave; "" = one we keep."""
    message = neutral(body) or {}
    header = message.get("header")
    parts = (message, header if isinstance(header, Mapping) else {})
    return {key: str(part.get("url") or "") for part in parts if (key := key_of(part))}


def key_of(part: Mapping[str, Any]) -> str:
    """Which file of ours a message, or its header, carries: `media`, or an address with `upload`; "" = none."""
    media, url = part.get("media"), part.get("url")
    if isinstance(media, str) and media:
        return media
    return sha256(url.encode(errors="replace")).hexdigest()[:32] if part.get("upload") and isinstance(url, str) else ""
