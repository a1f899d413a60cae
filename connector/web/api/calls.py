"""One call of the API: its path, role, parameters and answer, declared once; the route and its description follow."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from flask import Blueprint, Response, abort, current_app, jsonify, request
from marshmallow import RAISE, Schema, ValidationError, fields, validate

from connector import errors
from connector.core.text import clean
from connector.web.auth import anyone, needs
from connector.web.frame import house_of
from connector.web.house import House

# What a token is for; its role says how far it may go there.
SCOPES = ("read", "events", "contacts", "sends", "documents", "tasks", "metrics", "erase")
LONGEST = 500  # characters of one parameter
PAGE = 50  # rows of a list; at most MOST
MOST = 200
Answer = Any
Body = TypeVar("Body", bound=Callable[..., Answer])


class Strict(Schema):
    """What a call takes; anything else is refused by its name."""

    class Meta:
        unknown = RAISE


class Paged(Strict):
    """Parameters of every list."""

    before = fields.String(
        load_default="", validate=validate.Length(max=LONGEST), metadata={"description": "`older` of the last page."}
    )
    limit = fields.Integer(load_default=PAGE, validate=validate.Range(1, MOST))


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """`do(house, values, **path)` answers what `plain` can say; `gives` is its type, None = an object."""

    method: str
    path: str
    role: str
    scope: str
    summary: str
    do: Callable[..., Answer]
    takes: type[Schema] = Strict
    gives: Any = None
    status: int = 200

    @property
    def name(self) -> str:
        return self.do.__name__


def bound(calls: Sequence[Call], blueprint: Blueprint, description: Mapping[str, Any]) -> Blueprint:
    """The routes of these calls, and their description for anybody."""
    for call in calls:
        blueprint.add_url_rule(call.path, call.name, _view(call), methods=[call.method])

    @blueprint.get("/openapi.json")
    @anyone
    def openapi() -> Response:
        servers = [{"url": f"{house_of(current_app).public_url}/api/v1"}]
        return jsonify({**description, "servers": servers})

    return blueprint


def _view(call: Call) -> Callable[..., Any]:
    schema = call.takes()

    @needs(call.role)
    def view(**path: str) -> Any:
        if any(len(value) > LONGEST or "\0" in value for value in path.values()):
            abort(404)
        try:
            values = schema.load(_given(call.method))
        except ValidationError as error:
            return jsonify(error="The call cannot be used.", fields=error.messages), 422
        answer = call.do(house_of(current_app), values, **path)
        return jsonify(plain(answer)), call.status

    view.scope = call.scope  # type: ignore[attr-defined]
    return view


def _given(method: str) -> dict[str, Any]:
    if method == "GET":
        return request.args.to_dict()
    if not request.content_length:
        return {}
    try:
        body = request.get_json(silent=True)
    except RecursionError:
        body = None
    if not isinstance(body, dict):
        raise ValidationError({"body": ["It is not a JSON object."]})
    return body


def found(value: Any, what: str) -> Any:
    """The value, or 404 that says what there is not."""
    if value is None:
        raise errors.NotFound(f"There is no such {what}.")
    return value


def plain(value: Any) -> Any:
    """What JSON can say of it: dataclasses as objects, times as ISO 8601."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if hasattr(value, "_mapping"):  # a row of the store
        value = dict(value._mapping)
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    return value


def _usable(given: str) -> None:
    if clean(given, len(given)) != given:
        raise ValidationError("It holds a character that cannot be stored.")


def text(most: int = LONGEST, *, required: bool = False, about: str = "", one_of: Sequence[str] = ()) -> fields.String:
    """A text parameter."""
    rules: list[Any] = [validate.Length(max=most), _usable]
    rules += [validate.OneOf(["", *one_of])] if one_of else []
    more: dict[str, Any] = {"required": True} if required else {"load_default": ""}
    return fields.String(validate=rules, metadata={"description": about} if about else {}, **more)


__all__ = ["Call", "House", "Paged", "Strict", "bound", "found", "plain", "text"]
