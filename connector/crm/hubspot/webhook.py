"""HubSpot calling us: signatures v3 and v2 over the raw bytes, every event of a batch, workflows. Imports no SDK."""

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from connector.core.events import Event, Noted, RecordChanged, Unrecognised
from connector.crm import value
from connector.crm.hubspot import picker, workflows
from connector.crm.hubspot.payload import digest, load, object_of, text
from connector.errors import NotAuthentic, Rejected
from connector.ports import Account, Choices, RawRequest, Response, Routed

TOLERANCE = 300.0  # seconds a v3 timestamp may lie on either side of now (HubSpot: reject older than 5 minutes)
# HubSpot decodes exactly these before it signs a v3 URI (docs: validating requests).
DECODED = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$",
    "%27": "'", "%28": "(", "%29": ")", "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip
_ENCODED = re.compile("|".join(DECODED), re.IGNORECASE)
WHAT = {
    "creation": "created",
    "propertyChange": "changed",
    "deletion": "deleted",
    "privacyDeletion": "deleted",
    "restore": "restored",
}
WORKFLOW = ("/action", "/options")  # how the paths end that a workflow calls; one app serves one account there
NOTED = frozenset({"associationChange", "newMessage"}) | set(WHAT)  # known, but without a record of its own


def decode_uri(uri: str) -> str:
    """The URI as HubSpot signs it in v3."""
    return _ENCODED.sub(lambda found: DECODED[found.group().upper()], uri)


def sign_v3(secret: str, method: str, uri: str, body: bytes, timestamp: str) -> str:
    """base64(HMAC-SHA256(secret, METHOD + decoded URI + raw body + timestamp in ms))."""
    signed = method.encode() + decode_uri(uri).encode() + body + timestamp.encode()
    return base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


def sign_v2(secret: str, method: str, uri: str, body: bytes) -> str:
    """hex SHA256(secret + METHOD + URI + raw body): workflow actions and classic cards. It carries no time."""
    return hashlib.sha256(secret.encode() + method.encode() + uri.encode() + body).hexdigest()


class HubSpotWebhook:
    """The port for one account; `now` is Unix seconds."""

    def __init__(self, account: Account, *, now: Callable[[], float] = time.time) -> None:
        self._secret = value(account.secrets, "client-secret")
        self._public = value(account.settings, "public_url").rstrip("/")
        self._portal = value(account.settings, "portal-id")
        self._app = value(account.settings, "app-id")
        self._now = now

    def verify(self, request: RawRequest) -> None:
        """Raises NotAuthentic unless the newest signature the call carries is right; v3 is never traded for v2.

        And Rejected for a workflow of an account that is not this one: it must fail there, not wait for nobody."""
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
        if request.path.endswith(WORKFLOW):
            self._right_portal(request.body)

    def _right_portal(self, body: bytes) -> None:
        try:
            item = load(body)
        except ValueError:
            raise Rejected("This is not JSON.", code="not_json") from None
        origin = item.get("origin") if isinstance(item, dict) else None
        portal = text(origin.get("portalId")) if isinstance(origin, dict) else ""
        if self._portal and portal != self._portal:
            raise Rejected("This HubSpot account is not the one connected here.", code="wrong_portal")

    def _is_recent(self, stamp: str) -> bool:
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 15):
            return False
        return abs(self._now() - int(stamp) / 1000) <= TOLERANCE

    def parse(self, body: bytes, headers: Mapping[str, str]) -> list[Routed]:
        """Every event, creations first (HubSpot sends them unordered, with equal times). ValueError when not JSON."""
        items = load(body)
        if isinstance(items, dict) and not _kind(items):
            return [self._called(items, headers.get(workflows.QUERY, ""))]
        routed = [one for item in (items if isinstance(items, list) else [items]) for one in self._read(item)]
        return sorted(routed, key=lambda one: getattr(one.event, "what", "") != "created")

    def _called(self, item: Mapping[str, Any], query: str) -> Routed:
        """A workflow's own step, or its webhook."""
        if workflows.is_action(item):
            origin = item.get("origin")
            return Routed(workflows.read_action(item), text(origin.get("portalId")) if isinstance(origin, dict) else "")
        return Routed(workflows.read_call(item, query), text(item.get("portalId")))

    def _read(self, item: Any) -> list[Routed]:
        return [replace(one, event=self._marked(one.event)) for one in _read(item)]

    def _marked(self, event: Event) -> Event:
        """Our own app made the change: HubSpot says so by its id (`sourceId` is 1160452 or appId:1160452)."""
        if not (self._app and isinstance(event, RecordChanged)):
            return event
        by, _, source = event.source.partition(":")
        ours = by == "INTEGRATION" and source.removeprefix("appId:") == self._app
        return replace(event, ours=True) if ours else event

    def answer(self, request: RawRequest) -> Response:
        """Within HubSpot's 5 seconds: 200; a step of a workflow also hears whether to wait; `options` has its own."""
        if request.path.endswith("/options"):
            return self.options(request, {})
        if request.path.endswith("/action"):
            return Response(200, workflows.answer(request.body), "application/json")
        return Response(200)

    def options(self, request: RawRequest, choices: Choices) -> Response:
        """What an admin may pick in a workflow: documents and approved templates, searched and paged."""
        return picker.page(request.body, choices)


