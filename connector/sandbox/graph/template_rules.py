"""What Meta demands of a template that is handed in: names, lengths, placeholders and their examples, buttons.

Limits: template components pages, checked 2025-12; subcodes: error codes page, checked 2026-11.
"""

import re
from collections.abc import Callable
from itertools import groupby
from typing import Any

from connector.sandbox.graph.errors import GraphError, TemplateRefused

Document = dict[str, Any]
NAME = re.compile(r"[a-z0-9_]{1,512}")
LANGUAGE = re.compile(r"[a-z]{2,3}(_([A-Z]{2,3}|[A-Z][a-z]{3}))?")
PARAMETER = re.compile(r"\{\{\s*(\w*)\s*\}\}")
NAMED = re.compile(r"[a-z][a-z0-9_]*")
ADJACENT = re.compile(r"\}\}\s*\{\{")
EDGE = " \n\t.,;:!?¡¿()\"'*_~-–—"  # around a placeholder at an edge these do not count as text
CATEGORIES = ("AUTHENTICATION", "MARKETING", "UTILITY")
FORMATS = ("TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION", "GIF")
MOST_BUTTONS = {"QUICK_REPLY": 10, "URL": 2, "PHONE_NUMBER": 1, "COPY_CODE": 1, "FLOW": 1, "OTP": 1}
LENGTH, HEADER, BODY, FOOTER, RATIO, DANGLING = 2388040, 2388047, 2388072, 2388073, 2388293, 2388299
LENGTHS = {"HEADER": 60, "BODY": 1024, "FOOTER": 60}
LABEL, URL, PHONE = 25, 2000, 20
OTP_URL = "https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp{{1}}"


def check(document: Document, category: str) -> list[Document]:
    """The components as they are kept, their types in capitals; raises GraphError, mostly TemplateRefused."""
    named = str(document.get("parameter_format", "POSITIONAL")).upper() == "NAMED"
    parts = _components(document)
    if category == "AUTHENTICATION":
        parts = [_authentication(part) for part in parts]
    kinds = [part["type"] for part in parts]
    if kinds.count("BODY") != 1 or any(kinds.count(kind) > 1 for kind in kinds):
        raise TemplateRefused(BODY, "Template body missing", "A template needs one body and at most one of the others.")
    for part in parts:
        CHECKS.get(part["type"], _unknown)(part, named, category)
    return parts


def check_name(document: Document) -> tuple[str, str, str]:
    """(name, language, category) of a new template."""
    name, language = str(document.get("name", "")), str(document.get("language", ""))
    category = str(document.get("category", "")).upper()
    if not NAME.fullmatch(name):
        raise GraphError(100, "Param name may only contain lower-case letters, digits and underscores.")
    if not LANGUAGE.fullmatch(language):
        raise GraphError(100, "Param language is not a language that templates can have.")
    if category not in CATEGORIES:
        raise GraphError(100, f"Param category must be one of {{{', '.join(CATEGORIES)}}}.")
    return name, language, category


def _components(document: Document) -> list[Document]:
    parts = document.get("components")
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise GraphError(100, "Param components must be an array of objects.")
    return [{**part, "type": str(part.get("type", "")).upper()} for part in parts]


def _authentication(part: Document) -> Document:
    """Meta writes the text of a code, and its button becomes a link."""
    if part["type"] == "BODY" and not part.get("text"):
        return {**part, "text": "*{{1}}* is your verification code.", "example": {"body_text": [["482913"]]}}
    if part["type"] == "BUTTONS":
        buttons = part.get("buttons") or []
        return {**part, "buttons": [_link(one) if one.get("type") == "OTP" else one for one in buttons]}
    return part


def _link(button: Document) -> Document:
    return {"type": "URL", "text": button.get("text", "Copy code"), "url": OTP_URL, "example": ["482913"]}


def _text(part: Document, subcode: int) -> str:
    text, most = part.get("text"), LENGTHS[part["type"]]
    where = part["type"].lower()
    if not isinstance(text, str) or not text.strip():
        raise TemplateRefused(subcode, f"The {where} is empty", f"The {where} needs a text.")
    if len(text) > most:
        raise TemplateRefused(LENGTH, "Character limit exceeded", f"The {where} has {len(text)}, {most} are allowed.")
    return text


def _parameters(text: str, named: bool, subcode: int, where: str) -> list[str]:
    found = list(dict.fromkeys(PARAMETER.findall(text)))
    if named:
        wrong = [one for one in found if not NAMED.fullmatch(one)]
    else:
        wrong = [] if sorted(found) == sorted(map(str, range(1, len(found) + 1))) else found
    if wrong or text.count("{{") != text.count("}}"):
        rule = "lower-case letters, digits and _" if named else "{{1}}, {{2}}, ... without a gap"
        raise TemplateRefused(subcode, f"The {where}'s variables are wrong", f"Variables are written as {rule}.")
    return found


