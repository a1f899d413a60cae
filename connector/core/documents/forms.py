"""A document as a form: the common cases as fields, told apart from what only the text can say."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connector.core.documents import surgery
from connector.core.documents.kinds import KINDS
from connector.core.documents.reading import one_line_end, read_tree
from connector.core.documents.spots import Path
from connector.core.documents.tree import Items, Map, Node, Text

TEXT, LIST, LINES = "text", "list", "lines"  # one value · several, with commas · several, one a line
ANY, FIELD = "*", "*.*"  # any word; any with a dot: a field of a record
KEY, HOW = "#key", "#how"  # not a value: the word before the colon, the way a field starts a message
_RULE = {"from": TEXT, "value": TEXT, "as": TEXT, "min": TEXT, "max": TEXT, "else": TEXT, "overwrite": TEXT}
_MAPPING: dict[Path, str] = {
    ("mapping",): TEXT, ("about",): TEXT, ("crm",): TEXT, ("object",): LIST,
    **{("when", w): LIST for w in ("answer_to", "type", "number", "says", "id")},
    ("when", "within"): TEXT, ("when", "only_if"): LINES,
    ("contact", "find_by"): LIST, ("contact", "if_missing"): TEXT, ("contact", "if_several"): TEXT,
    ("set", ANY): TEXT, **{("set", ANY, word): kind for word, kind in _RULE.items()}, ("set", ANY, "map", ANY): TEXT,
    ("log",): TEXT, ("reply",): TEXT,
}  # fmt: skip
_QUIET: dict[Path, str] = {("guard", "quiet_hours", w): TEXT for w in ("allow", "days", "time_zone", "otherwise")}
_SEND: dict[Path, str] = {
    **{(w,): TEXT for w in ("send", "about", "crm", "number", "template", "language")},
    **{("when", w): TEXT for w in ("webhook", "date", "every")}, ("when", "only_if"): LINES,
    ("when", FIELD, "becomes"): LIST, ("when", FIELD, "is"): LIST, ("when", FIELD, "changes"): TEXT,
    ("when", FIELD): TEXT,
    ("to",): TEXT, ("to", "contact"): TEXT, ("to", "phone"): LIST,
    ("with", ANY): TEXT, ("buttons",): LIST,
    **{("guard", w): TEXT for w in ("consent", "give_up_after", "at_most", "cancel_if")}, **_QUIET,
    ("after", ANY, "set", ANY): TEXT, ("after", ANY, "log"): TEXT,
}  # fmt: skip
_FLOW: dict[Path, str] = {(w,): TEXT for w in ("flow", "about", "crm", "expires", "priority")}  # steps are text
PATTERNS = {"mapping": _MAPPING, "send": _SEND, "flow": _FLOW}
AFTER = ("sent", "delivered", "read", "replied", "failed")
MOST = 2000  # characters of one value that a form takes


@dataclass(frozen=True, slots=True)
class Watch:
    """A field whose change starts a message."""

    name: str
    how: str  # becomes changes is created
    value: str


@dataclass(frozen=True, slots=True)
class SetRow:
    """One field of `set:`; a plain value, or a rule."""

    name: str
    rule: bool
    values: Mapping[str, str]
    map: Mapping[str, str] | None
    beyond: tuple[str, ...]  # words of the rule that only the text shows


@dataclass(frozen=True, slots=True)
class Form:
    """What the fields hold. `values` is by path; a list is one text, with commas or line ends."""

    kind: str
    name: str
    values: Mapping[Path, str]
    sets: tuple[SetRow, ...] = ()
    watches: tuple[Watch, ...] = ()
    withs: Mapping[str, str] = field(default_factory=dict)
    after: tuple[tuple[str, str, str], ...] = ()  # state, field, value
    beyond: tuple[str, ...] = ()  # what the form cannot show

    def at(self, *path: str) -> str:
        """What stands there, "" for nothing."""
        return self.values.get(path, "")

    def has(self, *path: str) -> bool:
        """Does something stand there?"""
        return path in self.values

    def many(self, *path: str) -> list[str]:
        """The entries of a list."""
        return split(self.values.get(path, ""), LIST)


def form_of(text: str) -> Form | None:
    """The form of a text; None where the text cannot be read or says no kind."""
    tree, _ = read_tree(one_line_end(text))
    kind = next((word for word in KINDS if tree is not None and word in tree.items), None)
    if tree is None or kind is None:
        return None
    patterns, values = PATTERNS[kind], dict[Path, str]()
    beyond = [".".join(path) for path in _gather(tree, (), patterns, values)]
    return Form(
        kind=kind, name=values.get((kind,), ""), values=values, beyond=tuple(dict.fromkeys(beyond)),
        sets=tuple(_sets(tree, values, beyond)), watches=tuple(_watches(tree, values)) if kind == "send" else (),
        withs={p[1]: v for p, v in values.items() if p[0] == "with"},
        after=tuple((p[1], p[3], v) for p, v in values.items() if p[0] == "after" and len(p) == 4),
    )  # fmt: skip


def _gather(node: Node, path: Path, patterns: Mapping[Path, str], values: dict[Path, str]) -> Iterator[Path]:
    """Fills `values`; gives the paths that no field shows."""
    if isinstance(node, Map):
        if not path or any(_leads(pattern, path) for pattern in patterns):
            for name, inner in node.items.items():
                yield from _gather(inner, (*path, name), patterns, values)
        else:
            yield path
        return
    kind = kind_at(patterns, path)
    shown = _shown(node, kind)
    if shown is None:
        yield path
    else:
        values[path] = shown


def _leads(pattern: Path, path: Path) -> bool:
    return len(pattern) > len(path) and _fits(pattern, path)


def _fits(pattern: Path, path: Path) -> bool:
    both = zip(pattern, path, strict=False)
    return all(want in (ANY, step) or (want == FIELD and "." in step) for want, step in both)


def kind_at(patterns: Mapping[Path, str], path: Path) -> str:
    """What a field at this path holds; "" where there is none. A word itself goes before `any`."""
    if path in patterns:
        return patterns[path]
    return next((kind for pattern, kind in patterns.items() if len(pattern) == len(path) and _fits(pattern, path)), "")


def _shown(node: Node, kind: str) -> str | None:
    if not kind:
        return None
    if isinstance(node, Text):
        return node.value
    if kind == TEXT or not isinstance(node, Items):
        return None
    items = [item.value for item in node.items if isinstance(item, Text)]
    odd = any("," in item or "\n" in item for item in items) if kind == LIST else any("\n" in item for item in items)
    return None if odd or len(items) < len(node.items) else (", " if kind == LIST else "\n").join(items)


def split(shown: str, kind: str) -> list[str]:
    """The entries of a list as a field shows it."""
    return [one.strip() for one in shown.split("," if kind == LIST else "\n") if one.strip()]


def _sets(tree: Map, values: Mapping[Path, str], beyond: Sequence[str]) -> Iterator[SetRow]:
    node = tree.items.get("set")
    for name, inner in node.items.items() if isinstance(node, Map) else ():
        path = ("set", name)
        own = {p[2]: v for p, v in values.items() if p[:2] == path and len(p) == 3}
        entries = inner.items.get("map") if isinstance(inner, Map) else None
        pairs = {p[3]: v for p, v in values.items() if p[:3] == (*path, "map") and len(p) == 4}
        mine = tuple(b.removeprefix(f"set.{name}.") for b in beyond if b.startswith(f"set.{name}."))
        rule = isinstance(inner, Map)
        yield SetRow(name, rule, own if rule else {"value": values.get(path, "")}, pairs if entries else None, mine)


def _watches(tree: Map, values: Mapping[Path, str]) -> Iterator[Watch]:
    node = tree.items.get("when")
    for name, inner in node.items.items() if isinstance(node, Map) else ():
        if "." not in name:
            continue
        if isinstance(inner, Text):
            how = "created" if name.endswith(".created") else "changes"
            yield Watch(name, how, "")
        elif isinstance(inner, Map):
            how = next((word for word in ("becomes", "is", "changes") if word in inner.items), "")
            yield Watch(name, how, values.get(("when", name, how), ""))


# ---- changing ----------------------------------------------------------------------------------------------------
def path_of(name: str) -> Path:
    """The path that a field's name holds as JSON. Raises GiveUp."""
    try:
        path = json.loads(name)
    except ValueError:
        path = None
    if not isinstance(path, list) or not path or not all(isinstance(s, str) and s for s in path) or len(path) > 6:
        raise surgery.cannot("the form does not know this field")
    return tuple(path)


