"""The business profile that customers see, and its limits (Meta, "Business profiles", checked 2026-09)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from connector.errors import Rejected
from connector.whatsapp.values import Json, text

FIELDS = ("about", "address", "description", "email", "websites", "vertical", "profile_picture_url")
LONGEST = {"about": 139, "address": 256, "description": 256, "email": 128}
WEBSITES, WEBSITE = 2, 256
VERTICALS = (
    "ALCOHOL", "APPAREL", "AUTO", "BEAUTY", "EDU", "ENTERTAIN", "EVENT_PLAN", "FINANCE", "GOVT", "GROCERY",
    "HEALTH", "HOTEL", "MATRIMONY_SERVICE", "NONPROFIT", "ONLINE_GAMBLING", "OTC_DRUGS", "OTHER",
    "PHYSICAL_GAMBLING", "PROF_SERVICES", "RESTAURANT", "RETAIL", "TRAVEL",
)  # fmt: skip


def read_profile(profile: Json) -> dict[str, Any]:
    """The fields of ours, texts clean; what is not set is absent."""
    sites = profile.get("websites")
    words = {name: text(profile, name, 1024) for name in FIELDS if name != "websites"}
    found: dict[str, Any] = {name: value for name, value in words.items() if value}
    if type(sites) is list and sites:
        found["websites"] = [site for site in sites if type(site) is str]
    return found


def fitting(values: Mapping[str, Any]) -> dict[str, Any]:
    """What to post. Raises Rejected, naming the field and its limit, before Meta does."""
    if not values:
        raise Rejected("There is nothing to change in the profile.", code="profile")
    for name, value in values.items():
        problem = _problem(name, value)
        if problem:
            raise Rejected(f"The profile's {name} {problem}.", code="profile", field=name)
    return {"messaging_product": "whatsapp", **values}


def _problem(name: str, value: Any) -> str:
    if name == "websites":
        return _websites(value)
    if name not in LONGEST and name not in ("vertical", "profile_picture_handle"):
        return "cannot be changed"
    if not isinstance(value, str):
        return "is not a text"
    if name == "vertical":
        return "" if value in VERTICALS else f"is none of {', '.join(VERTICALS)}"
    if name == "about" and not value.strip():
        return "cannot be emptied"
    if name == "email" and value and not 0 < value.find("@") < len(value) - 1:
        return "is not an e-mail address"
    longest = LONGEST.get(name)
    return f"has {len(value)} characters, {longest} are allowed" if longest and len(value) > longest else ""


def _websites(value: Any) -> str:
    if not isinstance(value, list | tuple) or not all(isinstance(site, str) for site in value):
        return "are not a list of addresses"
    if len(value) > WEBSITES:
        return f"are {len(value)}, {WEBSITES} are allowed"
    wrong = next((site for site in value if len(site) > WEBSITE or not _is_site(site)), None)
    return "" if wrong is None else f"hold {wrong[:60]!r}: http:// or https://, at most {WEBSITE} characters"


def _is_site(site: str) -> bool:
    try:
        parts = urlsplit(site)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
