"""A country and a time zone, as an account has them."""

from collections.abc import Mapping
from zoneinfo import available_timezones

from connector import errors
from connector.core import phone


def check(settings: Mapping[str, str]) -> None:
    """Refuses a country or time zone that does not exist: every phone and date would be read wrongly."""
    country, zone = settings.get("country", ""), settings.get("time_zone", "")
    if country and not phone.is_country(country):
        raise errors.Rejected(f"{country!r} is no country.", hint="Write its two letters, e.g. CO.", code="country")
    if zone and zone not in available_timezones():
        raise errors.Rejected(f"{zone!r} is no time zone.", hint="Write it like America/Bogota.", code="time_zone")
