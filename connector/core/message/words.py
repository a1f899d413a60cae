"""From the words of a document (`buttons: {yes: Yes}`) to a neutral message. Its texts are filled already."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from connector.core.message.check import HEADERS, MEDIA

Words = Mapping[str, Any]
BUTTON = "Choose"  # on a list that does not say what its button is called
# What a file is by the end of its address, where `media:` does not say `kind:`
ENDINGS = {
    **dict.fromkeys((".jpg", ".jpeg", ".png"), "image"),
    **dict.fromkeys((".mp4", ".3gp"), "video"),
    **dict.fromkeys((".aac", ".amr", ".mp3", ".m4a", ".ogg", ".opus"), "audio"),
    ".webp": "sticker",
}
ASKS = {"location": "location_request", "contact": "contact_request"}


def build(words: Words) -> dict[str, Any]:
    """The message these words mean; `check` says whether WhatsApp would take it.

    text (or say, ask), header, footer, and one of: buttons {id: title}, list {Section: {id: Title | description}} with
    button, link {text, url}, form {text, flow_id, screen, data}, media (an address, or {kind, url, media, id, caption,
    filename, voice}), location (`ask`, or a place), contact (`ask`), contacts, template, raw."""
    made = _build(words)
    return made | ({"reply_to": words["reply_to"]} if words.get("reply_to") else {})


def _build(words: Words) -> dict[str, Any]:
    text = next((str(words[name]) for name in ("text", "say", "ask") if words.get(name) not in (None, "")), "")
    frame = {"text": text} | {name: words[name] for name in ("footer",) if words.get(name)}
    header, media = words.get("header"), words.get("media")
    if header is None and media and (words.get("buttons") or words.get("link") or words.get("form")):
        header = _media(media, "")  # a file with something to tap stands above it
    frame |= {"header": header} if header else {}
    for name, maker in _TAPPED.items():
        if words.get(name):
            return maker(words[name], frame, words)
    if words.get("location") == "ask" or words.get("contact") == "ask":
        return {"type": ASKS["location" if words.get("location") == "ask" else "contact"], **frame}
    if media:
        return _media(media, text)
    if isinstance(words.get("location"), Mapping):
        return {"type": "location", **words["location"]}
    if words.get("contacts"):
        return {"type": "contacts", "contacts": words["contacts"]}
    if words.get("raw"):
        return {"type": "raw", "payload": words["raw"]}
    return {"type": "text", "text": text}


def _buttons(given: Any, frame: dict[str, Any], _: Words) -> dict[str, Any]:
    pairs = given.items() if isinstance(given, Mapping) else ()
    return {"type": "buttons", **frame, "buttons": [{"id": str(k), "title": str(v)} for k, v in pairs]}


def _list(given: Any, frame: dict[str, Any], words: Words) -> dict[str, Any]:
    """Sections of rows, or rows alone."""
    found = given if isinstance(given, Mapping) else {}
    if found and not any(isinstance(rows, Mapping) for rows in found.values()):
        found = {"": found}
    sections = [
        ({"title": str(title)} if title else {})
        | {"rows": [_row(str(k), str(v)) for k, v in rows.items()] if isinstance(rows, Mapping) else []}
        for title, rows in found.items()
    ]
    return {"type": "list", **frame, "button": str(words.get("button") or BUTTON), "sections": sections}


def row(text: str) -> tuple[str, str]:
    """`Title | description`."""
    title, _, description = text.partition("|")
    return title.strip(), description.strip()


def _row(id_: str, told: str) -> dict[str, str]:
    title, description = row(told)
    return {"id": id_, "title": title} | ({"description": description} if description else {})


def _link(given: Any, frame: dict[str, Any], _: Words) -> dict[str, Any]:
    found = given if isinstance(given, Mapping) else {"url": given}
    return {"type": "link", **frame, "title": str(found.get("text") or ""), "url": str(found.get("url") or "")}


def _form(given: Any, frame: dict[str, Any], _: Words) -> dict[str, Any]:
    found = given if isinstance(given, Mapping) else {"flow_id": given}
    names = ("flow_id", "flow_token", "screen", "data")
    title = str(found.get("text") or found.get("title") or "")
    return {"type": "form", **frame, "title": title, **{name: found[name] for name in names if found.get(name)}}


_TAPPED = {"buttons": _buttons, "list": _list, "link": _link, "form": _form}


def _media(given: Any, text: str) -> dict[str, Any]:
    found = dict(given) if isinstance(given, Mapping) else {"url": str(given)}
    kind = str(found.pop("kind", "") or found.pop("type", "") or kind_of(str(found.get("url") or "")))
    if text and kind in HEADERS:
        found.setdefault("caption", text)
    return {"type": kind if kind in MEDIA else "document", **found}


def kind_of(address: str) -> str:
    """image video audio sticker document, by how the address ends."""
    try:
        path = urlsplit(address).path
    except ValueError:
        path = ""
    return ENDINGS.get(PurePosixPath(path).suffix.lower(), "document")
