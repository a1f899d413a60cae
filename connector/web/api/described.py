"""The API as OpenAPI 3.0.3, made from the calls themselves: parameters from their schemas, answers from dataclasses."""

import dataclasses
import re
import types
import typing
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Union, get_args, get_origin

from marshmallow import Schema, fields, validate

from connector.web.api.calls import Call

Json = dict[str, Any]
SIMPLE: Mapping[Any, Json] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time"},
    Any: {},
    object: {},
    type(None): {"nullable": True},
}
ERROR: Json = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {"type": "string"},
        "hint": {"type": "string"},
        "fields": {"type": "object", "additionalProperties": {}},
    },
}
REFUSED = {
    "401": "No good token.",
    "403": "The token's role, or its scopes, do not allow it.",
    "404": "There is no such thing.",
    "429": "Too many calls without a good token; Retry-After says when.",
    "422": "The call cannot be used; the answer says why.",
    "503": "Not now; nothing is lost, try again.",
}


def description(calls: Sequence[Call]) -> Json:
    """The document, without the server's address."""
    schemas: Json = {"Error": ERROR}
    paths: Json = {}
    for call in calls:
        paths.setdefault(_path(call.path), {})[call.method.lower()] = _operation(call, schemas)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "WhatsApp-CRM connector",
            "version": "1",
            "description": "Reads what the console shows, does what its buttons do. Tokens: Settings.",
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "wcc_..."}},
        },
    }


def _path(path: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path)


def _operation(call: Call, schemas: Json) -> Json:
    names = re.findall(r"<(?:\w+:)?(\w+)>", call.path)
    given: list[Json] = [{"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in names]
    operation: Json = {
        "operationId": call.name,
        "summary": call.summary,
        "description": f"Role: {call.role}. Scope: {call.scope}.",
        "responses": {
            str(call.status): {"description": "Done.", "content": _json(_of(call.gives, schemas))},
            **{code: {"description": words, "content": _json(_ref("Error"))} for code, words in REFUSED.items()},
        },
    }
    taken = call.takes().fields
    if call.method == "GET":
        given += [
            {"name": name, "in": "query", "required": field.required, "schema": _field(field)}
            for name, field in taken.items()
        ]
    elif taken:
        body = {"content": _json(_object(call.takes)), "required": any(field.required for field in taken.values())}
        operation["requestBody"] = body
    return operation | ({"parameters": given} if given else {})


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(schema: type[Schema]) -> Json:
    made = schema().fields
    required = [name for name, field in made.items() if field.required]
    body: Json = {"type": "object", "properties": {name: _field(field) for name, field in made.items()}}
    return body | ({"required": required} if required else {}) | {"additionalProperties": False}


def _field(field: fields.Field[Any]) -> Json:
    if isinstance(field, fields.List):
        found: Json = {"type": "array", "items": _field(field.inner)}
    elif isinstance(field, fields.Dict):
        found = {"type": "object", "additionalProperties": {}}
    elif isinstance(field, fields.Integer):
        found = {"type": "integer"}
    elif isinstance(field, fields.Boolean):
        found = {"type": "boolean"}
    else:
        found = {"type": "string"}
    for rule in field.validators:
        if isinstance(rule, validate.Length) and rule.max is not None:
            found["maxItems" if found["type"] == "array" else "maxLength"] = rule.max
        if isinstance(rule, validate.Range):
            found |= {"minimum": rule.min, "maximum": rule.max}
        if isinstance(rule, validate.OneOf):
            found["enum"] = list(rule.choices)
    about = field.metadata.get("description")
    return found | ({"description": about} if about else {})


def _of(kind: Any, schemas: Json) -> Json:
    """The schema of a type; dataclasses become components of their own."""
    if kind in SIMPLE:
        return dict(SIMPLE[kind])
    if kind is None:
        return {"type": "object", "additionalProperties": {}}
    if dataclasses.is_dataclass(kind):
        return _component(kind, schemas)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        some = [_of(one, schemas) for one in inner if one is not type(None)]
        found = some[0] if len(some) == 1 else {"anyOf": some}
        if type(None) in inner:
            return {"allOf": [found], "nullable": True} if "$ref" in found else found | {"nullable": True}
        return found
    if origin in (dict, Mapping) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return {"type": "object", "additionalProperties": _of(inner[1], schemas) if inner else {}}
    if origin is tuple and len(inner) == 2 and inner[1] is not ...:  # a pair of unlike things
        return {"type": "array", "items": {}, "minItems": 2, "maxItems": 2}
    if origin in (list, tuple, set, frozenset) or (isinstance(origin, type) and issubclass(origin, Collection)):
        return {"type": "array", "items": _of(inner[0], schemas) if inner else {}}
    return {"type": "object", "additionalProperties": {}}


_NAMED: dict[str, Any] = {}  # which class has a name: two modules may each have a Line


def _name(kind: Any) -> str:
    """The class's own name; of a second class of that name with its module before it."""
    first = _NAMED.setdefault(kind.__name__, kind)
    return str(kind.__name__ if first is kind else kind.__module__.rpartition(".")[2].title() + kind.__name__)


def _component(kind: Any, schemas: Json) -> Json:
    name = _name(kind)
    if name not in schemas:
        schemas[name] = {}
        hints = typing.get_type_hints(kind)
        properties = {f.name: _of(hints[f.name], schemas) for f in dataclasses.fields(kind)}
        about = (kind.__doc__ or "").strip().splitlines()[0]
        schemas[name] = {"type": "object", "description": about, "properties": properties, "required": list(properties)}
    return _ref(name)
