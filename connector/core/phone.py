"""Phone numbers: one subscriber, several spellings.

WhatsApp keeps old spellings that national plans have left (Mexico's 1, Brazil without the 9, Ivory Coast and Benin with
8 digits), CRMs keep whatever was typed. We send only to the id WhatsApp gave, and match through every spelling.
phonenumbers takes 0.1 s to import: it is loaded on the first call that needs it. No function here raises.
"""

import re
from collections.abc import Callable, Collection
from functools import lru_cache
from importlib import resources
from types import ModuleType
from typing import Any
from unicodedata import normalize

_DIGITS = re.compile(r"[^0-9]")
_MX_OLD_PREFIX = re.compile(r"^(?:044|045|01)([2-9][0-9]{9})$")  # dialled before mobile numbers until 2019
_TYPED = re.compile(r"[+0-9 ()./\u00a0-]+")
_FEWEST = 4  # digits of a part that is worth looking for
_SHORTEST, _LONGEST = 7, 15  # digits of an E.164 number with its country code (ITU-T E.164)


def _library() -> ModuleType:
    import phonenumbers

    return phonenumbers


def _digits(text: str) -> str:
    """ASCII digits only; full-width and other Unicode digits are folded where NFKC knows them."""
    return _DIGITS.sub("", normalize("NFKC", text))


# ---- spellings ---------------------------------------------------------------------------------------------------
def _mexico(n: str) -> tuple[str, ...]:
    """+52 and ten digits since 2019; WhatsApp ids of before carry 521."""
    plain = n[1:] if len(n) == 11 and n[0] == "1" else n
    return (plain, "1" + plain) if len(plain) == 10 and plain[0] != "1" else (n,)


def _brazil(n: str) -> tuple[str, ...]:
    """Mobile numbers got a 9 in front from 2012 to 2016; WhatsApp keeps ids of area codes over 30 without it.

    Old mobile numbers began with 6 to 9; 2 to 5 are fixed lines, another subscriber.
    """
    area, local = n[:2], n[2:]
    if "0" in area:
        return (n,)
    if len(local) == 9 and local[0] == "9" and local[1] in "6789":
        return (n, area + local[1:])
    if len(local) == 8 and local[0] in "6789":
        return (area + "9" + local, n)
    return (n,)


def _argentina(n: str) -> tuple[str, ...]:
    """Mobile numbers carry a 9 abroad; without it they may be a fixed line: the weak spelling stands last."""
    if len(n) == 11 and n[0] == "9":
        return (n, n[1:])
    return (n, "9" + n) if len(n) == 10 and n[0] != "9" else (n,)


def _ivory_coast(n: str) -> tuple[str, ...]:
    """Ten digits since 2021-01-31: 01 Moov, 05 MTN, 07 Orange before the old mobile number, by its second digit."""
    if len(n) == 10 and n[:2] in ("01", "05", "07"):
        return (n, n[2:])
    if len(n) == 8 and n[0] not in "23":
        second = n[1]
        return (("01" if second in "0123" else "05" if second in "456" else "07") + n, n)
    return (n,)


def _benin(n: str) -> tuple[str, ...]:
    """Ten digits since 2024-11-30: 01 before every old number."""
    if len(n) == 10 and n[:2] == "01":
        return (n, n[2:])
    return ("01" + n, n) if len(n) == 8 else (n,)


_PLANS: dict[str, Callable[[str], tuple[str, ...]]] = {
    "52": _mexico,
    "55": _brazil,
    "54": _argentina,
    "225": _ivory_coast,
    "229": _benin,
}


def spellings(wa_id_or_e164: str) -> tuple[str, ...]:
    """Every E.164 spelling of an international number, the likeliest in a CRM first; () if it is not a phone number."""
    digits = _digits(wa_id_or_e164)
    if not _SHORTEST <= len(digits) <= _LONGEST or digits[0] == "0":
        return ()
    for code in (digits[:2], digits[:3]):
        if code in _PLANS:
            return tuple(f"+{code}{n}" for n in _PLANS[code](digits[len(code) :]))
    return ("+" + digits,)


# ---- reading what people typed -----------------------------------------------------------------------------------
@lru_cache(maxsize=4096)
def _parse(text: str, region: str | None) -> Any | None:
    library = _library()
    try:
        return library.parse(text, region)
    except (library.NumberParseException, ValueError):
        return None


def _national_reading(text: str, country: str) -> str | None:
    """A number typed inside `country`, with or without trunk and country code; None = not plausible there."""
    library, digits = _library(), _digits(text)
    if country == "MX" and (old := _MX_OLD_PREFIX.match(digits)):
        return "+52" + old[1]
    number = _parse(text, country)
    if number is not None and library.is_valid_number(number):
        return str(library.format_number(number, library.PhoneNumberFormat.E164))
    return None


def _international_reading(text: str) -> str | None:
    """A number that carries its country code; old spellings the library calls impossible are brought to the new one."""
    library, likely = _library(), spellings(text)
    for spelling in likely:
        number = _parse(spelling, None)
        if number is not None and library.is_possible_number(number):
            return likely[0]
    return None


