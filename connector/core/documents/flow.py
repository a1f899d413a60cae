"""`flow:` from schema data to a compiled document; steps know each other by name only."""

from collections.abc import Iterator, Mapping
from typing import Any

from connector.core.documents import conditions
from connector.core.documents.comparing import fold
from connector.core.documents.expressions import Expression
from connector.core.documents.flow_document import EXPIRES, FlowDocument, FlowTest, NotUnderstood, Start
from connector.core.documents.flow_fields import is_language
from connector.core.documents.flow_messages import opener_of
from connector.core.documents.flow_problems import problems
from connector.core.documents.flow_schema import FlowSchema
from connector.core.documents.flow_step import compile_step, inline_steps
from connector.core.documents.mapping import expressions_of
from connector.core.documents.tree import Map, place
from connector.core.documents.words import PERSON, RECORD

SCHEMA = FlowSchema
__all__ = ["SCHEMA", "compile_document", "problems"]


def compile_document(data: Mapping[str, Any], tree: Map, text: str) -> FlowDocument:
    """The document of data that the schema and `problems` found right."""
    contact, always = data.get("contact", {}), data.get("always", {})
    specs = {**data["steps"], **dict(inline_steps(data))}
    steps = {name: compile_step(name, spec, always.get("no_answer")) for name, spec in specs.items()}
    paths = {path for _, e in expressions_of(data) for path in e.paths}
    rules = [rule for step in steps.values() for rule in step.rules]
    openers = [o for o in (opener_of(data.get("reopen")), *(s.opener or s.reopen for s in steps.values())) if o]
    starts = tuple(_start(spec) for spec in data.get("start", ()))
    unclear = always.get("not_understood", {})
    return FlowDocument(
        name=data["flow"],
        crm=data["crm"],
        text=text,
        about=data.get("about", ""),
        priority=data.get("priority", 0),
        objects=data.get("object", ()),
        find_by=contact.get("find_by", ("whatsapp", "phone")),
        if_missing=contact.get("if_missing", "create"),
        if_several=contact.get("if_several", "review"),
        starts=starts,
        answer_to=frozenset(name for start in starts for name in start.answer_to),
        expires=data.get("expires", EXPIRES),
        steps=steps,
        first=next(iter(data["steps"])),
        reopen=opener_of(data.get("reopen")),
        not_understood=NotUnderstood(unclear.get("times", 2), unclear.get("go", "")),
        always={fold(word): step for word, step in always.get("words", {}).items()},
        language=data["language"].run if "language" in data else None,
        languages=languages_of(data),
        asks=tuple(f"{data['flow']}.{name}" for name, step in steps.items() if step.answer is not None),
        templates=tuple(dict.fromkeys(o.template for o in openers)),
        flows=tuple(dict.fromkeys(step.start for step in steps.values() if step.start)),
        reads=frozenset(
            {p[1] for p in paths if p[0] == "contact" and p[1] not in PERSON} | {r.name for r in rules if not r.word}
        ),
        record_reads=frozenset({p[1] for p in paths if p[0] in RECORD} | {r.name for r in rules if r.word}),
        words=tuple(sorted({p[0] for p in paths if p[0] in RECORD} | {r.word for r in rules if r.word})),
        sets=tuple(dict.fromkeys(r.field for r in rules)),
        tests=tuple(_tests(data, tree)),
        tree=tree,
    )


def _start(spec: Mapping[str, Any]) -> Start:
    """A document name no step has: an answer to the flow's own question does not begin it anew."""
    names = spec.get("answer_to", ())
    when = {key: value for key, value in spec.items() if key != "referral"} | {"answer_to": names or ("anything",)}
    early, late = conditions.compile_when(" ", when)
    ads = spec.get("referral", ())
    if ads:
        early = (*early, conditions.referral(ads))
    return Start(early, late, spec.get("says", ()), names, spec.get("id", ()), spec.get("type", ()), ads)


def languages_of(data: Mapping[str, Any]) -> tuple[str, ...]:
    """As `languages:` says, else in the order they stand in the texts."""
    found = list(data.get("languages", ())) or list(dict.fromkeys(_languages(data.get("steps", {}))))
    return tuple(name.casefold().replace("-", "_") for name in found)


def _languages(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if value and all(isinstance(e, Expression) for e in value.values()) and all(map(is_language, value)):
            yield from value
        for inside in value.values():
            yield from _languages(inside)


def _tests(data: Mapping[str, Any], tree: Map) -> Iterator[FlowTest]:
    for number, test in enumerate(data.get("tests", ())):
        given = {key: value[0] if len(value) == 1 else list(value) for key, value in test.get("given", {}).items()}
        line = place(tree, ("tests", number)).line
        yield FlowTest(test.get("name") or f"test {number + 1}", line, test["say"], given, test["expect"])
