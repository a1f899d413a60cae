"""Our values as Salesforce's JSON reader takes them: one wrong type there refuses a whole call, so it is seen here."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from connector.core.contact import Value


class MisfitError(ValueError):
    """The value cannot be one of this field; the text says so in plain words."""


def fit(column: Mapping[str, Any], value: Value) -> Value:
    """The value for a field of this describe. Raises MisfitError; an empty value empties the field."""
    if value is None or value == "":
        return None
    return _FITS.get(column["type"], _text)(value)


def _text(value: Value) -> Value:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _number(value: Value) -> Value:
    if isinstance(value, bool):
        raise MisfitError("It is not a number.")
    if isinstance(value, int | float):
        return value
    try:
        number = float(str(value).strip())
    except ValueError:
        raise MisfitError("It is not a number.") from None
    if number != number or number in (float("inf"), float("-inf")):  # NaN is not JSON
        raise MisfitError("It is not a number.")
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _boolean(value: Value) -> Value:
    if isinstance(value, bool):
        return value
    try:
        return _BOOLEANS[str(value).strip().lower()]
    except KeyError:
        raise MisfitError("It is neither yes nor no.") from None


def _date(value: Value) -> Value:
    try:
        return date.fromisoformat(str(value)[:10]).isoformat()
    except ValueError:
        raise MisfitError("It is not a date (YYYY-MM-DD).") from None


def _datetime(value: Value) -> Value:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        raise MisfitError("It is not a date with a time.") from None
    # Without a zone Salesforce would refuse it; our times are UTC throughout.
    return at.isoformat(timespec="seconds") + ("" if at.tzinfo else "Z")


_FITS: dict[str, Callable[[Value], Value]] = {
    "int": _number,
    "long": _number,
    "double": _number,
    "currency": _number,
    "percent": _number,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
}
