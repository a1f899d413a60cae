"""Where a header's file may come from: a media id of WhatsApp's, or a public web address.

Meta fetches the address, so one of our own network cannot work; whoever can write the CRM field must not be able to
point it there either.
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from connector.core.template.limits import URL

MEDIA_ID = re.compile(r"[0-9]{5,25}", re.ASCII)
_PART = re.compile(r"0x[0-9a-f]*|[0-9]+", re.ASCII)
_LOCAL_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home.arpa")


def is_media_id(text: str) -> bool:
    """An id that POST /{number}/media gave: digits only."""
    return MEDIA_ID.fullmatch(text) is not None


def refusal(url: str) -> str:
    """Why a header's file cannot come from this address, in plain words; "" when it can."""
    if re.search(r"[\s\\\x00-\x1f\x7f]", url):
        return "it holds a space or another character that an address cannot have"
    try:
        found = urlsplit(url)
        host, _ = (found.hostname or "").rstrip(".").lower(), found.port
    except ValueError:
        return "it is not an address"
    if found.scheme not in ("http", "https") or not host:
        return "it is neither an address that starts with https:// nor a media id"
    if "@" in found.netloc:
        return "it holds a user name or a password"
    if len(url) > URL:
        return f"it is longer than {URL} characters"
    return "" if _public(host) else "WhatsApp cannot reach an address inside a private network"


def _public(host: str) -> bool:
    address = _address(host)
    if address is None:
        return "." in host and not any(host == name or host.endswith("." + name) for name in _LOCAL_NAMES)
    return reachable(address)


def reachable(address: IPv4Address | IPv6Address) -> bool:
    """Global, and no wrapper of another address (::ffff:10.0.0.1, 6to4, Teredo, NAT64): Pythons disagree on those."""
    if isinstance(address, IPv6Address):
        wraps = address.ipv4_mapped or address.sixtofour or address.teredo
        if wraps or address.packed[:12] in (bytes(12), bytes.fromhex("0064ff9b") + bytes(8)):
            return False
    return address.is_global and not address.is_multicast


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """The IP address a host stands for, also as 2130706433, 0x7f.1 or 0177.0.0.1; None if it is a name."""
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return _old_style(host)


def _old_style(host: str) -> IPv4Address | None:
    """One to four numbers, decimal, octal or hexadecimal; the last fills what is left (as inet_aton reads them)."""
    pieces = host.split(".")
    if len(pieces) > 4 or not all(_PART.fullmatch(piece) for piece in pieces):
        return None
    *first, last = (_number(piece) for piece in pieces)
    value = last
    for n, piece in enumerate(first):
        value += piece << (8 * (3 - n))
    return IPv4Address(min(value, 2**32 - 1)) if all(piece < 256 for piece in first) else IPv4Address(0)


def _number(piece: str) -> int:
    if piece.startswith("0x"):
        return int(piece[2:] or "0", 16)
    octal = len(piece) > 1 and piece[0] == "0" and not set(piece) & {"8", "9"}
    return int(piece, 8) if octal else int(piece)
