"""A `send:` document against the CRM's fields, the approved templates, and the other documents."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from connector.core.documents import send_gates as gates
from connector.core.documents.comparing import fold
from connector.core.documents.document import Document, SendDocument, Watch
from connector.core.documents.findings import Finding, Problem, did_you_mean, listed
from connector.core.documents.lint_fields import Field, Path, Schema, Wrong, in_key, literal, missing, target, writable
from connector.core.documents.lint_reads import Known, object_of, read_fields
from connector.core.documents.load import finding
from connector.core.documents.send_words import SEND, SendScope
from connector.core.documents.tree import Map, Node, Text, walk
from connector.core.documents.words import RECORD
from connector.core.events import Event
from connector.core.sending import Case
from connector.core.template import Template, compatible, misfits

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # no expression for a language asks for the time
_DATES = ("date", "datetime")
_BARE = (("when", "only_if"), ("guard", "cancel_if"), ("to", "phone"))
_VALUES = (("with",), ("language",), ("after",))


def lint(document: SendDocument, tree: Map, schema: Schema, templates: Sequence[Template] | None) -> Iterator[Wrong]:
    """Fields that are not there, what the templates do not take, and what was probably not meant."""
    known = _known(document, schema)
    yield from _watched(document, tree, known)
    yield from _goal(document, tree, known)
    yield from _written(tree, known)
    yield from read_fields(_texts(tree), SEND, known)
    yield from _is_or_becomes(document)
    if templates is not None:
        yield from _contract(document, templates)


# ---- fields ------------------------------------------------------------------------------------------------------
def _known(document: SendDocument, schema: Schema) -> dict[str, list[Known]]:
    """The fields of the record that starts it, under each of its names, and of the recipient."""
    found: dict[str, list[Known]] = {}
    own = object_of(document.word, schema) if document.word else None
    person = own if document.recipient == "record" else object_of("contact", schema)
    if own is not None:
        found |= {name: [(_fields(schema[own]), own)] for name in (document.word, "record")}
    if document.segment == "csv":  # its columns are what is known of a person, besides what we know ourselves
        return {}
    if person is not None:
        found["contact"] = [(_fields(schema[person]), person)]
    return found


def _fields(fields: Sequence[Field]) -> dict[str, Field]:
    return {f.name: f for f in fields}


def _one(known: Mapping[str, list[Known]], word: str, path: Path, name: str) -> tuple[Field | None, list[Wrong]]:
    """The field of that name, or the finding that there is none; neither where the object is not known."""
    for fields, label in known.get(word, ()):
        if name not in fields:
            said = missing("field", name, fields, label)
            return None, [(path, in_key(said, word, str(path[-1])), "error")]
        return fields[name], []
    return None, []


def _watched(document: SendDocument, tree: Map, known: Mapping[str, list[Known]]) -> Iterator[Wrong]:
    for watch in (w for w in document.watches if w.field):
        path: Path = ("when", f"{watch.word}.{watch.field}")
        field, wrong = _one(known, watch.word, path, watch.field)
        yield from wrong
        if field is not None:
            for text in watch.value:
                yield from literal(_value_path(tree, path, watch, text), field, text)
    if document.date is None:
        return
    field, wrong = _one(known, document.date.word, ("when", "date"), document.date.field)
    yield from wrong
    if field is not None and field.type not in _DATES:
        said = f"'{field.name}' is a {field.type} field, not a date."
        yield ("when", "date"), Problem(said, code="type", hint="Choose a date field."), "error"


def _goal(document: SendDocument, tree: Map, known: Mapping[str, list[Known]]) -> Iterator[Wrong]:
    if document.goal is None:
        return
    path: Path = ("goal", f"{document.goal.word}.{document.goal.field}")
    field, wrong = _one(known, document.goal.word, path, document.goal.field)
    yield from wrong
    if field is None:
        return
    for text in document.goal.values:
        items = [p for p, n in walk(tree) if isinstance(n, Text) and p[:2] == path and n.value == text]
        yield from literal(items[0] if items else path, field, text)


def _value_path(tree: Map, path: Path, watch: Watch, text: str) -> Path:
    """Where the value stands: alone, or in a list."""
    here = (*path, watch.how)
    items = [(p, n.value) for p, n in walk(tree) if isinstance(n, Text) and p[: len(here)] == here]
    return next((p for p, value in items if value == text), here)


def _written(tree: Map, known: Mapping[str, list[Known]]) -> Iterator[Wrong]:
    for path, name, node in _targets(tree):
        word, _, short = name.rpartition(".")
        field, wrong = _one(known, word or "contact", path, short)
        yield from wrong
        if field is not None:
            yield from target(path, field, node) if "set" in path else writable(path, field)


def _targets(tree: Map) -> Iterator[tuple[Path, str, Node]]:
    for path, node in walk(tree):
        if path[:1] != ("after",) or len(path) < 3:
            continue
        if len(path) == 4 and path[2] == "set":
            yield path, str(path[3]), node
        elif path[2] == "clear" and isinstance(node, Text):
            yield path, node.value.strip(), node


def _texts(tree: Map) -> Iterator[tuple[Path, str]]:
    """The texts that are expressions, or hold them."""
    for path, node in walk(tree):
        if not isinstance(node, Text) or "." not in node.value:
            continue
        if _under(path, _BARE) or ("{{" in node.value and _under(path, _VALUES)):
            yield path, node.value


def _under(path: Path, roots: Sequence[Path]) -> bool:
    return any(path[: len(root)] == root for root in roots)


def _is_or_becomes(document: SendDocument) -> Iterator[Wrong]:
    for watch in document.triggers:
        if watch.how == "is":
            said = f"`is` sends each time the CRM tells us of {watch.word}.{watch.field} while it has this value."
            hint = f"For the move alone write {{becomes: {', '.join(watch.value)}}}"
            yield ("when", f"{watch.word}.{watch.field}"), Problem(said, code="is", hint=hint), "warning"


# ---- templates ---------------------------------------------------------------------------------------------------
def _contract(document: SendDocument, templates: Sequence[Template]) -> Iterator[Wrong]:
    named = [t for t in templates if t.name == document.template]
    approved = [t for t in named if t.status == "APPROVED"]
    if not named:
        yield ("template",), missing("template", document.template, sorted({t.name for t in templates})), "error"
        return
    if not approved:
        states = listed(sorted({f"{t.status.lower()} ({t.language})" for t in named}))
        said = f"The template '{document.template}' is not approved: {states}."
        yield ("template",), Problem(said, code="template", hint="Wait for its approval."), "error"
    else:
        yield from _language(document, named)
    yield from _fits(document, approved or named)
    for wrong in compatible(approved):
        yield ("template",), Problem(wrong.text, code="languages", hint=wrong.hint), "warning"
    if document.quiet is None and any(t.category == "marketing" for t in named):
        said = "A marketing message without quiet hours may arrive at night."
        hint = "Add guard: {quiet_hours: {allow: 08:00-20:00}}"
        yield ("guard",), Problem(said, code="quiet_hours", hint=hint), "warning"


def _language(document: SendDocument, named: Sequence[Template]) -> Iterator[Wrong]:
    """The language that is written, or the one taken where the CRM's field is empty."""
    wish = gates.language_of(document, SendScope(Case(event=Event(id="")), None, _EPOCH))
    fits = gates.fitting(named, wish)
    there = sorted({t.language for t in named if t.status == "APPROVED"})
    if not wish and document.language is not None:
        return
    if not fits and not wish:
        said = f"The template is there in {listed(there)}, and the document does not say in which."
        yield (
            ("template",),
            Problem(said, code="language", hint=f"Add language: {there[0] if there else 'en'}"),
            "error",
        )
    elif not fits or fits[0].status != "APPROVED":
        said = f"The template '{document.template}' is not approved in '{wish}'."
        hint = did_you_mean(wish, there) or f"It is approved in {listed(there) or 'no language'}."
        yield ("language",), Problem(said, code="language", hint=hint), "error"


