"""The phone properties HubSpot calculates: searchable ones hold the national number only (search guide)."""

import re

import phonenumbers

from connector.sandbox.hubspot.schema import PHONES

HOME = "US"  # the portal's default country


def calculated(name: str, phone: str, country: str) -> dict[str, str]:
    """The calculated properties of `phone` or `mobilephone`, "" where it is empty."""
    whole, national, international = PHONES[name]
    if not phone:
        return {whole: "", national: "", international: ""}
    region = country.upper() if re.fullmatch("[A-Za-z]{2}", country) else HOME
    try:
        number = phonenumbers.parse(phone, region)
    except phonenumbers.NumberParseException:
        digits = re.sub(r"\D", "", phone, flags=re.ASCII)
        return {whole: "", national: digits, international: digits}
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return {whole: e164, national: str(number.national_number), international: e164.removeprefix("+")}
