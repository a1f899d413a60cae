"""Codes of an authenticator app: TOTP (RFC 6238) over HOTP (RFC 4226), as every app knows it.

SHA-1, six digits, thirty seconds: apps read the other choices of a QR code and then ignore them.
"""

import base64
import hashlib
import hmac
from datetime import datetime
from urllib.parse import quote, urlencode

PERIOD = 30  # seconds
DIGITS = 6
DRIFT = 1  # steps a clock may be off, either way; RFC 6238, 5.2
SEED = 20  # bytes; RFC 4226, R6


def step_of(now: datetime) -> int:
    """The number of the thirty seconds that `now` lies in."""
    return int(now.timestamp()) // PERIOD


def code(seed: bytes, step: int, digits: int = DIGITS) -> str:
    """What the app shows in this step."""
    mac = hmac.new(seed, step.to_bytes(8, "big"), hashlib.sha1).digest()
    start = mac[-1] & 0x0F
    number = int.from_bytes(mac[start : start + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def matching(seed: bytes, given: str, now: datetime) -> int | None:
    """The step whose code this is, the newest first; None = none. All of them are looked at, whichever it is."""
    told, here = given.encode("utf-8", "replace"), step_of(now)
    steps = range(here + DRIFT, here - DRIFT - 1, -1)
    right = [step for step in steps if hmac.compare_digest(code(seed, step).encode(), told)]
    return right[0] if right else None


def spelled(seed: bytes) -> str:
    """The seed as it is typed into an app without a camera."""
    return base64.b32encode(seed).decode().rstrip("=")


def address(seed: bytes, issuer: str, email: str) -> str:
    """What the QR code says (the key URI that apps agree on)."""
    label = quote(f"{issuer}:{email}", safe="@")
    asked = {"secret": spelled(seed), "issuer": issuer, "algorithm": "SHA1", "digits": DIGITS, "period": PERIOD}
    return f"otpauth://totp/{label}?{urlencode(asked, quote_via=quote)}"
