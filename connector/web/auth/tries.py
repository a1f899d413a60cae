"""Whose tries to sign in are counted together: a browser that signed in before has a count of its own.

So nobody keeps a person out by guessing wrong on purpose: neither by their e-mail, nor from an address they share.
"""

import hashlib
from datetime import timedelta
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from flask import Response, request

from connector.errors import NotAllowed
from connector.web.house import House

KNOWN = timedelta(days=365)
PLACE = "known browser"
LONGEST = 600  # characters of the cookie


def keys(house: House, email: str) -> list[str]:
    """What a try for this e-mail is counted under."""
    known = request.cookies.get(_name(house), "")
    if known and _of(house, known) == email:
        return [f"known:{hashlib.sha256(known.encode()).hexdigest()}"]
    return [f"email:{email}", *(f"address:{network}" for network in [_network(house)] if network)]


def remembered(response: Response, house: House, email: str) -> Response:
    """The browser in which this person has signed in."""
    response.set_cookie(
        _name(house), house.keyring.encrypt(email, PLACE), max_age=int(KNOWN.total_seconds()), secure=house.https,
        httponly=True, samesite="Lax", path="/",
    )  # fmt: skip
    return response


def _of(house: House, known: str) -> str:
    try:
        return str(house.keyring.decrypt(known, PLACE)) if len(known) <= LONGEST and known.isascii() else ""
    except (NotAllowed, ValueError):
        return ""


def _name(house: House) -> str:
    return "__Host-connector-known" if house.https else "connector-known"


def _network(house: House) -> str:
    """Who calls: of IPv6 the network, whoever has one address has all of it; "" where only a proxy is seen."""
    try:
        found = ip_address((request.remote_addr or "").partition("%")[0])
    except ValueError:
        return ""
    if found.is_loopback and urlsplit(house.public_url).hostname not in ("127.0.0.1", "localhost", "::1"):
        return ""
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or IPv6Address(int(found) >> 64 << 64))
    return str(found)
