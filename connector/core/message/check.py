"""Would WhatsApp take this message? Every finding says where, what is wrong, and what to do; it raises for nothing."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from connector.core.message.fault import Fault
from connector.core.message.limits import LIMITS, length
from connector.core.template.media import refusal as no_address

Json = Mapping[str, Any]
Faults = Iterator[Fault]
MEDIA = ("image", "video", "audio", "document", "sticker")
SOURCES = ("url", "media", "id")  # where a file comes from: a web address, our own store, or WhatsApp's
HEADERS = ("image", "video", "document")  # what may stand above an interactive text, besides text
_NO_CAPTION = ("audio", "sticker")
_RAW_OURS = ("messaging_product", "recipient_type", "to", "recipient", "biz_opaque_callback_data")


def check(message: Any) -> tuple[Fault, ...]:
    """Everything that is wrong with a neutral message; () = it may be sent."""
    if not isinstance(message, Mapping):
        return (Fault("shape", "", "This is no message.", "Give an object with a `type`."),)
    kind = message.get("type")
    checker = CHECKS.get(kind) if isinstance(kind, str) else None
    if checker is None:
        hint = f"It is one of {', '.join(CHECKS)}."
        return (Fault("type", "type", f"There is no message of the type {_short(kind)}.", hint),)
    return (*checker(message), *_reply_to(message, str(kind)))


def _reply_to(message: Json, kind: str) -> Faults:
    if message.get("reply_to") in (None, ""):
        return
    yield from _text(message, "reply_to", "message_id")
    if kind in ("reaction", "template"):
        hint = "Leave out `reply_to`: WhatsApp does not show it there."
        yield Fault("together", "reply_to", f"A {kind} cannot quote another message.", hint)


# ---- values ------------------------------------------------------------------------------------------------------
def _text(found: Json, name: str, limit: str, path: str = "", *, needed: bool = True) -> Faults:
    """A text of the length the table allows, with something to read in it."""
    where, value = f"{path}{name}", found.get(name)
    if value in (None, "") and not needed:
        return
    if not isinstance(value, str):
        yield Fault("missing", where, f"`{where}` is missing, or is not a text.", f"Give `{where}` a text.")
        return
    if not value.strip() and (needed or LIMITS[limit].least):
        yield Fault("empty", where, f"`{where}` is empty, and WhatsApp refuses that.", "Write something there.")
    most = LIMITS[limit].most
    if length(value) > most:
        text = f"`{where}` has {length(value):,} characters; WhatsApp allows {most:,} there."
        yield Fault("too_long", where, text, f"Shorten it, e.g. with | shorten({most}).")
    if any(0xD800 <= ord(c) < 0xE000 or c == "\0" for c in value):
        yield Fault("character", where, f"`{where}` holds a character that no phone can show.", "Delete it.")


def _objects(found: Json, name: str, limit: str, path: str = "") -> tuple[Sequence[Json], list[Fault]]:
    """The objects of a list, and what is wrong with the list itself."""
    where, value, most = f"{path}{name}", found.get(name), LIMITS[limit]
    if not isinstance(value, list | tuple) or not value or not all(isinstance(one, Mapping) for one in value):
        text = f"`{where}` is no list of {most.unit}."
        return (), [Fault("missing", where, text, f"Give at least one of {most.unit}.")]
    if len(value) > most.most:
        hint = "Offer a list: it has room for 10 rows." if name == "buttons" else "Leave some out, or ask in two steps."
        text = f"`{where}` has {len(value)} {most.unit}; WhatsApp allows {most.most}."
        return value[: most.most], [Fault("too_many", where, text, hint)]
    return value, []


def _unique(found: Sequence[Json], key: str, path: str) -> Faults:
    seen: dict[str, int] = {}
    for n, one in enumerate(found):
        value = one.get(key)
        if isinstance(value, str) and value in seen:
            text = f"`{path}.{n}.{key}` is the same as `{path}.{seen[value]}.{key}`."
            yield Fault("doubled", f"{path}.{n}.{key}", text, "Give each its own: nobody could tell the answers apart.")
        elif isinstance(value, str):
            seen[value] = n


def _degrees(found: Json, name: str, most: int) -> Faults:
    given: Any = found.get(name)
    try:
        fits = not isinstance(given, bool) and isfinite(float(given)) and abs(float(given)) <= most
    except (TypeError, ValueError, OverflowError):
        fits = False
    if not fits:
        yield Fault("location", name, f"`{name}` is not a number from -{most} to {most}.", "e.g. 4.711")


def _address(found: Json, name: str, limit: str, path: str = "") -> Faults:
    yield from (faults := list(_text(found, name, limit, path)))
    if not faults and (why := no_address(str(found[name]))):
        yield Fault("address", path + name, f"`{path}{name}` cannot be used: {why}.", "Give a public https:// address.")


def _file(found: Json, path: str = "") -> Faults:
    """Exactly one of url, media and id."""
    given = [name for name in SOURCES if found.get(name) not in (None, "")]
    if len(given) != 1:
        text = "It names no file." if not given else f"It names several files: {', '.join(given)}."
        yield Fault("media", f"{path}url", text, "Give one of `url`, `media` (a file we keep) or `id` (WhatsApp's).")
        return
    yield from _address(found, "url", "link", path) if given == ["url"] else _text(found, given[0], "message_id", path)


# ---- kinds -------------------------------------------------------------------------------------------------------
def _plain(message: Json) -> Faults:
    yield from _text(message, "text", "text")


def _media(message: Json) -> Faults:
    kind = str(message["type"])
    yield from _file(message)
    if kind in _NO_CAPTION and message.get("caption"):
        yield Fault("together", "caption", f"WhatsApp shows no caption with {_a(kind)}.", "Send the text as a message.")
    elif kind not in _NO_CAPTION:
        yield from _text(message, "caption", "caption", needed=False)
    if message.get("filename") and kind != "document":
        yield Fault("together", "filename", "Only a document has a file name.", "Leave out `filename`.")
    yield from _text(message, "filename", "filename", needed=False)
    if message.get("voice") and kind != "audio":
        yield Fault("together", "voice", "Only audio can be a voice message.", "Leave out `voice`.")


def _location(message: Json) -> Faults:
    yield from _degrees(message, "latitude", 90)
    yield from _degrees(message, "longitude", 180)
    yield from _text(message, "name", "location.name", needed=False)
    yield from _text(message, "address", "location.address", needed=False)


def _contacts(message: Json) -> Faults:
    found, faults = _objects(message, "contacts", "contacts")
    yield from faults
    for n, one in enumerate(found):
        path = f"contacts.{n}."
        yield from _text(one, "name", "contact.name", path)
        for name in ("phones", "emails"):
            yield from _texts(one, name, f"contact.{name}", path)
        if not one.get("phones") and not one.get("emails"):
            yield Fault("missing", f"{path}phones", "The contact has neither phone nor e-mail.", "Give it a phone.")
        yield from _text(one, "org", "contact.name", path, needed=False)


def _texts(found: Json, name: str, limit: str, path: str) -> Faults:
    value = found.get(name)
    if value in (None, [], ()):
        return
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) and one.strip() for one in value):
        yield Fault("shape", path + name, f"`{path}{name}` is no list of texts.", "")
    elif len(value) > LIMITS[limit].most:
        text = f"`{path}{name}` has more than {LIMITS[limit].most} {LIMITS[limit].unit}."
        yield Fault("too_many", path + name, text, "Leave some out.")


def _reaction(message: Json) -> Faults:
    yield from _text(message, "message_id", "message_id")
    emoji = message.get("emoji", "")
    if not isinstance(emoji, str) or len(emoji) > 30 or (emoji.isascii() and emoji):
        yield Fault("emoji", "emoji", "`emoji` is not one emoji.", "An empty one takes the reaction back.")


def _frame(message: Json, text: str = "interactive.text", *, media: bool = True, head: bool = True) -> Faults:
    """Header, text and footer of an interactive message."""
    yield from _text(message, "text", text)
    yield from _text(message, "footer", "interactive.footer", needed=False)
    header = message.get("header")
    if header in (None, ""):
        return
    if not head:
        yield Fault("together", "header", "This kind of message has no header.", "Leave out `header`.")
    elif isinstance(header, str):
        yield from _text(message, "header", "interactive.header")
    elif not media:
        yield Fault("together", "header", "Above a list only a text can stand.", "Give `header` a text.")
    elif not isinstance(header, Mapping) or header.get("type") not in HEADERS:
        hint = f"A text, or a file: {{type: {' | '.join(HEADERS)}, url: ...}}."
        yield Fault("header", "header", "`header` is neither a text nor a file.", hint)
    else:
        yield from _file(header, "header.")
        yield from _text(header, "filename", "filename", "header.", needed=False)


def _buttons(message: Json) -> Faults:
    yield from _frame(message)
    found, faults = _objects(message, "buttons", "buttons")
    yield from faults
    for n, one in enumerate(found):
        yield from _text(one, "id", "button.id", f"buttons.{n}.")
        yield from _text(one, "title", "button.title", f"buttons.{n}.")
    yield from _unique(found, "id", "buttons")
    yield from _unique(found, "title", "buttons")


def _list(message: Json) -> Faults:
    yield from _frame(message, "list.text", media=False)
    yield from _text(message, "button", "list.button")
    found, faults = _objects(message, "sections", "list.sections")
    yield from faults
    every: list[Json] = []
    for n, section in enumerate(found):
        path = f"sections.{n}."
        yield from _text(section, "title", "section.title", path, needed=len(found) > 1)
        rows, faults = _objects(section, "rows", "list.rows", path)
        yield from faults
        for k, row in enumerate(rows):
            yield from _text(row, "id", "row.id", f"{path}rows.{k}.")
            yield from _text(row, "title", "row.title", f"{path}rows.{k}.")
            yield from _text(row, "description", "row.description", f"{path}rows.{k}.", needed=False)
        every += rows
    if len(every) > LIMITS["list.rows"].most:
        text = f"The list has {len(every)} rows; WhatsApp allows {LIMITS['list.rows'].most} in all sections together."
        yield Fault("too_many", "sections", text, "Leave some out, or ask in two steps.")
    yield from _unique(every, "id", "rows")


def _link(message: Json) -> Faults:
    yield from _frame(message)
    yield from _text(message, "title", "link.title")
    yield from _address(message, "url", "link.url")


def _form(message: Json) -> Faults:
    yield from _frame(message)
    yield from _text(message, "title", "form.title")
    yield from _text(message, "flow_id", "message_id")
    yield from _text(message, "flow_token", "form.token", needed=False)
    yield from _text(message, "screen", "message_id", needed=False)
    data = message.get("data")
    if data not in (None, {}) and not isinstance(data, Mapping):
        yield Fault("shape", "data", "`data` is no object of the form's values.", "")
    if data and not message.get("screen"):
        yield Fault("missing", "screen", "`data` needs the `screen` it is for.", "Name the form's first screen.")


def _ask(message: Json) -> Faults:
    yield from _frame(message, head=False)


def _template(message: Json) -> Faults:
    """The template's own contract is checked where it is filled (core/template); here only that it is one."""
    inner = message.get("template")
    if not isinstance(inner, Mapping) or not isinstance(inner.get("name"), str) or not inner["name"]:
        yield Fault("missing", "template", "It names no template.", "Give `template: {name, language, components}`.")
    elif not isinstance(inner.get("language"), Mapping) or not isinstance(inner["language"].get("code"), str):
        yield Fault("missing", "template.language", "It names no language.", "Give `language: {code: en_US}`.")


