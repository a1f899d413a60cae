"""Salesforce's composite call: up to 25 calls in one, each may use what earlier ones answered."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from connector.sandbox.http import Record, Request, Response, answer
from connector.sandbox.salesforce.errors import Refused, refuse
from connector.sandbox.salesforce.org import Org, document
from connector.sandbox.salesforce.settings import COMPOSITE

REFERENCE = re.compile(r"@\{(\w+)\.([\w.\[\]]+)\}")
HALTED = "The transaction was rolled back since another operation in the same transaction failed."
Route = Callable[[Request], Response]


def composite(org: Org, request: Request, route: Route) -> Response:
    """POST composite: 200 whatever became of the calls; with allOrNone one failure takes back all."""
    body = document(request)
    calls = body.get("compositeRequest")
    if not isinstance(calls, list) or not 0 < len(calls) <= COMPOSITE or not all(isinstance(c, dict) for c in calls):
        raise refuse("INVALID_INPUT", f"compositeRequest holds 1 to {COMPOSITE} requests")
    done: dict[str, Record] = {}
    touched: list[str] = []
    try:
        with org.store.together():
            for call in calls:
                name = str(call.get("referenceId"))
                done[name] = _called(request, call, done, route, touched)
                if body.get("allOrNone") is True and done[name]["httpStatusCode"] >= 400:
                    raise refuse("PROCESSING_HALTED", HALTED)
    except Refused:
        guilty, touched = list(done)[-1], []
        done |= {name: _halted(name) for name in (str(call.get("referenceId")) for call in calls) if name != guilty}
    ordered = [done[str(call.get("referenceId"))] for call in calls]
    return answer({"compositeResponse": ordered}, record=touched)


def _called(request: Request, call: Record, done: Mapping[str, Record], route: Route, touched: list[str]) -> Record:
    given = json.loads(REFERENCE.sub(lambda m: _looked_up(done, m[1], m[2]), json.dumps(call)))
    parts = urlsplit(str(given.get("url") or ""))
    body = json.dumps(given["body"]).encode() if "body" in given else b""
    query, path, method = dict(parse_qsl(parts.query)), unquote(parts.path), str(given.get("method")).upper()
    response = route(Request(method, path, query, request.headers, body, parts.path, request.base))
    touched += [response.record] if isinstance(response.record, str) else response.record or ()
    found = json.loads(response.body) if response.body else None
    return {
        "body": found,
        "httpHeaders": {},
        "httpStatusCode": response.status,
        "referenceId": str(call.get("referenceId")),
    }


def _halted(name: str) -> Record:
    body = [{"errorCode": "PROCESSING_HALTED", "message": HALTED}]
    return {"body": body, "httpHeaders": {}, "httpStatusCode": 400, "referenceId": name}


def _looked_up(done: Mapping[str, Record], name: str, path: str) -> str:
    found: Any = done.get(name, {}).get("body")
    for step in re.findall(r"\w+", path):
        found = found[int(step)] if isinstance(found, list) and step.isdigit() else (found or {}).get(step)
    return json.dumps(str(found))[1:-1]
