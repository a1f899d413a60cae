"""HubSpot's webhooks: signatures v3 and v2 over the raw bytes, and every event of a batch. Imports no SDK."""

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from connector.core.events import Event, Noted, RecordChanged, Unrecognised
from connector.crm import value
from connector.errors import NotAuthentic
from connector.ports import Account, RawRequest, Response, Routed

TOLERANCE = 300.0  # seconds a v3 timestamp may lie on either side of now (HubSpot: reject older than 5 minutes)
# HubSpot decodes exactly these before it signs a v3 URI (docs: validating requests).
DECODED = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$",
    "%27": "'", "%28": "(", "%29": ")", "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip
_ENCODED = re.compile("|".join(DECODED), re.IGNORECASE)
# The prefix of an old subscription, or the objectTypeId of an `object.` one, in the words of the API's paths.
OBJECTS = {
    "contact": "contacts", "company": "companies", "deal": "deals", "ticket": "tickets",
    "0-1": "contacts", "0-2": "companies", "0-3": "deals", "0-5": "tickets",
}  # fmt: skip
WHAT = {
    "creation": "created",
    "propertyChange": "changed",
    "deletion": "deleted",
    "privacyDeletion": "deleted",
    "restore": "restored",
}
NOTED = frozenset({"associationChange", "newMessage"}) | set(WHAT)  # known, but without a record of its own


def decode_uri(uri: str) -> str:
    """The URI as HubSpot signs it in v3."""
    return _ENCODED.sub(lambda found: DECODED[found.group().upper()], uri)


def sign_v3(secret: str, method: str, uri: str, body: bytes, timestamp: str) -> str:
    """base64(HMAC-SHA256(secret, METHOD + decoded URI + raw body + timestamp in ms))."""
    text = method.encode() + decode_uri(uri).encode() + body + timestamp.encode()
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()


def sign_v2(secret: str, method: str, uri: str, body: bytes) -> str:
    """hex SHA256(secret + METHOD + URI + raw body): workflow actions and classic cards. It carries no time."""
    return hashlib.sha256(secret.encode() + method.encode() + uri.encode() + body).hexdigest()


class HubSpotWebhook:
    """The four-method port for one account; `now` is Unix seconds."""

    def __init__(self, account: Account, *, now: Callable[[], float] = time.time) -> None:
        self._secret = value(account.secrets, "client-secret")
        self._public = value(account.settings, "public_url").rstrip("/")
        self._now = now

    def verify(self, request: RawRequest) -> None:
        """Raises NotAuthentic unless the newest signature the call carries is right; v3 is never traded for v2."""
        headers = request.headers
        uri = f"{self._public}{request.path}" + (f"?{request.query}" if request.query else "")
        given = headers.get("x-hubspot-signature-v3")
        if given is not None:
            stamp = headers.get("x-hubspot-request-timestamp", "")
            recent = self._is_recent(stamp)
            expected = sign_v3(self._secret, request.method, uri, request.body, stamp) if recent else None
        elif headers.get("x-hubspot-signature-version", "").lower() == "v2":
            given = headers.get("x-hubspot-signature", "")
            expected = sign_v2(self._secret, request.method, uri, request.body)
        else:
            given, expected = "", None
        if not (self._secret and expected and hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))):
            raise NotAuthentic("This call is not authentic.", code="signature")

    def _is_recent(self, stamp: str) -> bool:
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 15):
            return False
        return abs(self._now() - int(stamp) / 1000) <= TOLERANCE

    def parse(self, body: bytes, headers: Mapping[str, str]) -> list[Routed]:
        """Every event, creations first (HubSpot sends them unordered, with equal times). ValueError when not JSON."""
        del headers
        items = _load(body)
        routed = [one for item in (items if isinstance(items, list) else [items]) for one in _read(item)]
        return sorted(routed, key=lambda one: getattr(one.event, "what", "") != "created")

    def answer(self, request: RawRequest) -> Response:
        """200 with nothing in it, within HubSpot's 5 seconds."""
        del request
        return Response(200)


