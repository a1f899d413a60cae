"""A message as a phone draws it: its pieces in order, and which of them are values; of a template, or frozen."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from connector.core.template.media import is_media_id
from connector.core.template.model import PLACEHOLDER, Component, Template, buttons, component, parts
from connector.core.template.preview import code_text, footer_text
from connector.core.template.slots import MEDIA, ButtonSlot, Slots, slots

MOST = 30  # cards or choices that are drawn


class Piece(NamedTuple):
    """A part of a text. `key`: which value it is, "" = the template's own words; `known`: it has that value."""

    text: str
    key: str = ""
    known: bool = True


@dataclass(frozen=True, slots=True)
class Choice:
    """A button. `kind` as in ButtonSlot; `detail`: where it leads, whom it calls, what it copies."""

    kind: str
    label: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One bubble. `media`: image video document location sticker ... or ""; `file`: its address, id or name."""

    media: str = ""
    file: str = ""
    head: tuple[Piece, ...] = ()
    body: tuple[Piece, ...] = ()
    foot: str = ""
    choices: tuple[Choice, ...] = ()
    cards: tuple["Drawn", ...] = ()


# ---- a template --------------------------------------------------------------------------------------------------
def draw(template: Template, values: Mapping[str, str]) -> Drawn:
    """The template with these values; a place without one stays {{ }}. Raises nothing."""
    return _drawn(template.components, slots(template), values, "", template.category == "authentication")


def _drawn(
    components: Sequence[Component], found: Slots, values: Mapping[str, str], prefix: str, code: bool = False
) -> Drawn:
    header, body = component(components, "HEADER") or {}, component(components, "BODY") or {}
    cards = parts((component(components, "CAROUSEL") or {}).get("cards"))[:MOST]
    media = found.header if found.header != "text" else ""
    return Drawn(
        media=media,
        file=_file(media, values, prefix + "header.") if media else "",
        head=tuple(_pieces(str(header.get("text") or ""), values, prefix + "header.")) if not media else (),
        body=tuple(_pieces(code_text(body) if code else str(body.get("text") or ""), values, prefix)),
        foot=footer_text(component(components, "FOOTER") or {}),
        choices=tuple(
            _choice(slot, button, values, prefix)
            for slot, button in zip(found.buttons, buttons(components), strict=True)
        ),
        cards=tuple(
            _drawn(parts(card.get("components")), places, values, f"{prefix}card.{n}.")
            for n, (card, places) in enumerate(zip(cards, found.cards, strict=False))
        ),
    )


def _pieces(text: str, values: Mapping[str, str], prefix: str) -> Iterator[Piece]:
    last = 0
    for place in PLACEHOLDER.finditer(text):
        if place.start() > last:
            yield Piece(text[last : place.start()])
        key = prefix + place[1]
        yield Piece(values[key], key) if values.get(key) else Piece(place[0], key, known=False)
        last = place.end()
    if last < len(text):
        yield Piece(text[last:])


def _file(kind: str, values: Mapping[str, str], prefix: str) -> str:
    if kind == "location":
        named = [values[prefix + name] for name in ("name", "address") if values.get(prefix + name)]
        place = [values[prefix + name] for name in ("latitude", "longitude") if values.get(prefix + name)]
        return ", ".join(named or place)
    return values.get(prefix + "filename") or values.get(prefix + kind, "")


def _choice(slot: ButtonSlot, button: Component, values: Mapping[str, str], prefix: str) -> Choice:
    value = values.get(f"{prefix}button.{slot.index}", values.get(f"{prefix}button.{slot.kind}", ""))
    detail = str(button.get("phone_number") or "") if slot.kind == "phone_number" else value
    if slot.kind == "url" and slot.url:
        detail = slot.url.partition("{{")[0] + value if slot.dynamic and value else slot.url
    return Choice(slot.kind, slot.label, detail)


# ---- a frozen message --------------------------------------------------------------------------------------------
def values_of(body: Mapping[str, Any], template: Template) -> dict[str, str]:
    """{key: value} of a message that was made for this template: what `render` put into it."""
    told = body.get("template")
    found = parts(told.get("components")) if isinstance(told, Mapping) else []
    return dict(_values(found, slots(template), ""))


def _values(found: Sequence[Component], places: Slots, prefix: str) -> Iterator[tuple[str, str]]:
    for part in found:
        kind, given = str(part.get("type") or "").lower(), parts(part.get("parameters"))
        if kind == "header" and places.header != "text":
            yield from _media_values(given, prefix + "header.")
        elif kind in ("header", "body"):
            names = places.header_params if kind == "header" else places.body_params
            lead = prefix + ("header." if kind == "header" else "")
            for n, one in enumerate(given):
                name = str(one.get("parameter_name") or (names[n] if n < len(names) else n + 1))
                yield lead + name, str(one.get("text") or "")
        elif kind == "button" and given:
            yield f"{prefix}button.{part.get('index')}", _button_value(given[0])
        elif kind == "carousel":
            for n, (card, inner) in enumerate(zip(parts(part.get("cards")), places.cards, strict=False)):
                yield from _values(parts(card.get("components")), inner, f"{prefix}card.{n}.")


def _media_values(given: Sequence[Component], prefix: str) -> Iterator[tuple[str, str]]:
    for one in given[:1]:
        kind = str(one.get("type") or "")
        source = one.get(kind)
        if not isinstance(source, Mapping):
            continue
        if kind in MEDIA:
            yield prefix + kind, str(source.get("link") or source.get("id") or "")
            yield prefix + "filename", str(source.get("filename") or "")
        else:
            yield from ((f"{prefix}{name}", str(value)) for name, value in source.items())


def _button_value(one: Component) -> str:
    action = one.get("action")
    inner = next(iter(action.values()), "") if isinstance(action, Mapping) else ""
    return str(one.get("text") or one.get("coupon_code") or one.get("payload") or inner)


def draw_body(body: Mapping[str, Any]) -> Drawn:
    """A message that is no template: text, interactive, or a file with its caption."""
    kind = str(body.get("type") or "")
    told = body.get(kind)
    inner = told if isinstance(told, Mapping) else {}
    if kind == "interactive":
        return _interactive(inner)
    if kind == "text":
        return Drawn(body=_words(inner.get("body")))
    source = str(inner.get("filename") or inner.get("link") or "")
    return Drawn(media=kind, file=source if not is_media_id(source) else "", body=_words(inner.get("caption")))


def _interactive(inner: Mapping[str, Any]) -> Drawn:
    header, body, footer, action = (_object(inner.get(name)) for name in ("header", "body", "footer", "action"))
    kind = str(header.get("type") or "text")
    replies = [_object(one.get("reply")) for one in parts(action.get("buttons"))]
    rows = [row for section in parts(action.get("sections")) for row in parts(section.get("rows"))]
    found = [Choice("quick_reply", str(one.get("title") or "")) for one in replies]
    found += [Choice("list", str(row.get("title") or ""), str(row.get("description") or "")) for row in rows]
    link = _object(action.get("parameters"))
    if link.get("display_text"):
        found.append(Choice("url", str(link["display_text"]), str(link.get("url") or "")))
    return Drawn(
        media=kind if kind != "text" else "", head=_words(header.get("text")), body=_words(body.get("text")),
        foot=str(footer.get("text") or ""), choices=tuple(found[:MOST]),
    )  # fmt: skip


def _words(text: Any) -> tuple[Piece, ...]:
    return (Piece(str(text)),) if text else ()


def _object(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}
