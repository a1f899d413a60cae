"""What a customer sent: one reader per message type, each giving the words of the mapping language."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from connector.whatsapp.decode import DECODER
from connector.whatsapp.values import (
    LINE,
    TEXT,
    Json,
    ShapeError,
    filled,
    need,
    need_part,
    number,
    part,
    parts,
    text,
    tidy,
    whole,
)


@dataclass(frozen=True, slots=True)
class Content:
    """The part of a message that differs by type."""

    type: str
    text: str
    answer: Json = field(default_factory=dict)
    about: str | None = None  # the message it is about, where the type itself says so


def read_text(message: Json) -> Content:
    body = need(need_part(message, "text", "message"), "body", "text", TEXT)
    return Content("text", body, {"text": body})


def read_button(message: Json) -> Content:
    """A template's quick reply. The payload is the label where the send set none."""
    button = need_part(message, "button", "message")
    label = text(button, "text", LINE)
    payload = text(button, "payload", LINE) or label
    if not payload:
        raise ShapeError("button has neither payload nor text")
    return Content("button", label or payload, {"id": payload, "title": label or payload})


def read_interactive(message: Json) -> Content:
    interactive = need_part(message, "interactive", "message")
    kind = need(interactive, "type", "interactive")
    reader = INTERACTIVE.get(kind)
    if reader is None:
        raise ShapeError(f"unknown interactive type '{kind}'")
    return reader(need_part(interactive, kind, "interactive"))


def read_button_reply(reply: Json) -> Content:
    key, title = need(reply, "id", "button_reply", LINE), text(reply, "title", LINE)
    return Content("button", title or key, {"id": key, "title": title})


def read_list_reply(reply: Json) -> Content:
    key, title = need(reply, "id", "list_reply", LINE), text(reply, "title", LINE)
    answer = {"id": key, "title": title} | filled(description=text(reply, "description", LINE))
    return Content("list", title or key, answer)


def read_form(reply: Json) -> Content:
    """A WhatsApp Flow or an address form: `response_json` is JSON inside a text; flow_token is ours, not an answer."""
    try:
        fields = DECODER.decode(need(reply, "response_json", "nfm_reply", 4 * TEXT))
    except RecursionError:
        fields = None
    except json.JSONDecodeError:
        raise ShapeError("nfm_reply.response_json is not JSON") from None
    if type(fields) is not dict:
        raise ShapeError("nfm_reply.response_json is not an object")
    if text(reply, "name") == "address_message" and type(fields.get("values")) is dict:
        fields = fields | fields.pop("values")
    answer = {key: value for key, value in tidy(fields).items() if key != "flow_token"}
    summary = "; ".join(f"{key}: {_flat(value)}" for key, value in answer.items())
    return Content("form", summary[:TEXT] or text(reply, "body", LINE), answer)


def _flat(value: object) -> str:
    return ", ".join(map(str, value)) if type(value) is list else str(value)


def read_call_permission(reply: Json) -> Content:
    """May we call? Answered by a tap, so it is a button whose id is accept or reject."""
    response = need(reply, "response", "call_permission_reply")
    return Content("button", response, {"id": response, "title": response})


def read_product(reply: Json) -> Content:
    """A product card the customer passed on; no document can answer it yet."""
    answer = filled(kind="product", product=text(reply, "product_retailer_id"), catalog=text(reply, "catalog_id"))
    return Content("unsupported", "[product]", answer)


INTERACTIVE: dict[str, Callable[[Json], Content]] = {
    "button_reply": read_button_reply,
    "list_reply": read_list_reply,
    "nfm_reply": read_form,
    "call_permission_reply": read_call_permission,
    "product": read_product,
}


def read_media(message: Json) -> Content:
    """image video document audio sticker; `url` comes gradually since 2025-11, the id lives 7 days."""
    kind = text(message, "type")
    media = need_part(message, kind, "message")
    answer: Json = {"kind": kind, "id": need(media, "id", kind)} | filled(
        url=text(media, "url", 4096),
        mime_type=text(media, "mime_type"),
        sha256=text(media, "sha256"),
        caption=text(media, "caption", TEXT),
        filename=text(media, "filename", LINE),
    )
    if media.get("voice") is True:
        answer["voice"] = True
    name = "voice message" if "voice" in answer else kind
    return Content("media", answer.get("caption") or answer.get("filename") or f"[{name}]", answer)


