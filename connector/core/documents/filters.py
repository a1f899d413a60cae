"""The filters of an expression: `{{ answer.text | trim | shorten(40) }}`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from connector.core import phone
from connector.core.documents.comparing import empty, fold, number_of, shown
from connector.core.documents.findings import Problem
from connector.core.documents.numbers import decimal_sign, read_date, western
from connector.core.documents.words import Scope, zone_of

YES = frozenset(["yes", "y", "yeah", "yep", "si", "s", "sim", "oui", "ja", "da", "true", "1"])
NO = frozenset(["no", "n", "nope", "nao", "non", "nein", "nee", "false", "0"])
# ISO 4217: currencies without cents, and with three figures after the sign
_NO_CENTS = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)
_MILS = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
_PLACES = (("YYYY", "%Y"), ("MM", "%m"), ("DD", "%d"), ("HH", "%H"), ("mm", "%M"), ("ss", "%S"))
_LONGEST = 10_000  # characters a filter may make


@dataclass(frozen=True, slots=True)
class Filter:
    """`run(scope, value, *arguments)`; `takes` is (fewest, most) arguments, `check` looks at the constant ones."""

    run: Callable[..., Any]
    takes: tuple[int, int]
    about: str
    check: Callable[[tuple[Any, ...]], Problem | None] = lambda _: None


def yes_no(value: Any) -> bool | None:
    """True, False, or None when it is neither."""
    if isinstance(value, bool):
        return value
    word = fold(shown(value))
    return True if word in YES else False if word in NO else None


def _title(_: Scope, value: Any) -> str:
    return " ".join(word[:1].upper() + word[1:].lower() for word in shown(value).split(" "))


def _first_word(_: Scope, value: Any) -> str:
    return (shown(value).split(maxsplit=1) or [""])[0]


def _digits(_: Scope, value: Any) -> str:
    return "".join(c for c in western(shown(value)) or "" if c.isascii() and c.isdigit())


def _shorten(_: Scope, value: Any, length: Any) -> str:
    text, most = shown(value), int(number_of(length, None, crm=True) or 0)
    return text if len(text) <= most else text[: max(most - 1, 0)].rstrip() + "…" * (most > 0)


def _replace(_: Scope, value: Any, old: Any, new: Any) -> str:
    text, cut, put = shown(value), shown(old), shown(new)[:1000]
    return text.replace(cut, put, _LONGEST // max(len(put), 1) + 1)[:_LONGEST] if cut else text


def _split(_: Scope, value: Any, sep: Any) -> list[str]:
    cut = shown(sep)
    return [part for piece in (shown(value).split(cut) if cut else [shown(value)]) if (part := piece.strip())]


def _join(_: Scope, value: Any, sep: Any = ", ") -> str:
    if not isinstance(value, list | tuple):
        return shown(value)
    between, parts, size = shown(sep)[:_LONGEST], [], 0
    for part in map(shown, value):
        if size > _LONGEST:  # a text split by itself and joined with itself is its length squared
            break
        parts.append(part)
        size += len(part) + len(between)
    return between.join(parts)[:_LONGEST]


def as_moment(scope: Scope, value: Any) -> datetime | date | None:
    """A date or time from what a CRM, a message or a person wrote."""
    if isinstance(value, date):
        return value
    text = shown(value).strip()
    try:
        return datetime.fromisoformat(text) if "T" in text or ":" in text else read_date(text, scope.setting.locale)
    except ValueError:
        return None


def _date(scope: Scope, value: Any, format_: Any = "YYYY-MM-DD") -> str | None:
    moment = as_moment(scope, value)
    if moment is None:
        return None
    pattern = shown(format_).replace("%", "%%")
    for word, code in _PLACES:
        pattern = pattern.replace(word, code)
    return moment.strftime(pattern)


def _date_format(arguments: tuple[Any, ...]) -> Problem | None:
    format_ = arguments[0] if arguments else "YYYY"
    if isinstance(format_, str) and ("%" in format_ or not any(word in format_ for word, _ in _PLACES)):
        return Problem(
            f"'{format_}' is not a date format.", code="date_format", hint="Write for example: date('DD/MM/YYYY')"
        )
    return None


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo | None:
    """The zone of that IANA name, None if there is none."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return None


