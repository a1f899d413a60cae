"""Webhooks of the standard kind (standardwebhooks.com): trigger links that call us, and addresses that we call."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from connector.errors import NotAllowed, Rejected
from connector.ports import Account, Flag, Issue, Manifest, Webhook
from connector.webhooks import standard
from connector.webhooks.link import LinkWebhook

if TYPE_CHECKING:
    from connector.webhooks.client import WebhookClient

__all__ = ["LINK", "MANIFEST", "check", "connect", "crm_of", "validate", "webhook"]

LINK = "link"  # the kind of a trigger link's account row: its name is the random id in its address
MANIFEST = Manifest(
    kind="webhook",
    title="Webhook",
    flags=(
        Flag("url", "Address to call", help="https://; mappings call it with notify: and its name."),
        Flag("secret", "Signing secret", secret=True, required=False, help="whsec_...; made and printed when absent."),
    ),
    hosts=(),
    crm=False,
)


def webhook(account: Account) -> Webhook:
    """The door of one trigger link."""
    return LinkWebhook(account)


def connect(account: Account, allowed: Collection[str] = ()) -> "WebhookClient":
    """What calls one webhook; the caller closes it. `allowed`: hosts that may be private."""
    from connector.webhooks.client import WebhookClient

    return WebhookClient(account, allowed=allowed)


def check(account: Account) -> list[Issue]:
    """What stands in the way of calling it; nothing is called."""
    from urllib.parse import urlsplit

    from connector.webhooks.address import reachable, refusal

    url = str(account.settings.get("url", ""))
    parts = urlsplit(url)
    try:
        problem = refusal(url) or (reachable(parts.hostname or "", parts.port or 443) and "")
    except OSError as error:
        problem = error.strerror or str(error)
    return [Issue("webhook_url", f"The webhook cannot be called: {problem}.", "Give another --url.")] if problem else []


def crm_of(account: Account) -> str:
    """The name of the CRM account whose document this link fires."""
    return str(account.settings.get("crm", ""))


def validate(url: str, secret: str) -> None:
    """Raises Rejected or NotAllowed, with what to write instead, for what cannot be called or signed with."""
    from connector.webhooks.address import refusal

    if problem := refusal(url):
        raise NotAllowed(f"The url cannot be used: {problem}.", hint="Write https://host/path.", code="bad_url")
    if secret and not standard.usable(secret):
        hint = "Leave it out and one is made; or give whsec_ and 24 to 64 bytes in base64."
        raise Rejected("The secret cannot be used.", hint=hint, code="bad_secret")
