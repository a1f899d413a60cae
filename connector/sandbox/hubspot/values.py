"""What HubSpot takes as a property's value, how it keeps it, and what it says otherwise."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import re2

from connector.sandbox.hubspot.errors import Body, problem
from connector.sandbox.hubspot.schema import OWNER_IDS, Property
from connector.sandbox.hubspot.settings import LONGEST

EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;.]{2,}")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
DAY_MS = 86_400_000


class NotValid(ValueError):
    """A value that is refused, with HubSpot's code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def iso(at: float) -> str:
    """Unix seconds as HubSpot writes them."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read(prop: Property, given: Any) -> str:
    """The value as it is kept: always text, "" for none. Raises NotValid."""
    if given is None or given == "":
        return ""
    if isinstance(given, bool):
        given = "true" if given else "false"
    text = given if isinstance(given, str) else str(given)
    if prop.type != "string" and text != text.strip():
        raise NotValid("INVALID_VALUE", f"{text} has leading or trailing spaces")  # enforced since April 2025
    kept = READERS[prop.type](prop, text)
    for rule, arguments in prop.rules:
        RULES[rule](kept, arguments)
    return kept


def check(prop: Property, given: Any) -> tuple[str, Body | None]:
    """(value as it is kept, None), or ("", what is wrong with it)."""
    if prop.read_only:
        message = f'"{prop.name}" is a read only property; its value cannot be set.'
        return "", problem(prop.name, "READ_ONLY_VALUE", message)
    try:
        return read(prop, given), None
    except NotValid as wrong:
        return "", problem(prop.name, wrong.code, str(wrong))


def _text(prop: Property, text: str) -> str:
    if len(text) > LONGEST:
        # The limit is documented (properties guide), the code of the refusal is not.
        raise NotValid("VALUE_TOO_LONG", f"{prop.name} is longer than {LONGEST} characters")
    if prop.name == "email":
        text = text.strip().lower()
        if not EMAIL.fullmatch(text):
            raise NotValid("INVALID_EMAIL", f"Email address {text} is invalid")
    return text


def _number(_prop: Property, text: str) -> str:
    if not NUMBER.fullmatch(text):
        raise NotValid("INVALID_INTEGER", f"{text} was not a valid number.")
    return text


def _bool(_prop: Property, text: str) -> str:
    if text.lower() not in ("true", "false"):
        raise NotValid("INVALID_OPTION", f"{text} was not one of the allowed options: [true, false]")
    return text.lower()


def _date(_prop: Property, text: str) -> str:
    at = _ms(text)
    if at is None:
        raise NotValid("INVALID_DATE", f"{text} was not a valid date.")
    if at % DAY_MS:
        raise NotValid("INVALID_DATE", f"{text} is at {iso(at / 1000)[11:-1]} UTC, not midnight!")
    return iso(at / 1000)[:10]


def _datetime(_prop: Property, text: str) -> str:
    at = _ms(text)
    if at is None:
        raise NotValid("INVALID_DATE", f"{text} was not a valid datetime.")
    return iso(at / 1000)


def _enumeration(prop: Property, text: str) -> str:
    if prop.owner:
        if text not in OWNER_IDS:
            raise NotValid("INVALID_OWNER_ID", f"Owner {text} does not exist")
        return text
    allowed = [value for value, _ in prop.options]
    chosen = text.lstrip(";").split(";") if prop.field_type == "checkbox" else [text]
    for one in chosen:
        if one not in allowed:
            raise NotValid("INVALID_OPTION", f"{one} was not one of the allowed options: [{', '.join(allowed)}]")
    return text


READERS: Mapping[str, Callable[[Property, str], str]] = {
    "string": _text,
    "phone_number": _text,
    "number": _number,
    "bool": _bool,
    "date": _date,
    "datetime": _datetime,
    "enumeration": _enumeration,
}


def instant(text: str) -> float | None:
    """Milliseconds of a date or datetime in any form HubSpot takes; None when it is neither."""
    return _ms(text)


def _ms(text: str) -> float | None:
    if text.isascii() and text.lstrip("-").isdigit() and len(text) > 4:
        return int(text) if abs(int(text)) < 253_402_300_800_000 else None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        if not DAY.fullmatch(text):
            return None  # a time without a zone says nothing
        at = at.replace(tzinfo=UTC)
    return round(at.timestamp() * 1000)


# ---- the admin's own rules (property validations API); the code of these refusals is not documented ----
def _rule(broken: bool, message: str) -> None:
    if broken:
        raise NotValid("FAILED_VALIDATION", message)


def _alphanumeric(text: str, arguments: tuple[str, ...]) -> None:
    if "NUMERIC_ONLY" in arguments:
        _rule(not (text.isascii() and text.isdigit()), f"{text} may hold digits only")
    elif "ALPHA_ONLY" in arguments:
        _rule(not text.isalpha(), f"{text} may hold letters only")
    else:
        _rule(not text.isalnum(), f"{text} may hold letters and digits only")


RULES: Mapping[str, Callable[[str, tuple[str, ...]], None]] = {
    "ALPHANUMERIC": _alphanumeric,
    "MIN_NUMBER": lambda text, a: _rule(float(text) < float(a[0]), f"{text} is less than {a[0]}"),
    "MAX_NUMBER": lambda text, a: _rule(float(text) > float(a[0]), f"{text} is more than {a[0]}"),
    "MIN_LENGTH": lambda text, a: _rule(len(text) < int(a[0]), f"{text} is shorter than {a[0]} characters"),
    "MAX_LENGTH": lambda text, a: _rule(len(text) > int(a[0]), f"{text} is longer than {a[0]} characters"),
    "REGEX": lambda text, a: _rule(re2.fullmatch(a[0], text) is None, f"{text} does not match {a[0]}"),
}
