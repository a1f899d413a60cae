"""What an account's form must hold before it is stored, and where its token may be sent."""

import re
from collections.abc import Mapping

from connector.core.address import refusal
from connector.errors import NotAllowed

BASE_URL = "https://graph.facebook.com"
HOSTS = ("facebook.com",)
_ID = re.compile(r"[A-Za-z0-9_.\-]{1,64}", re.ASCII)  # Meta's ids are digits today; it asks to treat them as opaque


def value(values: Mapping[str, object], name: str) -> str:
    """A flag's value: `app-secret` is stored as app_secret."""
    return str(values.get(name.replace("-", "_")) or values.get(name) or "").strip()


def validate(settings: Mapping[str, object]) -> None:
    """Raises NotAllowed, with what to write instead, for ids that are none and for an address that is not Meta's."""
    for name in ("phone-number-id", "waba-id"):
        if not _ID.fullmatch(value(settings, name)):
            raise NotAllowed(f"{name} is not an id.", hint="Copy it from the app's API Setup page.", code="bad_id")
    for name, words in (("read-marks", ("", "no", "yes", "typing")), ("keep-media", ("", "yes", "no"))):
        if value(settings, name).lower() not in words:
            hint = f"Write {', '.join(word for word in words if word)}."
            raise NotAllowed(f"{name} cannot be '{value(settings, name)[:40]}'.", hint=hint, code="bad_word")
    base_url(settings)


def base_url(settings: Mapping[str, object]) -> str:
    """The API address without version and last slash: https on a host of Meta, or loopback; else NotAllowed."""
    address = value(settings, "base-url") or BASE_URL
    problem = refusal(address, HOSTS)
    if problem:
        hint = f"Leave it empty, or give https://graph.{HOSTS[0]} or a sandbox on this computer."
        raise NotAllowed(f"The base-url cannot be used: {problem}.", hint=hint, code="bad_base_url")
    return address.rstrip("/")