def _kind(item: Mapping[str, Any]) -> str:
    return text(item.get("subscriptionType") or item.get("eventType"))


def _read(item: Any) -> list[Routed]:
    """The events of one item (a merge is one per record that went); what we do not know is kept whole."""
    if not isinstance(item, dict):
        return [Routed(Unrecognised(id=digest(item), raw={"item": item}, text="not an object"), "")]
    owner = text(item.get("portalId"))
    kind = _kind(item)
    prefix, _, verb = kind.partition(".")
    if verb == "merge" and item.get("newObjectId") is not None:
        return [Routed(event, owner) for event in _merged(item, kind, prefix)]
    return [Routed(_event(item, kind, prefix, verb), owner)]


def _event(item: Mapping[str, Any], kind: str, prefix: str, verb: str) -> Event:
    record = text(item.get("objectId"))
    if verb in WHAT and record:
        return RecordChanged(
            id=_key(item, kind, record),
            at=_time(item.get("occurredAt")),
            raw=item,
            object=_object(item, prefix),
            record=record,
            what=WHAT[verb],
            field=text(item.get("propertyName")) or None,
            value=verb if verb == "privacyDeletion" else _value(item),  # asks us to erase our copies too
            source=_source(item),
        )
    if verb in NOTED:
        return Noted(id=_key(item, kind, record), at=_time(item.get("occurredAt")), raw=item, what=kind)
    why = "an unknown kind of HubSpot event"
    return Unrecognised(id=digest(item), at=_time(item.get("occurredAt")), raw=item, what=kind[:100], text=why)


def _merged(item: Mapping[str, Any], kind: str, prefix: str) -> list[Event]:
    """One event per record that went; HubSpot makes a new id (newObjectId) that goes on."""
    into = text(item["newObjectId"])
    ids = item.get("mergedObjectIds")
    gone = dict.fromkeys(text(one) for one in [*(ids if isinstance(ids, list) else []), item.get("primaryObjectId")])
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
    ends = [text(item.get(name)) for name in ("fromObjectId", "toObjectId", "messageId")]
    parts = [text(item.get("portalId")), kind, record, *(end for end in ends if end)]
    return ":".join([*parts, *(text(item.get(name)) for name in ("propertyName", "occurredAt", "eventId"))])


def _object(item: Mapping[str, Any], prefix: str) -> str:
    name = text(item.get("objectTypeId")) if prefix == "object" else prefix
    return object_of(name)


def _value(item: Mapping[str, Any]) -> str | None:
    """What the property became; None for a sensitive one, which HubSpot sends as REDACTED."""
    found = item.get("propertyValue")
    hidden = found == "REDACTED" and item.get("isSensitive") is not False
    return None if found is None or hidden else text(found)


def _source(item: Mapping[str, Any]) -> str:
    return ":".join(part for part in (text(item.get("changeSource")), text(item.get("sourceId"))) if part)


def _time(found: Any) -> datetime | None:
    """Milliseconds since 1970, as UTC; None when it is no such thing."""
    if isinstance(found, bool) or not isinstance(found, int):
        return None
    try:
        return datetime.fromtimestamp(found / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
