"""What WhatsApp allows in a message that is no template: one table; each row has its figure, its source and its date.

Template parts have their own table (core/template/limits.py). Where two pages differ, the smaller figure stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass

GRAPH = "developers.facebook.com/documentation/business-messaging/whatsapp/messages/"
MEDIA = "developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media"
MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit. `unit`: characters, buttons, rows, bytes, ...; `least` 0 = it may be left out."""

    most: int
    unit: str
    source: str
    checked: str  # when somebody last read the source
    least: int = 0


def _row(most: int, page: str, *, unit: str = "characters", least: int = 0, checked: str = "2026-11-30") -> Limit:
    return Limit(most, unit, page if "/" in page else GRAPH + page, checked, least)


LIMITS: Mapping[str, Limit] = {
    "text": _row(4096, "text-messages", least=1),
    "caption": _row(1024, "image-messages"),
    "filename": _row(240, "document-messages"),
    "link": _row(2000, "image-messages"),
    # ---- interactive
    "interactive.text": _row(1024, "interactive-reply-buttons-messages", least=1),
    "interactive.header": _row(60, "interactive-reply-buttons-messages", least=1),
    "interactive.footer": _row(60, "interactive-reply-buttons-messages", least=1),
    "buttons": _row(3, "interactive-reply-buttons-messages", unit="buttons", least=1),
    "button.title": _row(20, "interactive-reply-buttons-messages", least=1),
    "button.id": _row(256, "interactive-reply-buttons-messages", least=1),
    "list.text": _row(4096, "interactive-list-messages", least=1),
    "list.button": _row(20, "interactive-list-messages", least=1),
    "list.sections": _row(10, "interactive-list-messages", unit="sections", least=1),
    "list.rows": _row(10, "interactive-list-messages", unit="rows", least=1),
    "section.title": _row(24, "interactive-list-messages", least=1),
    "row.id": _row(200, "interactive-list-messages", least=1),
    "row.title": _row(24, "interactive-list-messages", least=1),
    "row.description": _row(72, "interactive-list-messages", least=1),
    "link.title": _row(20, "interactive-cta-url-messages", least=1),
    "link.url": _row(2000, "interactive-cta-url-messages", least=1),
    "form.title": _row(30, "interactive-flow-messages", least=1),  # "advised to be 30 or less (no emoji)"
    "form.token": _row(200, "interactive-flow-messages"),
    # ---- the rest
    "location.name": _row(1000, "location-messages"),  # not documented; ours, so that a body stays small
    "location.address": _row(1000, "location-messages"),  # as above
    "contacts": _row(257, "contacts-messages", unit="contacts", least=1),
    "contact.name": _row(256, "contacts-messages", least=1),  # not documented; ours
    "contact.phones": _row(20, "contacts-messages", unit="phones"),  # not documented; ours
    "contact.emails": _row(20, "contacts-messages", unit="e-mail addresses"),  # not documented; ours
    "message_id": _row(512, "contextual-replies", least=1),
    "raw": _row(64 * 1024, "text-messages", unit="bytes", least=2),  # not documented; ours
    # ---- files, by kind
    "image.bytes": _row(5 * MB, MEDIA, unit="bytes", least=1),
    "video.bytes": _row(16 * MB, MEDIA, unit="bytes", least=1),
    "audio.bytes": _row(16 * MB, MEDIA, unit="bytes", least=1),
    "voice.bytes": _row(512 * 1024, "audio-messages", unit="bytes", least=1),  # larger ones show as a download
    "document.bytes": _row(100 * MB, MEDIA, unit="bytes", least=1),
    "sticker.bytes": _row(500 * 1024, MEDIA, unit="bytes", least=1),  # animated; a still one 100 KB
    "inbound.bytes": _row(100 * MB, MEDIA, unit="bytes", least=1),
}

# The types Cloud API takes, by kind; a document may be of any type. Source: MEDIA, checked 2026-11.
TYPES: Mapping[str, frozenset[str]] = {
    "image": frozenset({"image/jpeg", "image/png"}),
    "video": frozenset({"video/mp4", "video/3gpp"}),
    "audio": frozenset({"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg", "audio/opus"}),
    "sticker": frozenset({"image/webp"}),
}


def most(*names: str) -> tuple[int, ...]:
    """The figures of these rows."""
    return tuple(LIMITS[name].most for name in names)


def length(text: str) -> int:
    """Characters as the strictest counter sees them: one outside the Basic Multilingual Plane (emoji) is two."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def clip(text: str, limit: int) -> str:
    """The text within a limit; what an expression filled in may be longer than anybody checked."""
    if length(text) <= limit:
        return text
    kept = text.encode("utf-16-le", "surrogatepass")[: 2 * (limit - 1)]
    return kept.decode("utf-16-le", "ignore") + "…"
