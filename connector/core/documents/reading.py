"""YAML text to a tree in which every scalar is text and knows its line.

Built from ruamel's YAML 1.2 events: no resolver runs, so `no`, `007`, `12:30` and `+57300` keep their spelling.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml import events as yaml
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from connector.core.documents import mistakes
from connector.core.documents.findings import Finding
from connector.core.documents.tree import Items, Map, Node, Text, dotted

MAX_BYTES = 256 * 1024  # documents.md, rule 3
MAX_DEPTH = 20
MAX_BRACKETS = 60  # open at once, counted in quoted texts too


class _Refused(Exception):
    """Stops the reading at a thing we do not take; carries the finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


def one_line_end(text: str) -> str:
    """The text with `\\n` as its only line end, so that our lines are YAML's."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def read_tree(text: str) -> tuple[Map | None, list[Finding]]:
    """The document's tree, or None with the findings that say why not; warnings may come with a tree."""
    root, findings = _read(one_line_end(text))
    return root, list(findings)


@lru_cache(maxsize=4)  # the form, the checks and a change of one text parse it once; a tree never changes
def _read(text: str) -> tuple[Map | None, list[Finding]]:
    early = too_much(text) or mistakes.before(text)
    if any(f.severity == "error" for f in early):
        return None, early
    try:
        root = _Builder(text).document()
    except _Refused as stop:
        return None, [*early, mistakes.explain(text, stop.finding)]
    except MarkedYAMLError as error:
        return None, [*early, mistakes.explain(text, _syntax(error))]
    except (YAMLError, ValueError, RecursionError, IndexError, AttributeError) as error:
        # ruamel answers some broken texts with bare Python errors
        return None, [
            *early,
            mistakes.explain(text, Finding("", 1, 1, "yaml", f"This is not YAML: {type(error).__name__}.")),
        ]
    return root, [*early, *mistakes.after(text, root)]


_BRACKET = re.compile(r"[\[\]{}]")


def too_much(text: str) -> list[Finding]:
    """Refuses texts that no database or parser should be given."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        return [
            Finding("", 1, 1, "too_large", f"The document has {size:,} bytes.", f"At most {MAX_BYTES:,}: split it.")
        ]
    for number, line in enumerate(text.split("\n"), 1):
        for column, char in enumerate(line, 1) if not line.isprintable() else ():
            if _unusable(char):
                message = f"The character U+{ord(char):04X} cannot stand in a document."
                return [Finding("", number, column, "character", message, "Delete it, or type the line again.")]
    return _brackets(text)


def _brackets(text: str) -> list[Finding]:
    """Brackets nested so deep that no document has them: the parser would take seconds to find that out itself."""
    depth = 0
    for found in _BRACKET.finditer(text):
        depth = depth + 1 if found.group() in "[{" else max(0, depth - 1)
        if depth > MAX_BRACKETS:
            line = text.count("\n", 0, found.start()) + 1
            return [Finding("", line, 1, "too_deep", f"The document is nested over {MAX_DEPTH} deep.")]
    return []


def _unusable(char: str) -> bool:
    """Controls and lone surrogates; databases and CRMs refuse them."""
    code = ord(char)
    return (
        (code < 32 and char != "\t")
        or 127 <= code < 160
        or 0xD800 <= code < 0xE000
        or code in (0xFFFE, 0xFFFF, 0x2028, 0x2029)
    )


def _syntax(error: MarkedYAMLError) -> Finding:
    mark = error.problem_mark or error.context_mark
    said = str(error.problem or error.context or "the structure is not clear").replace("\n", " ")
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return Finding("", line, column, "yaml", f"This line cannot be read: {said}.")


class _Builder:
    """Takes the parser's events one by one."""

    def __init__(self, text: str) -> None:
        self._events: Iterator[Any] = iter(YAML(typ="safe", pure=True).parse(text))

    def document(self) -> Map:
        event = self._next()
        while isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
            event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            raise _Refused(Finding("", 1, 1, "empty", "The document is empty.", "Begin with: mapping: a-name"))
        node = self._node(event, (), 1)
        if not isinstance(node, Map):
            raise _Refused(
                Finding("", 1, 1, "not_a_map", "A document is lines of `word: value`.", "Begin with: mapping: a-name")
            )
        event = self._next()
        while not isinstance(event, yaml.StreamEndEvent):
            if isinstance(event, yaml.DocumentStartEvent):
                message = "A file holds one document."
                raise _Refused(_at(event, (), "several", message, "Move what follows `---` to a file of its own."))
            event = self._next()
        return node

    def _next(self) -> Any:
        return next(self._events)

    def _node(self, event: Any, path: tuple[str | int, ...], depth: int) -> Node:
        self._allowed(event, path, depth)
        if isinstance(event, yaml.MappingStartEvent):
            return self._map(event, path, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._items(event, path, depth)
        return _text(event)

    def _allowed(self, event: Any, path: tuple[str | int, ...], depth: int) -> None:
        if depth > MAX_DEPTH:
            raise _Refused(_at(event, path, "too_deep", f"The document is nested over {MAX_DEPTH} deep."))
        if isinstance(event, yaml.AliasEvent):
            raise _Refused(
                _at(event, path, "alias", f"`*{event.anchor}` would be a YAML alias; aliases are not used here.")
            )
        if event.anchor:
            raise _Refused(
                _at(event, path, "anchor", f"`&{event.anchor}` would be a YAML anchor; anchors are not used here.")
            )
        if event.tag:
            raise _Refused(_at(event, path, "tag", f"`{event.tag}` would be a YAML tag; tags are not used here."))

    def _items(self, start: Any, path: tuple[str | int, ...], depth: int) -> Items:
        items: list[Node] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items)), depth + 1))
        return Items(tuple(items), start.start_mark.line + 1, start.start_mark.column + 1)

    def _map(self, start: Any, path: tuple[str | int, ...], depth: int) -> Map:
        items: dict[str, Node] = {}
        keys: dict[str, Text] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._key(event, path, keys, depth)
            keys[key.value] = key
            items[key.value] = self._node(self._next(), (*path, key.value), depth + 1)
        return Map(items, start.start_mark.line + 1, start.start_mark.column + 1, keys, bool(start.flow_style))

    def _key(self, event: Any, path: tuple[str | int, ...], keys: dict[str, Text], depth: int) -> Text:
        if not isinstance(event, yaml.ScalarEvent):
            raise _Refused(_at(event, path, "key", "A list or a map cannot be the word before a colon."))
        self._allowed(event, path, depth)
        key = _text(event)
        if key.value in keys:
            first = keys[key.value].line
            message = f"'{key.value}' stands here for the second time (first on line {first})."
            raise _Refused(_at(event, (*path, key.value), "doubled", message, "Keep one of the two."))
        if key.value == "<<":
            raise _Refused(_at(event, path, "merge", "`<<` would merge another map; that is not used here."))
        return key


def _text(event: Any) -> Text:
    start, end = event.start_mark, event.end_mark
    return Text(event.value, start.line + 1, start.column + 1, start.index, end.index, event.style or None)


def _at(event: Any, path: tuple[str | int, ...], code: str, message: str, hint: str = "") -> Finding:
    mark = event.start_mark
    return Finding(dotted(path), mark.line + 1, mark.column + 1, code, message, hint)