def _raw(message: Json) -> Faults:
    payload = message.get("payload")
    if not isinstance(payload, Mapping) or not isinstance(payload.get("type"), str):
        yield Fault("raw", "payload", "`payload` is no message of the Graph API.", "Give an object with its `type`.")
        return
    yield from (
        Fault("raw", f"payload.{name}", f"`{name}` is ours to set.", "Leave it out.")
        for name in _RAW_OURS
        if name in payload
    )
    try:
        size = len(json.dumps(payload, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        yield Fault("raw", "payload", "`payload` cannot be written as JSON.", "")
        return
    if size > LIMITS["raw"].most:
        yield Fault("too_long", "payload", f"`payload` has {size:,} bytes; {LIMITS['raw'].most:,} are allowed.", "")


def _short(value: Any) -> str:
    return f"'{value[:40]}'" if isinstance(value, str) else "that it names"


def _a(kind: str) -> str:
    return "audio" if kind == "audio" else f"a {kind}"


CHECKS: Mapping[str, Callable[[Json], Iterable[Fault]]] = {
    "text": _plain,
    **dict.fromkeys(MEDIA, _media),
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "buttons": _buttons,
    "list": _list,
    "link": _link,
    "location_request": _ask,
    "form": _form,
    "contact_request": _ask,
    "template": _template,
    "raw": _raw,
}
