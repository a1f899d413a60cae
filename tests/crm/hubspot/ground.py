"""The sandbox's HubSpot account, which everyone may know."""

from collections.abc import Callable, Mapping
from typing import Any

from connector.ports import Account

TOKEN = "pat-na1-sandbox-hubspot"
PORTAL = "24681357"
ACCOUNT_SECRETS = {"token": TOKEN, "client-secret": "sandbox-hubspot-client-secret"}
API = "/hubspot/crm/objects/2026-09"


class NoTokens:
    """A service key does not expire: nobody may ask."""

    def current(self) -> Mapping[str, Any] | None:
        raise AssertionError("HubSpot's token is a setting")

    def refresh(
        self, stale: str | None, fetch: Callable[[Mapping[str, Any] | None], Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        raise AssertionError("HubSpot's token is a setting")


def account(url: str, **settings: Any) -> Account:
    """The account at a sandbox."""
    given = {"base-url": f"{url or 'http://127.0.0.1:1'}/hubspot", "portal-id": PORTAL, **settings}
    return Account(id="a1", kind="hubspot", name="hubspot", settings=given, secrets=ACCOUNT_SECRETS)


def headers() -> dict[str, str]:
    """What the stand-in wants of a caller."""
    return {"Authorization": f"Bearer {TOKEN}"}
