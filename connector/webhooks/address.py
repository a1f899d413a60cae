"""Where we may call: public addresses over https, checked by the address itself and not by its name."""

import ipaddress
import socket
from collections.abc import Callable, Collection, Sequence
from urllib.parse import urlsplit

from connector.core.address import is_loopback

LONGEST = 2_000  # characters of an address
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[str]]
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address in its last 32 bits


def refusal(url: str, allowed: Collection[str] = ()) -> str:
    """Why it cannot be called, in words; "" when it can: https, or http on this machine itself.

    `allowed`: hosts that an operator has named; they may be private, and speak http."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
        host.encode("idna")  # labels over 63 characters, or none: looking them up would raise no OSError
    except ValueError:
        return "it is not an address"
    if len(url) > LONGEST or not url.isascii() or any(c <= " " or c in "\\\x7f" for c in url) or not host:
        return "it is not an address"
    if parts.username is not None or parts.password is not None or parts.fragment:
        return "only a scheme, a host, a path and a query may stand in it"
    if is_loopback(host) or host in allowed:
        return "" if parts.scheme in ("http", "https") else "it must start with https://"
    if parts.scheme != "https":
        return "it must start with https://"
    literal = _literal(host)
    return "" if literal is None or is_public(literal) else "it is not a public address"


def reachable(host: str, port: int, resolve: Resolve | None = None, allowed: Collection[str] = ()) -> str:
    """The address to connect to; every one the name has must be public, as one of them alone may be chosen later.

    Raises OSError when the name has none, PermissionError when one of them is not public."""
    found = [ipaddress.ip_address(text) for text in (resolve or resolved)(host, port)]
    if not found:
        raise OSError("the name has no address")
    if host in allowed:
        return str(found[0])
    here = is_loopback(host)
    if any(not (address.is_loopback if here else is_public(address)) for address in found):
        raise PermissionError("the name leads to an address that is not public")
    return str(found[0])


def resolved(host: str, port: int) -> list[str]:
    """The addresses of a name, as this machine knows them."""
    return [str(info[4][0]).partition("%")[0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_public(address: Address) -> bool:
    """Routable on the internet, also what is wrapped inside an IPv6 address."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
