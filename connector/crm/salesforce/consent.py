"""Leave given in Salesforce's own screens (web server flow with PKCE): where the browser is sent. Imports no SDK."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from connector.crm import value
from connector.ports import CONSENT, Account, Consent

LOGIN = "https://login.salesforce.com"  # where a person signs in when no My Domain was given; sandboxes need theirs
SCOPES = "api refresh_token"


def is_asked(settings: Mapping[str, Any]) -> bool:
    """The account's token comes of a person's leave, not of the app's own run-as user."""
    return bool(value(settings, CONSENT))


def link(settings: Mapping[str, Any], consent: Consent) -> str:
    """The page where Salesforce asks. Raises NotAllowed for a host that may not be."""
    from connector.crm.salesforce import hosts  # it needs the manifest, which names this function

    base = hosts.base(Account(id="", kind="salesforce", name="", settings={**settings, CONSENT: "yes"}))
    asked = {
        "response_type": "code", "client_id": value(settings, "client-id"), "redirect_uri": consent.redirect_uri,
        "scope": SCOPES, "state": consent.state, "code_challenge": consent.challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    return f"{base}/services/oauth2/authorize?{urlencode(asked)}"