def _load(body: bytes) -> Any:
    def refuse(word: str) -> None:
        raise ValueError(f"{word} is not JSON")

    try:
        return json.loads(body, parse_constant=refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _read(item: Any) -> list[Routed]:
    """The events of one item (a merge is one per record that went); what we do not know is kept whole."""
    if not isinstance(item, dict):
        return [Routed(Unrecognised(id=_digest(item), raw={"item": item}, text="not an object"), "")]
    owner = _text(item.get("portalId"))
    kind = _text(item.get("subscriptionType") or item.get("eventType"))
    prefix, _, verb = kind.partition(".")
    if verb == "merge" and item.get("newObjectId") is not None:
        return [Routed(event, owner) for event in _merged(item, kind, prefix)]
    return [Routed(_event(item, kind, prefix, verb), owner)]


def _event(item: Mapping[str, Any], kind: str, prefix: str, verb: str) -> Event:
    record = _text(item.get("objectId"))
    if verb in WHAT and record:
        return RecordChanged(
            id=_key(item, kind, record),
            at=_time(item.get("occurredAt")),
            raw=item,
            object=_object(item, prefix),
            record=record,
            what=WHAT[verb],
            field=_text(item.get("propertyName")) or None,
            value=verb if verb == "privacyDeletion" else _value(item),  # asks us to erase our copies too
            source=_source(item),
        )
    if verb in NOTED:
        return Noted(id=_key(item, kind, record), at=_time(item.get("occurredAt")), raw=item, what=kind)
    text = "an unknown kind of HubSpot event"
    return Unrecognised(id=_digest(item), at=_time(item.get("occurredAt")), raw=item, what=kind[:100], text=text)


def _merged(item: Mapping[str, Any], kind: str, prefix: str) -> list[Event]:
    """One event per record that went; HubSpot makes a new id (newObjectId) that goes on."""
    into = _text(item["newObjectId"])
    ids = item.get("mergedObjectIds")
    gone = dict.fromkeys(_text(one) for one in [*(ids if isinstance(ids, list) else []), item.get("primaryObjectId")])
    return [
        RecordChanged(
            id=_key(item, kind, record),
            at=_time(item.get("occurredAt")),
            raw=item,
            object=_object(item, prefix),
            record=record,
            what="merged",
            into=into,
            source=_source(item),
        )
        for record in gone
        if record and record != into
    ]


def _key(item: Mapping[str, Any], kind: str, record: str) -> str:
    """(portal, kind, object, property, time, event): eventId alone is not unique; attemptNumber stays out of it."""
    ends = [_text(item.get(name)) for name in ("fromObjectId", "toObjectId", "messageId")]
    parts = [_text(item.get("portalId")), kind, record, *(end for end in ends if end)]
    return ":".join([*parts, *(_text(item.get(name)) for name in ("propertyName", "occurredAt", "eventId"))])


def _digest(item: Any) -> str:
    return hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()


def _object(item: Mapping[str, Any], prefix: str) -> str:
    name = _text(item.get("objectTypeId")) if prefix == "object" else prefix
    return OBJECTS.get(name, name)


def _value(item: Mapping[str, Any]) -> str | None:
    """What the property became; None for a sensitive one, which HubSpot sends as REDACTED."""
    found = item.get("propertyValue")
    hidden = found == "REDACTED" and item.get("isSensitive") is not False
    return None if found is None or hidden else _text(found)


def _source(item: Mapping[str, Any]) -> str:
    return ":".join(part for part in (_text(item.get("changeSource")), _text(item.get("sourceId"))) if part)


def _text(found: Any) -> str:
    if isinstance(found, bool) or found is None:
        return "" if found is None else str(found).lower()
    return str(found) if isinstance(found, (str, int, float)) else ""


def _time(found: Any) -> datetime | None:
    """Milliseconds since 1970, as UTC; None when it is no such thing."""
    if isinstance(found, bool) or not isinstance(found, int):
        return None
    try:
        return datetime.fromtimestamp(found / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
