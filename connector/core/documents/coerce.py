"""`as:` turns an answer into a typed value, or says why it could not; what is ambiguous is never guessed."""

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from connector.core import phone as phones
from connector.core.contact import Value
from connector.core.documents.comparing import fold, is_number, shown
from connector.core.documents.filters import as_moment, yes_no, zone
from connector.core.documents.numbers import read_number, western
from connector.core.documents.words import Scope, zone_of

_SCORE = re.compile(r"([0-9]{1,9}) ?/ ?([0-9]{1,9})")
_EDGES = ".,;:!?()<>[]\"' "
_LOCAL = re.compile(r"[A-Za-z0-9._%+'\-]{1,64}")
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?\.){1,8}[a-z][a-z0-9\-]{0,61}[a-z0-9]")


class Kind:
    """What `as:` needs of its rule."""

    __slots__ = ("maximum", "minimum", "options", "time_zone")

    def __init__(
        self,
        minimum: float | None = None,
        maximum: float | None = None,
        options: Sequence[str] = (),
        time_zone: str | None = None,
    ) -> None:
        self.minimum, self.maximum, self.options, self.time_zone = minimum, maximum, tuple(options), time_zone


Read = tuple[Value, str]  # the value, or None and why
Coerce = Callable[[Scope, Any, Kind, str], Read]


def _no(value: Any, what: str) -> Read:
    return None, f'"{shown(value)[:60]}" is not {what}'


def _limits(kind: Kind) -> str:
    if kind.minimum is not None and kind.maximum is not None:
        return f" from {shown(kind.minimum)} to {shown(kind.maximum)}"
    if kind.minimum is not None:
        return f" of at least {shown(kind.minimum)}"
    return f" of at most {shown(kind.maximum)}" if kind.maximum is not None else ""


def _score(text: str, kind: Kind) -> int | None:
    """`9/10` is 9 where the scale ends at 10; `3/4` on another scale is not understood."""
    clean = western(text[:60].strip())
    found = _SCORE.fullmatch(clean.rstrip("!?.,; ")) if clean else None
    if not found:
        return None
    given, scale = int(found[1]), int(found[2])
    return given if given <= scale and kind.maximum in (None, scale) else None


def number(scope: Scope, value: Any, kind: Kind, name: str) -> Read:
    """`1,250.50`, `$ 30`."""
    del name
    found = value if is_number(value) else read_number(shown(value), scope.setting.locale)
    if found is None or not _inside(found, kind):
        return _no(
            value,
            f"a number{_limits(kind)}"
            if found is not None or not _figures(value)
            else f"a clear number{_limits(kind)}",
        )
    return found, ""


def _figures(value: Any) -> bool:
    return any(c.isdigit() for c in shown(value)[:60])


def _inside(found: float, kind: Kind) -> bool:
    return (kind.minimum is None or found >= kind.minimum) and (kind.maximum is None or found <= kind.maximum)


def integer(scope: Scope, value: Any, kind: Kind, name: str) -> Read:
    """`9`, `9/10`, `9!!`."""
    del name
    found: float | int | None = value if is_number(value) else None
    if found is None:
        text = shown(value)
        found = _score(text, kind) if "/" in text else read_number(text, scope.setting.locale)
    if found is None or found != found // 1 or not _inside(found, kind):
        return _no(value, f"a whole number{_limits(kind)}")
    return int(found), ""


def day(scope: Scope, value: Any, kind: Kind, name: str) -> Read:
    """A date as YYYY-MM-DD; a moment becomes the day it is in the rule's time zone."""
    del name
    moment = as_moment(scope, value if isinstance(value, date) else shown(value)[:60])
    if isinstance(moment, datetime):
        there = zone(zone_of(scope, kind.time_zone))
        try:
            moment = (moment.astimezone(there) if there and moment.tzinfo else moment).date()
        except OverflowError:
            return _no(value, "a date")
    return (
        (moment.isoformat(), "")
        if moment is not None
        else _no(value, "a date with day, month and year that has one reading only")
    )


def boolean(scope: Scope, value: Any, kind: Kind, name: str) -> Read:
    """yes and no in the languages of `filters.YES`."""
    del scope, kind, name
    found = yes_no(value)
    return _no(value, "yes or no") if found is None else (found, "")


def email(scope: Scope, value: Any, kind: Kind, name: str) -> Read:
    """The one e-mail address in the text."""
    del scope, kind, name
    found = {address for word in shown(value)[:500].split() if (address := _address(word))}
    if len(found) != 1:
        return _no(value, "an e-mail address" if not found else "one e-mail address: it holds several")
    return found.pop(), ""


def _address(word: str) -> str | None:
    local, at, domain = word.strip(_EDGES).removeprefix("mailto:").rpartition("@")
    domain = domain.lower()
    right = (
        at and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain) and not local.startswith(".") and ".." not in local
    )
    return f"{local}@{domain}" if right and not local.endswith(".") else None


def phone(scope: Scope, value: Any, kind: Kind, name: str) -> Read:
    """E.164; numbers without a country code are read in the account's country."""
    del kind, name
    found = phones.e164(shown(value)[:64], scope.setting.country)
    return (found, "") if found else _no(value, "a phone number with its country")


def choice(scope: Scope, value: Any, kind: Kind, name: str) -> Read:
    """One of the options, in the CRM's spelling; a list of answers becomes `a;b`."""
    options = kind.options or [str(o) for o in scope.setting.schema.get(name, {}).get("options", ())]
    known = {fold(option): option for option in options}
    given = value if isinstance(value, list | tuple) else [value]
    found = [known.get(fold(shown(item))) for item in given]
    if not found or None in found:
        return _no(value, "one of the options" if options else "to be checked: the options of the field are not known")
    return ";".join(dict.fromkeys(str(item) for item in found)), ""


TYPES: dict[str, Coerce] = {
    "integer": integer,
    "number": number,
    "date": day,
    "yes_no": boolean,
    "email": email,
    "phone": phone,
    "choice": choice,
}
