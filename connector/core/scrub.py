"""Secrets taken out of what somebody else wrote: an answer may hold the token that asked for it."""

from collections.abc import Iterable
from typing import Any

MARK = "[secret]"
SHORTEST = 8  # characters; a shorter one is a word like any other


def scrubbed(value: Any, secrets: Iterable[str]) -> Any:
    """JSON-like `value` (or bytes) with every one of `secrets` replaced in every text, keys included."""
    known = sorted({secret for secret in secrets if len(secret) >= SHORTEST}, key=len, reverse=True)
    return _scrubbed(value, known) if known else value


def _scrubbed(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, str):
        for secret in secrets:
            if secret in value:
                value = value.replace(secret, MARK)
        return value
    if isinstance(value, bytes):
        for secret in secrets:
            raw = secret.encode("utf-8", "surrogatepass")
            if raw in value:
                value = value.replace(raw, MARK.encode())
        return value
    if isinstance(value, dict):
        return {_scrubbed(name, secrets): _scrubbed(one, secrets) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_scrubbed(one, secrets) for one in value]
    return value
