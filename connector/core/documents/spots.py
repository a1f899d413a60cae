"""Where everything of a text stands, as offsets: what surgery on a text needs, and reading it does not."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml import events as yaml

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """One value. `end` is where its last word ends: a block has no end of its own."""

    kind: str  # map list text
    flow: bool  # written in { } or [ ]
    inside: bool  # stands in { } or [ ] itself
    key: tuple[int, int] | None  # where its key stands; None in a list
    start: int
    end: int
    column: int  # of its first entry, from 0
    entries: tuple[str, ...] = ()


def spots(source: str) -> dict[Path, Spot]:
    """{path: where} of a text that can be read (`\\n` its only line end); items of a list are counted from 0."""
    return _Walk(source).found


class _Walk:
    """Takes YAML's events one by one."""

    def __init__(self, source: str) -> None:
        self._events: Iterator[Any] = iter(YAML(typ="safe", pure=True).parse(source))
        self._source = source
        self.found: dict[Path, Spot] = {}
        event = next(self._events)
        while isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
            event = next(self._events)
        self._node(event, (), None, False)

    def _node(self, event: Any, path: Path, key: tuple[int, int] | None, inside: bool) -> int:
        flow, column = bool(getattr(event, "flow_style", False)), event.start_mark.column
        start = event.start_mark.index
        entries: list[str] = []
        if isinstance(event, yaml.MappingStartEvent):
            kind, end = "map", self._map(path, flow, entries)
        elif isinstance(event, yaml.SequenceStartEvent):
            kind, end = "list", self._list(path, flow, entries)
        else:
            kind, end = "text", self._word_end(start, event.end_mark.index)
            if start == end and key is not None:  # nothing was written: YAML has it where the next thing begins
                start = end = self._behind_colon(key[1], start)
        self.found[path] = Spot(kind, flow, inside, key, start, end, column, tuple(entries))
        return end

    def _map(self, path: Path, flow: bool, entries: list[str]) -> int:
        last: int | None = None
        while not isinstance(name := next(self._events), yaml.MappingEndEvent):
            entries.append(name.value)
            place = name.start_mark.index, name.end_mark.index
            last = self._node(next(self._events), (*path, name.value), place, flow)
        return int(name.end_mark.index) if flow or last is None else last

    def _list(self, path: Path, flow: bool, entries: list[str]) -> int:
        last: int | None = None
        while not isinstance(item := next(self._events), yaml.SequenceEndEvent):
            entries.append(str(len(entries)))
            last = self._node(item, (*path, entries[-1]), None, flow)
        return int(item.end_mark.index) if flow or last is None else last

    def _behind_colon(self, key_end: int, start: int) -> int:
        colon = self._source.find(":", key_end, max(start, key_end + 1))
        return start if colon < 0 else colon + 1

    def _word_end(self, start: int, end: int) -> int:
        """A text in block style takes the line ends behind it too."""
        return start + len(self._source[start:end].rstrip())
