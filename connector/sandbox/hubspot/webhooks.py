"""HubSpot's webhooks: arrays of at most 100 events, signed in version 3 (webhooks guide; validating requests)."""

import base64
import hashlib
import hmac
import itertools
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from connector.sandbox.hubspot.schema import Kind
from connector.sandbox.hubspot.settings import APP, PORTAL, HubSpotOptions
from connector.sandbox.poster import Webhook
from connector.sandbox.world import World

MOST = 100  # events of one POST
USER = "userId:98499705"
DECODED = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'", "%28": "(", "%29": ")",
    "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip
SUBSCRIPTIONS = {"propertyChange": 7662269, "creation": 7662270, "deletion": 7662271, "merge": 7662272}
Event = dict[str, Any]


def sign(secret: str, url: str, body: bytes, stamp: str) -> str:
    """X-HubSpot-Signature-v3 of a POST."""
    path, mark, query = url.partition("?")
    for escape, plain in DECODED.items():
        for spelled in (escape, escape.lower()):
            path, query = path.replace(spelled, plain), query.replace(spelled, plain)
    text = b"POST" + f"{path}{mark}{query}".encode() + body + stamp.encode()
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()


class Webhooks:
    """Tells the subscribed URL, if there is one, what happened."""

    def __init__(self, world: World, options: HubSpotOptions) -> None:
        self._world, self._options = world, options
        self._chance = random.Random(0)  # noqa: S311 - a repeatable mess, no secret
        self._ids = itertools.count(1_765_889_350)

    def changed(self, kind: Kind, id: str, values: Mapping[str, str], by: str) -> None:
        """One event per property."""
        now = self._now()
        self._post([self._property(kind, id, name, value, by, now) for name, value in values.items()])

    def created(self, kind: Kind, id: str, values: Mapping[str, str], by: str) -> None:
        """A burst with one `occurredAt`, the creation second, as HubSpot sends it."""
        now = self._now()
        burst = [self._property(kind, id, name, value, by, now) for name, value in values.items()]
        creation = {**self._event(kind, "creation", by, now), "objectId": int(id), "changeFlag": "CREATED"}
        self._post([*burst[:1], creation, *burst[1:]])

    def deleted(self, kind: Kind, id: str, by: str) -> None:
        """A record went to the recycle bin."""
        event = {**self._event(kind, "deletion", by, self._now()), "objectId": int(id), "changeFlag": "DELETED"}
        self._post([event])

    def merged(self, kind: Kind, primary: str, other: str, new: str, moved: int, by: str) -> None:
        """Two records became a third."""
        ids = {"primaryObjectId": int(primary), "mergedObjectIds": [int(primary), int(other)], "newObjectId": int(new)}
        event = self._event(kind, "merge", by, self._now())
        self._post([{**event, **ids, "numberOfPropertiesMoved": moved}])

    def _now(self) -> int:
        return int(self._world.now() * 1000)

    def _event(self, kind: Kind, verb: str, by: str, now: int) -> Event:
        return {
            "eventId": next(self._ids),
            "subscriptionId": SUBSCRIPTIONS[verb],
            "portalId": PORTAL,
            "appId": APP,
            "occurredAt": now,
            "subscriptionType": f"{kind.one if self._options.classic else 'object'}.{verb}",
            "objectTypeId": kind.type_id,
            "changeSource": "CRM_UI" if by == USER else "INTEGRATION",
            "sourceId": by,
        }

    def _property(self, kind: Kind, id: str, name: str, value: str, by: str, now: int) -> Event:
        more = {"objectId": int(id), "propertyName": name, "propertyValue": value, "isSensitive": False}
        return {**self._event(kind, "propertyChange", by, now), **more}

    def _post(self, events: Sequence[Event]) -> None:
        url = self._world.urls.get("hubspot")
        for batch in self._batches(events) if url else ():
            told = Webhook("hubspot", str(url), _body(batch), self._headers, _accepted)
            self._world.post(told, self._options.late)
            if self._chance.random() < self._options.double:
                self._world.post(told, self._options.late)

    def _batches(self, events: Sequence[Event]) -> Iterator[Sequence[Event]]:
        if self._options.shuffle:
            return ([one] for one in self._chance.sample(list(events), len(events)))
        return (events[start : start + MOST] for start in range(0, len(events), MOST))

    def _headers(self, url: str, body: bytes) -> Mapping[str, str]:
        stamp = str(int(time.time() * 1000))  # the real time: the world's clock may have been moved forward
        return {
            "Content-Type": "application/json",
            "User-Agent": "HubSpot Connect 2.0 (sandbox)",
            "X-HubSpot-Request-Timestamp": stamp,
            "X-HubSpot-Signature-Version": "v3",
            "X-HubSpot-Signature-v3": sign(self._options.client_secret, url, body, stamp),
        }


def _body(events: Sequence[Event]) -> Callable[[int], bytes]:
    def body(attempt: int) -> bytes:
        return json.dumps([{**one, "attemptNumber": attempt} for one in events], ensure_ascii=False).encode()

    return body


def _accepted(status: int, _answer: bytes) -> bool:
    return 200 <= status < 300
