"""The business's message templates, and the check of what a send fills into one."""

import json
import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from connector.sandbox.graph.cards import check_cards, check_offer
from connector.sandbox.graph.errors import GraphError

Template = dict[str, Any]
PARAMETER = re.compile(r"\{\{\s*(\w+)\s*\}\}")
BROKEN = re.compile(r"[\n\r\t]| {5}")
BODY_LENGTH = 1024  # characters, once filled in; template components page, checked 2025-12
SUB_TYPES = {"quick_reply": "QUICK_REPLY", "url": "URL", "copy_code": "COPY_CODE", "flow": "FLOW", "catalog": "CATALOG"}
NOT_SENDABLE = {"PAUSED": 132015, "DISABLED": 132016}


def seed() -> list[Template]:
    """The templates the sandbox starts with, as the API shows them; ids are the same every time."""
    text = files("connector.sandbox.graph").joinpath("templates.json").read_text("utf-8")
    described = [
        (document, language, components)
        for document in json.loads(text)
        for language, components in document["languages"].items()
    ]
    return [_template(1_689_556_908_129_000 + n, *found) for n, found in enumerate(described)]


def _template(id: int, document: dict[str, Any], language: str, components: list[dict[str, Any]]) -> Template:
    return {
        "id": str(id),
        "name": document["name"],
        "language": language,
        "status": document.get("status", "APPROVED"),
        "category": document["category"],
        "parameter_format": document["parameter_format"],
        "components": components,
        "quality_score": {"score": document.get("quality", "GREEN"), "date": 1_763_800_000},
        "rejected_reason": document.get("reason", "NONE"),
    }


def component(template: Template, kind: str) -> dict[str, Any] | None:
    """The HEADER, BODY or BUTTONS of a template."""
    return next((part for part in template["components"] if part["type"] == kind), None)


def buttons(template: Template) -> list[dict[str, Any]]:
    """A template's buttons, in order."""
    return list((component(template, "BUTTONS") or {}).get("buttons", []))


def check(template: Template, parts: Sequence[dict[str, Any]]) -> str:
    """Check what a send fills in, raising GraphError as Meta does; returns the body as the customer reads it."""
    if template["status"] in NOT_SENDABLE:
        raise GraphError(NOT_SENDABLE[template["status"]], f"template ({template['name']}) is {template['status']}")
    if template["status"] != "APPROVED":
        raise missing(template["name"], template["language"])
    given = {str(part.get("type", "")).lower(): _parameters(part) for part in parts}
    unknown = set(given) - {"header", "body", "button", "carousel", "limited_time_offer"}
    if unknown:
        raise GraphError(100, f"Invalid component type: {', '.join(sorted(unknown))}")
    check_offer(template, parts)
    check_cards(template, parts, _filled)
    return _filled(template, parts)


def _filled(template: Template, parts: Sequence[dict[str, Any]]) -> str:
    """Header, body and buttons of a template, or of one card; the body as it is read."""
    given = {str(part.get("type", "")).lower(): _parameters(part) for part in parts}
    _check_header(template, given.get("header", []))
    body = component(template, "BODY") or {"text": ""}
    text = _fill(template, "body", body["text"], given.get("body", []))
    if len(text) > BODY_LENGTH:
        raise GraphError(132005, f"body: the text is {len(text)} characters long, {BODY_LENGTH} are allowed")
    _check_buttons(template, [part for part in parts if str(part.get("type", "")).lower() == "button"])
    return text


def missing(name: str, language: str) -> GraphError:
    """There is no such approved template."""
    return GraphError(132001, f"template name ({name}) does not exist in {language}")


def _parameters(part: dict[str, Any]) -> list[dict[str, Any]]:
    given = part.get("parameters", [])
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise GraphError(100, "Param template['components'][0]['parameters'] must be an array of objects.")
    return given


def _check_header(template: Template, given: list[dict[str, Any]]) -> None:
    header = component(template, "HEADER")
    kind = header["format"] if header else "TEXT"
    if kind == "TEXT":
        _fill(template, "header", header["text"] if header else "", given)
        return
    received = str(given[0].get("type", "")).upper() if len(given) == 1 else "UNKNOWN"
    if received != kind:
        raise GraphError(132012, f"header: Format mismatch, expected {kind}, received {received}")
    media = given[0].get(kind.lower())
    if not isinstance(media, dict) or not (media.get("id") or media.get("link") or kind == "LOCATION"):
        raise GraphError(131008, f"header: a {kind.lower()} needs an id or a link")


def _fill(template: Template, where: str, text: str, given: list[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(PARAMETER.findall(text)))
    if len(given) != len(names):
        counts = f"({len(given)}) does not match the expected number of params ({len(names)})"
        raise GraphError(132000, f"{where}: number of localizable_params {counts}")
    values = [_text(where, one) for one in given]
    if template["parameter_format"] == "NAMED":
        named = [str(one.get("parameter_name") or "") for one in given]
        if not all(named):
            raise GraphError(100, "Parameter name is missing or empty")
        wrong = [name for name in named if name not in names]
        if wrong:
            raise GraphError(132012, f"{where}: the template has no parameter named {wrong[0]}")
        table = dict(zip(named, values, strict=True))
        if len(table) < len(names):
            raise GraphError(132000, f"{where}: a parameter is given twice")
    else:
        table = dict(zip(sorted(names, key=int), values, strict=True))
    return PARAMETER.sub(lambda found: table[found[1]], text)


def _text(where: str, given: dict[str, Any]) -> str:
    kind = given.get("type")
    if kind in ("currency", "date_time"):
        return str((given.get(kind) or {}).get("fallback_value", ""))
    if kind != "text":
        raise GraphError(132012, f"{where}: Format mismatch, expected TEXT, received {str(kind).upper()}")
    text = given.get("text")
    if not isinstance(text, str) or not text:
        raise GraphError(131008, f"{where}: Parameter of type text is missing text value")
    if BROKEN.search(text):
        rule = "Param text cannot have new-line/tab characters or more than 4 consecutive spaces"
        raise GraphError(132018, f"{where}: {rule}")
    return text


def _check_buttons(template: Template, parts: list[dict[str, Any]]) -> None:
    known = buttons(template)
    filled: set[int] = set()
    for part in parts:
        filled.add(_check_button(known, part))
    for index, button in enumerate(known):
        if button["type"] == "URL" and PARAMETER.search(button["url"]) and index not in filled:
            raise GraphError(131008, f"buttons: Button at index {index} of type Url requires a parameter")


def _check_button(known: list[dict[str, Any]], part: dict[str, Any]) -> int:
    index = str(part.get("index", ""))
    if not (index.isascii() and index.isdigit() and int(index) < len(known)):
        raise GraphError(131009, f"buttons: there is no button at index {index or '(none)'}")
    button = known[int(index)]
    if SUB_TYPES.get(str(part.get("sub_type", "")).lower()) != button["type"]:
        raise GraphError(132012, f"buttons: Button at index {index} is {button['type']}, not {part.get('sub_type')}")
    if button["type"] == "URL" and not PARAMETER.search(button["url"]):
        raise GraphError(132000, f"buttons: Button at index {index} of type Url takes no parameter")
    given = _parameters(part)
    if len(given) != 1:
        raise GraphError(132000, f"buttons: Button at index {index} takes one parameter, not {len(given)}")
    return int(index)
