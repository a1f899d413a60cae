"""The phone properties HubSpot calculates: searchable ones hold the national number only (search guide)."""

import re
from functools import lru_cache

import phonenumbers

from connector.sandbox.hubspot.schema import PHONES

HOME = "US"  # the portal's default country


def calculated(name: str, phone: str, country: str) -> dict[str, str]:
    """The calculated properties of `phone` or `mobilephone`, "" where it is empty."""
    whole, national, international = PHONES[name]
    if not phone:
        return {whole: "", national: "", international: ""}
    region = country.upper() if re.fullmatch("[A-Za-z]{2}", country) else HOME
    return dict(zip((whole, national, international), _read(phone, region), strict=True))


@lru_cache(4096)  # a reset makes the same people again
def _read(phone: str, region: str) -> tuple[str, str, str]:
    """(whole, national, international) as HubSpot shows them."""
    try:
        number = phonenumbers.parse(phone, region)
    except phonenumbers.NumberParseException:
        digits = re.sub(r"\D", "", phone, flags=re.ASCII)
        return "", digits, digits
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return e164, str(number.national_number), e164.removeprefix("+")
