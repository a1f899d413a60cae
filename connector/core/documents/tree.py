"""A document as it was written: texts, lists and maps that know where they stand."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar; always text. `start` and `end` are offsets into the source, `style` is None for an unquoted one."""

    value: str
    line: int
    column: int
    start: int = 0
    end: int = 0
    style: str | None = None

    @property
    def missing(self) -> bool:
        """Nothing was written after the colon."""
        return self.style is None and self.value == ""


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple["Node", ...]
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Map:
    """A mapping; `keys` holds each key's own place. `flow` is True for `{a: b}`."""

    items: Mapping[str, "Node"]
    line: int
    column: int
    keys: Mapping[str, Text] = field(default_factory=dict)
    flow: bool = False


Node = Text | Items | Map


def plain(node: Node) -> Any:
    """The same as dicts, lists and texts; a value that was left out is None."""
    if isinstance(node, Text):
        return None if node.missing else node.value
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    return {key: plain(value) for key, value in node.items.items()}


def place(root: Node, path: tuple[str | int, ...], *, key: bool = False) -> Node:
    """Where `path` is written, or the nearest place above it.

    A text is at its value, a map, a list or a value that was left out at its key; with `key` everything is.
    """
    node: Node = root
    name: Text | None = None
    for step in path:
        if isinstance(node, Map) and str(step) in node.items:
            name = node.keys.get(str(step))
            node = node.items[str(step)]
        elif isinstance(node, Items) and isinstance(step, int) and step < len(node.items):
            name = None
            node = node.items[step]
        else:
            break
    if name is None or (isinstance(node, Text) and not node.missing and not key):
        return node
    return name


def walk(node: Node, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Node]]:
    """Every node with its path, parents first."""
    yield path, node
    if isinstance(node, Map):
        for key, child in node.items.items():
            yield from walk(child, (*path, key))
    elif isinstance(node, Items):
        for index, child in enumerate(node.items):
            yield from walk(child, (*path, index))


def dotted(path: tuple[str | int, ...]) -> str:
    """`set.lifecyclestage.map`, `only_if.0`."""
    return ".".join(str(step) for step in path)
