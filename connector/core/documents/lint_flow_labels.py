"""What a `flow:` says, against WhatsApp's limits and its own languages."""

import re
from collections.abc import Iterator

from connector.core.documents import flow_messages as limits
from connector.core.documents.findings import Problem, listed
from connector.core.documents.flow_document import FlowDocument
from connector.core.documents.flow_fields import is_language
from connector.core.documents.flow_written import at, sections_of, steps_in
from connector.core.documents.lint_fields import Path, Wrong
from connector.core.documents.tree import Map, Node, Text, walk
from connector.core.message.limits import length
from connector.core.message.words import row

_FILLED = re.compile(r"\{\{.*?\}\}", re.DOTALL)


def _spoken(node: Node | None, path: Path) -> Iterator[tuple[Path, str]]:
    """A text, or each language's."""
    if isinstance(node, Text):
        yield path, node.value
    elif isinstance(node, Map) and all(map(is_language, node.items)):
        for name, inside in node.items.items():
            if isinstance(inside, Text):
                yield (*path, name), inside.value


def too_long(tree: Map) -> Iterator[Wrong]:
    for path, step in steps_in(tree):
        yield from _buttons(path, step)
        yield from _rows(path, step)
        for words, limit, what in _sized(step):
            for where, text in _spoken(at(step, words), (*path, *words)):
                yield from _too_long(where, text, limit, what)


def _sized(step: Map) -> Iterator[tuple[tuple[str, ...], int, str]]:
    """(where, limit, what) of every text of a step whose length WhatsApp limits."""
    interactive = any(word in step.items for word in ("buttons", "link", "form", "contact")) or "location" in step.items
    limit = limits.BODY if interactive else limits.TEXT
    if "media" in step.items and "say" in step.items and not interactive:
        limit = limits.CAPTION
    yield ("ask",), limit, "The question"
    yield ("say",), limit, "The text"
    yield ("ask_again",), limit, "The text"
    yield ("header",), limits.HEADER, "The header"
    yield ("footer",), limits.FOOTER, "The footer"
    yield ("button",), limits.LIST_BUTTON, "The list's button"
    yield ("link", "text"), limits.LINK_TEXT, "The link's button"
    yield ("form", "button"), limits.FORM_BUTTON, "The form's button"
    yield ("media", "caption"), limits.CAPTION, "The caption"


def _too_long(path: Path, text: str, limit: int, what: str) -> Iterator[Wrong]:
    """What is fixed of a text is at least as long as it will be."""
    fixed = length(_FILLED.sub("", text))
    if fixed > limit:
        said = f"{what} has {fixed:,} characters; WhatsApp takes {limit:,}."
        yield path, Problem(said, code="too_long", hint="Shorten it."), "error"


def _buttons(path: Path, step: Map) -> Iterator[Wrong]:
    node = step.items.get("buttons")
    if not isinstance(node, Map):
        return
    if len(node.items) > limits.BUTTONS:
        said = f"There are {len(node.items)} buttons; WhatsApp shows at most {limits.BUTTONS}."
        rows = ", ".join(
            f"{id_}: {t.value if isinstance(t, Text) else '...'}" for id_, t in list(node.items.items())[:10]
        )
        yield (*path, "buttons"), Problem(said, code="buttons", hint=f"Make it a list: list: {{{rows}}}"), "error"
    for id_, label in node.items.items():
        yield from _id((*path, "buttons", id_), id_, limits.BUTTON_ID)
        for where, text in _spoken(label, (*path, "buttons", id_)):
            yield from _too_long(where, text, limits.BUTTON_TITLE, f"The button '{text[:40]}'")
            if not text.strip():
                yield where, Problem("A button needs a label.", code="missing"), "error"


def _rows(path: Path, step: Map) -> Iterator[Wrong]:
    node = step.items.get("list")
    if not isinstance(node, Map):
        return
    sections = sections_of(node)
    count = sum(len(rows) for _, _, rows in sections)
    if count > limits.ROWS:
        said = f"There are {count} rows; WhatsApp shows at most {limits.ROWS} in all."
        yield (
            (*path, "list"),
            Problem(said, code="rows", hint="Ask in two steps: first the kind, then the thing."),
            "error",
        )
    if len(sections) > 1 and any(not name for name, _, _ in sections):
        said = "With several sections every row stands in one."
        yield (*path, "list"), Problem(said, code="rows", hint="Write Section: {id: Title}"), "error"
    for name, where, rows in sections:
        if name:
            yield from _too_long((*path, "list", name), name, limits.SECTION_TITLE, f"The section '{name[:40]}'")
        for id_, label in rows:
            yield from _id((*path, "list", *where, id_), id_, limits.ROW_ID)
            for spot, text in _spoken(label, (*path, "list", *where, id_)):
                title, more = row(text)
                yield from _too_long(spot, title, limits.ROW_TITLE, f"The row '{title[:40]}'")
                yield from _too_long(spot, more, limits.ROW_DESCRIPTION, "The description")


def _id(path: Path, id_: str, limit: int) -> Iterator[Wrong]:
    if length(id_) > limit:
        said = f"The id has {length(id_)} characters; WhatsApp takes {limit}."
        yield path, Problem(said, code="too_long", hint="Shorten it."), "error"


def languages(document: FlowDocument, tree: Map) -> Iterator[Wrong]:
    """Where one text stands in several languages, every such text has all of them."""
    wanted = document.languages
    for path, node in walk(tree):
        if not wanted or not isinstance(node, Map) or path[:1] not in (("steps",), ("always",)) or len(path) < 3:
            continue
        if (
            not node.items
            or not all(map(is_language, node.items))
            or not all(isinstance(n, Text) for n in node.items.values())
        ):
            continue
        if path[-1] in ("go", "map", "set", "data", "with", "words", "consent"):
            continue
        there = {name.casefold().replace("-", "_") for name in node.items}
        lacking = [name for name in wanted if name not in there]
        if lacking:
            said = f"The text is missing in {listed(lacking)}."
            yield path, Problem(said, code="language", hint=f"Add for example {lacking[0]}: ..."), "warning"
