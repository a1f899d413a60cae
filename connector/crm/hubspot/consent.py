"""Leave given in HubSpot's own screens, for an app with OAuth: where the browser is sent. Imports no SDK."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from connector.core.address import is_loopback
from connector.crm import base_url, value
from connector.ports import Consent

AUTHORIZE = "https://app.hubspot.com/oauth/authorize"  # European accounts are sent on from there
HOSTS = ("hubapi.com",)
# What everything needs; HubSpot refuses an app that asks for other required scopes than its project names.
SCOPES = (
    "oauth", "crm.objects.contacts.read", "crm.objects.contacts.write", "crm.schemas.contacts.read",
    "crm.schemas.contacts.write", "crm.objects.owners.read",
)  # fmt: skip
# Granted where the account has them: an account without deals or workflows can be connected all the same.
OPTIONAL = (
    "automation", "crm.lists.read", "crm.lists.write", "crm.objects.companies.read", "crm.objects.companies.write",
    "crm.objects.deals.read", "crm.objects.deals.write", "crm.schemas.companies.read", "crm.schemas.deals.read",
    "files", "tickets",
)  # fmt: skip


def link(settings: Mapping[str, Any], consent: Consent) -> str:
    """The page where HubSpot asks. Raises NotAllowed for a base-url that may not be."""
    base = base_url(value(settings, "base-url", "https://api.hubapi.com"), HOSTS)
    place = f"{base}/oauth/authorize" if is_loopback(urlsplit(base).hostname or "") else AUTHORIZE
    asked = {
        "client_id": value(settings, "client-id"), "redirect_uri": consent.redirect_uri, "scope": " ".join(SCOPES),
        "optional_scope": " ".join(OPTIONAL), "state": consent.state, "code_challenge": consent.challenge,
        "code_challenge_method": "S256",
    }  # fmt: skip
    return f"{place}?{urlencode(asked)}"