def read_location(message: Json) -> Content:
    place = need_part(message, "location", "message")
    latitude, longitude = number(place, "latitude"), number(place, "longitude")
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        raise ShapeError("location has no latitude and longitude")
    words = filled(name=text(place, "name", LINE), address=text(place, "address", LINE))
    answer = {"latitude": latitude, "longitude": longitude} | words | filled(url=text(place, "url", 4096))
    return Content("location", ", ".join(words.values()) or f"{latitude}, {longitude}", answer)


def read_contacts(message: Json) -> Content:
    """Shared contacts; the first one is `name phone email`. `origin` stood on the message before 2026-09."""
    cards = [_card(card) for card in parts(message, "contacts")]
    if not cards:
        raise ShapeError("contacts holds no contact")
    origin = cards[0].pop("origin", "") or text(message, "origin")
    answer = cards[0] | filled(origin=origin, others=cards[1:] or None)
    return Content("contact", "; ".join(filter(None, map(_card_line, cards))) or "[contact]", answer)


def _card(card: Json) -> Json:
    name, phone, email = part(card, "name"), (parts(card, "phones") or [{}])[0], (parts(card, "emails") or [{}])[0]
    wa_id = text(phone, "wa_id")
    return filled(
        name=text(name, "formatted_name", LINE) or f"{text(name, 'first_name')} {text(name, 'last_name')}".strip(),
        phone=text(phone, "phone") or (wa_id and f"+{wa_id}"),
        whatsapp_id=wa_id,
        email=text(email, "email"),
        company=text(part(card, "org"), "company", LINE),
        vcard=text(card, "vcard", TEXT),
        origin=text(card, "origin"),
    )


def _card_line(card: Json) -> str:
    return " ".join(filter(None, (card.get("name"), card.get("phone"), card.get("email"))))


def read_order(message: Json) -> Content:
    """A cart. `total` and `currency` only when every price is a number and all are of one currency."""
    order = need_part(message, "order", "message")
    products = [
        filled(
            id=text(item, "product_retailer_id"),
            quantity=number(item, "quantity"),
            price=number(item, "item_price"),
            currency=text(item, "currency"),
        )
        for item in parts(order, "product_items")
    ]
    if not products:
        raise ShapeError("order holds no product")
    items = [f"{p.get('quantity', '?')} x {p.get('id', '?')}" for p in products]
    currencies = {p.get("currency") for p in products}
    answer: Json = {"items": items, "products": products}
    if len(currencies) == 1 and all("quantity" in p and "price" in p for p in products):
        total = sum((Decimal(str(p["quantity"])) * Decimal(str(p["price"])) for p in products), Decimal())
        answer |= filled(total=float(total), currency=currencies.pop())
    answer |= filled(catalog=text(order, "catalog_id"), text=text(order, "text", TEXT))
    price = f" ({answer['total']:g} {answer.get('currency', '')})".replace(" )", ")") if "total" in answer else ""
    return Content("order", answer.get("text") or ", ".join(items) + price, answer)


def read_reaction(message: Json) -> Content:
    """An emoji on a message; taken back when there is none."""
    reaction = need_part(message, "reaction", "message")
    emoji = text(reaction, "emoji")
    answer: Json = {"emoji": emoji} if emoji else {"emoji": "", "removed": True}
    return Content("reaction", emoji, answer, need(reaction, "message_id", "reaction"))


def read_unsupported(message: Json) -> Content:
    """What Cloud API cannot carry: `kind` is Meta's word for it, where it gives one."""
    kind = text(part(message, "unsupported"), "type")
    error = (parts(message, "errors") or [{}])[0]
    answer = filled(kind=kind, code=whole(error, "code"), reason=text(error, "title", LINE))
    return Content("unsupported", f"[unsupported: {kind}]" if kind else "[unsupported]", answer)


def read_edit(message: Json) -> Content:
    edit = need_part(message, "edit", "message")
    original, new = need(edit, "original_message_id", "edit"), part(edit, "message")
    kind = text(new, "type")
    words = text(part(new, "text"), "body", TEXT) or text(part(new, kind), "caption", TEXT)
    return Content("edit", words or "[edited]", filled(original=original, type=kind, text=words), original)


def read_revoke(message: Json) -> Content:
    original = need(need_part(message, "revoke", "message"), "original_message_id", "revoke")
    return Content("revoke", "[deleted]", {"original": original}, original)


READERS: dict[str, Callable[[Json], Content]] = {
    "text": read_text,
    "button": read_button,
    "interactive": read_interactive,
    "image": read_media,
    "video": read_media,
    "document": read_media,
    "audio": read_media,
    "sticker": read_media,
    "location": read_location,
    "contacts": read_contacts,
    "order": read_order,
    "reaction": read_reaction,
    "unsupported": read_unsupported,
    "edit": read_edit,
    "revoke": read_revoke,
}
