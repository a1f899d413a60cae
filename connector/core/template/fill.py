"""The message that fills a template: Graph's `{"type": "template", ...}`, or a Misfit, never a refusal by Graph."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connector.core.template import limits
from connector.core.template.fit import misfits
from connector.core.template.limits import length
from connector.core.template.media import is_media_id
from connector.core.template.misfit import Misfit
from connector.core.template.model import Component, Template, component, fill, parts
from connector.core.template.slots import MEDIA, ButtonSlot, Need, Slots, needs, slots
from connector.core.template.values import check, check_code, check_payload

Json = dict[str, Any]


def render(template: Template, values: Mapping[str, str], payloads: Sequence[str] = ()) -> Json:
    """The Graph body of this template with these values; `payloads` are the quick replies' ids, or none."""
    for misfit in misfits(template, values.keys(), len(payloads)):
        raise misfit
    found = slots(template)
    given = _checked(needs(found), values)
    ids = iter([check_payload(f"buttons.{n}", one) for n, one in enumerate(payloads)])
    made = _Filling(template, given, ids, bool(payloads)).message(template.components, found)
    body: Json = {"name": template.name, "language": {"code": template.language}}
    return {"type": "template", "template": body | ({"components": made} if made else {})}


def _checked(wanted: Sequence[Need], values: Mapping[str, str]) -> dict[str, str]:
    """Canonical key -> value as it is sent; an optional value that is empty is left out."""
    out = {}
    for need in wanted:
        key = need.key if need.key in values else need.alias
        value = values.get(key)
        if value is not None and (need.required or value.strip()):
            out[need.key] = check(need, key, value)
    return out


class _Filling:
    """One render: what is given, and the quick replies' ids still to be used."""

    def __init__(self, template: Template, given: Mapping[str, str], ids: Iterator[str], with_ids: bool) -> None:
        self.template, self.given, self.ids, self.with_ids = template, given, ids, with_ids
        self.is_code = template.category == "authentication"

    def message(self, components: Sequence[Component], found: Slots) -> list[Json]:
        """The components of the whole message."""
        offer = component(components, "LIMITED_TIME_OFFER")
        made = self._head(components, found, "", limits.OFFER_BODY if offer else limits.BODY)
        if found.offer:
            ends = {"expiration_time_ms": int(self.given["offer.expires"])}
            made.append(_part("limited_time_offer", {"type": "limited_time_offer", "limited_time_offer": ends}))
        buttons = self._buttons(found, "")
        cards = parts((component(components, "CAROUSEL") or {}).get("cards"))
        if cards:
            made.append({"type": "carousel", "cards": [self._card(n, *card) for n, card in enumerate(
                zip(cards, found.cards, strict=True))]})  # fmt: skip
        return made + buttons

    def _card(self, index: int, card: Component, found: Slots) -> Json:
        prefix, components = f"card.{index}.", parts(card.get("components"))
        made = self._head(components, found, prefix, limits.CARD_BODY) + self._buttons(found, prefix)
        return {"card_index": index, "components": made}

    def _head(self, components: Sequence[Component], found: Slots, prefix: str, body: int) -> list[Json]:
        made = []
        if found.header == "text" and found.header_params:
            made.append(self._texts(components, "HEADER", found.header_params, prefix + "header.", limits.HEADER))
        elif found.header in MEDIA:
            made.append(_part("header", self._media(found.header, prefix + "header.")))
        elif found.header == "location":
            made.append(_part("header", self._location(prefix + "header.")))
        if found.body_params:
            made.append(self._texts(components, "BODY", found.body_params, prefix, body))
        return made

    def _texts(
        self, components: Sequence[Component], kind: str, params: Sequence[str], prefix: str, limit: int
    ) -> Json:
        text = str((component(components, kind) or {}).get("text") or "")
        if length(fill(text, {name: self.given[prefix + name] for name in params})) > limit:
            text = (
                f"With its values the template's {kind.lower()} is longer than the {limit} characters WhatsApp allows."
            )
            longest = max((prefix + name for name in params), key=lambda key: len(self.given[key]))
            raise Misfit("too_long", longest, text, "Shorten the longest value, e.g. with | shorten(100).")
        return _part(kind.lower(), *(self._text(name, self.given[prefix + name]) for name in params))

    def _text(self, name: str, value: str) -> Json:
        named = self.template.format == "named" or not name.isdigit()
        return {"type": "text"} | ({"parameter_name": name} if named else {}) | {"text": value}

    def _media(self, kind: str, prefix: str) -> Json:
        value, name = self.given[prefix + kind], self.given.get(prefix + "filename")
        source = {"id" if is_media_id(value) else "link": value}
        return {"type": kind, kind: source | ({"filename": name} if name and kind == "document" else {})}

    def _location(self, prefix: str) -> Json:
        names = ("latitude", "longitude", "name", "address")
        return {"type": "location", "location": {n: self.given[prefix + n] for n in names if prefix + n in self.given}}

    def _buttons(self, found: Slots, prefix: str) -> list[Json]:
        made = ((one, self._parameter(one, found, prefix)) for one in found.buttons)
        return [_button(one, parameter) for one, parameter in made if parameter is not None]

    def _parameter(self, one: ButtonSlot, found: Slots, prefix: str) -> Json | None:
        key = f"{prefix}button.{one.index}"
        value = self.given.get(key)
        if one.kind == "quick_reply":
            return self._payload(one, prefix)
        if one.kind == "otp":  # the code of the text, once more
            name = prefix + found.body_params[0]
            return {"type": "text", "text": check_code(name, self.given[name])}
        if one.kind == "flow":  # Graph wants the parameter also where there is no token
            return {"type": "action", "action": {"flow_token": value or "unused"}}
        if value is None:
            return None
        if one.kind == "url":
            return {"type": "text", "text": value}
        if one.kind == "catalog":
            return {"type": "action", "action": {"thumbnail_product_retailer_id": value}}
        return {"type": "coupon_code", "coupon_code": value}

    def _payload(self, one: ButtonSlot, prefix: str) -> Json | None:
        """Without ids Graph sends back the label; a card's quick reply must carry something, so it carries that."""
        if self.with_ids:
            return {"type": "payload", "payload": next(self.ids)}
        return {"type": "payload", "payload": one.label} if prefix else None


def _part(kind: str, *parameters: Json) -> Json:
    return {"type": kind, "parameters": list(parameters)}


def _button(one: ButtonSlot, parameter: Json) -> Json:
    kind = "url" if one.kind == "otp" else one.kind
    return {"type": "button", "sub_type": kind, "index": str(one.index), "parameters": [parameter]}
