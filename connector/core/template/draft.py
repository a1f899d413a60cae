"""A template as a form holds it: flat texts, turned into what Graph takes, and back where a form can show all of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connector.core.template.limits import BUTTONS, CATEGORIES
from connector.core.template.model import Component, Template, buttons, component, parts, placeholders
from connector.core.template.rules import WITH_HANDLE

HEADERS = ("", "TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION")
KINDS = ("QUICK_REPLY", "URL", "PHONE_NUMBER", "COPY_CODE")
_VALUE = {"URL": "url", "PHONE_NUMBER": "phone_number"}
_SHOWN = ("HEADER", "BODY", "FOOTER", "BUTTONS")


@dataclass(frozen=True, slots=True)
class Button:
    """One button. `value`: its address or number; `example`: what stands at the end of its address, or a code."""

    kind: str
    label: str = ""
    value: str = ""
    example: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What the fields of the form hold. `examples`: {parameter of the body: an example of it}."""

    name: str = ""
    language: str = ""
    category: str = "utility"
    header: str = ""
    header_text: str = ""
    header_example: str = ""  # of the header's parameter, or the handle of an example file
    body: str = ""
    examples: Mapping[str, str] = field(default_factory=dict)
    footer: str = ""
    buttons: tuple[Button, ...] = ()
    minutes: int | None = None  # after which a code ends
    advice: bool = False  # "do not share this code"

    @property
    def named(self) -> bool:
        """Its parameters are names, not numbers."""
        return any(not name.isdigit() for name in (*placeholders(self.body), *placeholders(self.header_text)))

    @property
    def parameters(self) -> tuple[str, ...]:
        """The places of the body, in the order in which examples are given."""
        return placeholders(self.body)


# ---- to Graph ----------------------------------------------------------------------------------------------------
def to_graph(draft: Draft) -> dict[str, Any]:
    """What `POST /{WABA}/message_templates` takes; `rules` says whether Meta would."""
    made: dict[str, Any] = {"name": draft.name, "language": draft.language, "category": draft.category.upper()}
    if draft.category == "authentication":
        return made | {"components": _code(draft)}
    if draft.named:
        made["parameter_format"] = "NAMED"
    found = [_header(draft), _text("BODY", "body", draft.body, draft.examples, draft.named)]
    found += [{"type": "FOOTER", "text": draft.footer}] if draft.footer else []
    found += [{"type": "BUTTONS", "buttons": [_button(one) for one in draft.buttons]}] if draft.buttons else []
    return made | {"components": [part for part in found if part]}


def _header(draft: Draft) -> dict[str, Any]:
    if draft.header == "TEXT":
        names = placeholders(draft.header_text)
        given = {names[0]: draft.header_example} if names else {}
        return _text("HEADER", "header", draft.header_text, given, draft.named) | {"format": "TEXT"}
    made: dict[str, Any] = {"type": "HEADER", "format": draft.header} if draft.header else {}
    if draft.header in WITH_HANDLE and draft.header_example:
        made["example"] = {"header_handle": [draft.header_example]}
    return made


def _text(kind: str, word: str, text: str, given: Mapping[str, str], named: bool) -> dict[str, Any]:
    made: dict[str, Any] = {"type": kind, "text": text}
    names = placeholders(text)
    if names and named:
        rows = [{"param_name": name, "example": given.get(name, "")} for name in names]
        made["example"] = {f"{word}_text_named_params": rows}
    elif names:
        row = [given.get(name, "") for name in names]
        made["example"] = {f"{word}_text": [row] if kind == "BODY" else row}
    return made


def _button(one: Button) -> dict[str, Any]:
    if one.kind == "COPY_CODE":
        return {"type": one.kind, "example": one.example}
    made: dict[str, Any] = {"type": one.kind, "text": one.label}
    if one.kind in _VALUE:
        made[_VALUE[one.kind]] = one.value
    if one.kind == "URL" and placeholders(one.value) and one.example:
        made["example"] = [one.example]
    return made


def _code(draft: Draft) -> list[dict[str, Any]]:
    """Meta's own text, and a button that copies the code."""
    made: list[dict[str, Any]] = [{"type": "BODY", "add_security_recommendation": draft.advice}]
    if draft.minutes is not None:
        made.append({"type": "FOOTER", "code_expiration_minutes": draft.minutes})
    label = next((one.label for one in draft.buttons if one.label), "")
    button = {"type": "OTP", "otp_type": "COPY_CODE"} | ({"text": label} if label else {})
    return [*made, {"type": "BUTTONS", "buttons": [button]}]


# ---- from Graph --------------------------------------------------------------------------------------------------
def from_template(template: Template) -> Draft | None:
    """The form of a template that is there; None when it has parts no form of ours shows, which would be lost."""
    kinds = [str(one.get("type") or "").upper() for one in template.components]
    header = component(template.components, "HEADER") or {}
    body, footer = (component(template.components, kind) or {} for kind in ("BODY", "FOOTER"))
    form = str(header.get("format") or "").upper()
    found = buttons(template.components)
    made = [_button_of(one) for one in found[:BUTTONS]]
    strange = any(kind not in _SHOWN for kind in kinds) or form not in HEADERS or any(one is None for one in made)
    if strange or template.category not in CATEGORIES or template.category == "authentication":
        return None
    return Draft(
        name=template.name, language=template.language, category=template.category, header=form,
        header_text=str(header.get("text") or ""), header_example=_header_example(header),
        body=str(body.get("text") or ""), examples=_examples(body, placeholders(body.get("text"))),
        footer=str(footer.get("text") or ""), buttons=tuple(one for one in made if one is not None),
    )  # fmt: skip


def _button_of(button: Component) -> Button | None:
    kind = str(button.get("type") or "").upper()
    if kind not in KINDS:
        return None
    value = str(button.get(_VALUE.get(kind, "")) or "")
    return Button(kind, str(button.get("text") or ""), value, _first(button.get("example")))


def _header_example(header: Component) -> str:
    given = header.get("example")
    if not isinstance(given, Mapping):
        return ""
    named = parts(given.get("header_text_named_params"))
    return str(named[0].get("example") or "") if named else _first(given.get("header_text"))


def _examples(body: Component, names: Sequence[str]) -> dict[str, str]:
    given = body.get("example")
    if not isinstance(given, Mapping):
        return {}
    rows = parts(given.get("body_text_named_params"))
    named = {str(one.get("param_name")): str(one.get("example") or "") for one in rows}
    row = given.get("body_text")
    row = row[0] if isinstance(row, list) and row and isinstance(row[0], list) else row
    by_place = dict(zip(names, (str(one) for one in row), strict=False)) if isinstance(row, list) else {}
    return by_place | named


def _first(found: Any) -> str:
    one = found[0] if isinstance(found, list) and found else found
    return one if isinstance(one, str) else ""
