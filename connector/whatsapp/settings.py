"""What an account's form must hold before it is stored, and where its token may be sent."""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from connector.errors import NotAllowed

BASE_URL = "https://graph.facebook.com"
HOSTS = ("facebook.com",)
_ID = re.compile(r"[A-Za-z0-9_.\-]{1,64}", re.ASCII)  # Meta's ids are digits today; it asks to treat them as opaque
_VERSION = re.compile(r"/v?[0-9]+(\.[0-9]+)?(/|$)", re.ASCII)


def value(values: Mapping[str, object], name: str) -> str:
    """A flag's value: `app-secret` is stored as app_secret."""
    return str(values.get(name.replace("-", "_")) or values.get(name) or "").strip()


def validate(settings: Mapping[str, object]) -> None:
    """Raises NotAllowed, with what to write instead, for ids that are none and for an address that is not Meta's."""
    for name in ("phone-number-id", "waba-id"):
        if not _ID.fullmatch(value(settings, name)):
            raise NotAllowed(f"{name} is not an id.", hint="Copy it from the app's API Setup page.", code="bad_id")
    base_url(settings)


def base_url(settings: Mapping[str, object]) -> str:
    """The API address without version and last slash: https on a host of Meta, or loopback; else NotAllowed."""
    address = value(settings, "base-url") or BASE_URL
    problem = _problem(address)
    if problem:
        hint = f"Leave it empty, or give https://graph.{HOSTS[0]} or a sandbox on this computer."
        raise NotAllowed(f"The base-url cannot be used: {problem}.", hint=hint, code="bad_base_url")
    return address.rstrip("/")


def _problem(address: str) -> str:
    try:
        parts = urlsplit(address)
        host, _ = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return "it is not an address"
    if parts.username is not None or parts.query or parts.fragment or re.search(r"[\s\\]", address):
        return "it may hold only a scheme, a host and a path"
    if _VERSION.search(parts.path):
        return "it must not carry a version"
    if _loopback(host):
        return "" if parts.scheme in ("http", "https") else "it must start with http:// or https://"
    if parts.scheme != "https":
        return "it must start with https://"
    return "" if any(host == h or host.endswith("." + h) for h in HOSTS) else "it is not a host of Meta's"


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
