"""HubSpot's refusals, in its own shapes (error handling docs; every key of the body is optional)."""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from connector.sandbox.http import Response, answer
from connector.sandbox.hubspot.settings import PORTAL

Body = dict[str, Any]
STATUS = {"VALIDATION_ERROR": 400, "CONFLICT": 409, "OBJECT_NOT_FOUND": 404, "LOCKED": 423}


class Refused(Exception):
    """One refusal: of a whole call, or of one input of a batch."""

    def __init__(self, message: str, category: str = "VALIDATION_ERROR", status: int = 0, **more: Any) -> None:
        super().__init__(message)
        self.status = status or STATUS[category]
        self.body: Body = {"status": "error", "message": message, "category": category, **more}

    def response(self) -> Response:
        """As the answer to a whole call."""
        correlation = correlation_id()
        return answer(
            {**self.body, "correlationId": correlation}, self.status, {"X-HubSpot-Correlation-Id": correlation}
        )

    def row(self, trace: str | None) -> Body:
        """As one of the `errors` of a batch."""
        context = {**self.body.get("context", {}), **({"objectWriteTraceId": [trace]} if trace else {})}
        return {**self.body, "context": context}


def correlation_id() -> str:
    """A new one."""
    return str(uuid.uuid4())


def problem(name: str, code: str, message: str) -> Body:
    """One value that is not valid."""
    return {
        "isValid": False,
        "message": message,
        "error": code,
        "name": name,
        "localizedErrorMessage": message,
        "portalId": PORTAL,
    }


def invalid(problems: Sequence[Body]) -> Refused:
    """The refusal of a record for its values: a JSON array inside a text."""
    listed = json.dumps(list(problems), ensure_ascii=False, separators=(",", ":"))
    return Refused(f"Property values were not valid: {listed}")


def not_found(id: str) -> Refused:
    """One record that is not there."""
    return Refused("resource not found", "OBJECT_NOT_FOUND", context={"id": [id]})


def missing_properties(kind: str, names: Sequence[str]) -> Refused:
    """A record cannot be made without these."""
    message = f"Error creating {kind}. Some required properties were not set."
    detail = {"message": message, "code": "REQUIRED_FIELD", "context": {"properties": list(names)}}
    return Refused(message, errors=[detail])


def contact_exists(id: str) -> Refused:
    """The e-mail address belongs to somebody."""
    return Refused(f"Contact already exists. Existing ID: {id}", "CONFLICT")


def non_unique(name: str) -> Refused:
    """idProperty names a property that several records may share."""
    return Refused(
        f"Unable to perform update/upsert by non-unique property {name}. PropertyDefinition portalId: {PORTAL}"
    )


def bad_json(message: str = "Invalid input JSON on line 1, column 1: a JSON object was expected") -> Refused:
    """A body that cannot be read."""
    return Refused(message)


def listed(body: Mapping[str, Any], name: str, kind: type = object) -> list[Any]:
    """An array of a body, [] when it is absent; Refused when it is none, or one of it is of another kind."""
    found = body.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, kind) for one in found):
        raise bad_json(f"Invalid input JSON: {name} must be an array of {'objects' if kind is dict else 'values'}")
    return found


def locked(id: str) -> Refused:
    """423: somebody else is writing this record."""
    return Refused("The record is locked: it is being changed by another process.", "LOCKED", context={"id": [id]})


def unauthorized(message: str, category: str = "INVALID_AUTHENTICATION") -> Response:
    """401."""
    return Refused(message, category, 401).response()


def missing_scopes(scopes: Sequence[str]) -> Response:
    """403, with the scopes to ask for."""
    detail = {
        "message": "One or more of the following scopes are required.",
        "context": {"requiredGranularScopes": list(scopes)},
    }
    return Refused(
        "This app hasn't been granted all required scopes", "MISSING_SCOPES", 403, errors=[detail]
    ).response()


def limited(policy: str, headers: Mapping[str, str]) -> Response:
    """429: TEN_SECONDLY_ROLLING, DAILY, or SECONDLY (search, which says least)."""
    body: Body = {
        "status": "error",
        "message": f"You have reached your {policy.lower()} limit.",
        "errorType": "RATE_LIMIT",
        "correlationId": correlation_id(),
    }
    if policy == "SECONDLY":
        del body["correlationId"]
    else:
        body["policyName"] = policy
    if policy == "TEN_SECONDLY_ROLLING":
        body["groupName"] = f"publicapi:private_app-api-calls-ten-secondly:{PORTAL}"
    return answer(body, 429, headers)


def no_such_page() -> Response:
    """A path HubSpot does not have."""
    return Response(404, b"<html><body><h2>HTTP ERROR 404 Not Found</h2></body></html>", {"Content-Type": "text/html"})
