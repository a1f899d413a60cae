"""`mapping:` from schema data to a compiled document, and the checks that need more than one word at a time."""

from collections.abc import Iterator, Mapping
from typing import Any

from connector.core.documents import saying
from connector.core.documents.conditions import DEFAULT_WITHIN, compile_when
from connector.core.documents.document import NOTHING, Actions, MappingDocument, Test
from connector.core.documents.expressions import Expression
from connector.core.documents.findings import Problem, did_you_mean, listed
from connector.core.documents.rules import AskAgain, Rule, cleared, compile_rule
from connector.core.documents.schema import MappingSchema
from connector.core.documents.tree import Map, place
from connector.core.documents.trials import EXPECT, GIVEN, NEEDED
from connector.core.documents.words import ANSWERS, PERSON, RECORD

Path = tuple[str | int, ...]
Wrong = tuple[Path, Problem]
SCHEMA = MappingSchema
_DOES = ("set", "clear", "log", "attach", "consent", "task", "reply", "start", "handoff", "notify")


def compile_document(data: Mapping[str, Any], tree: Map, text: str) -> MappingDocument:
    """The document of data that the schema and `problems` found right."""
    when, contact = data["when"], data.get("contact", {})
    early, late = compile_when(data["mapping"], when)
    rules = [compile_rule(name, spec) for name, spec in data.get("set", {}).items()] + [
        cleared(n) for n in data.get("clear", ())
    ]
    paths = {path for _, expression in expressions_of(data) for path in expression.paths}
    every = list(_all_rules(rules))
    answer_to = frozenset(when["answer_to"])
    return MappingDocument(
        name=data["mapping"],
        crm=data["crm"],
        text=text,
        about=data.get("about", ""),
        objects=data.get("object", ()),
        find_by=contact.get("find_by", ("whatsapp", "phone")),
        if_missing=contact.get("if_missing", "review"),
        if_several=contact.get("if_several", "review"),
        answer_to=None if "anything" in answer_to else answer_to,
        within=when.get("within", DEFAULT_WITHIN),
        number=when.get("number", ()),
        types=when.get("type", ()),
        reads=frozenset(
            {p[1] for p in paths if p[0] == "contact" and p[1] not in PERSON} | {r.name for r in every if not r.word}
        ),
        record_reads=frozenset({p[1] for p in paths if p[0] in RECORD} | {r.name for r in every if r.word}),
        words=tuple(sorted({p[0] for p in paths if p[0] in RECORD} | {r.word for r in every if r.word})),
        sets=tuple(dict.fromkeys(r.field for r in every)),
        asks=tuple(r.field for r in rules if isinstance(r.otherwise, AskAgain)),
        tests=tuple(tests_of(data, tree)),
        early=early,
        late=late,
        rules=tuple(rules),
        actions=_actions(data),
        tree=tree,
    )


def _all_rules(rules: list[Rule]) -> Iterator[Rule]:
    for rule in rules:
        yield rule
        if isinstance(rule.otherwise, AskAgain):
            yield from rule.otherwise.sets


def _actions(data: Mapping[str, Any]) -> Actions:
    if not any(data.get(word) for word in _DOES[2:]):
        return NOTHING
    task, handoff, notify, reply = data.get("task"), data.get("handoff"), data.get("notify"), data.get("reply")
    if isinstance(task, Expression):
        task = {"title": task}
    if isinstance(handoff, Expression):
        handoff = {"task": handoff}
    if isinstance(notify, str):
        notify = {"webhook": notify}
    return Actions(
        log=data.get("log", "none"),
        consent=tuple(data.get("consent", {}).items()),
        task=(task["title"].run, task.get("for_", "owner"), task["text"].run if "text" in task else None)
        if task
        else None,
        reply=saying.compiled(reply),
        attach=data.get("attach") == "media",
        start=data.get("start"),
        handoff=(handoff["task"].run, handoff.get("for_", "")) if handoff else None,
        notify=(notify["webhook"], tuple((k, e.run) for k, e in notify.get("with_", {}).items())) if notify else None,
    )


def tests_of(data: Mapping[str, Any], tree: Map) -> Iterator[Test]:
    for number, test in enumerate(data.get("tests", ())):
        given = {key: value[0] if len(value) == 1 else list(value) for key, value in test["given"].items()}
        yield Test(test.get("name") or f"test {number + 1}", place(tree, ("tests", number)).line, given, test["expect"])


def expressions_of(value: Any, path: Path = ()) -> Iterator[tuple[Path, Expression]]:
    """Every expression of the data with its path."""
    if isinstance(value, Expression):
        yield path, value
    elif isinstance(value, Mapping):
        for key, child in value.items():
            yield from expressions_of(child, (*path, str(key).rstrip("_")))
    elif isinstance(value, list | tuple):
        for index, child in enumerate(value):
            yield from expressions_of(child, (*path, index))


# ---- checks over several words -------------------------------------------------------------------------------------
def problems(data: Mapping[str, Any]) -> Iterator[Wrong]:
    """What no single word shows; every check only looks at what was read."""
    for check in _CHECKS:
        yield from check(data)


def _does_something(data: Mapping[str, Any]) -> Iterator[Wrong]:
    if not any(data.get(word) for word in _DOES):
        hint = 'Add for example set: {firstname: "{{ answer.text }}"}'
        yield (), Problem("The mapping does nothing.", code="nothing", hint=hint)


