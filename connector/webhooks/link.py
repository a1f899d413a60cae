"""A trigger link: one address that fires one document. Verified, told at once what is wrong, stored, then read.

Every call carries an id, so that a repeated call is one call and two calls are two: `webhook-id`, else
`Idempotency-Key`, else `event_id` in the body. A call without one is refused in words: nobody could tell whether it
is the same call again or a second one (docs/decisions/0010).
"""

import hmac
import json
import time
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from connector.core.events import TriggerCalled
from connector.errors import NotAuthentic, Rejected
from connector.ports import Account, RawRequest, Response, Routed
from connector.webhooks import standard

LARGEST = 256 * 1024  # bytes of a body
VALUES = 200  # of one call
DEEPEST = 2_000  # brackets in a body: a flat object needs few
ID_HEADERS = ("webhook-id", "idempotency-key")
OURS = ("event_id", "object", "record", "values")
_REFUSED = "This call is not authentic."


class LinkWebhook:
    """The Webhook port of one link; `now` is Unix seconds."""

    def __init__(self, account: Account, now: Callable[[], float] = time.time) -> None:
        self._document = str(account.settings.get("document", ""))
        self._secrets = account.secrets
        self._old_until = float(account.settings.get("old_until") or 0)
        self._now = now

    def verify(self, request: RawRequest) -> None:
        """Raises NotAuthentic; and Rejected, to a caller we trust, for a body that says nothing or has no id."""
        now = self._now()
        tokens = [token for token in self._valid(now) if standard.key(token)]
        by_token = _bearer(request.headers, tokens)
        by_signature = standard.signed(request.headers, request.body, [standard.key(t) for t in tokens], now)
        if not (by_token or by_signature):
            raise NotAuthentic(_REFUSED, code="signature")
        _read(request.body, request.headers)

    def _valid(self, now: float) -> list[str]:
        """The secret, and the one before it while it is being changed."""
        old = self._secrets.get("secret_old", "") if now < self._old_until else ""
        return [secret for secret in (self._secrets.get("secret", ""), old) if secret]

    def parse(self, body: bytes, headers: Mapping[str, str]) -> list[Routed]:
        """The one event of a call. Raises ValueError when it cannot be read."""
        try:
            name, given = _read(body, headers)
        except Rejected as error:
            raise ValueError(error.message) from None
        event = TriggerCalled(
            id=name,
            trigger=self._document,
            object=_text(given.get("object")),
            record=_text(given.get("record")),
            values=_values(given),
            raw=given,
        )
        return [Routed(event, "")]

    def answer(self, request: RawRequest) -> Response:
        """200 and the id it counts under; `connector why` finds it by that."""
        name, _ = _read(request.body, request.headers)
        return Response(200, json.dumps({"ok": True, "id": name}).encode(), "application/json")


def _bearer(headers: Mapping[str, str], tokens: list[str]) -> bool:
    scheme, _, given = headers.get("authorization", "").partition(" ")
    found = False
    for token in tokens:
        found |= hmac.compare_digest(given.strip().encode("utf-8", "replace"), token.encode())
    return found and scheme.lower() == "bearer"


def _read(body: bytes, headers: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """(id, what was given). Raises Rejected with what to send instead."""
    given = _decoded(body)
    name = next((found for h in ID_HEADERS if (found := headers.get(h, "").strip())), "")
    name = name or _text(given.get("event_id"))
    if not name:
        hint = "Send an Idempotency-Key header, or event_id in the body: a new one for each call, the same for a retry."
        raise Rejected("The call has no id.", hint=hint, code="no_id")
    if len(name) > standard.ID:
        raise Rejected(f"The call's id is longer than {standard.ID} characters.", code="long_id")
    return name, given


def _decoded(body: bytes) -> dict[str, Any]:
    if len(body) > LARGEST:
        raise Rejected(f"The body is over {LARGEST:,} bytes.", code="too_large")
    if body.count(b"{") + body.count(b"[") > DEEPEST:
        raise Rejected("The body is nested too deeply.", hint="Send a flat JSON object.", code="not_json")
    try:
        found = json.loads(body or b"{}", parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Rejected("The body is not a JSON object.", hint='Send e.g. {"phone": "+573001112222"}.', code="not_json")
    return found


def _values(given: Mapping[str, Any]) -> dict[str, Any]:
    """What the document reads as `webhook.*`: the call's own words, and `values` as an object or [{name, value}]."""
    values = {name: value for name, value in given.items() if name not in OURS}
    more = given.get("values")
    if isinstance(more, list):
        pairs = [item for item in more if isinstance(item, dict)]
        more = {name: item.get("value") for item in pairs if (name := _text(item.get("name")))}
    values |= more if isinstance(more, dict) else {}
    return dict(list(values.items())[:VALUES])


def _text(found: Any) -> str:
    """A name or id, written as text or as a whole number."""
    if isinstance(found, bool) or not isinstance(found, str | int):
        return ""
    return str(found).strip()


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is too large")
    return number
