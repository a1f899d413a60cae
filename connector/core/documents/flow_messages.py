"""What a step says: its words in the conversation's language, as neutral messages within WhatsApp's limits."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connector.core.documents.comparing import shown
from connector.core.documents.expressions import Expression
from connector.core.documents.flow_document import Opener, Speech
from connector.core.documents.words import Run
from connector.core.message.check import HEADERS, MEDIA
from connector.core.message.limits import clip, most
from connector.core.message.words import row

TEXT, BODY, LIST_BODY, CAPTION = most("text", "interactive.text", "list.text", "caption")
HEADER, FOOTER = most("interactive.header", "interactive.footer")
BUTTONS, BUTTON_TITLE, BUTTON_ID = most("buttons", "button.title", "button.id")
SECTIONS, SECTION_TITLE, LIST_BUTTON = most("list.sections", "section.title", "list.button")
ROWS, ROW_TITLE, ROW_DESCRIPTION, ROW_ID = most("list.rows", "row.title", "row.description", "row.id")
LINK_TEXT, FORM_BUTTON = most("link.title", "form.title")
OPENS = {"en": "Choose", "es": "Elegir", "pt": "Escolher", "fr": "Choisir", "de": "Auswählen", "it": "Scegli"}
FILLS = {"en": "Open", "es": "Abrir", "pt": "Abrir", "fr": "Ouvrir", "de": "Öffnen", "it": "Apri"}
Bodies = Callable[[Any, str | None], list[dict[str, Any]]]
Texts = Mapping[str, Expression]


def speech(texts: Texts) -> Speech:
    """The text of the scope's language, else of the document's first one that has it."""
    runs = {name.casefold().replace("-", "_"): e.run for name, e in texts.items()}
    if len(runs) == 1:
        run = next(iter(runs.values()))
        return lambda s: shown(run(s))

    def say(scope: Any) -> str:
        found = runs.get(scope.language)
        if found is None:
            found = next((runs[n] for n in scope.languages if n in runs), None) or next(iter(runs.values()))
        return shown(found(scope))

    return say


def _own(words: Mapping[str, str]) -> Speech:
    return lambda s: words.get(s.language.partition("_")[0], words["en"])


def bodies_of(spec: Mapping[str, Any]) -> tuple[str, Bodies | None]:
    """(type, how its messages are made) of a step; a template is none of them."""
    words = spec.get("ask") or spec.get("say")
    text = speech(words) if words else None
    if text is not None:
        kind, last = _spoken(spec, text)
    elif isinstance(spec.get("location"), Mapping):
        return "location", _alone(_place(spec["location"]))
    elif "media" in spec:
        return _media_kind(spec["media"]), _alone(_media(spec["media"], None))
    else:
        return "", None
    first: list[Callable[[Any], dict[str, Any]]] = []
    if "media" in spec:
        if (
            kind == "text"
            and "say" in spec
            and _media_kind(spec["media"]) in HEADERS
            and "caption" not in spec["media"]
        ):
            return _media_kind(spec["media"]), _alone(_media(spec["media"], text))
        first.append(_media(spec["media"], None))
    if isinstance(spec.get("location"), Mapping):
        first.append(_place(spec["location"]))
    before = tuple(first)

    def make(scope: Any, again: str | None) -> list[dict[str, Any]]:
        own = last(scope, text(scope) if again is None else again)
        return [own] if again is not None or not before else [*(one(scope) for one in before), own]

    return kind, make


def _alone(one: Callable[[Any], dict[str, Any]]) -> Bodies:
    return lambda scope, again: [one(scope)] if again is None else [{"type": "text", "text": clip(again, TEXT)}]


Last = Callable[[Any, str], dict[str, Any]]


def _spoken(spec: Mapping[str, Any], text: Speech) -> tuple[str, Last]:
    """The message that carries the words."""
    del text
    for word, make in _INTERACTIVE.items():
        if spec.get(word) is not None and not (word in ("location",) and spec[word] != "ask"):
            kind, limit, rest = make(spec)
            return kind, _interactive(kind, limit, rest, spec)
    return "text", lambda _, words: {"type": "text", "text": clip(words, TEXT)}


def _interactive(kind: str, limit: int, rest: Callable[[Any], dict[str, Any]], spec: Mapping[str, Any]) -> Last:
    ends = [(name, speech(spec[name]), size) for name, size in (("header", HEADER), ("footer", FOOTER)) if name in spec]

    def make(scope: Any, words: str) -> dict[str, Any]:
        # WhatsApp takes no interactive message without words
        body = {"type": kind, "text": clip(words if words.strip() else "…", limit), **rest(scope)}
        for name, say, size in ends:
            if said := clip(say(scope), size).strip():
                body[name] = said
        return body

    return make


Part = tuple[str, int, Callable[[Any], dict[str, Any]]]


def _buttons(spec: Mapping[str, Any]) -> Part:
    made = [(id_, speech(label)) for id_, label in spec["buttons"].items()]
    return (
        "buttons",
        BODY,
        lambda s: {"buttons": [{"id": id_, "title": clip(say(s), BUTTON_TITLE)} for id_, say in made[:BUTTONS]]},
    )


def _list(spec: Mapping[str, Any]) -> Part:
    sections = [(name, [(id_, speech(label)) for id_, label in rows.items()]) for name, rows in spec["list"].items()]
    opens = speech(spec["button"]) if "button" in spec else _own(OPENS)

    def rest(scope: Any) -> dict[str, Any]:
        left, made = ROWS, []
        for name, rows in sections[:SECTIONS]:
            found = [_row(id_, say(scope)) for id_, say in rows[:left]]
            left -= len(found)
            if found:
                made.append({"title": clip(name, SECTION_TITLE), "rows": found})
        return {"button": clip(opens(scope), LIST_BUTTON), "sections": made}

    return "list", LIST_BODY, rest


def _row(id_: str, text: str) -> dict[str, str]:
    title, more = row(text)
    made = {"id": id_, "title": clip(title, ROW_TITLE)}
    return made | {"description": clip(more, ROW_DESCRIPTION)} if more else made


def _link(spec: Mapping[str, Any]) -> Part:
    text, url = speech(spec["link"]["text"]), spec["link"]["url"].run
    return "link", BODY, lambda s: {"title": clip(text(s), LINK_TEXT), "url": shown(url(s)).strip()}


def _form(spec: Mapping[str, Any]) -> Part:
    form = spec["form"] if isinstance(spec["form"], Mapping) else {"id": spec["form"]}
    button = speech(form["button"]) if "button" in form else _own(FILLS)
    data = tuple((name, e.run) for name, e in form.get("data", {}).items())

    def rest(scope: Any) -> dict[str, Any]:
        made: dict[str, Any] = {"title": clip(button(scope), FORM_BUTTON), "flow_id": form["id"]}
        if "screen" in form:
            made["screen"] = form["screen"]
        if data:
            made["data"] = {name: shown(run(scope)) for name, run in data}
        return made

    return "form", BODY, rest


def _nothing(_: Any) -> dict[str, Any]:
    return {}


_INTERACTIVE: Mapping[str, Callable[[Mapping[str, Any]], Part]] = {
    "buttons": _buttons,
    "list": _list,
    "link": _link,
    "form": _form,
    "location": lambda _: ("location_request", BODY, _nothing),
    "contact": lambda _: ("contact_request", BODY, _nothing),
}


def _media_kind(media: Mapping[str, Any]) -> str:
    return next(kind for kind in MEDIA if kind in media)


def _media(media: Mapping[str, Any], said: Speech | None) -> Callable[[Any], dict[str, Any]]:
    kind = _media_kind(media)
    url: Run = media[kind].run
    caption = speech(media["caption"]) if "caption" in media else said
    filename = media["filename"].run if "filename" in media else None

    def make(scope: Any) -> dict[str, Any]:
        body = {"type": kind, "url": shown(url(scope)).strip()}
        if caption is not None and (words := clip(caption(scope), CAPTION)).strip():
            body["caption"] = words
        if filename is not None and (name := shown(filename(scope)).strip()):
            body["filename"] = name
        return body

    return make


def _place(place: Mapping[str, Any]) -> Callable[[Any], dict[str, Any]]:
    runs = [(name, place[name].run) for name in ("latitude", "longitude")]
    words = [(name, speech(place[name])) for name in ("name", "address") if name in place]

    def make(scope: Any) -> dict[str, Any]:
        body: dict[str, Any] = {"type": "location"} | {name: shown(run(scope)).strip() for name, run in runs}
        return body | {name: said for name, say in words if (said := say(scope).strip())}

    return make


def opener_of(spec: Any) -> Opener | None:
    """`template:` and `reopen:`, in their short form or whole."""
    if spec is None:
        return None
    if isinstance(spec, str):
        spec = {"name": spec}
    language = spec["language"].run if "language" in spec else None
    values = tuple((name, e.run) for name, e in spec.get("with_", {}).items())
    return Opener(spec["name"], language, values, tuple(spec.get("buttons", ())))


def plain(body: Mapping[str, Any]) -> str:
    """What a person reads of a neutral message."""
    if body.get("text"):
        return str(body["text"])
    if body.get("caption"):
        return str(body["caption"])
    return str(body.get("name") or body.get("filename") or body.get("url") or body.get("type") or "")


def labels(spec: Mapping[str, Any]) -> Sequence[tuple[str, Texts]]:
    """(id, its label) of every button or row."""
    if "buttons" in spec:
        return tuple(spec["buttons"].items())
    return tuple(pair for rows in spec.get("list", {}).values() for pair in rows.items())
