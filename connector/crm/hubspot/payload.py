"""HubSpot's JSON in our words: what every reader of its calls needs. Imports no SDK."""

import hashlib
import json
from math import isfinite
from typing import Any

from connector.core.nested import too_deep

DEEPEST = 100  # levels of nesting; HubSpot sends about 4, and what is read has to be written again
# The prefix of a subscription, an objectTypeId or an objectType, in the words of the API's paths.
OBJECTS = {
    "contact": "contacts", "company": "companies", "deal": "deals", "ticket": "tickets", "lead": "leads",
    "0-1": "contacts", "0-2": "companies", "0-3": "deals", "0-5": "tickets", "0-136": "leads",
}  # fmt: skip


def load(body: bytes) -> Any:
    """The JSON of a body. Raises ValueError when it is none."""

    def refuse(word: str) -> None:
        raise ValueError(f"{word} is not JSON")

    try:
        found = json.loads(body, parse_constant=refuse, parse_float=_fraction)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if body.count(b"{") + body.count(b"[") > DEEPEST and isinstance(found, dict | list) and too_deep(found, DEEPEST):
        raise ValueError("nested too deeply")
    return found


def _fraction(text: str) -> float | str:
    """A number no database can hold stays the text it was: it must not take the others of its batch along."""
    number = float(text)
    return number if isfinite(number) else text[:256]


def text(found: Any) -> str:
    """A plain value as text; "" for anything else."""
    if isinstance(found, bool) or found is None:
        return "" if found is None else str(found).lower()
    return str(found) if isinstance(found, (str, int, float)) else ""


def digest(item: Any) -> str:
    """The same for the same content."""
    return hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()


def object_of(name: str) -> str:
    """`DEAL`, `deal`, `deals` or `0-3` as `deals`; a custom object's name as it is."""
    return OBJECTS.get(name.lower(), name.lower() if name.lower() in OBJECTS.values() else name)
