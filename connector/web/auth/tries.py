"""Whose tries to sign in are counted together: a browser that signed in before has a count of its own.

So nobody keeps a person out by guessing wrong on purpose: neither by their e-mail, nor from an address they share.
"""

import hashlib
from datetime import timedelta

from flask import Response, request

from connector.errors import NotAllowed
from connector.web import callers
from connector.web.house import House

KNOWN = timedelta(days=365)
PLACE = "known browser"
LONGEST = 600  # characters of the cookie


def keys(house: House, email: str) -> list[str]:
    """What a try for this e-mail is counted under."""
    known = request.cookies.get(_name(house), "")
    if known and _of(house, known) == email:
        return [f"known:{hashlib.sha256(known.encode()).hexdigest()}"]
    return [f"email:{email}", *(f"address:{where}" for where in [network(house)] if where)]


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


def second(house: House, email: str) -> list[str]:
    """What a try for the second factor is counted under; a right password forgives none of these."""
    return [key if key.startswith("address:") else f"second:{key}" for key in keys(house, email)]


def network(house: House) -> str:
    """Who calls, as tries are counted; "" where only a proxy is seen."""
    return callers.network(request.remote_addr or "", house.public_url)
