"""From text to a compiled document, or to everything that is wrong with it."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from marshmallow import ValidationError

from connector.core.documents import mistakes
from connector.core.documents.document import Document
from connector.core.documents.findings import Finding, Problem, did_you_mean, ordered, refuse
from connector.core.documents.kinds import KINDS
from connector.core.documents.reading import one_line_end, read_tree
from connector.core.documents.tree import Map, Node, Text, dotted, place, plain

Path = tuple[str | int, ...]
# marshmallow's own words, in ours
_PLAIN = {
    "Missing data for required field.": ("missing", "`{0}` is missing."),
    "Field may not be null.": ("missing", "Nothing stands after `{0}:`."),
    "Not a valid list.": ("not_list", "`{0}` takes a list: lines that begin with `- `."),
    "Invalid type.": ("not_map", "`{0}` takes lines of `word: value`."),
    "Invalid input type.": ("not_map", "`{0}` takes lines of `word: value`."),
}
_ABOUT_KEYS = frozenset({"unknown", "field", "unknown_field", "read_only", "set_twice", "test_word"})


def read(text: str) -> Document:
    """The compiled document. Raises BadDocument for the first error; its facts["findings"] has all."""
    document, findings = load(text)
    refuse(findings)
    if document is None:
        raise AssertionError("a document that cannot be read has an error")
    return document


def load(text: str) -> tuple[Document | None, list[Finding]]:
    """The document where it can be read, and all findings, warnings too."""
    document, findings = _loaded(text)
    return document, list(findings)


@lru_cache(maxsize=4)  # what reads, checks and tests one text reads it once; nothing of a document changes
def _loaded(text: str) -> tuple[Document | None, list[Finding]]:
    tree, findings = read_tree(text)
    if tree is None:
        return None, ordered(findings)
    name = next((word for word in tree.items if word in KINDS), None)
    if name is None:
        return None, ordered([*findings, _no_kind(tree)])
    kind = KINDS[name]
    try:
        data: Mapping[str, Any] = kind.SCHEMA().load(plain(tree))
        wrong: list[tuple[Path, str]] = []
    except ValidationError as error:
        data, wrong = error.valid_data or {}, list(_flat(error.messages))  # type: ignore[assignment]
    if not wrong:
        wrong = list(kind.problems(data))
    findings += [finding(text, tree, path, said) for path, said in wrong]
    # a map or list where a text was cut in two is told once, by the mistake that made it
    findings = _without_echoes(findings)
    bad = any(f.severity == "error" for f in findings)
    return None if bad else kind.compile_document(data, tree, text), ordered(findings)


def kind_and_name(text: str) -> tuple[str, str] | None:
    """(mapping, its name) of a text that may be wrong otherwise; None when it does not say."""
    tree, _ = read_tree(text)
    for kind in KINDS if tree is not None else ():
        name = tree.items.get(kind) if tree is not None else None
        if isinstance(name, Text) and name.value.strip():
            return kind, name.value.strip()
    return None


def _no_kind(tree: Map) -> Finding:
    first = next(iter(tree.items), "")
    key = tree.keys.get(first)
    line, column = (key.line, key.column) if key else (1, 1)
    hint = did_you_mean(first, KINDS) or "Begin with: mapping: a-name"
    return Finding(
        first, line, column, "kind", f"The first word must tell the kind of document; '{first[:60]}' does not.", hint
    )


def _flat(messages: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """marshmallow's nested messages as (path, message)."""
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            yield from _flat(inner, path if key == "_schema" else (*path, key))
    elif isinstance(messages, list):
        for message in messages:
            yield from _flat(message, path)
    else:
        yield path, messages


def finding(text: str, tree: Map, path: Path, said: str, severity: str = "error") -> Finding:
    """One problem at its place, with the line rewritten where we know how."""
    if not isinstance(said, Problem):
        code, words = _PLAIN.get(said, ("invalid", said))
        said = Problem(words.format(path[-1] if path else "document"), code=code)
    node = place(tree, path)
    if said.code in _ABOUT_KEYS:
        name = place(tree, path, key=True)
        node = name if isinstance(name, Text) and said.old in name.value else node
    hint = f"{said.hint} {_rewritten(one_line_end(text), node, said)}".strip()
    return Finding(dotted(path), node.line, node.column, said.code, str(said), hint, severity)


def _rewritten(text: str, node: Node, said: Problem) -> str:
    line = text.split("\n")[node.line - 1]
    if said.code == "not_text":
        quoted = mistakes.quoted(line)
        return mistakes.write(quoted) if quoted else ""
    if not said.old or not isinstance(node, Text) or said.old not in node.value:
        return ""
    value = node.value.replace(said.old, said.new, 1)
    written = text[node.start : node.end]
    if node.style in ("|", ">") or "\n" in written:
        return mistakes.write(said.new)
    if node.style is not None or not mistakes.needs_no_quotes(value):
        value = mistakes.quote(value)
    return mistakes.write(line[: node.column - 1] + value + line[node.column - 1 + len(written) :])


def _without_echoes(findings: list[Finding]) -> list[Finding]:
    told = {f.line for f in findings if f.code in ("comma", "curly_quotes")}
    return [f for f in findings if f.line not in told or f.code not in ("missing", "unknown", "not_text")]
