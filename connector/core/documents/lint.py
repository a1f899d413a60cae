"""The document against the CRM's live fields and the approved templates: told at save time, never at message time."""

from collections.abc import Iterable, Iterator, Sequence

from connector.core.documents import lint_flow, lint_send
from connector.core.documents.document import Document, MappingDocument, SendDocument
from connector.core.documents.findings import Finding, Problem, listed, ordered
from connector.core.documents.flow_document import FlowDocument
from connector.core.documents.lint_fields import Field, Path, Schema, Wrong, in_key, missing, target, writable
from connector.core.documents.lint_reads import Known, known_fields, read_fields, texts_of
from connector.core.documents.load import finding, load
from connector.core.documents.tree import Map, Node, Text, walk
from connector.core.documents.words import MAPPING
from connector.core.template import Template

__all__ = ["Field", "Schema", "check", "check_together"]


def check(text: str, *, schema: Schema | None = None, templates: Sequence[Template] | None = None) -> list[Finding]:
    """Everything wrong with a document.

    With `schema` (fields by object name) also against the live CRM, with `templates` (all of the WhatsApp account) also
    against what they take; None = not known.
    """
    document, findings = load(text)
    if document is None or document.tree is None:
        return findings
    tree = document.tree
    wrong = _all(document, tree, schema, templates)
    return ordered([*findings, *(finding(text, tree, path, said, severity) for path, said, severity in wrong)])


def _all(document: Document, tree: Map, schema: Schema | None, templates: Sequence[Template] | None) -> Iterator[Wrong]:
    if isinstance(document, SendDocument):
        yield from lint_send.lint(document, tree, schema or {}, templates)
    elif isinstance(document, FlowDocument):
        yield from lint_flow.lint(document, tree, schema or {}, templates)
    elif schema:
        yield from _mapping(document, tree, schema)


# ---- several documents -------------------------------------------------------------------------------------------
def check_together(documents: Iterable[Document]) -> list[Finding]:
    """What shows only in several documents: a field set twice, a change of ours that another one waits for."""
    by_name = sorted(documents, key=lambda d: d.name)
    mappings = [d for d in by_name if isinstance(d, MappingDocument)]
    flows = [d for d in by_name if isinstance(d, FlowDocument)]
    return [*_set_twice(mappings), *lint_send.own_changes(by_name), *lint_flow.same_start(flows)]


def _set_twice(mappings: Sequence[MappingDocument]) -> Iterator[Finding]:
    """Mappings that may answer one message and set one field: only the first, by name, will."""
    for index, later in enumerate(mappings):
        for name in later.sets:
            first = next((d for d in mappings[:index] if name in d.sets and _meet(d, later)), None)
            if first is not None and later.tree is not None:
                message = f"'{name}' is also set by {first.name}, which comes first by name: there it wins."
                said = Problem(message, code="set_twice", hint="Set it in one of them, or narrow `when:`.")
                yield finding(later.text, later.tree, ("set", name), said, "warning")


def _meet(a: MappingDocument, b: MappingDocument) -> bool:
    """May one message match both?"""
    answers = a.answer_to is None or b.answer_to is None or a.answer_to & b.answer_to
    types = not a.types or not b.types or set(a.types) & set(b.types)
    numbers = not a.number or not b.number or set(a.number) & set(b.number)
    return bool(
        a.crm == b.crm
        and answers
        and types
        and numbers
        and (not a.objects or not b.objects or set(a.objects) & set(b.objects))
    )


# ---- a mapping against the fields --------------------------------------------------------------------------------
def _mapping(document: MappingDocument, tree: Map, schema: Schema) -> Iterator[Wrong]:
    objects = [o for o in document.objects if o in schema] or ([] if document.objects else [next(iter(schema))])
    for index, name in enumerate(document.objects):
        if name not in schema and len(schema) >= len(document.objects):
            yield ("object", index), missing("object", name, schema), "error"
    known = known_fields(objects, schema)
    for path, word, name, node in _targets(tree):
        for fields, label in known.get(word, ()):
            if name not in fields:
                key = f"{word}.{name}" if word != "contact" else name
                yield path, in_key(missing("field", name, fields, label), word, key), "error"
                break
            yield from target(path, fields[name], node) if "set" in path else writable(path, fields[name])
    reads = {word: [_united(found)] for word, found in known.items() if found}
    yield from read_fields(texts_of(tree), MAPPING, reads)


def _united(found: Sequence[Known]) -> Known:
    """A field that one of the objects has may be read."""
    fields: dict[str, Field] = {}
    for one, _ in reversed(found):
        fields |= one
    return fields, listed(label for _, label in found)


def _targets(tree: Map) -> Iterator[tuple[Path, str, str, Node]]:
    """(path, record word, field, node) of every field that the document sets or clears."""
    for path, node in walk(tree):
        name = ""
        if len(path) >= 2 and path[-2] == "set" and path[0] == "set":
            name = str(path[-1])
        elif path[:1] == ("clear",) and isinstance(node, Text):
            name = node.value.strip()
        if name:
            word, _, field = name.rpartition(".")
            yield path, word or "contact", field, node