def _fits(document: SendDocument, usable: Sequence[Template]) -> Iterator[Wrong]:
    """Each thing once, though every language has it."""
    told: set[tuple[str, str]] = set()
    for template in usable:
        for wrong in misfits(template, document.values.keys(), len(document.buttons)):
            if (wrong.code, wrong.key) in told:
                continue
            told.add((wrong.code, wrong.key))
            path: Path = ("with", wrong.key) if wrong.key in document.values else ("with",)
            if wrong.code == "buttons":
                path = ("buttons",)
            yield path, Problem(wrong.text, code=f"template_{wrong.code}", hint=wrong.hint), "error"


# ---- other documents ---------------------------------------------------------------------------------------------
def own_changes(documents: Iterable[Document]) -> Iterator[Finding]:
    """A field that a document sets and a send waits for: what we write ourselves starts nothing."""
    every = list(documents)
    for send in every:
        if not isinstance(send, SendDocument) or send.own_changes or send.tree is None:
            continue
        for watch in (w for w in send.triggers if w.field):
            setter = next((d for d in every if d is not send and d.crm == send.crm and _sets(d, watch)), None)
            if setter is not None:
                field = f"{watch.word}.{watch.field}"
                said = f"'{field}' is set by {setter.name} too; what we write ourselves does not start this message."
                problem = Problem(said, code="own_changes", hint="Write own_changes: yes in `when:` if it should.")
                yield finding(send.text, send.tree, ("when", field), problem, "warning")