@lru_cache(maxsize=4096)
def e164(text: str, country: str | None = None) -> str | None:
    """The likeliest E.164 spelling of what a person typed; `country` (ISO) reads numbers without `+` or `00`."""
    typed = normalize("NFKC", text).strip()[:64]
    digits = _digits(typed)
    if typed.startswith("+"):
        return _international_reading(typed)
    if typed.startswith("00"):
        return _international_reading(digits[2:])
    if not country:
        return None
    found = _national_reading(typed, country.upper())
    if found is None and len(digits) > 10:  # e.g. a WhatsApp id pasted without its plus
        return _international_reading(digits)
    if found is None:
        number = _parse(typed, country.upper())
        if number is not None and _library().is_possible_number(number):
            found = str(_library().format_number(number, _library().PhoneNumberFormat.E164))
    return (spellings(found) or (None,))[0] if found else None


_INSERTED = {"52": "1", "54": "9"}  # what WhatsApp ids carry, or may carry, behind the country code


def beginnings(typed: str, countries: Collection[str] = ()) -> tuple[str, ...]:
    """Digits that a WhatsApp id may begin with when a person types this; () if it is no (part of a) phone number.

    `countries` (ISO) read what is typed without its country code; a whole number stands in every spelling."""
    text = normalize("NFKC", typed).strip()[:64]
    digits = _digits(text).removeprefix("00")
    if not _TYPED.fullmatch(text) or not _FEWEST <= len(digits) <= _LONGEST:
        return ()
    found = [*(s[1:] for s in spellings(digits)), digits]
    if not text.startswith(("+", "00")):
        for country in sorted(set(countries)):
            whole = e164(text, country)
            found += [s[1:] for s in spellings(whole)] if whole else []
            code, local = str(_library().country_code_for_region(country)), digits.lstrip("0")
            found += [code + local, code + _INSERTED.get(code, "") + local]
    return tuple(dict.fromkeys(found))


def same(a: str, b: str, country: str | None = None) -> bool:
    """Is it one subscriber? `country` reads what has no country code; without it digits are read as a WhatsApp id."""
    ours, theirs = _every(a, country), _every(b, country)
    return not ours.isdisjoint(theirs)


def _every(text: str, country: str | None) -> frozenset[str]:
    found = e164(text, country)
    if found is None and not country:
        found = e164("+" + _digits(text))
    return frozenset(spellings(found)) if found else frozenset()


# ---- facts about a number ----------------------------------------------------------------------------------------
def national(e164: str) -> str:
    """The digits without country code, as CRM searches want them; all digits if it is not a phone number."""
    number = _parse("+" + _digits(e164), None)
    return str(_library().national_significant_number(number)) if number is not None else _digits(e164)


def written(e164: str) -> str:
    """The national number in the groups people of that country write: `(11) 98765-4321`; digits when nobody says."""
    library, parsed = _library(), _parse(e164, None)
    return str(library.format_number(parsed, library.PhoneNumberFormat.NATIONAL)) if parsed else national(e164)


def is_country(code: str) -> bool:
    """Two letters that some numbering plan belongs to."""
    return code in _library().SUPPORTED_REGIONS


def country(wa_id: str) -> str | None:
    """The ISO country of an international number, None if the digits do not tell (e.g. an unassigned +1 area code)."""
    number = _parse("+" + _digits(wa_id), None)
    region = _library().region_code_for_number(number) if number is not None else None
    return str(region) if region and region != "001" else None


@lru_cache(maxsize=1)
def _zone_table() -> dict[str, tuple[str, ...]]:
    """Country -> IANA zones, from the zone.tab of the IANA time zone database that the tzdata package carries."""
    table: dict[str, tuple[str, ...]] = {}
    for line in resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            code, _, name = line.split("\t")[:3]
            table[code] = (*table.get(code, ()), name)
    return table


def zones(e164: str) -> tuple[str, ...]:
    """All time zones of the phone's country; () if the country is unknown."""
    code = country(e164)
    return _zone_table().get(code, ()) if code else ()


@lru_cache(maxsize=20_000)
def country_of_start(start: str) -> str:
    """The country of a phone's first six characters (`+57300`), or of a user id's first two letters; "" unknown.

    Enough where several countries share a code and it matters to a price: +1 by area code, +7 by its next digit."""
    if start.isascii() and start.isalpha():
        return start.upper()
    digits = _digits(start)
    codes = _library().COUNTRY_CODE_TO_REGION_CODE
    code = next((digits[:n] for n in (1, 2, 3) if digits[:n] and int(digits[:n]) in codes), "")
    if not code:
        return ""
    regions = codes[int(code)]
    if code in ("1", "7"):
        number = _parse("+" + digits + "2345678901"[: 11 - len(digits)], None)
        found = _library().region_code_for_number(number) if number is not None else None
        return str(found or regions[0])
    return "" if regions[0] == "001" else str(regions[0])
