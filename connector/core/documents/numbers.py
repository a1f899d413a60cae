"""Numbers and dates as people write them, read by the account's locale; what has two readings has none here."""

import re
from datetime import date, datetime
from unicodedata import normalize

_LONGEST = 60  # characters; nobody writes a longer number or date
_EXACT = 18  # digits; more do not fit the 63 bits of databases and CRMs
_PLAIN = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,12})?")
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,' ]*")
_GROUPS = re.compile(r"[0-9]{1,3}(?:([.,' ])[0-9]{3})(?:\1[0-9]{3})*")
_MONEY = re.compile(r"^(?:[A-Z]{3} ?|[$€£¥₹] ?|R\$ ?|US\$ ?)|(?: ?[A-Z]{3}| ?[$€£¥₹])$")

# Unicode CLDR: languages that write 1.250,50, and those of their countries that write 1,250.50 (or 1'250.50)
_COMMA = frozenset(
    [
        "bg",
        "ca",
        "cs",
        "da",
        "de",
        "el",
        "es",
        "et",
        "eu",
        "fi",
        "fr",
        "gl",
        "hr",
        "hu",
        "id",
        "is",
        "it",
        "lt",
        "lv",
        "nb",
        "nl",
        "no",
        "pl",
        "pt",
        "ro",
        "ru",
        "sk",
        "sl",
        "sr",
        "sv",
        "tr",
        "uk",
        "vi",
    ]
)
_POINT = frozenset(
    [
        "es_MX",
        "es_US",
        "es_PR",
        "es_GT",
        "es_HN",
        "es_NI",
        "es_SV",
        "es_PA",
        "es_DO",
        "es_PE",
        "es_419",
        "de_CH",
        "de_LI",
        "it_CH",
        "fr_CH",
    ]
)
# Languages that write the year first; English is the only one in which the country decides between day and month
_YEAR_FIRST = frozenset(["zh", "ja", "ko", "hu", "lt", "sv", "eu"])
_MONTH_FIRST = frozenset({"en_US", "en_PH", "es_US"})
_UNSURE = frozenset({"en", "en_CA", "es_PA", "es_PR", "en_ZA"})  # both orders are common

_MONTHS = {
    name: n
    for names in (
        "january february march april may june july august september october november december",
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
        "jan feb mar apr may jun jul aug sep oct nov dec",
        "ene feb mar abr may jun jul ago sept oct nov dic",
    )
    for n, name in enumerate(names.split(), 1)
}
_ISO = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_FIGURES = re.compile(r"([0-9]{1,4})[/.\- ]([0-9]{1,2})[/.\- ]([0-9]{1,4})")
_DAY_MONTH = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th|º)?(?: de| of)? ([^\W\d_]+)\.?,?(?: de| del| of)? ([0-9]{4})")
_MONTH_DAY = re.compile(r"([^\W\d_]+)\.? ([0-9]{1,2})(?:st|nd|rd|th)?,? ([0-9]{4})")


def western(text: str) -> str | None:
    """The text with full-width digits made plain; None when it holds other digits, such as `²` or Arabic ones."""
    if text.isascii():
        return text
    if any(c.isdigit() and not c.isdecimal() for c in text):
        return None
    text = normalize("NFKC", text)
    return None if any(c.isdigit() and not c.isascii() for c in text) else text


def _locale(locale: str | None) -> tuple[str, str]:
    """(language, language_COUNTRY) in CLDR's spelling."""
    parts = (locale or "").replace("-", "_").split("_")
    return parts[0].lower(), f"{parts[0].lower()}_{parts[-1].upper()}" if len(parts) > 1 else parts[0].lower()


def decimal_sign(locale: str | None) -> str | None:
    """`,` or `.`; None when the locale does not tell (es alone: Mexico and Spain differ)."""
    language, full = _locale(locale)
    if not language or full == "es":
        return None
    return "," if language in _COMMA and full not in _POINT else "."


def plain_number(text: str) -> float | int | None:
    """A number as a program writes it: 1250.50."""
    text = text.strip()
    if text.isdigit() and text.isascii() and len(text) <= _EXACT:
        return int(text)
    if not _PLAIN.fullmatch(text):
        return None
    return float(text) if "." in text else int(text)


