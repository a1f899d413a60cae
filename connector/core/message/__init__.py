"""Messages as the connector means them, whoever carries them: what one may hold, whether it fits, how it reads."""

from collections.abc import Mapping
from typing import Any

from connector.core.message.check import CHECKS, check
from connector.core.message.fault import Fault
from connector.core.message.limits import LIMITS, TYPES, Limit
from connector.core.message.preview import preview

__all__ = ["KINDS", "LIMITS", "TYPES", "Fault", "Limit", "check", "neutral", "preview", "text"]

KINDS = tuple(CHECKS)


def text(body: str) -> dict[str, Any]:
    """The neutral message that only says something."""
    return {"type": "text", "text": body}


def neutral(body: Any) -> Mapping[str, Any] | None:
    """The neutral message of a row of `sends` ({"message": ...}); None = its body is Graph's own."""
    found = body.get("message") if isinstance(body, Mapping) else None
    return found if isinstance(found, Mapping) else None
