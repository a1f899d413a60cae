"""Who calls: their address, through as many proxies as are ours; of IPv6 the network, one caller has all of it.

Each proxy adds who called it to the end of X-Forwarded-For; what stands further left the caller wrote himself.
X-Forwarded-Host and -Proto are never looked at: addresses we make begin with PUBLIC_URL.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def address(environ: Mapping[str, Any], hops: int) -> str:
    """The caller's address; "" when that many proxies should have said it and did not, or said no address."""
    nearest = str(environ.get("REMOTE_ADDR") or "")
    if not hops:
        return _plain(nearest)
    told = [part.strip() for part in str(environ.get("HTTP_X_FORWARDED_FOR") or "").split(",") if part.strip()]
    return _plain(told[-hops]) if len(told) >= hops else ""


def _plain(text: str) -> str:
    """Without a port and a zone; "" for what is no address."""
    host = text.rpartition("]")[0].lstrip("[") if text.startswith("[") else text
    host = host.rpartition(":")[0] if host.count(":") == 1 else host
    try:
        found = ip_address(host.partition("%")[0])
    except ValueError:
        return ""
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or found)


def network(where: str, public_url: str) -> str:
    """What tries are counted by: the address, of IPv6 its /64; "" where only a proxy of this machine is seen."""
    try:
        found = ip_address(where)
    except ValueError:
        return ""
    if found.is_loopback and urlsplit(public_url).hostname not in LOOPBACK:
        return ""
    return str(IPv6Address(int(found) >> 64 << 64)) if isinstance(found, IPv6Address) else str(found)


def inside(where: str, networks: Sequence[str]) -> bool:
    """The address lies in one of these networks; False when it is not known."""
    try:
        found = ip_address(where)
        return any(found in ip_network(one) for one in networks)
    except ValueError:
        return False


def usable(networks: str) -> list[str] | None:
    """Networks as a person writes them (10.0.0.0/8, 203.0.113.7; commas or spaces), tidied; None = one is none."""
    try:
        return [str(ip_network(one, strict=False)) for one in networks.replace(",", " ").split()]
    except ValueError:
        return None


def seen(app: Callable[..., Iterable[bytes]], hops: int) -> Callable[..., Iterable[bytes]]:
    """`app` is told the caller's address as REMOTE_ADDR."""

    def inner(environ: Any, start: Any) -> Iterable[bytes]:
        environ["REMOTE_ADDR"] = address(environ, hops)
        return app(environ, start)

    return inner