def _time_zone(scope: Scope, value: Any, name: Any) -> datetime | date | None:
    moment, there = as_moment(scope, value), zone(zone_of(scope, shown(name)))
    if not isinstance(moment, datetime) or there is None:
        return moment
    try:
        return moment.astimezone(there) if moment.tzinfo else moment.replace(tzinfo=there)
    except OverflowError:
        return moment


def zone_problem(name: Any) -> Problem | None:
    """What is wrong with a time zone in a document."""
    if isinstance(name, str) and name not in ("contact", "account") and zone(name) is None:
        return Problem(
            f"There is no time zone '{name}'.",
            code="time_zone",
            hint="Write contact, account, or a name such as America/Bogota.",
        )
    return None


def _money(scope: Scope, value: Any, currency: Any) -> str | None:
    amount = number_of(value, scope.setting.locale, crm=True)
    if amount is None:
        amount = number_of(value, scope.setting.locale, crm=False)
    if amount is None:
        return None
    code = shown(currency).upper()
    text = f"{amount:,.{0 if code in _NO_CENTS else 3 if code in _MILS else 2}f}"
    if decimal_sign(scope.setting.locale) == ",":
        text = text.translate(str.maketrans(",.", ".,"))
    return f"{code} {text}".strip()


def _length(arguments: tuple[Any, ...]) -> Problem | None:
    length = arguments[0]
    if length is not None and not (isinstance(length, int) and not isinstance(length, bool) and 0 < length <= _LONGEST):
        return Problem(
            "shorten() takes a whole number of characters.",
            code="filter_argument",
            hint="Write for example: shorten(255)",
        )
    return None


FILTERS: dict[str, Filter] = {
    "default": Filter(lambda _, v, other: other if empty(v) else v, (1, 1), "this instead, when there is nothing"),
    "trim": Filter(lambda _, v: shown(v).strip(), (0, 0), "without spaces around it"),
    "lower": Filter(lambda _, v: shown(v).lower(), (0, 0), "in small letters"),
    "upper": Filter(lambda _, v: shown(v).upper(), (0, 0), "in capitals"),
    "title": Filter(_title, (0, 0), "Each Word With A Capital"),
    "first_word": Filter(_first_word, (0, 0), "only the first word"),
    "digits": Filter(_digits, (0, 0), "only the digits 0 to 9"),
    "shorten": Filter(_shorten, (1, 1), "at most that many characters, the last one … when something was cut", _length),
    "replace": Filter(_replace, (2, 2), "the first text replaced by the second"),
    "split": Filter(_split, (1, 1), "a list, cut at that text"),
    "join": Filter(_join, (0, 1), "a list as one text with that between its parts (`, ` when left out)"),
    "date": Filter(
        _date, (0, 1), "a date or time as `YYYY-MM-DD`, or in the order you give: YYYY MM DD HH mm ss", _date_format
    ),
    "time_zone": Filter(
        _time_zone,
        (1, 1),
        "the time there: contact, account, or a name such as America/Bogota",
        lambda a: zone_problem(a[0]),
    ),
    "number": Filter(
        lambda s, v: number_of(v, s.setting.locale, crm=False),
        (0, 0),
        "a number, read by the account's locale; nothing if it is not one",
    ),
    "money": Filter(_money, (1, 1), "an amount with its currency, written by the account's locale"),
    "phone": Filter(
        lambda s, v: phone.e164(shown(v)[:64], s.setting.country),
        (0, 0),
        "a phone number in its international spelling",
    ),
    "yes_no": Filter(lambda _, v: yes_no(v), (0, 0), "true or false; nothing if it is neither"),
}
