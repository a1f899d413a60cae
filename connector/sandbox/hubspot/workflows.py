"""HubSpot's workflows, small: a custom action is called and may block, a webhook is sent, options are fetched.

`POST /hubspot/_workflows` {url, object, record, inputs, properties} fires an action; `/_workflows/webhook` {url, ...,
body} sends a webhook; `/_workflows/options` {url, input, q, after} asks for a picker's choices. All are signed in
version 2 (custom workflow actions guide; validating requests).
"""

import hashlib
import itertools
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import urllib3

from connector.sandbox.http import Record
from connector.sandbox.hubspot.errors import Refused, not_found
from connector.sandbox.hubspot.schema import kind_of
from connector.sandbox.hubspot.settings import PORTAL, HubSpotOptions
from connector.sandbox.hubspot.store import Item, Store
from connector.sandbox.poster import Webhook
from connector.sandbox.world import LOOPBACK, World

DEFINITION, FLOW = 88_210_417, 1_640_022_915
ENDED = ("SUCCESS", "FAIL_CONTINUE")
WEEK = 7 * 86_400.0  # a blocked step's life when the answer names none
DURATION = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.ASCII)
UNITS = (7 * 86_400, 86_400, 3_600, 60, 1)
TIMEOUT = urllib3.Timeout(connect=3, read=10)


def sign(secret: str, url: str, body: bytes) -> str:
    """X-HubSpot-Signature of a POST, version 2."""
    return hashlib.sha256(secret.encode() + b"POST" + url.encode() + body).hexdigest()


def seconds(duration: Any) -> float:
    """An ISO 8601 duration such as P1WT1H; HubSpot's week when it is none."""
    found = DURATION.fullmatch(duration) if isinstance(duration, str) and len(duration) < 40 else None
    if not found or not any(found.groups()):
        return WEEK
    return float(sum(int(part or 0) * unit for part, unit in zip(found.groups(), UNITS, strict=True)))