def change(text: str, path: Path, value: str) -> str:
    """The text after a person changed one field of the form; "" takes away. Raises GiveUp."""
    form = form_of(text)
    if form is None:
        raise surgery.cannot("the text cannot be read")
    if path[-1] == KEY:
        return surgery.rename(text, path[:-1], value) if value else surgery.drop(text, path[:-1])
    if path[-1] == HOW:
        return _how(text, form, path[1], value)
    patterns = PATTERNS[form.kind]
    kind = kind_at(patterns, path)
    if not kind or path == (form.kind,):
        raise surgery.cannot("the form does not know this field")
    if form.at(*path) == value:
        return text
    return _changed(text, form, path, value.strip() if kind == TEXT else value, kind)


def _changed(text: str, form: Form, path: Path, value: str, kind: str) -> str:
    new: Any = value if kind == TEXT else split(value, kind)
    if not new:
        return surgery.drop(text, path) if form.has(*path) else text
    if kind != TEXT and len(new) == 1 and (not form.has(*path) or len(split(form.at(*path), kind)) <= 1):
        new = new[0]
    if len(path) == 3 and path[0] == "set":
        row = next((r for r in form.sets if r.name == path[1]), None)
        if row is None:
            raise surgery.cannot(f"`set` has no {path[1]} any more")
        if not row.rule:  # a bare value takes a guard beside it
            if path[2] == "value":
                return surgery.put(text, path[:2], new)
            return surgery.put(text, path[:2], {"value": row.values["value"], path[2]: new})
    if path[0] == "to" and len(path) == 2 and form.has("to"):  # `to: deal.contact` grows
        return surgery.put(text, ("to",), {"contact": form.at("to"), path[1]: new})
    return surgery.put(text, path, new)


