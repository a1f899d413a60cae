"""Fields that are known, kept and shown, but that nothing acts on yet."""

from connector.core.events import Event, Noted
from connector.whatsapp.scope import Scope
from connector.whatsapp.values import LINE, Json, bounded, fingerprint, opt, part, parts, say, text, time

# field -> the lists its value may hold; without one of them the value itself is the item
LISTS: dict[str, tuple[str, ...]] = {
    "automatic_events": ("automatic_events",),
    "calls": ("calls", "statuses", "errors"),
    "consumer_profile": (),
    "flows": (),
    "group_lifecycle_update": ("groups",),
    "group_participants_update": ("groups",),
    "group_settings_update": ("groups",),
    "group_status_update": ("groups",),
    "history": ("history", "messages", "errors"),
    "message_echoes": ("message_echoes",),
    "messaging_handovers": ("messaging_handovers",),
    "smb_app_state_sync": ("state_sync",),
    "smb_message_echoes": ("message_echoes",),
    "standby": ("messages", "message_echoes", "statuses", "errors"),
}
_WORDS = ("event", "event_name", "action", "status", "type")


def read_noted(item: Json, scope: Scope) -> list[Event]:
    """One item. Its key is the vendor's id with what happened and when, else a hash of its content."""
    key, happened = text(item, "id"), [word for word in (text(item, w) for w in _WORDS) if word]
    stamp = text(item, "timestamp")
    if key:
        key = bounded(":".join((scope.field, key, *happened, stamp)))
    else:
        key = f"{scope.field}:{fingerprint(item, scope.entry.get('time'), scope.owner)}"
    wa_id, user_id = _person(item, scope)
    return [
        Noted(
            id=key,
            at=time(item, "timestamp") or time(scope.entry, "time"),
            raw=item,
            what=scope.field,
            number=scope.number,
            wa_id=wa_id,
            user_id=user_id,
            text=_say(item, happened),
        )
    ]


def _person(item: Json, scope: Scope) -> tuple[str | None, str | None]:
    """The customer: of `from` and `to` the one that is not our own number; statuses name a recipient."""
    own = text(part(scope.value, "metadata"), "display_phone_number")
    wa_id = next((w for w in (text(item, "from"), text(item, "to")) if w and w != own), None)
    user_id = opt(item, "from_user_id") or opt(item, "to_user_id") or opt(item, "recipient_user_id")
    return wa_id or opt(item, "recipient_id") or opt(item, "wa_id"), user_id


def _say(item: Json, happened: list[str]) -> str:
    errors = [text(error, "title", LINE) or text(error, "message", LINE) for error in parts(item, "errors")]
    words = text(item, "message", LINE) or text(item, "warning", LINE) or text(part(item, "text"), "body", LINE)
    progress = say(imported=text(part(item, "metadata"), "progress"))
    return ": ".join(filter(None, (" ".join(happened), words or progress or "; ".join(filter(None, errors)))))
