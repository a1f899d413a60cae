"""Meta's rules for a new template, checked before it is submitted: a review takes a day, this takes none.

`body` is what `POST /{WABA}/message_templates` takes. The figures and their source are in limits.py.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from connector.core.template import limits
from connector.core.template.limits import length
from connector.core.template.misfit import Misfit
from connector.core.template.model import Component, buttons, component, parts
from connector.core.template.rules_buttons import button_rules
from connector.core.template.rules_text import example_rules, text_rules

Found = Iterator[Misfit]
KINDS = ("HEADER", "BODY", "FOOTER", "BUTTONS", "LIMITED_TIME_OFFER", "CAROUSEL", "CALL_PERMISSION_REQUEST")
FORMATS = ("TEXT", "IMAGE", "VIDEO", "GIF", "DOCUMENT", "LOCATION", "PRODUCT")
WITH_HANDLE = ("IMAGE", "VIDEO", "GIF", "DOCUMENT")
CARD_FORMATS = ("IMAGE", "VIDEO", "PRODUCT")


def rules(body: Mapping[str, Any]) -> list[Misfit]:
    """What Meta would refuse in this new template; [] when nothing is known to be wrong."""
    named = str(body.get("parameter_format") or "positional").lower() == "named"
    category = str(body.get("category") or "").lower()
    components = parts(body.get("components"))
    shape = _code_shape(components) if category == "authentication" else _shape(components, named, category)
    return [*_name(body), *_category(body, category), *_kinds(components), *shape]


# ---- the whole ---------------------------------------------------------------------------------------------------
def _name(body: Mapping[str, Any]) -> Found:
    name, language = (str(body.get(key) or "") for key in ("name", "language"))
    if not limits.NAME_PATTERN.fullmatch(name):
        yield Misfit("name", "name", "A template's name has only small letters, digits and _.", "e.g. quote_ready")
    if len(name) > limits.NAME:
        yield Misfit("too_long", "name", f"The name is longer than {limits.NAME} characters.")
    if not limits.LANGUAGE.fullmatch(language):
        yield Misfit("language", "language", "The language is not a code WhatsApp knows.", "e.g. es, en_US or pt_BR")


def _category(body: Mapping[str, Any], category: str) -> Found:
    if category not in limits.CATEGORIES:
        yield Misfit("category", "category", "The category is marketing, utility or authentication.")
        return
    ttl, (least, most) = body.get("message_send_ttl_seconds"), limits.TTL[category]
    if ttl is not None and ttl != -1 and not (type(ttl) is int and least <= ttl <= most):
        text = f"A {category} template may wait from {least} to {most} seconds to be delivered, or -1 for 30 days."
        yield Misfit("ttl", "message_send_ttl_seconds", text)


def _kinds(components: list[Component]) -> Found:
    count = Counter(str(one.get("type") or "").upper() for one in components)
    for kind, times in count.items():
        if kind not in KINDS:
            yield Misfit("component", kind, f"There is no part of the kind `{kind}`.", f"One of {', '.join(KINDS)}.")
        elif times > 1:
            yield Misfit("component", kind, f"A template has at most one {kind}.")
    if not count["BODY"]:
        yield Misfit("component", "body", "A template needs a body.")


def _shape(components: list[Component], named: bool, category: str) -> Found:
    offer, carousel = component(components, "LIMITED_TIME_OFFER"), component(components, "CAROUSEL")
    yield from _parts(components, named, "", limits.OFFER_BODY if offer else limits.BODY)
    if offer is not None:
        yield from _offer(offer, components, category)
    if carousel is not None:
        yield from _carousel(parts(carousel.get("cards")), components, named)


def _parts(components: list[Component], named: bool, prefix: str, body_limit: int) -> Found:
    header, body, footer = (component(components, kind) for kind in ("HEADER", "BODY", "FOOTER"))
    if header is not None:
        yield from _header(header, named, prefix + "header")
    if body is not None:
        yield from text_rules(prefix + "body", str(body.get("text") or ""), named, body_limit)
        yield from example_rules(prefix + "body", body, "body_text", named)
    if footer is not None:
        yield from _footer(footer, prefix + "footer")
    if component(components, "BUTTONS") is not None:
        yield from button_rules(buttons(components), prefix)


def _header(header: Component, named: bool, key: str) -> Found:
    kind = str(header.get("format") or "").upper()
    example = header.get("example")
    if kind not in FORMATS:
        yield Misfit("header", key, f"A header's format is one of {', '.join(FORMATS)}.")
    elif kind == "TEXT":
        text = str(header.get("text") or "")
        yield from text_rules(key, text, named, limits.HEADER, limits.HEADER_PARAMETERS)
        yield from example_rules(key, header, "header_text", named)
    elif kind in WITH_HANDLE and not (isinstance(example, Mapping) and example.get("header_handle")):
        text = f"A {kind.lower()} header needs an example file."
        yield Misfit("example", key, text, "Upload one and give its handle as example.header_handle.")


def _footer(footer: Component, key: str) -> Found:
    text = str(footer.get("text") or "")
    if not text.strip():
        yield Misfit("empty", key, "The footer is empty.", "Leave it out.")
    if length(text) > limits.FOOTER:
        yield Misfit("too_long", key, f"The footer is longer than {limits.FOOTER} characters.")
    if "{{" in text or "}}" in text:
        yield Misfit("footer", key, "A footer cannot hold a placeholder.")
    if "\n" in text:
        yield Misfit("newline", key, "A footer is one line.")


# ---- kinds with a shape of their own -----------------------------------------------------------------------------
def _code_shape(components: list[Component]) -> Found:
    """An authentication template: Meta's own text, no header, one OTP button."""
    body, footer = component(components, "BODY") or {}, component(components, "FOOTER") or {}
    if component(components, "HEADER") is not None:
        yield Misfit("authentication", "header", "An authentication template has no header.")
    if body.get("text"):
        yield Misfit("authentication", "body", "An authentication template's text is Meta's own.", "Leave it out.")
    if footer.get("text"):
        yield Misfit("authentication", "footer", "An authentication footer has only code_expiration_minutes.")
    minutes, (least, most) = footer.get("code_expiration_minutes", 1), limits.CODE_MINUTES
    if type(minutes) is not int or not least <= minutes <= most:
        yield Misfit("authentication", "footer", f"A code expires after {least} to {most} minutes.")
    found = buttons(components)
    if [str(one.get("type") or "").upper() for one in found] != ["OTP"]:
        yield Misfit("authentication", "buttons", "An authentication template has one button, of the type OTP.")
    elif str(found[0].get("otp_type") or "").upper() not in ("COPY_CODE", "ONE_TAP", "ZERO_TAP"):
        yield Misfit("authentication", "buttons.0", "An OTP button's otp_type is COPY_CODE, ONE_TAP or ZERO_TAP.")


