"""Where a record is seen in HubSpot's own screens. Imports no SDK."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from connector.crm import value

# The type ids that HubSpot's addresses name objects by (docs: object type ids); a custom object's name is none.
TYPES = {"contacts": "0-1", "companies": "0-2", "deals": "0-3", "tickets": "0-5", "leads": "0-136"}
APP = "https://app.hubspot.com"  # leads on to the account's own region


def record_url(settings: Mapping[str, Any], object_: str, record: str) -> str:
    """Needs the portal id; "" for the sandbox, whose records have no page."""
    portal, api = value(settings, "portal-id"), value(settings, "base-url")
    kind = TYPES.get(object_, object_ if object_.startswith("2-") and object_[2:].isdigit() else "")
    real = not api or (urlsplit(api).hostname or "").endswith(".hubapi.com")
    numbers = (portal, record)
    if not (real and kind and all(one.isascii() and one.isdigit() for one in numbers)):
        return ""
    return f"{APP}/contacts/{portal}/record/{kind}/{record}"
