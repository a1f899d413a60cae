"""Reading values that may be of any type: optional ones are empty when wrong, needed ones raise ShapeError."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from connector.core.text import clean

Json = dict[str, Any]

ID, LINE, TEXT = 256, 1024, 65_536  # characters: ids and names, titles and links, whatever a person wrote
_LAST = 253_402_300_799  # 9999-12-31, the last second datetime knows
_NONE: Json = {}


class ShapeError(ValueError):
    """An item is not of the shape we know; the text says where."""


def text(item: Mapping[str, Any], key: str, limit: int = ID) -> str:
    """A text or a whole number as clean text, "" if it is neither."""
    value = item.get(key)
    if type(value) is str:
        return clean(value, limit)
    return str(value) if type(value) is int else ""


def need(item: Mapping[str, Any], key: str, where: str, limit: int = ID) -> str:
    """As `text`, but it must be there."""
    return text(item, key, limit) or _odd(f"{where}.{key} is not a text")


def opt(item: Mapping[str, Any], key: str) -> str | None:
    """As `text`, but None when empty: an id of "" is an id that is not there."""
    return text(item, key) or None


def part(item: Mapping[str, Any], key: str) -> Json:
    """A nested object, {} if it is none."""
    value = item.get(key)
    return value if type(value) is dict else _NONE


def need_part(item: Mapping[str, Any], key: str, where: str) -> Json:
    """As `part`, but it must be there."""
    value = item.get(key)
    return value if type(value) is dict else _odd(f"{where}.{key} is not an object")


def parts(item: Mapping[str, Any], key: str) -> list[Json]:
    """The objects of a list; what is none is left out."""
    value = item.get(key)
    return [one for one in value if type(one) is dict] if type(value) is list else []


def number(item: Mapping[str, Any], key: str) -> int | float | None:
    """A finite number, also one written as text."""
    value = item.get(key)
    if type(value) is str:
        try:
            value = float(value[:40])
        except ValueError:
            return None
    return value if (type(value) is int or type(value) is float) and isfinite(value) else None


def whole(item: Mapping[str, Any], key: str) -> int | None:
    """A whole number of at most 9 digits (error codes), None otherwise."""
    value = item.get(key)
    return value if type(value) is int and -1_000_000_000 < value < 1_000_000_000 else None


def time(item: Mapping[str, Any], key: str) -> datetime | None:
    """Seconds since 1970 as text or number (or milliseconds), None if there is no such time."""
    value = item.get(key)
    if type(value) is str:
        value = int(value) if value.isascii() and value.isdigit() and len(value) <= 13 else None
    if type(value) is not int or value <= 0:
        return None
    seconds = value / 1000 if value > 99_999_999_999 else value
    return datetime.fromtimestamp(seconds, UTC) if seconds <= _LAST else None


def tidy(value: Any, depth: int = 8) -> Any:
    """Any JSON value made safe to keep: texts clean and bounded, nesting at most `depth`."""
    kind = type(value)
    if kind is str:
        return clean(value, TEXT)
    if kind is dict:
        return {clean(k, ID): tidy(v, depth - 1) for k, v in value.items()} if depth else "…"
    if kind is list:
        return [tidy(v, depth - 1) for v in value] if depth else "…"
    return value


def fingerprint(*values: Any) -> str:
    """The same for the same values, whatever the order of their keys: the key of items that carry no id."""
    try:
        canonical = json.dumps(values, sort_keys=True, separators=(",", ":"))
    except RecursionError:
        canonical = json.dumps(tidy(list(values), 64), sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def bounded(key: str) -> str:
    """A dedupe key that fits every index (Postgres: 2,704 bytes), hashed when the vendor's ids are absurdly long."""
    return key if len(key) <= 400 else "sha256:" + hashlib.sha256(key.encode()).hexdigest()


def filled(**values: object) -> Json:
    """Only what is there: empty texts and None are left out."""
    return {key: value for key, value in values.items() if value not in ("", None)}


def say(**values: Any) -> str:
    """Plain words for whatever is there: `say(limit="TIER_2K", name="")` -> "limit: TIER_2K"."""
    return "; ".join(f"{name.replace('_', ' ')}: {value}" for name, value in values.items() if value not in ("", None))


def _odd(words: str) -> Any:
    raise ShapeError(words)
