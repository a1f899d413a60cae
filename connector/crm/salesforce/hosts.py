"""Which addresses an account may talk to: its own base URL, and the instance a token names."""

import ipaddress
import re
from urllib.parse import urlsplit

from connector.crm.salesforce import MANIFEST
from connector.errors import NotAllowed
from connector.ports import Account

_VERSION = re.compile(r"/services(/|$)|/v\d+(\.\d+)?(/|$)")


def loopback(host: str) -> bool:
    """`localhost`, 127.0.0.0/8 or ::1; a name that merely resolves there does not count."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refuse(what: str, hint: str) -> NotAllowed:
    return NotAllowed(what, hint=hint, code="bad_host")


def checked(url: str) -> str:
    """The URL without a closing slash; raises NotAllowed for a host we must not send credentials to."""
    try:
        parts = urlsplit(url.strip())
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise _refuse("This is not an address.", "Write https://<your domain>.my.salesforce.com.") from None
    if parts.username or parts.password or parts.query or parts.fragment:
        raise _refuse("The Salesforce address carries more than a host.", "Give only https://<host>.")
    if _VERSION.search(parts.path):
        raise _refuse("The Salesforce address carries a version or a path of the API.", "Give only https://<host>.")
    if host.endswith(".lightning.force.com"):
        # The browser's address: the API does not answer there (facts of the vendor's login page, checked 2026-11).
        raise _refuse("A *.lightning.force.com address is for browsers.", "Use <your domain>.my.salesforce.com.")
    if loopback(host):
        return url.strip().rstrip("/")
    known = any(host == suffix or host.endswith("." + suffix) for suffix in MANIFEST.hosts)
    if parts.scheme != "https" or not known or port not in (None, 443) or parts.path.strip("/"):
        raise _refuse(
            f"{host or 'This'} is not a Salesforce host we may call.", "Use https://<domain>.my.salesforce.com."
        )
    return f"https://{host}"


def base(account: Account) -> str:
    """Where the account's token is asked for."""
    given = str(account.settings.get("base_url") or "")
    domain = str(account.settings.get("domain") or "").strip().removeprefix("https://")
    if not given and not domain:
        raise _refuse("The account has neither a My Domain host nor a base URL.", "Set --domain.")
    return checked(given or f"https://{domain}")


def instance(url: str, asked: str) -> str:
    """The instance a token names, when we may go there; an outside token never leads to loopback, nor the reverse."""
    there = checked(url)
    if loopback(urlsplit(there).hostname or "") != loopback(urlsplit(asked).hostname or ""):
        raise _refuse("The token names an instance on another network than the account.", "Check the base URL.")
    return there
