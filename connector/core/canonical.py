"""One text for one value, however a CRM spells it: our number 5 is its "5.0", our date its milliseconds."""

import hashlib
import re
from datetime import UTC, date, datetime
from decimal import Decimal

from connector.core.contact import Value

# A leading zero or a plus is part of a text (an id, a phone); fifteen digits are what a double keeps.
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,10})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}.*")


def canonical(value: Value) -> str:
    """The value as text; equal for every spelling of one number, truth value, date or time."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f"{value:f}" if isinstance(value, float) and value == value else str(value).strip()
    if text.lower() in ("true", "false"):
        return text.lower()
    if _NUMBER.fullmatch(text):
        return _number(text)
    return _moment(text) or text


def digest(value: Value) -> str:
    """What of a value is kept where the value itself need not be."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


def _number(text: str) -> str:
    found = format(Decimal(text).normalize(), "f")
    return "0" if found == "-0" else found


def _moment(text: str) -> str:
    """Milliseconds since 1970 of a date (its midnight, UTC) or a time; "" when it is neither."""
    try:
        if _DATE.fullmatch(text):
            day = date.fromisoformat(text)
            return str(_ms(datetime(day.year, day.month, day.day, tzinfo=UTC)))
        if _TIME.fullmatch(text):
            at = datetime.fromisoformat(text)
            return str(_ms(at if at.tzinfo else at.replace(tzinfo=UTC)))
    except (ValueError, OverflowError):
        return ""
    return ""


def _ms(at: datetime) -> int:
    return round((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)