def _example(part: Document, key: str, found: list[str], named: bool, subcode: int) -> None:
    example = part.get("example") if isinstance(part.get("example"), dict) else {}
    given: Any = (example or {}).get(f"{key}_named_params" if named else key)
    if named and isinstance(given, list):
        names = {one.get("param_name") for one in given if isinstance(one, dict) and one.get("example")}
        complete = set(found) <= names
    else:
        rows = given[0] if key == "body_text" and isinstance(given, list) and given else given
        complete = isinstance(rows, list) and len([one for one in rows if one]) >= len(found)
    if found and not complete:
        raise TemplateRefused(subcode, "An example is missing", "Every variable needs an example.")


def _header(part: Document, named: bool, _category: str) -> None:
    kind = part["format"] = str(part.get("format", "")).upper()
    if kind not in FORMATS:
        raise TemplateRefused(HEADER, "The header's format is wrong", f"It is one of {', '.join(FORMATS)}.")
    if kind == "TEXT":
        found = _parameters(_text(part, HEADER), named, HEADER, "header")
        if len(found) > 1:
            raise TemplateRefused(HEADER, "Too many variables in the header", "A header takes one variable.")
        _example(part, "header_text", found, named, HEADER)
    elif kind != "LOCATION" and not (part.get("example") or {}).get("header_handle"):
        raise TemplateRefused(HEADER, "The header's sample is missing", "A media header needs an uploaded sample.")


def _body(part: Document, named: bool, category: str) -> None:
    text = _text(part, BODY)
    found = _parameters(text, named, BODY, "body")
    _example(part, "body_text", found, named, BODY)
    if category == "AUTHENTICATION" or not found:
        return
    if ADJACENT.search(text):
        raise TemplateRefused(BODY, "Variables next to each other", "Put a word between two variables.")
    plain = text.strip(EDGE)
    if plain.startswith("{{") or plain.endswith("}}"):
        raise TemplateRefused(
            DANGLING, "Variables at an edge", "Variables can't be at the start or end of the template."
        )
    if len(PARAMETER.sub(" ", text).split()) < 2 * len(found) + 1:
        raise TemplateRefused(RATIO, "Too many variables", "This template has too many variables for its length.")


def _footer(part: Document, _named: bool, category: str) -> None:
    if category == "AUTHENTICATION" and "code_expiration_minutes" in part:
        return
    if PARAMETER.search(_text(part, FOOTER)):
        raise TemplateRefused(FOOTER, "Variables in the footer", "A footer takes no variable.")


def _buttons(part: Document, _named: bool, _category: str) -> None:
    buttons = part.get("buttons")
    if not isinstance(buttons, list) or not 0 < len(buttons) <= 10 or not all(isinstance(b, dict) for b in buttons):
        raise GraphError(100, "Param buttons must be an array of 1 to 10 objects.")
    kinds = [str(button.get("type", "")).upper() for button in buttons]
    for kind in kinds:
        if kinds.count(kind) > MOST_BUTTONS.get(kind, 1):
            raise TemplateRefused(BODY, "Too many buttons", f"At most {MOST_BUTTONS.get(kind, 1)} of type {kind}.")
    if [kind == "QUICK_REPLY" for kind, _ in groupby(kinds)].count(True) > 1:
        raise TemplateRefused(
            BODY, "Buttons are not grouped", "Quick replies stand together, before or after the rest."
        )
    for kind, button in zip(kinds, buttons, strict=True):
        button["type"] = kind
        _button(kind, button)


def _button(kind: str, button: Document) -> None:
    limits = {"text": LABEL, "url": URL, "phone_number": PHONE}
    needed = {"URL": ("text", "url"), "PHONE_NUMBER": ("text", "phone_number"), "COPY_CODE": ()}.get(kind, ("text",))
    for name in needed:
        value = button.get(name)
        if not isinstance(value, str) or not value.strip():
            raise GraphError(100, f"Param buttons: a {kind} button needs {name}.")
        if len(value) > limits[name]:
            raise TemplateRefused(LENGTH, "Character limit exceeded", f"A button's {name} has at most {limits[name]}.")
    variables = PARAMETER.findall(button.get("url", "")) if kind == "URL" else []
    if variables and (variables != ["1"] or not button["url"].endswith("}}")):
        raise TemplateRefused(BODY, "The link's variable is wrong", "A link takes {{1}}, at its end.")
    if variables and not button.get("example"):
        raise TemplateRefused(BODY, "An example is missing", "A link with a variable needs an example.")


def _unknown(part: Document, _named: bool, _category: str) -> None:
    if part["type"] not in ("CAROUSEL", "LIMITED_TIME_OFFER"):
        raise GraphError(100, f"Param components: {part['type'] or 'a component without type'} is not a component.")


CHECKS: dict[str, Callable[[Document, bool, str], None]] = {
    "HEADER": _header,
    "BODY": _body,
    "FOOTER": _footer,
    "BUTTONS": _buttons,
}