def _field_names(data: Mapping[str, Any]) -> Iterator[Wrong]:
    for name in data.get("set", {}):
        yield from field_name(("set", name), name)
        rule = data["set"][name]
        again = rule.get("else_") if isinstance(rule, Mapping) else None
        then = again.get("then") if isinstance(again, Mapping) else None
        for inner, spec in (then.get("set", {}) if isinstance(then, Mapping) else {}).items():
            path = ("set", name, "else", "then", "set", inner)
            yield from field_name(path, inner)
            if isinstance(spec, Mapping) and isinstance(spec.get("else_"), Mapping):
                yield (
                    path,
                    Problem(
                        "Inside `then` nobody is asked again.", code="together", hint="Use else: review or else: skip"
                    ),
                )
    for index, name in enumerate(data.get("clear", ())):
        yield from field_name(("clear", index), name)
        if name in data.get("set", {}):
            yield (
                ("clear", index),
                Problem(f"'{name}' is set and cleared.", code="together", hint="Keep one of the two."),
            )


def field_name(path: Path, name: str) -> Iterator[Wrong]:
    word, dot, rest = name.rpartition(".")
    if not dot:
        return
    if word == "contact":
        yield (
            path,
            Problem(
                "A field of the contact stands without `contact.`.",
                code="field",
                hint=f"Write {rest}",
                old=name,
                new=rest,
            ),
        )
    elif word not in RECORD or not rest:
        meant = did_you_mean(word, RECORD)
        hint = meant or f"Before the dot stands {listed(RECORD[:5])}."
        yield path, Problem(f"'{word}' is not a record this mapping knows.", code="field", hint=hint)


def _answer_words(data: Mapping[str, Any]) -> Iterator[Wrong]:
    """`answer.text` of a button is always empty: almost surely a slip."""
    types = data.get("when", {}).get("type", ())
    known = {name for kind in types for name in (ANSWERS[kind] or ())} | {"type"}
    if not types or any(ANSWERS[kind] is None for kind in types):
        return
    for path, expression in expressions_of(data):
        for found in expression.paths:
            if found[0] == "answer" and found[1] not in known:
                meant = did_you_mean(found[1], known) or f"It has {listed(sorted(known))}."
                if found[1] == "text" and "title" in known:
                    meant = "Did you mean 'title'?"
                new = meant[14:-2] if meant.startswith("Did") else ""
                old = f"answer.{found[1]}"
                message = f"The answer of a {listed(types)} message has no '{found[1]}'."
                yield (
                    path,
                    Problem(
                        message, code="word", hint=meant, old=old if new else "", new=f"answer.{new}" if new else ""
                    ),
                )


def _ids(data: Mapping[str, Any]) -> Iterator[Wrong]:
    when = data.get("when", {})
    if when.get("id") and when.get("type") and not {"button", "list"} & set(when["type"]):
        yield (
            ("when", "id"),
            Problem("Only buttons and list rows have an id.", code="together", hint="Add: type: button"),
        )
    names = when.get("answer_to", ())
    if "anything" in names and len(names) > 1:
        yield (
            ("when", "answer_to"),
            Problem("`anything` stands alone.", code="together", hint="Delete the other names, or `anything`."),
        )


def _reply(data: Mapping[str, Any]) -> Iterator[Wrong]:
    """What WhatsApp would refuse, told before it is published."""
    yield from saying.problems(data.get("reply"))


def _attach(data: Mapping[str, Any]) -> Iterator[Wrong]:
    types = data.get("when", {}).get("type", ())
    if data.get("attach") and types and "media" not in types:
        yield ("attach",), Problem("Only a media message has a file.", code="together", hint="Add: type: media")


def _test_words(data: Mapping[str, Any]) -> Iterator[Wrong]:
    """A misspelt test shows nothing."""
    known = set(data.get("set", {})) | set(data.get("clear", ()))
    for rule in data.get("set", {}).values():
        again = rule.get("else_") if isinstance(rule, Mapping) else None
        then = again.get("then") if isinstance(again, Mapping) else None
        known |= set(then.get("set", {})) if isinstance(then, Mapping) else set()
    for index, test in enumerate(data.get("tests", ())):
        for key in test.get("given", {}):
            if not GIVEN.fullmatch(key):
                meant = did_you_mean(
                    key.partition(".")[0], ("answer", "contact", "message", "referral", "number", *RECORD, *NEEDED)
                )
                yield (
                    ("tests", index, "given", key),
                    Problem(f"A test cannot give '{key}'.", code="test_word", hint=meant or _GIVE),
                )
        for key in test.get("expect", {}):
            if key.removeprefix("field.") not in known and not EXPECT.fullmatch(key):
                meant = did_you_mean(key, known | {"outcome", "reply", "task", "log"})
                yield (
                    ("tests", index, "expect", key),
                    Problem(f"The mapping never sets '{key}'.", code="test_word", hint=meant),
                )


_GIVE = (
    "It can give answer.*, contact.*, message.*, record.* (deal.*, ...), referral.*, number.*, "
    "answer_to, attempt, now, contact, locale."
)
_CHECKS = (_does_something, _field_names, _answer_words, _ids, _reply, _attach, _test_words)