def _how(text: str, form: Form, name: str, how: str) -> str:
    watch = next((w for w in form.watches if w.name == name), None)
    if watch is None or how not in ("becomes", "changes", "is"):
        raise surgery.cannot(f"`when` has no {name} any more")
    if how == "changes":
        return surgery.put(text, ("when", name), "changes")
    entries = split(watch.value, LIST) or ["value"]
    return surgery.put(text, ("when", name), {how: entries[0] if len(entries) == 1 else entries})


def add(text: str, what: str, name: str, value: str = "") -> str:
    """One more row: `set` (a value), `map` (answers translated), `with`, `when`, an `after` state. Raises GiveUp."""
    name = name.strip()
    form = form_of(text)
    if form is None or not name:
        raise surgery.cannot("it has no name")
    path, new = _new(what, name, value)
    if path in form.values or any(row.name == name for row in form.sets if what in ("set", "map")):
        raise surgery.cannot(f"{name} stands there already")
    return surgery.put(text, path, new)


def _new(what: str, name: str, value: str) -> tuple[Path, Any]:
    if what == "set":
        return ("set", name), value or "{{ answer.text }}"
    if what == "map":
        answer, _, target = value.partition("\n")
        return ("set", name), {"from": "answer.id", "map": {answer or "yes": target or "value"}, "else": "review"}
    if what.startswith("entry:"):
        return ("set", what.removeprefix("entry:"), "map", name), value or "value"
    if what == "with":
        return ("with", name), value or "{{ contact.firstname }}"
    if what == "when":
        return ("when", name), {"becomes": value or "value"}
    if what in AFTER:
        return ("after", what, "set", name), value or what
    raise surgery.cannot("the form does not know this row")
