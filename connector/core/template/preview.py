"""What a customer would read: the template's text with values, and values from its own examples."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from connector.core.template.misfit import Misfit
from connector.core.template.model import Component, Template, buttons, component, fill, parts
from connector.core.template.slots import MEDIA, ButtonSlot, Need, Slots, needs, slots
from connector.core.template.values import check

_STAND_INS = {
    "text": "example",
    "media": "https://example.com/example.pdf",
    "latitude": "4.711",
    "longitude": "-74.0721",
    "copy_code": "EXAMPLE10",
    "url": "example",
    "moment": "2030-01-01T00:00:00+00:00",
}
_CODE_TEXT = "*{{1}}* is your verification code."  # Meta's own text of an authentication template, in English
_CODE_ADVICE = "For your security, do not share this code."
_CODE_EXPIRES = "This code expires in {} minutes."


# ---- values from the examples ------------------------------------------------------------------------------------
def fit_example(template: Template) -> dict[str, str]:
    """A value for everything the template needs: its own example where that can be sent, else a stand-in."""
    found = slots(template)
    shown = dict(_shown(template.components, found, ""))
    return {need.key: _usable(need, shown.get(need.key, "")) for need in needs(found) if need.required}


def _usable(need: Need, example: str) -> str:
    try:
        return check(need, need.key, example)
    except Misfit:
        return _STAND_INS[need.kind]


def _shown(components: Sequence[Component], found: Slots, prefix: str) -> Iterator[tuple[str, str]]:
    header, body = component(components, "HEADER") or {}, component(components, "BODY") or {}
    yield from _texts(header, "header_text", found.header_params, prefix + "header.")
    yield from _texts(body, "body_text", found.body_params, prefix)
    if found.header in MEDIA:
        yield f"{prefix}header.{found.header}", _first(_example(header).get("header_handle"))
    for slot, button in zip(found.buttons, buttons(components), strict=True):
        yield f"{prefix}button.{slot.index}", _first(button.get("example")).removeprefix(slot.url.partition("{{")[0])
    cards = parts((component(components, "CAROUSEL") or {}).get("cards"))
    for n, (card, places) in enumerate(zip(cards, found.cards, strict=True)):
        yield from _shown(parts(card.get("components")), places, f"{prefix}card.{n}.")


def _texts(part: Component, kind: str, params: Iterable[str], prefix: str) -> Iterator[tuple[str, str]]:
    example = _example(part)
    for one in parts(example.get(f"{kind}_named_params")):
        yield f"{prefix}{one.get('param_name')}", str(one.get("example") or "")
    row = example.get(kind)
    row = row[0] if isinstance(row, list) and row and isinstance(row[0], list) else row
    if isinstance(row, list):
        yield from ((prefix + name, str(value)) for name, value in zip(params, row, strict=False))


def _example(part: Component) -> Mapping[str, Any]:
    found = part.get("example")
    return found if isinstance(found, Mapping) else {}


def _first(found: Any) -> str:
    one = found[0] if isinstance(found, list) and found else found
    return one if isinstance(one, str) else ""


# ---- the text ----------------------------------------------------------------------------------------------------
def preview(template: Template, values: Mapping[str, str]) -> str:
    """Header, body, footer and [buttons] as text; a place without a value stays {{ }}. Raises nothing."""
    return _preview(template.components, slots(template), values, "", template.category == "authentication")


def _preview(
    components: Sequence[Component], found: Slots, values: Mapping[str, str], prefix: str, code: bool = False
) -> str:
    body = component(components, "BODY") or {}
    text = code_text(body) if code else str(body.get("text") or "")
    lines = [
        _header(component(components, "HEADER") or {}, found, values, prefix + "header."),
        _filled(text, found.body_params, values, prefix),
        footer_text(component(components, "FOOTER") or {}),
        " ".join(_button(one, values, prefix) for one in found.buttons),
    ]
    cards = parts((component(components, "CAROUSEL") or {}).get("cards"))
    for n, (card, places) in enumerate(zip(cards, found.cards, strict=True)):
        inside = _preview(parts(card.get("components")), places, values, f"{prefix}card.{n}.")
        lines.append(f"{n + 1}. " + inside.replace("\n", "\n   "))
    return "\n".join(line for line in lines if line)


def _filled(text: str, params: Iterable[str], values: Mapping[str, str], prefix: str) -> str:
    return fill(text, {name: values[prefix + name] for name in params if prefix + name in values})


def _header(header: Component, found: Slots, values: Mapping[str, str], prefix: str) -> str:
    if found.header == "text":
        return _filled(str(header.get("text") or ""), found.header_params, values, prefix)
    names = {"document": ("filename", "document"), "location": ("name", "address")}.get(found.header, (found.header,))
    words = [values[prefix + name] for name in names if values.get(prefix + name)]
    return f"({', '.join([found.header, *words])})" if found.header else ""


def code_text(body: Component) -> str:
    """The text of an authentication template, which is Meta's own."""
    text = str(body.get("text") or _CODE_TEXT)
    advice = _CODE_ADVICE if body.get("add_security_recommendation") and _CODE_ADVICE not in text else ""
    return f"{text} {advice}".strip()


def footer_text(footer: Component) -> str:
    """The line under a text: its own words, or when a code ends."""
    minutes = footer.get("code_expiration_minutes")
    return str(footer.get("text") or "") or (_CODE_EXPIRES.format(minutes) if minutes else "")


def _button(one: ButtonSlot, values: Mapping[str, str], prefix: str) -> str:
    value = values.get(f"{prefix}button.{one.index}", values.get(f"{prefix}button.{one.kind}", ""))
    if one.kind == "url" and one.url:
        address = one.url.partition("{{")[0] + value if one.dynamic and value else one.url
        return f"[{one.label}: {address}]"
    return f"[{one.label}: {value}]" if one.kind == "copy_code" and value else f"[{one.label}]"
