"""What a template asks for: its places, and the keys under which a document fills them.

Keys as written in `with:`: `first_name` or `1` (body), `header.1` or `header.<name>`, `header.image|video|document`,
`header.latitude` and `header.longitude`, `button.<n>` or, where only one button is of that kind, `button.url`,
`button.copy_code`, `button.flow`, `button.catalog`; `offer.expires`; in a carousel each with `card.<n>.` before it.
Buttons and cards are counted from 0. Quick replies take no key: their payloads are the document's `buttons:`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from connector.core.template.model import Component, Template, buttons, component, parts, placeholders

MEDIA = ("image", "video", "document")
HEADERS = ("text", *MEDIA, "location")
_KEYED = ("url", "copy_code", "flow", "catalog")  # kinds that may take a value of their own
_OPTIONAL = ("flow", "catalog")
_STATIC = ("quick_reply", "otp", "phone_number", "voice_call", "app", "call_permission_request", "request_contact_info")


@dataclass(frozen=True, slots=True)
class ButtonSlot:
    """One button. `kind`: quick_reply url copy_code flow phone_number otp ...; `dynamic`: it needs a value."""

    index: int
    kind: str
    label: str
    dynamic: bool
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """The places of a template, or of one card of its carousel. `header`: text image video document location or ""."""

    header: str = ""
    header_params: tuple[str, ...] = ()
    body_params: tuple[str, ...] = ()
    buttons: tuple[ButtonSlot, ...] = ()
    offer: bool = False  # a limited-time offer that needs its end
    cards: tuple["Slots", ...] = ()
    unsupported: tuple[str, ...] = ()  # kinds we cannot fill, e.g. mpm


@dataclass(frozen=True, slots=True)
class Need:
    """One value a template takes: under `key` or its `alias`. `kind` says how it is checked and where it goes."""

    key: str
    kind: str
    required: bool = True
    alias: str = ""
    url: str = field(default="", compare=False)  # the button's address that the value ends


def slots(template: Template) -> Slots:
    """What the template asks for; of one that was asked about before, without looking through it again."""
    code, key = template.category == "authentication", id(template.components)
    known = _KNOWN.get((key, code))
    if known is None or known[0] is not template.components:
        if len(_KNOWN) >= _MOST:
            _KNOWN.clear()
        known = _KNOWN[key, code] = (template.components, _slots(template.components, code))
    return known[1]


# A burst or a broadcast fills one template a hundred thousand times, and each time asks for its places five times. The
# components stand beside, so that no other's can get their identity.
_KNOWN: dict[tuple[int, bool], tuple[Sequence[Component], Slots]] = {}
_MOST = 256


def _slots(components: Iterable[Component], code: bool) -> Slots:
    header, body = component(components, "HEADER") or {}, component(components, "BODY")
    kind = _header(header)
    found = tuple(_button(n, one, code) for n, one in enumerate(buttons(components)))
    offer = (component(components, "LIMITED_TIME_OFFER") or {}).get("limited_time_offer")
    cards = parts((component(components, "CAROUSEL") or {}).get("cards"))
    strange = [one.kind for one in found if one.kind not in (*_KEYED, *_STATIC)]
    return Slots(
        header=kind,
        header_params=placeholders(header.get("text")) if kind == "text" else (),
        body_params=_body(body, code),
        buttons=found,
        offer=isinstance(offer, dict) and offer.get("has_expiration") is True,
        cards=tuple(_slots(parts(card.get("components")), False) for card in cards),
        unsupported=tuple(dict.fromkeys(([kind] if kind and kind not in HEADERS else []) + strange)),
    )


def _header(header: Component) -> str:
    return str(header.get("format") or "text").lower() if header else ""


def _body(body: Component | None, code: bool) -> tuple[str, ...]:
    """An authentication body has no text of ours: Meta's own text takes the code."""
    if body is None:
        return ()
    return ("1",) if code and not body.get("text") else placeholders(body.get("text"))


def _button(index: int, button: Component, code: bool) -> ButtonSlot:
    kind, label, url = (str(button.get(name) or "") for name in ("type", "text", "url"))
    kind = kind.lower()
    if kind == "otp" or (kind == "url" and code):  # an OTP button is listed as a URL button once it is approved
        return ButtonSlot(index, "otp", label, False)
    dynamic = kind == "copy_code" or (kind == "url" and bool(placeholders(url)))
    return ButtonSlot(index, kind, label, dynamic, url)


# ---- keys --------------------------------------------------------------------------------------------------------
@lru_cache(maxsize=256)
def needs(found: Slots, prefix: str = "") -> tuple[Need, ...]:
    """Every value the template takes, in reading order."""
    return tuple(_needs(found, prefix))


def _needs(found: Slots, prefix: str) -> Iterator[Need]:
    yield from _header_needs(found, prefix)
    for name in found.body_params:
        yield Need(prefix + name, "text")
    if found.offer:
        yield Need(prefix + "offer.expires", "moment")
    several = Counter(one.kind for one in found.buttons if _keyed(one))
    for one in found.buttons:
        if _keyed(one):
            alias = f"{prefix}button.{one.kind}" if several[one.kind] == 1 else ""
            yield Need(f"{prefix}button.{one.index}", one.kind, one.kind not in _OPTIONAL, alias, one.url)
    for n, card in enumerate(found.cards):
        yield from _needs(card, f"{prefix}card.{n}.")


def _header_needs(found: Slots, prefix: str) -> Iterator[Need]:
    for name in found.header_params:
        yield Need(f"{prefix}header.{name}", "text")
    if found.header in MEDIA:
        yield Need(f"{prefix}header.{found.header}", "media")
    if found.header == "document":
        yield Need(f"{prefix}header.filename", "filename", False)
    if found.header == "location":
        yield Need(prefix + "header.latitude", "latitude")
        yield Need(prefix + "header.longitude", "longitude")
        yield Need(prefix + "header.name", "text", False)
        yield Need(prefix + "header.address", "text", False)


def _keyed(button: ButtonSlot) -> bool:
    return button.dynamic or button.kind in _OPTIONAL


def quick_replies(found: Slots) -> list[ButtonSlot]:
    """The quick replies: the message's own, then card by card."""
    own = [one for one in found.buttons if one.kind == "quick_reply"]
    return own + [one for card in found.cards for one in quick_replies(card)]


def labels(template: Template) -> list[str]:
    """What stands on the quick replies, in the order in which `buttons:` gives their ids."""
    return [one.label for one in quick_replies(slots(template))]
