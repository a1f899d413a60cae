"""Salesforce calling us: Outbound Messages (SOAP) and Flow callouts (JSON). Imports no SDK.

Salesforce signs nothing. An Outbound Message is trusted by the long secret its URL ends in and by its organization id;
a callout by the same URL, by `Authorization: Bearer <secret>`, or by a Standard Webhooks signature with the secret.
"""

import hashlib
import hmac
import json
import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from connector.core.events import Event, Unrecognised
from connector.core.nested import too_deep
from connector.crm import value
from connector.crm.salesforce import callout, outbound
from connector.errors import NotAuthentic
from connector.ports import Account, RawRequest, Response, Routed

LARGEST = 1_000_000  # bytes; 100 notifications of a wide object are well below
DEEPEST = 100  # levels of nesting in a callout; a flow makes about 3
TOLERANCE = 300.0  # seconds a signature's time may be off, either way
SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")


class SalesforceWebhook:
    """The Webhook port of one account."""

    def __init__(self, account: Account, now: Callable[[], float] = time.time) -> None:
        self._secret = value(account.secrets, "hook-secret")
        self._org = value(account.settings, "org-id")
        self._user = value(account.settings, "user-id")  # ours there: its changes are our own
        self._now = now

    def verify(self, request: RawRequest) -> None:
        """Raises NotAuthentic; nothing is trusted while the account has no secret."""
        if not self._secret or len(request.body) > LARGEST:
            raise NotAuthentic("The call could not be verified.")
        proofs = (self._by_path(request), self._by_bearer(request), self._by_signature(request))
        if not any(proofs):
            raise NotAuthentic("The call could not be verified.")
        if outbound.is_xml(request.body) and not self._right_org(request.body):
            raise NotAuthentic("The call could not be verified.")

    def _by_path(self, request: RawRequest) -> bool:
        return _equal(request.path.rstrip("/").rpartition("/")[2], self._secret)

    def _by_bearer(self, request: RawRequest) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return _equal(token.strip(), self._secret) and scheme.lower() == "bearer"

    def _by_signature(self, request: RawRequest) -> bool:
        """Standard Webhooks: base64 HMAC-SHA256 over id.timestamp.body; several signatures while a secret rotates."""
        name, at, signatures = (request.headers.get(h, "") for h in SIGNED)
        if not (name and at.isascii() and at.isdigit() and len(at) < 12) or abs(self._now() - int(at)) > TOLERANCE:
            return False
        signed = f"{name}.{at}.".encode() + request.body
        expected = hmac.new(self._secret.encode(), signed, hashlib.sha256).digest()
        return any(_equal_bytes(s, expected) for s in signatures.split()[:10])

    def _right_org(self, body: bytes) -> bool:
        """The organization id, on 15 characters: it comes with 15 or 18. While ours is unknown, the URL decides."""
        try:
            org = outbound.organization(body)
        except ValueError:
            return False
        return bool(org) and (not self._org or _equal(org[:15], self._org[:15]))

    def parse(self, body: bytes, headers: Mapping[str, str]) -> list[Routed]:
        """Every notification or callout of a delivery. Raises ValueError when it is neither XML nor JSON."""
        if len(body) > LARGEST:
            raise ValueError(f"The body is over {LARGEST:,} bytes.")
        if outbound.is_xml(body):
            return outbound.read(body, self._user)
        try:
            content = json.loads(body, parse_constant=_no_constant, parse_float=_finite)
        except RecursionError:
            raise ValueError("The JSON is nested too deeply.") from None
        if isinstance(content, dict | list) and too_deep(content, DEEPEST):
            raise ValueError("The JSON is nested too deeply.")
        items = content if isinstance(content, list) else [content]
        name = headers.get("webhook-id", "")
        return [Routed(self._item(item, f"{name}:{i}" if name else ""), "") for i, item in enumerate(items)]

    def _item(self, item: Any, fallback: str) -> Event:
        if isinstance(item, Mapping):
            return callout.read(item, fallback, self._user)
        digest = hashlib.sha256(repr(item).encode()).hexdigest()
        return Unrecognised(id=digest, what="callout", text="It is not a JSON object.", raw={"value": item})

    def answer(self, request: RawRequest) -> Response:
        """An Outbound Message hears its Ack, as anything else is repeated for 24 hours; a callout hears JSON."""
        if outbound.is_xml(request.body):
            return Response(200, outbound.ACK, "text/xml; charset=utf-8")
        return Response(200, b'{"ok":true}', "application/json")


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON.")


def _finite(text: str) -> float:
    number = float(text)
    return number if isfinite(number) else _no_constant(text)


def _equal(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode())


def _equal_bytes(signature: str, expected: bytes) -> bool:
    version, _, text = signature.partition(",")
    try:
        given = b64decode(text, validate=True)
    except ValueError:
        return False
    return hmac.compare_digest(given, expected) and version == "v1"