def _sets(document: Document, watch: Watch) -> bool:
    for name in document.sets:
        word, _, field = name.rpartition(".")
        if field == watch.field and (word or "contact") in _names(document, watch) and _reaches(document, name, watch):
            return True
    return False


def _reaches(document: Document, name: str, watch: Watch) -> bool:
    """May it set a value that is waited for? A value that is not a constant may be any."""
    if watch.how == "changes":
        return True
    wanted = set(map(fold, watch.value))
    return any(value is None or fold(value) in wanted for value in _constants(document, name))


def _constants(document: Document, name: str) -> Iterator[str | None]:
    """The values a document may set; None for one that is known only then."""
    for path, node in walk(document.tree) if document.tree is not None else ():
        if len(path) >= 2 and path[-2:] == ("set", name):
            yield from _values(node)
        elif path[-1:] == ("save",) and isinstance(node, Text) and node.value == name:  # a flow's answer
            yield None


def _values(node: Node) -> Iterator[str | None]:
    if isinstance(node, Text):
        yield None if "{{" in node.value else node.value
        return
    rule = node.items if isinstance(node, Map) else {}
    table, otherwise = rule.get("map"), rule.get("else")
    yield from _values_of(table) if isinstance(table, Map) else (None,)
    if isinstance(otherwise, Text):
        yield otherwise.value


def _values_of(table: Map) -> Iterator[str | None]:
    for item in table.items.values():
        yield from _values(item)


def _names(document: Document, watch: Watch) -> tuple[str, ...]:
    """What this document may call the record that is watched."""
    if isinstance(document, SendDocument):
        own = (document.word, "record") if watch.word in (document.word, "record") else ()
        person = ("contact",) if watch.word in _people(document) else ()
        return (*own, *person)
    own = (watch.word, "record") if watch.word in RECORD else ()
    objects = document.objects or ("contact",)
    return (*own, "contact") if any(object_of(watch.word, [o]) for o in objects) else own


def _people(document: SendDocument) -> tuple[str, ...]:
    return (document.word, "contact") if document.recipient == "record" else ("contact",)
