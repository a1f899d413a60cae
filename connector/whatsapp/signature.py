"""Is it Meta who calls? The signature over the raw bytes of a webhook, and the token of the handshake."""

import hmac
from collections.abc import Sequence

_PREFIX = "sha256="
_LENGTH = len(_PREFIX) + 64


def signed(body: bytes, header: str | None, secrets: Sequence[bytes]) -> bool:
    """Does `X-Hub-Signature-256` fit the raw body under one of the app secrets? Constant time; no secret, no trust.

    Two secrets at once, because Meta has no moment at which both sides change (app secret rotation).
    """
    if header is None or len(header) != _LENGTH or not header.startswith(_PREFIX):
        return False
    try:
        given = bytes.fromhex(header[len(_PREFIX) :])
    except ValueError:
        return False
    found = False
    for secret in secrets:
        found |= hmac.compare_digest(hmac.digest(secret, body, "sha256"), given)
    return found


def same_token(given: str, expected: bytes) -> bool:
    """The handshake's verify token, in constant time; an empty one is never right."""
    return bool(expected) and hmac.compare_digest(given.encode("utf-8", "replace"), expected)