class Workflows:
    """`runs` are the steps that were fired, by callback id; `completed` what was told about those that waited."""

    def __init__(self, world: World, options: HubSpotOptions, store: Store) -> None:
        self._world, self._options, self._store = world, options, store
        self._ids = itertools.count(56_776_413_549)
        self.runs: dict[str, Record] = {}
        self.completed: dict[str, Record] = {}

    # ---- what a workflow does ----
    def fire(self, given: Mapping[str, Any]) -> Record:
        """One enrolled record reaches our action; the step as it stands now. `callbackId` repeats an earlier call."""
        url, item = _address(given), self._item(given)
        callback = str(given.get("callbackId") or f"ap-{PORTAL}-{next(self._ids)}-7-0")
        call = {
            "callbackId": callback,
            "origin": {"portalId": PORTAL, "actionDefinitionId": DEFINITION, "actionDefinitionVersion": 1},
            "context": {"source": "WORKFLOWS", "workflowId": FLOW},
            "object": {
                "objectId": int(item.id),
                "properties": {name: item.values.get(name) or None for name in given.get("properties") or ()},
                "objectType": item.kind.one.upper(),
            },
            "inputFields": dict(given.get("inputs") or {}),
        }
        self.runs.setdefault(callback, {"id": callback, "state": "CALLED", "outputFields": {}, "status": None})
        self._post(url, call, lambda status, body: self._heard(callback, status, body))
        return self.runs[callback]

    def send(self, given: Mapping[str, Any]) -> Record:
        """A workflow's "Send a webhook": `body`, else chosen `properties`, else the whole record."""
        url, item = _address(given), self._item(given)
        values = {name: value for name, value in item.values.items() if value}
        chosen = {name: values.get(name) for name in given.get("properties") or ()}
        whole = {"objectId": int(item.id), "objectTypeId": item.kind.type_id, "portalId": PORTAL, "properties": values}
        body = given.get("body") or ({"hs_object_id": item.id, **chosen} if chosen else whole)
        self._post(url, body, lambda status, _body: 200 <= status < 500 and status != 429)
        return dict(body)

    def options(self, given: Mapping[str, Any]) -> Record:
        """What the picker of an input shows: {status, body}."""
        url = _address(given)
        call = {
            "origin": {"portalId": PORTAL, "actionDefinitionId": DEFINITION, "actionDefinitionVersion": 1},
            "objectTypeId": "0-1",
            "inputFieldName": str(given.get("input") or "message"),
            "inputFields": {},
            "fetchOptions": {name: given[name] for name in ("q", "after") if given.get(name)},
        }
        body = json.dumps(call, ensure_ascii=False).encode()
        answer = urllib3.request(
            "POST", url, body=body, headers=self._headers(url, body), timeout=TIMEOUT, redirect=False
        )
        return {"status": answer.status, "body": json.loads(answer.data) if answer.status == 200 else None}

    # ---- what we are told ----
    def complete(self, callback: str, body: Mapping[str, Any]) -> None:
        """A blocked step goes on; Refused when none waits under this id."""
        run = self.waiting(callback)
        given = body.get("outputFields")
        if not isinstance(given, dict) or given.get("hs_execution_state") not in ENDED:
            raise Refused("outputFields.hs_execution_state must be SUCCESS or FAIL_CONTINUE")
        run |= {"state": given["hs_execution_state"], "outputFields": given}
        self.completed[callback] = {"id": callback, "outputFields": given}

    def waiting(self, callback: str) -> Record:
        """The step that waits under this id; Refused when there is none, or its time is over."""
        run = self.runs.get(callback)
        waits = run is not None and run["state"] in ("CALLED", "BLOCK")  # the result may overtake our own answer
        if run is None or not waits or self._world.now() >= run.get("expires", math.inf):
            raise not_found(callback)
        return run

    # ---- inside ----
    def _heard(self, callback: str, status: int, body: bytes) -> bool:
        """2xx says how the step stands, 4xx fails it; anything else is called again."""
        run = self.runs.get(callback)
        if run is None or run["state"] in ENDED:  # a repeat: the step went on already
            return True
        run["status"] = status
        if 400 <= status < 500 and status != 429:
            run["state"] = "FAILED"
            return True
        if not 200 <= status < 300:
            return False
        outputs = _outputs(body)
        run |= {"state": outputs.get("hs_execution_state") or "SUCCESS", "outputFields": outputs}
        if run["state"] == "BLOCK":
            run["expires"] = self._world.now() + seconds(outputs.get("hs_expiration_duration"))
        return True

    def _item(self, given: Mapping[str, Any]) -> Item:
        try:
            kind, id = kind_of(str(given.get("object"))), str(given.get("record"))
        except Refused as refused:
            raise ValueError(str(refused)) from None
        item = self._store.get(kind, id)
        if item is None:
            raise ValueError(f"there is no record {id} of {kind}")
        return item

    def _post(self, url: str, document: Any, accepted: Callable[[int, bytes], bool]) -> None:
        body = json.dumps(document, ensure_ascii=False).encode()
        self._world.post(Webhook("hubspot", url, lambda _attempt: body, self._headers, accepted))

    def _headers(self, url: str, body: bytes) -> Mapping[str, str]:
        return {
            "Content-Type": "application/json",
            "User-Agent": "HubSpot Connect 2.0 (sandbox)",
            "X-HubSpot-Signature-Version": "v2",
            "X-HubSpot-Signature": sign(self._options.client_secret, url, body),
        }


def _address(given: Any) -> str:
    url = given.get("url") if isinstance(given, Mapping) else None
    parts = urllib3.util.parse_url(url) if isinstance(url, str) else None
    if parts is None or parts.scheme != "http" or str(parts.host).strip("[]") not in LOOPBACK:
        raise ValueError("url is an address of this machine (http://127.0.0.1:8000/hooks/crm/...)")
    return str(url)


def _outputs(body: bytes) -> Record:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    outputs = found.get("outputFields") if isinstance(found, dict) else None
    return outputs if isinstance(outputs, dict) else {}
