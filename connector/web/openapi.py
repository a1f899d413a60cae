"""The call of a trigger link as OpenAPI 3.0: what a CRM's external services import.

It is the same for every link, so it tells a stranger nothing. Simple types only: what imports it makes a form of it.
"""

import json
import re
from functools import cache
from typing import Any

PLACE = "{link}"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_REPLY = {"type": "object", "properties": {"ok": {"type": "boolean"}, "id": {"type": "string"}}}
_PAIR = {
    "type": "object",
    "required": ["name", "value"],
    "properties": {"name": {"type": "string"}, "value": {"type": "string"}},
}
_CALL = {
    "type": "object",
    "required": ["event_id"],
    "properties": {
        "event_id": {"type": "string", "maxLength": 256, "description": "New for each call, the same for a retry."},
        "object": {"type": "string", "description": "The record's object in the CRM, e.g. deals or Opportunity."},
        "record": {"type": "string", "description": "The record's id in the CRM."},
        "phone": {"type": "string", "description": "Where no record is named: the phone number, +573001112222."},
        "values": {"type": "array", "items": {"$ref": "#/components/schemas/Value"}},
    },
}
_REFUSED = {"400": "The call cannot be used; the answer says why.", "401": "The call is not authentic.",
            "429": "Too many calls that were not authentic; Retry-After says when."}  # fmt: skip


def described(public_url: str, link: str = PLACE) -> bytes:
    """The document as JSON; `link` stands in its path."""
    return _document(public_url).replace(PLACE, link if _NAME.fullmatch(link) else PLACE).encode()


@cache
def _document(public_url: str) -> str:
    from apispec import APISpec

    spec = APISpec("Trigger link", "1", "3.0.3", servers=[{"url": public_url}])
    spec.components.schema("Value", _PAIR)
    spec.components.schema("Call", _CALL)
    spec.components.schema("Accepted", _REPLY)
    spec.components.security_scheme("secret", {"type": "http", "scheme": "bearer"})
    spec.path(f"/hooks/link/{PLACE}", operations={"post": _operation()})
    return json.dumps(spec.to_dict(), indent=1)


def _operation() -> dict[str, Any]:
    accepted = {"description": "Stored.", "content": _json("Accepted")}
    later = {"description": "Not stored; send it again with the same event_id."}
    return {
        "operationId": "fireTrigger",
        "summary": "Send the message of this link's document",
        "security": [{"secret": []}],
        "requestBody": {"required": True, "content": _json("Call")},
        "responses": {
            "200": accepted,
            **{code: {"description": text} for code, text in _REFUSED.items()},
            "503": later,
        },
    }


def _json(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