def read_number(text: str, locale: str | None) -> float | int | None:
    """`1,250.50`, `$ 1.250,50`, `1 250`; None when it is no number, or two different ones."""
    if text.isdigit() and text.isascii() and len(text) <= _EXACT:
        return int(text)
    clean = western(text[: _LONGEST + 1].strip())
    if clean is None or len(clean) > _LONGEST:
        return None
    clean = _MONEY.sub("", clean.replace("\u202f", " ").replace("\u2019", "'")).strip().rstrip("!?.,; ")
    if not _NUMBER.fullmatch(clean):
        return None
    sign = -1 if clean[0] == "-" else 1
    value = _unsigned(clean.lstrip("+-"), decimal_sign(locale))
    return None if value is None else sign * value


def _unsigned(text: str, decimal: str | None) -> float | int | None:
    signs = [c for c in text if not c.isdigit()]
    if not signs:
        return int(text) if len(text) <= _EXACT else None
    if len(set(signs)) == 1:
        whole = _GROUPS.fullmatch(text)
        if signs[0] in "' " or len(signs) > 1:
            return _joined(text) if whole else None
        if whole and text[0] != "0" and decimal is None:
            return None  # 1.500 is fifteen hundred in Spain and one and a half in Mexico
        if whole and text[0] != "0" and signs[0] != decimal:
            return _joined(text)
        return _decimal(text, signs[0])
    last = signs[-1]
    head = text[: text.rindex(last)]
    if last in "' " or signs.count(last) > 1 or not _GROUPS.fullmatch(head):
        return None
    return _decimal(re.sub("[^0-9]", "", head) + text[text.rindex(last) :], last)


def _joined(text: str) -> int | None:
    digits = re.sub("[^0-9]", "", text)
    return int(digits) if len(digits) <= _EXACT else None


def _decimal(text: str, sign: str) -> float | None:
    whole, _, rest = text.partition(sign)
    if not whole or not rest or len(whole) > _EXACT or not (whole + rest).isdigit():
        return None
    return float(f"{whole}.{rest}")


# ---- dates -------------------------------------------------------------------------------------------------------
def read_date(text: str, locale: str | None) -> date | None:
    """`2026-11-23`, `23/11/2026`, `23 de noviembre de 2026`; None when it is no date, two dates, or has no year."""
    clean = western(text[: _LONGEST + 1].strip().casefold())
    if clean is None or len(clean) > _LONGEST:
        return None
    clean = clean.rstrip("!?.,; ")
    if found := _ISO.fullmatch(clean.split("t")[0]):
        return _iso(clean) or _date(*map(int, found.groups()))
    if found := _DAY_MONTH.fullmatch(clean):
        return _date(int(found[3]), _MONTHS.get(found[2], 0), int(found[1]))
    if found := _MONTH_DAY.fullmatch(clean):
        return _date(int(found[3]), _MONTHS.get(found[1], 0), int(found[2]))
    if found := _FIGURES.fullmatch(clean):
        return _figures(found[1], found[2], found[3], locale)
    return None


def _iso(text: str) -> date | None:
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        return None


def _figures(first: str, second: str, third: str, locale: str | None) -> date | None:
    if len(first) == 4 and len(third) <= 2:
        return _date(int(first), int(second), int(third))
    if len(third) != 4 or len(first) > 2:
        return None  # a year of two figures is ambiguous
    readings = {
        d for d in (_date(int(third), int(second), int(first)), _date(int(third), int(first), int(second))) if d
    }
    if len(readings) == 1:
        return readings.pop()
    order = _day_or_month(locale)
    if order is None or not readings:
        return None
    return (
        _date(int(third), int(first), int(second)) if order == "month" else _date(int(third), int(second), int(first))
    )


def _day_or_month(locale: str | None) -> str | None:
    """What comes first in 03/04/2026; None when the locale does not tell."""
    language, full = _locale(locale)
    if not language or full in _UNSURE or language in _YEAR_FIRST:
        return None
    return "month" if full in _MONTH_FIRST else "day"


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
