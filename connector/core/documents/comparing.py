"""How texts, numbers and times compare: without case, accents, outer spaces and final punctuation."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from operator import eq, ge, gt, le, lt, ne
from typing import Any
from unicodedata import combining, normalize

from connector.core.documents.numbers import plain_number, read_number

_FINAL = ".,!?;:…。！？、"
_OPENING = "¡¿"  # the first half of Spanish final punctuation
_SPACES = re.compile(r"\s+")


def fold(text: str) -> str:
    """`" Sí! "` -> `si`; a text of nothing but punctuation stays what it is."""
    if not text.isascii():
        text = "".join(c for c in normalize("NFKD", text) if not combining(c)).casefold()
    trimmed = text.strip()
    bare = trimmed.rstrip(_FINAL).lstrip(_OPENING).strip()
    folded = (bare or trimmed).lower()
    return _SPACES.sub(" ", folded) if "  " in folded or not folded.isprintable() else folded


def empty(value: Any) -> bool:
    """Nothing to write: none, no text, an empty list."""
    return value is None or (value.strip() == "" if isinstance(value, str) else value in ([], {}, ()))


def shown(value: Any) -> str:
    """The value as text, as it stands in a message or a CRM field."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return ", ".join(shown(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {shown(item)}" for key, item in value.items())
    return str(value)


def length(time: timedelta) -> str:
    """2 hours, 1 day, 90 minutes."""
    seconds = int(time.total_seconds())
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds % size == 0 and seconds:
            return f"{seconds // size} {word}{'' if seconds == size else 's'}"
    return f"{seconds} seconds"


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def truthy(value: Any) -> bool:
    """What a condition makes of a value: empty, false, 0 and the texts false and no do not hold."""
    if value is True or value is False:
        return value
    if isinstance(value, str):
        return value.strip().casefold() not in ("", "false", "no", "0")
    return bool(value)


def number_of(value: Any, locale: str | None, crm: bool) -> float | int | None:
    """The value as a number. A CRM writes numbers one way; people write them as their country does."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        return plain_number(value) if crm else read_number(value, locale)
    return None


def _moment(value: Any, like: date) -> date | None:
    """A text as a date or time comparable with `like`."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if not isinstance(value, date):
        return None
    if not isinstance(like, datetime):
        return value.date() if isinstance(value, datetime) else value
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=like.tzinfo)
    if (value.tzinfo is None) != (like.tzinfo is None):
        return value.replace(tzinfo=like.tzinfo)
    return value


def same(a: Any, b: Any) -> bool:
    """`==` for two values of which neither is a number."""
    if empty(a) or empty(b):
        return empty(a) and empty(b)
    if isinstance(a, bool) or isinstance(b, bool):
        return shown(a).casefold() == shown(b).casefold()
    if isinstance(a, date) or isinstance(b, date):
        like = a if isinstance(a, date) else b
        return _moment(a, like) == _moment(b, like)
    return fold(shown(a)) == fold(shown(b))


Before = Callable[[Any, Any], bool]
ORDER: dict[str, Before] = {"lt": lt, "lteq": le, "gt": gt, "gteq": ge, "eq": eq, "ne": ne}


def ordered(op: str, a: Any, b: Any) -> bool:
    """`<` and its kind for two values of which neither is a number; nothing stands before or after an empty value."""
    if empty(a) or empty(b):
        return False
    if isinstance(a, date) or isinstance(b, date):
        like = a if isinstance(a, date) else b
        first, second = _moment(a, like), _moment(b, like)
        return first is not None and second is not None and ORDER[op](first, second)
    return ORDER[op](fold(shown(a)), fold(shown(b)))
