"""Which addresses an account may talk to: its own base URL, and the instance a token names."""

from urllib.parse import urlsplit

from connector.core.address import is_loopback
from connector.crm import base_url, value
from connector.crm.salesforce import MANIFEST, consent
from connector.errors import NotAllowed
from connector.ports import Account


def checked(url: str) -> str:
    """The URL without a closing slash; raises NotAllowed for a host we must not send credentials to."""
    found = base_url(url.strip(), MANIFEST.hosts)
    if (urlsplit(found).hostname or "").endswith(".lightning.force.com"):
        # The browser's address: the API does not answer there.
        raise NotAllowed(
            "A *.lightning.force.com address is for browsers.", hint="Use <domain>.my.salesforce.com.", code="base_url"
        )
    return found


def base(account: Account) -> str:
    """Where the account's token is asked for."""
    given, domain = value(account.settings, "base-url"), value(account.settings, "domain")
    if not given and not domain and consent.is_asked(account.settings):
        return consent.LOGIN
    if not given and not domain:
        raise NotAllowed(
            "The account has neither a My Domain host nor a base URL.", hint="Set --domain.", code="base_url"
        )
    return checked(given or f"https://{domain.removeprefix('https://')}")


def instance(url: str, asked: str) -> str:
    """The instance a token names, when we may go there; an outside token never leads to loopback, nor the reverse."""
    there = checked(url)
    if is_loopback(urlsplit(there).hostname or "") != is_loopback(urlsplit(asked).hostname or ""):
        raise NotAllowed(
            "The token names an instance on another network than the account.",
            hint="Check the base URL.",
            code="base_url",
        )
    return there
