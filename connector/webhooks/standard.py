"""Standard Webhooks, symmetric: `v1,` base64 HMAC-SHA256 over `id.timestamp.body`, with a secret `whsec_...`.

Source: the specification at github.com/standard-webhooks, checked 2026-11.
"""

import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence

PREFIX = "whsec_"
TOLERANCE = 300  # seconds a signature's time may be off, either way
SIGNATURES = 10  # looked at; a sender that rotates its secret sends two
ID = 256  # characters of a message id
SMALLEST, LARGEST = 24, 64  # bytes of a secret


def new_secret() -> str:
    """A secret of 32 random bytes."""
    return PREFIX + b64encode(secrets.token_bytes(32)).decode()


def key(secret: str) -> bytes:
    """The bytes to sign with; b"" for a text that is no secret."""
    try:
        return b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        return b""


def usable(secret: str) -> bool:
    """`whsec_` and 24 to 64 bytes in base64."""
    return secret.startswith(PREFIX) and SMALLEST <= len(key(secret)) <= LARGEST


def sign(secret: str, id_: str, timestamp: int, body: bytes) -> str:
    """The value of one `webhook-signature`."""
    return "v1," + b64encode(_digest(key(secret), id_, str(timestamp), body)).decode()


def signed(headers: Mapping[str, str], body: bytes, keys: Sequence[bytes], now: float) -> bool:
    """One of the signatures fits one of the keys, and its time is near; every pair is compared, in constant time."""
    id_, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (0 < len(id_) <= ID and stamp.isascii() and stamp.isdigit() and len(stamp) < 12):
        return False
    if abs(now - int(stamp)) > TOLERANCE:
        return False
    given = [_given(text) for text in headers.get("webhook-signature", "").split()[:SIGNATURES]]
    found = False
    for one in keys:
        expected = _digest(one, id_, stamp, body)
        for digest in given:
            found |= hmac.compare_digest(digest, expected)
    return found


def _digest(secret: bytes, id_: str, stamp: str, body: bytes) -> bytes:
    return hmac.digest(secret, f"{id_}.{stamp}.".encode("utf-8", "replace") + body, "sha256")


def _given(text: str) -> bytes:
    """The bytes of a `v1,` signature; b"" for any other."""
    version, _, encoded = text.partition(",")
    try:
        return b64decode(encoded, validate=True) if version == "v1" else b""
    except ValueError:
        return b""
