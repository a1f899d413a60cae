"""Secrets at rest: JSON under Fernet, bound to the place it stands in, so that a copy elsewhere does not open."""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from hmac import compare_digest
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from connector.errors import NotAllowed

# What Fernet makes, wherever it stands: version 0x80 and a time of this century in URL-safe base64.
TOKEN = re.compile(r"gAAAA[A-Za-z0-9_-]{70,}={0,2}")


class Keyring:
    """Fernet keys, the newest first: the first one writes, all of them read.

    `keys` may be a function: it is asked at each use, so that a key that is new in a file counts at once."""

    def __init__(self, keys: Sequence[str] | Callable[[], Sequence[str]]) -> None:
        self._source = keys if callable(keys) else lambda: keys
        self._made: tuple[tuple[str, ...], tuple[Fernet, ...]] = ((), ())
        self._now()

    def _now(self) -> tuple[Fernet, ...]:
        keys = tuple(self._source())
        known, made = self._made
        if keys != known:
            made = tuple(Fernet(key) for key in keys)
            self._made = (keys, made)
        return made

    def encrypt(self, value: Any, context: str) -> str:
        """JSON-ready `value` as text. `context` says where it stands, e.g. `<account id>:secrets`."""
        plain = json.dumps({"context": context, "value": value}, separators=(",", ":"))
        return self._now()[0].encrypt(plain.encode()).decode()

    def decrypt(self, text: str, context: str) -> Any:
        """The value again. Raises NotAllowed when no key opens it, or it was stored elsewhere."""
        try:
            plain = json.loads(MultiFernet(self._now()).decrypt(text))
        except InvalidToken:
            raise NotAllowed(
                "A stored secret does not open with our keys.",
                hint="Put the key it was stored with back into CONNECTOR_SECRET_KEY, or enter the secret again.",
                code="secret_key",
            ) from None
        if not compare_digest(plain["context"].encode(), context.encode()):
            raise NotAllowed(
                "A stored secret stands in the wrong place.", hint="Enter the secret again.", code="secret_place"
            )
        return plain["value"]

    # ---- rotation ------------------------------------------------------------------------------------------------
    def fingerprints(self) -> list[str]:
        """A name for each key, the first one's first: eight digits of its SHA-256 tell nothing of it."""
        self._now()
        return [fingerprint(key) for key in self._made[0]]

    def opened_by(self, text: str) -> int | None:
        """Which key opens it, 0 = the first; None = none of them."""
        for n, key in enumerate(self._now()):
            try:
                key.decrypt(text)
            except InvalidToken:
                continue
            return n
        return None

    def renewed(self, text: str) -> str:
        """The same under the first key; as it is when it is that already, or when no key opens it."""
        if not self.opened_by(text):
            return text
        return MultiFernet(self._now()).rotate(text).decode()

    def __repr__(self) -> str:
        return "<Keyring>"


def fingerprint(key: str) -> str:
    """What a key is called where it must not be shown."""
    return hashlib.sha256(key.encode()).hexdigest()[:8]
