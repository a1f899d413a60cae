"""What Salesforce takes as a field's value, and what it says otherwise."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from connector.sandbox.salesforce.errors import Problem, unreadable
from connector.sandbox.salesforce.field import Field

EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]{2,}")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}($|T)", re.ASCII)
ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?", re.ASCII)
TEXTS = frozenset({"string", "textarea", "phone", "url", "email", "picklist", "multipicklist"})
CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
Value = str | float | bool | None


class NotValid(ValueError):
    """A value that is refused for this record only."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def make_id(prefix: str, number: int) -> str:
    """An id of 18 characters: prefix, instance, a number in base 62, and the checksum of the capitals."""
    text = ""
    while number:
        number, digit = divmod(number, 62)
        text = DIGITS[digit] + text
    return long_id(f"{prefix}5e{text:0>10}")


def long_id(short: str) -> str:
    """15 characters with their checksum."""
    parts = (short[n : n + 5] for n in (0, 5, 10))
    return short + "".join(CHECK[sum(1 << n for n, c in enumerate(part) if "A" <= c <= "Z")] for part in parts)


def stamp(at: float) -> str:
    """Unix seconds as the REST API writes them."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def check(field: Field, given: Any) -> tuple[Value, Problem | None]:
    """(value as it is kept, None), or (None, what is wrong with it). Raises Unreadable for JSON of the wrong kind."""
    try:
        return read(field, given), None
    except NotValid as wrong:
        return None, Problem(wrong.code, str(wrong), (field.name,))


def read(field: Field, given: Any) -> Value:
    """The value as it is kept; raises NotValid or Unreadable."""
    if given is None or given == "":
        return False if field.type == "boolean" else None
    if isinstance(given, dict | list):
        raise unreadable(field.type, "START_OBJECT value" if isinstance(given, dict) else "START_ARRAY value")
    if field.type in TEXTS:
        return _text(field, given)
    return READERS[field.type](field, given)


def _text(field: Field, given: Any) -> Value:
    text = str(given).lower() if isinstance(given, bool) else str(given)
    text = text.strip()
    if field.type == "email" and text and not EMAIL.fullmatch(text):
        raise NotValid("INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {text}")
    chosen = text.split(";") if field.type == "multipicklist" else [text]
    wrong = next((one for one in chosen if field.restricted and text and one not in field.options), None)
    if wrong is not None:
        message = f"{field.label}: bad value for restricted picklist field: {wrong}"
        raise NotValid("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message)
    if field.length and len(text) > field.length:
        message = f"{field.label}: data value too large: {text[:255]} (max length={field.length})"
        raise NotValid("STRING_TOO_LONG", message)
    return text or None


def _number(field: Field, given: Any) -> Value:
    if isinstance(given, bool):
        raise unreadable(field.type, f"VALUE_{str(given).upper()}")
    try:
        number = float(given)
    except (ValueError, OverflowError):
        raise unreadable(field.type, f"VALUE_STRING value {given}") from None
    whole, scale = field.digits
    if whole and not abs(round(number, scale)) < 10**whole:  # also what is not a number at all
        message = f"{field.label}: value outside of valid range on numeric field: {given}"
        raise NotValid("NUMBER_OUTSIDE_VALID_RANGE", message)
    return round(number, scale)


def _boolean(_field: Field, given: Any) -> Value:
    if isinstance(given, bool):
        return given
    if str(given).lower() in ("true", "false"):
        return str(given).lower() == "true"
    raise unreadable("boolean", f"VALUE_STRING value {given}")


def _date(_field: Field, given: Any) -> Value:
    text = str(given)
    if not DAY.match(text):
        raise unreadable("date", f"VALUE_STRING value {text}")
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        raise unreadable("date", f"VALUE_STRING value {text}") from None


def _datetime(_field: Field, given: Any) -> Value:
    try:
        at = datetime.fromisoformat(str(given))
    except ValueError:
        raise unreadable("datetime", f"VALUE_STRING value {given}") from None
    if at.tzinfo is None:
        raise unreadable("datetime", f"VALUE_STRING value {given}")
    return stamp(at.timestamp())


def _reference(field: Field, given: Any) -> Value:
    if not ID.fullmatch(str(given)):
        raise NotValid("MALFORMED_ID", f"{field.label}: id value of incorrect type: {given}")
    return long_id(str(given)[:15])


READERS: Mapping[str, Callable[[Field, Any], Value]] = {
    "double": _number,
    "currency": _number,
    "percent": _number,
    "int": _number,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "reference": _reference,
    "id": _reference,
}
