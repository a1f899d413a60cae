"""Changes to a text an admin wrote, value by value: comments, order and spelling of everything else stay."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connector.core.documents.editing import scalar
from connector.core.documents.fields import Either, Many, Pairs, Part
from connector.core.documents.kinds import KINDS
from connector.core.documents.reading import one_line_end, read_tree
from connector.core.documents.spots import Path, Spot, spots
from connector.core.documents.tree import plain
from connector.errors import GiveUp

Value = str | Sequence[str] | Mapping[str, Any]
WIDE = 100  # characters of a line; what is longer is written in lines


def put(text: str, path: Path, value: Value) -> str:
    """The text with this value at this path; parts that lead there are made. Raises GiveUp."""
    return _edited(text, lambda source: _put(source, path, value), lambda before: _placed(before, path, value))


def drop(text: str, path: Path) -> str:
    """The text without this path, and without what would be empty then. Raises GiveUp."""
    return _edited(text, lambda source: _drop(source, path), lambda before: _removed(before, path))


def rename(text: str, path: Path, name: str) -> str:
    """The text with another word in front of the colon. Raises GiveUp."""

    def edit(source: str) -> str:
        found = spots(source)
        spot = found.get(path)
        if spot is None or spot.key is None:
            raise cannot(f"there is no `{'.'.join(path)}`")
        if name != path[-1] and (*path[:-1], name) in found:
            raise cannot(f"`{name}` stands there already")
        return source[: spot.key[0]] + scalar(name) + source[spot.key[1] :]

    return _edited(text, edit, lambda before: _renamed(before, path, name))


def cannot(why: str) -> GiveUp:
    """What is said when the text has to be changed by hand."""
    return GiveUp(f"This cannot be changed here: {why}.", hint="Write it into the text.", code="edit")


def _edited(text: str, edit: Callable[[str], str], wanted: Callable[[Any], Any]) -> str:
    """The edited text, when it reads as wanted; with the line ends that were there."""
    source = one_line_end(text)
    before, _ = read_tree(source)
    if before is None:
        raise cannot("the text cannot be read")
    made = edit(source)
    after, _ = read_tree(made)
    if after is None or plain(after) != wanted(plain(before)):
        raise cannot("its place in the text is not clear")
    return made.replace("\n", "\r\n") if "\r\n" in text else made


# ---- what it must read as ----------------------------------------------------------------------------------------
def _placed(before: Any, path: Path, value: Any) -> Any:
    if not path:
        return _texts(value)
    name, *rest = path
    if isinstance(before, list):
        at = int(name)
        return [_placed(item, tuple(rest), value) if n == at else item for n, item in enumerate(before)]
    inside = before if isinstance(before, dict) else {}
    return {**inside, name: _placed(inside.get(name), tuple(rest), value)}


def _texts(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _texts(one) for key, one in value.items()}
    return value if isinstance(value, str) else [_texts(one) for one in value]


def _removed(before: Any, path: Path) -> Any:
    if isinstance(before, list):
        at = int(path[0])
        return [_removed(x, path[1:]) if n == at else x for n, x in enumerate(before) if n != at or path[1:]]
    name, *rest = path
    inside = _removed(before[name], tuple(rest)) if rest else None
    return {key: inside if key == name else one for key, one in before.items() if key != name or inside}


def _renamed(before: Any, path: Path, new: str) -> Any:
    name, *rest = path
    if rest:
        return {**before, name: _renamed(before[name], tuple(rest), new)}
    return {new if key == name else key: one for key, one in before.items()}


# ---- put ---------------------------------------------------------------------------------------------------------
def _put(source: str, path: Path, value: Value) -> str:
    found = spots(source)
    if path in found:
        return _replace(source, found[path], value)
    depth = max(n for n in range(len(path)) if path[:n] in found)
    above, name = found[path[:depth]], path[depth]
    whole: Value = value
    for step in reversed(path[depth + 1 :]):
        whole = {step: whole}
    if above.kind == "text" and above.start == above.end:  # `contact:` with nothing behind it
        return _replace(source, above, {name: whole})
    if above.kind != "map":
        raise cannot(f"`{'.'.join(path[:depth])}` is no map")
    before = _before(path[:depth], above, name)
    if above.flow:
        return _into_flow(source, found, path[:depth], above, before, f"{scalar(name)}: {flow(whole)}")
    lines = block(name, whole, above.column)
    if before is not None:
        return _behind_line(source, found[(*path[:depth], before)].end, lines)
    first = found[(*path[:depth], above.entries[0])].key
    assert first is not None
    at = _line_start(source, first[0])
    return source[:at] + lines + source[at:]


def _replace(source: str, spot: Spot, value: Value) -> str:
    if spot.kind == "text" or spot.flow:
        gap = " " if spot.start == spot.end and source[spot.start - 1 : spot.start] == ":" else ""
        return source[: spot.start] + gap + flow(value) + source[spot.end :]
    if spot.key is None:
        raise cannot("it is an item of a list")
    colon = source.index(":", spot.key[1])
    line_end = source.find("\n", colon)
    remark = source[colon + 1 : line_end].rstrip() if 0 <= line_end < spot.start else ""
    return source[: colon + 1] + " " + flow(value) + remark + source[spot.end :]


def _into_flow(source: str, found: Mapping[Path, Spot], path: Path, above: Spot, before: str | None, entry: str) -> str:
    if before is not None:
        at = found[(*path, before)].end
        return f"{source[:at]}, {entry}{source[at:]}"
    comma = ", " if above.entries else ""
    return source[: above.start + 1] + entry + comma + source[above.start + 1 :]


def _behind_line(source: str, end: int, lines: str) -> str:
    found = source.find("\n", end)
    at = len(source) if found < 0 else found + 1
    gap = "" if source[at - 1 : at] == "\n" else "\n"
    return source[:at] + gap + lines + source[at:]


def _before(path: Path, above: Spot, name: str) -> str | None:
    """The entry behind which a new one belongs: the language's own order where it has one, else the last."""
    order = _order(path, above)
    if name not in order:
        return above.entries[-1] if above.entries else None
    rank = order.index(name)
    return next((e for e in reversed(above.entries) if e in order and order.index(e) < rank), None)


