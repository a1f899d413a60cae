"""`messages[]`: a customer's message, or the news that their number or user id changed."""

from connector.core.events import Event, IdentityChange, InboundMessage
from connector.whatsapp.contents import READERS, Content
from connector.whatsapp.scope import Scope
from connector.whatsapp.values import LINE, Json, ShapeError, bounded, filled, need, opt, part, text, time

# Meta's older names on the left
SYSTEM = {
    "user_changed_number": "user_changed_number",
    "customer_changed_number": "user_changed_number",
    "user_changed_user_id": "user_changed_user_id",
    "customer_identity_changed": "customer_identity_changed",
    "user_identity_changed": "customer_identity_changed",
}
_REFERRAL = (
    "source_id", "source_url", "source_type", "headline", "body", "ctwa_clid", "media_type", "image_url", "video_url",
    "thumbnail_url",
)  # fmt: skip


def read_message(message: Json, scope: Scope) -> list[Event]:
    """One element of `messages[]`."""
    key, kind = bounded(need(message, "id", "message", LINE)), need(message, "type", "message")
    if not scope.number:
        raise ShapeError("no metadata.phone_number_id says which number this came to")
    if kind == "system":
        return [_system(message, key, scope)]
    reader = READERS.get(kind)
    if reader is None:
        raise ShapeError(f"unknown message type '{kind}'")
    return [_message(message, key, reader(message), scope)]


def _message(message: Json, key: str, content: Content, scope: Scope) -> InboundMessage:
    wa_id, user_id = opt(message, "from"), opt(message, "from_user_id")
    person = scope.person(wa_id, user_id)
    wa_id, user_id = wa_id or opt(person, "wa_id"), user_id or opt(person, "user_id")
    if wa_id is None and user_id is None:
        raise ShapeError("the message has no sender")
    profile, context = part(person, "profile"), part(message, "context")
    referral = part(message, "referral")
    if "referred_product" in context:
        product = part(context, "referred_product")
        bought = filled(product=text(product, "product_retailer_id"), catalog=text(product, "catalog_id"))
        content = Content(content.type, content.text, content.answer | bought, content.about)
    return InboundMessage(
        id=key,
        at=time(message, "timestamp"),
        raw=message,
        number=scope.number,
        type=content.type,
        wa_id=wa_id,
        user_id=user_id,
        parent_user_id=opt(message, "from_parent_user_id") or opt(person, "parent_user_id"),
        name=text(profile, "name", LINE) or None,
        username=opt(profile, "username"),
        text=content.text,
        answer=content.answer,
        context_id=content.about or opt(context, "id"),
        forwarded=context.get("forwarded") is True or context.get("frequently_forwarded") is True,
        referral=_referral(referral) if referral else None,
        group_id=opt(message, "group_id"),
    )


def _referral(referral: Json) -> Json:
    """The ad that made them write; ctwa_clid is absent for ads in Status."""
    words = {key: text(referral, key, 4096) for key in _REFERRAL}
    return filled(**words, welcome=text(part(referral, "welcome_message"), "text", LINE))


def _system(message: Json, key: str, scope: Scope) -> IdentityChange:
    """The customer's number or user id changed: the sender is who they were, `system` says who they are."""
    system = part(message, "system")
    kind = text(system, "type") or ("customer_identity_changed" if "identity" in message else "")
    if kind not in SYSTEM:
        raise ShapeError(f"unknown system type '{kind}'")
    new_user = opt(system, "user_id")
    sender = opt(message, "from_user_id")
    return IdentityChange(
        id=key,
        at=time(message, "timestamp"),
        raw=message,
        number=scope.number,
        what=SYSTEM[kind],
        wa_id=opt(message, "from"),
        user_id=opt(system, "previous_user_id") or (sender if sender != new_user else None),
        new_wa_id=opt(system, "wa_id") or opt(system, "new_wa_id"),
        new_user_id=new_user,
        text=text(system, "body", LINE),
    )
