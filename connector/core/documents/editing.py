"""Additions to a text an admin wrote: a test, an entry of a map. Everything else stays to the letter, comments too."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml import events as yaml

from connector.core.documents.comparing import fold, shown
from connector.core.documents.mistakes import needs_no_quotes, quote
from connector.core.documents.reading import one_line_end, read_tree
from connector.core.documents.tree import plain
from connector.errors import GiveUp

Path = tuple[str, ...]
_CURLY = "“”„‘’"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands: offsets of its beginning and of the end of its last word; `last`: of its last entry."""

    kind: str  # map list text
    flow: bool
    start: int
    column: int
    end: int
    last: int | None  # None = no entries
    value: str = ""
    key_column: int = 0


def add_test(text: str, name: str, given: Mapping[str, Any], expect: Mapping[str, Any], say: Sequence[Any] = ()) -> str:
    """The text with one more test at the end of `tests:`; `say` of a flow. Raises GiveUp where that cannot be done."""
    test: dict[str, Any] = {"name": name, "given": given, "expect": expect}
    if say:
        told = {"given": given} if given else {}
        test = {"name": name, **told, "say": list(say), "expect": expect}

    def edit(source: str) -> str:
        place = _find(source, ("tests",))
        if place is None:
            return _with_tests(source, _block(test))
        if place.kind == "list" and place.flow:
            return _in_flow(source, place, _flow(test))
        if place.kind == "list":
            return _after(source, place.end, _indented(_block(test), place.column))
        if place.value:
            raise _cannot("`tests:` is no list")
        return _after(source, place.end, _indented(_block(test), place.key_column + 2))

    return _edited(text, edit, lambda before: {**before, "tests": [*(before.get("tests") or ()), _texts(test)]})


def add_to_map(text: str, field: str, answer: str, value: str) -> str:
    """The text with `answer: value` in the map of a field of `set:`. Raises GiveUp where that cannot be done."""

    def edit(source: str) -> str:
        place = _find(source, ("set", field, "map"))
        if place is None or place.kind != "map":
            raise _cannot(f"`set.{field}` has no `map:`")
        entry = f"{scalar(answer)}: {scalar(value)}"
        if place.flow:
            return _in_flow(source, place, entry)
        return _after(source, place.end, _indented([entry], place.column))

    def wanted(before: dict[str, Any]) -> dict[str, Any]:
        rule = before["set"][field]
        if any(fold(key) == fold(answer) for key in rule["map"]):
            raise _cannot(f"'{answer}' is in the map of {field} already")
        return {**before, "set": {**before["set"], field: {**rule, "map": {**rule["map"], answer: value}}}}

    return _edited(text, edit, wanted)


def _cannot(why: str) -> GiveUp:
    return GiveUp(f"This cannot be added: {why}.", hint="Write it into the text by hand.", code="edit")


def _edited(text: str, edit: Any, wanted: Any) -> str:
    """The edited text, when it reads as wanted; with the line ends that were there."""
    source = one_line_end(text)
    before, _ = read_tree(source)
    if before is None:
        raise _cannot("the text cannot be read")
    made, meant = str(edit(source)), wanted(plain(before))
    after, _ = read_tree(made)
    if after is None or plain(after) != meant:
        raise _cannot("its place in the text is not clear")
    return made.replace("\n", "\r\n") if "\r\n" in text else made


# ---- what is written ---------------------------------------------------------------------------------------------
def scalar(value: Any) -> str:
    """A text as one would write it in a list or map in braces: bare where that says the same, else in quotes."""
    text = shown(value)
    if text and needs_no_quotes(text) and text.isprintable() and text[0] not in _CURLY and "#" not in text:
        return text
    if (text.isprintable() and not ('"' in text or "\\" in text)) or (text.isprintable() and "'" not in text):
        return quote(text)
    made = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else _escaped(c) for c in made)


def _escaped(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(v) for v in value) + "]"
    return scalar(value)


def _texts(value: Any) -> Any:
    """As it will be read: every scalar is text."""
    if isinstance(value, Mapping):
        return {shown(k): _texts(v) for k, v in value.items()}
    return [_texts(v) for v in value] if isinstance(value, list | tuple) else shown(value)


def _block(test: Mapping[str, Any]) -> list[str]:
    """One test as lines: `- name: ...`."""
    lines = [f"{key}: {_flow(value)}" for key, value in test.items()]
    return [("- " if n == 0 else "  ") + line for n, line in enumerate(lines)]


def _indented(lines: Sequence[str], column: int) -> str:
    return "".join(" " * column + line + "\n" for line in lines)


# ---- where it is written -----------------------------------------------------------------------------------------
def _after(source: str, end: int, lines: str) -> str:
    """Whole lines behind the line on which something ends; what stands behind it on its line stays there."""
    if end and source[end - 1] == "\n":
        at = end
    else:
        found = source.find("\n", end)
        at = len(source) if found < 0 else found + 1
    gap = "" if not at or source[at - 1] == "\n" else "\n"
    return source[:at] + gap + lines + source[at:]


def _in_flow(source: str, place: _Place, entry: str) -> str:
    """Into `[ ]` or `{ }`, behind its last entry."""
    at, comma = (place.start + 1, "") if place.last is None else (place.last, ", ")
    return source[:at] + comma + entry + source[at:]


def _with_tests(source: str, lines: Sequence[str]) -> str:
    """A document that has no tests yet: at its end, behind what stands there."""
    root = _find(source, ())
    assert root is not None
    if root.flow:
        made = [line.removeprefix("- ").strip() for line in lines]
        return _in_flow(source, root, "tests: [{" + ", ".join(made) + "}]")
    pad = " " * root.column
    block = f"{pad}tests:\n" + _indented(lines, root.column + 2)
    rest = source[root.end :]
    at = root.end if "\n..." in rest or "\n---" in rest else len(source)
    return _after(source, at, block)


def _find(source: str, path: Path) -> _Place | None:
    """The value at this path; None when there is none."""
    finder = _Finder(source, path)
    finder.run()
    return finder.found


class _Finder:
    """Walks YAML's events; block values have no end of their own, so the end of their last word counts."""

    def __init__(self, source: str, wanted: Path) -> None:
        self.events: Iterator[Any] = iter(YAML(typ="safe", pure=True).parse(source))
        self.wanted = wanted
        self.found: _Place | None = None

    def run(self) -> None:
        event = next(self.events)
        while isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
            event = next(self.events)
        self._node(event, (), 0)

    def _node(self, event: Any, path: Path, key_column: int) -> int:
        """The offset where the node's last word ends."""
        start = event.start_mark
        last: int | None = None
        flow = bool(getattr(event, "flow_style", False))
        if isinstance(event, yaml.MappingStartEvent):
            kind = "map"
            while not isinstance(key := next(self.events), yaml.MappingEndEvent):
                last = self._node(next(self.events), (*path, key.value), key.start_mark.column)
            end = key.end_mark.index if flow or last is None else last
        elif isinstance(event, yaml.SequenceStartEvent):
            kind, count = "list", 0
            while not isinstance(item := next(self.events), yaml.SequenceEndEvent):
                last = self._node(item, (*path, str(count)), start.column)
                count += 1
            end = item.end_mark.index if flow or last is None else last
        else:
            kind, end = "text", event.end_mark.index
        if path == self.wanted:
            value = event.value if kind == "text" else ""
            self.found = _Place(kind, flow, start.index, start.column, end, last, value, key_column)
        return end
