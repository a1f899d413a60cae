"""The fields that expressions read: `contact.frstname` is told with the line rewritten."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from connector.core.documents.expressions import BadExpression, Expression, bare, value
from connector.core.documents.findings import Problem
from connector.core.documents.lint_fields import Field, Path, Schema, Wrong, missing
from connector.core.documents.tree import Map, Text, walk
from connector.core.documents.words import PERSON, RECORD, Words, is_record

Known = tuple[Mapping[str, Field], str]  # fields of an object by name, and what the object is called


def object_of(word: str, objects: Iterable[str]) -> str | None:
    """The CRM's object that `deal` or `opportunity` stands for; `record` stands for any."""
    return next((name for name in objects if word != "record" and is_record(word, name)), None)


def read_fields(
    texts: Iterable[tuple[Path, str]], words: Words, known: Mapping[str, Sequence[Known]]
) -> Iterator[Wrong]:
    """Every path of these texts whose word has known fields, but not this one."""
    for path, text in texts:
        expression = _expression(text, words)
        for word, name in sorted({p[:2] for p in expression.paths if len(p) > 1}) if expression else ():
            for fields, label in known.get(word, ()):
                if name not in fields and not (word == "contact" and name in PERSON):
                    yield path, _read(missing("field", name, fields, label), word), "error"


def _read(said: Problem, word: str) -> Problem:
    old, new = (f"{word}.{said.old}", f"{word}.{said.new}") if said.old else ("", "")
    return Problem(said, code=said.code, hint=said.hint, old=old, new=new)


def _expression(text: str, words: Words) -> Expression | None:
    try:
        return value(text, words) if "{{" in text else bare(text, words)
    except BadExpression:
        return None


def known_fields(objects: Sequence[str], schema: Schema) -> dict[str, list[Known]]:
    """The contact's objects, and those that a record's word stands for."""
    found: dict[str, list[Known]] = {"contact": [({f.name: f for f in schema[o]}, o) for o in objects]}
    for word in RECORD:
        object_ = object_of(word, schema)
        if object_ is not None:
            found[word] = [({f.name: f for f in schema[object_]}, object_)]
    return found


def texts_of(tree: Map) -> Iterator[tuple[Path, str]]:
    """Every text of a document that may hold a path, tests left out."""
    for path, node in walk(tree):
        if isinstance(node, Text) and path[:1] != ("tests",) and "." in node.value:
            yield path, node.value