def _order(path: Path, above: Spot) -> list[str]:
    """The words of the language at this place, in its order; [] where names are free."""
    kinds = [k for k in KINDS if not path and k in above.entries] or list(KINDS)
    for kind in kinds:
        at: Any = Part(KINDS[kind].SCHEMA)
        for step in path:
            at = _inside(at, step)
        fields = getattr(_schema(at), "fields", None)
        if fields:
            return [field.data_key or name for name, field in fields.items()]
    return []


def _schema(at: Any) -> Any:
    return at.schema if isinstance(at, Part) else at.long() if isinstance(at, Either) else None


def _inside(at: Any, step: str) -> Any:
    if isinstance(at, Pairs | Many):
        return at.of
    fields = getattr(_schema(at), "fields", {})
    return next((field for name, field in fields.items() if (field.data_key or name) == step), None)


# ---- drop --------------------------------------------------------------------------------------------------------
def _drop(source: str, path: Path) -> str:
    found = spots(source)
    if path not in found:
        raise cannot(f"there is no `{'.'.join(path)}`")
    while len(path) > 1 and len(found[path[:-1]].entries) == 1:
        path = path[:-1]
    spot, above = found[path], found[path[:-1]]
    start = spot.key[0] if spot.key else spot.start
    if spot.inside:
        return _out_of_flow(source, found, path, above, start, spot.end)
    at = _line_start(source, start)
    if source[at:start].strip(" -"):
        raise cannot("it shares its line with others")
    if spot.key and "-" in source[at:start]:
        raise cannot("it begins an item of a list")
    end = source.find("\n", spot.end)
    return source[:at] + ("" if end < 0 else source[end + 1 :])


def _out_of_flow(source: str, found: Mapping[Path, Spot], path: Path, above: Spot, start: int, end: int) -> str:
    n = above.entries.index(path[-1])
    if n:
        return source[: found[(*path[:-1], above.entries[n - 1])].end] + source[end:]
    if len(above.entries) == 1:
        return source[:start] + source[end:]
    following = found[(*path[:-1], above.entries[1])]
    return source[:start] + source[following.key[0] if following.key else following.start :]


def _line_start(source: str, at: int) -> int:
    return source.rfind("\n", 0, at) + 1


# ---- what is written ---------------------------------------------------------------------------------------------
def flow(value: Value) -> str:
    """A value on one line."""
    if isinstance(value, str):
        return scalar(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {flow(one)}" for key, one in value.items()) + "}"
    return "[" + ", ".join(flow(one) for one in value) + "]"


def block(name: str, value: Value, column: int) -> str:
    """`name: value` as lines: a map of several entries, or one too wide, gets a line for each."""
    pad, one = " " * column, f"{scalar(name)}: {flow(value)}"
    deep = isinstance(value, Mapping) and any(not isinstance(inner, str) for inner in value.values())
    if not isinstance(value, Mapping) or not value or (not deep and column + len(one) < WIDE):
        return f"{pad}{one}\n"
    return f"{pad}{scalar(name)}:\n" + "".join(block(key, inner, column + 2) for key, inner in value.items())
