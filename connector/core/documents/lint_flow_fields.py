"""A `flow:` against the CRM's fields and the approved templates."""

from collections.abc import Iterator, Mapping, Sequence

from connector.core.documents.findings import Problem, did_you_mean, listed
from connector.core.documents.flow_document import FlowDocument
from connector.core.documents.flow_words import FLOW
from connector.core.documents.flow_written import sections_of, steps_in
from connector.core.documents.lint_fields import (
    Path,
    Schema,
    Wrong,
    in_key,
    kind_fits,
    missing,
    option,
    target,
    writable,
)
from connector.core.documents.lint_reads import Known, known_fields, read_fields, texts_of
from connector.core.documents.tree import Items, Map, Node, Text
from connector.core.template import Template, misfits


def fields(document: FlowDocument, tree: Map, schema: Schema) -> Iterator[Wrong]:
    objects = [o for o in document.objects if o in schema] or ([] if document.objects else [next(iter(schema))])
    for index, name in enumerate(document.objects):
        if name not in schema and len(schema) >= len(document.objects):
            yield ("object", index), missing("object", name, schema), "error"
    known = known_fields(objects, schema)
    for path, step in steps_in(tree):
        yield from _saved(path, step, known)
        yield from _set(path, step, known)
    reads = {word: found[:1] for word, found in known.items() if found}
    yield from read_fields(texts_of(tree), FLOW, reads)


def _set(path: Path, step: Map, known: Mapping[str, Sequence[Known]]) -> Iterator[Wrong]:
    sets, clear = step.items.get("set"), step.items.get("clear")
    pairs: list[tuple[Path, str, Node]] = []
    if isinstance(sets, Map):
        pairs += [((*path, "set", key), key, node) for key, node in sets.items.items()]
    for n, node in enumerate(clear.items if isinstance(clear, Items) else ()):
        if isinstance(node, Text):
            pairs.append(((*path, "clear", n), node.value.strip(), node))
    for where, key, node in pairs:
        word, _, name = key.rpartition(".")
        for fields, label in known.get(word or "contact", ()):
            if name not in fields:
                yield where, in_key(missing("field", name, fields, label), word, key), "error"
                break
            yield from target(where, fields[name], node) if "set" in where else writable(where, fields[name])


def _saved(path: Path, step: Map, known: Mapping[str, Sequence[Known]]) -> Iterator[Wrong]:
    """`save:` writes a field of the contact."""
    node, where = step.items.get("save"), (*path, "save")
    table: Node | None = None
    if isinstance(node, Map):
        table, node, where = node.items.get("map"), node.items.get("field"), (*where, "field")
    if not isinstance(node, Text):
        return
    name = node.value.strip()
    for fields, label in known.get("contact", ()):
        if name not in fields:
            meant = did_you_mean(name, fields)
            hint = f"{meant} Else create it in the CRM, or use remember: {name}".strip()
            said = f"There is no field '{name}' on {label}."
            yield (
                where,
                Problem(said, code="unknown_field", hint=hint, old=name if meant else "", new=meant[14:-2]),
                "error",
            )
            return
        field = fields[name]
        yield from writable(where, field)
        kind = step.items.get("as")
        if isinstance(kind, Text):
            yield from kind_fits((*path, "as"), field, kind.value)
        if field.options and not field.open_options:
            values = dict(field.options)
            mapped = (
                {k: n.value for k, n in table.items.items() if isinstance(n, Text)} if isinstance(table, Map) else {}
            )
            for id_ in _ids(step):
                value = mapped.get(id_, id_)
                if value not in values:
                    yield where, option(field, value), "error"
                    return


def _ids(step: Map) -> list[str]:
    buttons, rows = step.items.get("buttons"), step.items.get("list")
    if isinstance(buttons, Map):
        return list(buttons.items)
    return [id_ for _, _, found in sections_of(rows) for id_, _ in found] if isinstance(rows, Map) else []


# ---- templates -----------------------------------------------------------------------------------------------------
def templates_there(document: FlowDocument, tree: Map, templates: Sequence[Template]) -> Iterator[Wrong]:
    """Templates that are not there or not approved, take other values, or do not say in which language."""
    places: list[tuple[Path, Node | None]] = [(("reopen",), tree.items.get("reopen"))]
    for path, step in steps_in(tree):
        places += [((*path, word), step.items.get(word)) for word in ("template", "reopen")]
    for path, node in places:
        if node is not None:
            yield from _template(document, path, node, templates)


def _template(document: FlowDocument, path: Path, node: Node, templates: Sequence[Template]) -> Iterator[Wrong]:
    words = node.items if isinstance(node, Map) else {"name": node}
    named, where = words["name"], (*path, "name") if isinstance(node, Map) else path
    name = named.value.strip() if isinstance(named, Text) else ""
    there = [t for t in templates if t.name == name]
    usable = [t for t in there if t.status == "APPROVED"]
    if not there:
        yield where, missing("template", name, sorted({t.name for t in templates})), "error"
        return
    if not usable:
        states = listed(sorted({f"{t.status.lower()} ({t.language})" for t in there}))
        said = f"The template '{name}' is not approved: {states}."
        yield where, Problem(said, code="template", hint="Wait for its approval."), "error"
        return
    if len(usable) > 1 and "language" not in words and not document.languages:
        spoken = listed(sorted(t.language for t in usable))
        said = f"The template '{name}' is there in {spoken}, and the flow does not say in which it speaks."
        hint = f"Add languages: [{usable[0].language}], or {{name: {name}, language: {usable[0].language}}}"
        yield where, Problem(said, code="language", hint=hint), "error"
    yield from _fits(path, words, usable)


def _fits(path: Path, words: Mapping[str, Node], usable: Sequence[Template]) -> Iterator[Wrong]:
    """Each thing once, though every language has it."""
    values, buttons = words.get("with"), words.get("buttons")
    keys = values.items.keys() if isinstance(values, Map) else ()
    count = len(buttons.items) if isinstance(buttons, Items) else int(buttons is not None)
    told: set[tuple[str, str]] = set()
    for template in usable:
        for wrong in misfits(template, keys, count):
            if (wrong.code, wrong.key) not in told:
                told.add((wrong.code, wrong.key))
                where = (*path, "buttons") if wrong.code == "buttons" else (*path, "with")
                yield where, Problem(wrong.text, code=f"template_{wrong.code}", hint=wrong.hint), "error"
