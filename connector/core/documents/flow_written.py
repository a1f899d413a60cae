"""The written steps of a `flow:`, for the checks that look at the text itself."""

from collections.abc import Iterator

from connector.core.documents.flow_fields import is_language
from connector.core.documents.flow_step import INLINE
from connector.core.documents.lint_fields import Path
from connector.core.documents.tree import Map, Node


def steps_in(tree: Map) -> Iterator[tuple[Path, Map]]:
    """Every step's map, those under `then:` too."""
    steps = tree.items.get("steps")
    named = list(steps.items.items()) if isinstance(steps, Map) else []
    yield from ((("steps", name), step) for name, step in named if isinstance(step, Map))
    for path, node in ((("steps", name), step) for name, step in named):
        yield from _then(path, node)
    yield from _then(("always",), tree.items.get("always"))


def _then(path: Path, node: Node | None) -> Iterator[tuple[Path, Map]]:
    then = at(node, (INLINE, "then"))
    if isinstance(then, Map):
        yield (*path, INLINE, "then"), then


def at(node: Node | None, words: tuple[str, ...]) -> Node | None:
    """What stands under these words."""
    for word in words:
        node = node.items.get(word) if isinstance(node, Map) else None
    return node


Section = tuple[str, Path, list[tuple[str, Node]]]


def sections_of(node: Map) -> list[Section]:
    """(name, path, [(id, label)]) of a list; rows that stand in none are in the section ""."""
    found: list[Section] = []
    loose: list[tuple[str, Node]] = []
    for name, inside in node.items.items():
        if isinstance(inside, Map) and not all(map(is_language, inside.items)):
            found.append((name, (name,), list(inside.items.items())))
        else:
            loose.append((name, inside))
    return [*found, ("", (), loose)] if loose else found
