"""Secrets at rest: JSON under Fernet, bound to the place it stands in, so that a copy elsewhere does not open."""

import json
from collections.abc import Sequence
from hmac import compare_digest
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from connector.errors import NotAllowed


class Keyring:
    """Fernet keys, the newest first: the first one writes, all of them read."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def encrypt(self, value: Any, context: str) -> str:
        """JSON-ready `value` as text. `context` says where it stands, e.g. `<account id>:secrets`."""
        plain = json.dumps({"context": context, "value": value}, separators=(",", ":"))
        return self._fernet.encrypt(plain.encode()).decode()

    def decrypt(self, text: str, context: str) -> Any:
        """The value again. Raises NotAllowed when no key opens it, or it was stored elsewhere."""
        try:
            plain = json.loads(self._fernet.decrypt(text))
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

    def __repr__(self) -> str:
        return "<Keyring>"