def _offer(offer: Component, components: list[Component], category: str) -> Found:
    inner = offer.get("limited_time_offer")
    text = str(inner.get("text") or "") if isinstance(inner, Mapping) else ""
    if not text or length(text) > limits.OFFER_TEXT:
        yield Misfit("offer", "offer", f"A limited-time offer has a text of 1 to {limits.OFFER_TEXT} characters.")
    if category != "marketing":
        yield Misfit("offer", "category", "A template with a limited-time offer is a marketing template.")
    if component(components, "FOOTER") is not None:
        yield Misfit("offer", "footer", "A template with a limited-time offer has no footer.")
    header = component(components, "HEADER")
    if header is not None and str(header.get("format") or "").upper() not in ("IMAGE", "VIDEO"):
        yield Misfit("offer", "header", "Above a limited-time offer stands an image, a video or nothing.")


def _carousel(cards: list[Component], components: list[Component], named: bool) -> Found:
    least, most = limits.CARDS
    if not least <= len(cards) <= most:
        yield Misfit("cards", "cards", f"A carousel has {least} to {most} cards, not {len(cards)}.")
    for kind in ("HEADER", "FOOTER", "BUTTONS"):
        if component(components, kind) is not None:
            yield Misfit("cards", kind.lower(), f"Beside a carousel a template has only a body, no {kind.lower()}.")
    inside = [parts(card.get("components")) for card in cards]
    for n, one in enumerate(inside):
        yield from _card(one, named, f"card.{n}.")
    if len({_likeness(one) for one in inside}) > 1:
        yield Misfit("cards", "cards", "All cards have the same kind of header and the same kinds of buttons.")


def _card(components: list[Component], named: bool, prefix: str) -> Found:
    yield from _parts(components, named, prefix, limits.CARD_BODY)
    header, body = component(components, "HEADER") or {}, component(components, "BODY") or {}
    if str(header.get("format") or "").upper() not in CARD_FORMATS:
        yield Misfit("cards", prefix + "header", "A card has an image or a video above it.")
    if len(re.findall(r"\n", str(body.get("text") or ""))) > limits.CARD_BREAKS:
        yield Misfit("newline", prefix + "body", f"A card's text has at most {limits.CARD_BREAKS} line breaks.")
    least, most = limits.CARD_BUTTONS
    if not least <= len(buttons(components)) <= most:
        yield Misfit("cards", prefix + "buttons", f"A card has {least} or {most} buttons.")


def _likeness(components: list[Component]) -> tuple[str, ...]:
    header = component(components, "HEADER") or {}
    return str(header.get("format") or "").upper(), *(str(one.get("type") or "").upper() for one in buttons(components))
