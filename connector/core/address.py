"""Where a token may be sent: one rule for every system that is connected."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

_VERSION = re.compile(r"/(v?\d+(\.\d+)?|\d{4}-\d{2})(/|$)", re.ASCII)


def refusal(text: str, hosts: tuple[str, ...]) -> str:
    """Why a token may not be sent there, in words; "" when it may: https on a host of `hosts`, or loopback."""
    try:
        parts = urlsplit(text)
        host, _ = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return "it is not an address"
    if parts.username is not None or parts.query or parts.fragment or re.search(r"[\s\\@]", text):
        return "only a scheme, a host and a path may stand in it"
    if _VERSION.search(parts.path):
        return "the version does not belong in it"
    if is_loopback(host):
        return "" if parts.scheme in ("http", "https") else "it must start with http:// or https://"
    if parts.scheme != "https":
        return "it must start with https://"
    return "" if any(host == h or host.endswith("." + h) for h in hosts) else "this host is not allowed"


def is_loopback(host: str) -> bool:
    """`localhost`, 127.0.0.0/8 or ::1, where the sandbox lives."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
