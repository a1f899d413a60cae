"""The files of a message: Meta fetches a link after it has said "accepted", and says `failed` when it cannot."""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

KINDS = ("image", "video", "document", "audio", "sticker")
UNFETCHABLE = 131053
# The sandbox fetches nothing: a link with one of these in its path stands for a file that is not there or not public.
GONE = {"missing", "private", "404", "403"}


def unfetchable(document: dict[str, Any]) -> int | None:
    """131053 when a file of this message could not be fetched from the open internet, None when all could."""
    return UNFETCHABLE if any(not _public(link) for link in _links(document)) else None


def _links(document: dict[str, Any]) -> Iterator[str]:
    template = document.get("template")
    parts = (template.get("components") or []) if isinstance(template, dict) else []
    holders = [document, *(one for part in parts for one in part.get("parameters") or [])]
    for holder in holders:
        media = holder.get(str(holder.get("type", "")).lower())
        if isinstance(media, dict) and isinstance(media.get("link"), str):
            yield media["link"]


def _public(link: str) -> bool:
    try:
        parts = urlsplit(link)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or "." not in host or GONE & set(parts.path.lower().split("/")):
        return False
    try:
        return ip_address(host).is_global
    except ValueError:
        return not host.endswith((".local", ".internal", ".localhost"))
