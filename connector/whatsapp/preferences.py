"""`user_preferences[]`: the customer stopped or resumed marketing in WhatsApp; and the old `user_id_update[]`."""

from connector.core.events import ConsentUpdate, Event, IdentityChange
from connector.whatsapp.scope import Scope
from connector.whatsapp.values import LINE, Json, ShapeError, bounded, fingerprint, need, opt, part, text, time

STATES = {"stop": "opted_out", "resume": "opted_in", "signup": "opted_in"}


def read_preference(item: Json, scope: Scope) -> list[Event]:
    """One element of `user_preferences[]`; it carries no id, so person, wish and time are its key."""
    word, category = need(item, "value", "user_preferences"), need(item, "category", "user_preferences")
    if word not in STATES:
        raise ShapeError(f"unknown preference '{word}'")
    wa_id, user_id = opt(item, "wa_id"), opt(item, "user_id")
    if wa_id is None and user_id is None:
        raise ShapeError("the preference names no person")
    person = scope.person(wa_id, user_id)
    key = ":".join(("consent", scope.number, wa_id or user_id or "", category, word, text(item, "timestamp")))
    return [
        ConsentUpdate(
            id=bounded(key),
            at=time(item, "timestamp"),
            raw=item,
            state=STATES[word],
            category=category.removesuffix("_messages"),
            how="user_preferences",
            number=scope.number,
            wa_id=wa_id or opt(person, "wa_id"),
            user_id=user_id or opt(person, "user_id"),
            evidence=text(item, "detail", LINE) or text(item, "signup_id"),
        )
    ]


def read_user_id_update(item: Json, scope: Scope) -> list[Event]:
    """Announced in 2026 and never made subscribable; read all the same, since it says who is who."""
    user, wa_id = part(item, "user_id"), opt(item, "wa_id")
    new = need(user, "current", "user_id_update.user_id")
    return [
        IdentityChange(
            id=f"user_id_update:{fingerprint(item)}",
            at=time(item, "timestamp"),
            raw=item,
            number=scope.number,
            what="user_changed_user_id",
            wa_id=wa_id,
            user_id=opt(user, "previous"),
            new_wa_id=wa_id,
            new_user_id=new,
            text=text(item, "detail", LINE),
        )
    ]
