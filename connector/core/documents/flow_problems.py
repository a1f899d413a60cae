"""What is wrong with a `flow:` that no single word shows: names that lead nowhere, answers without a way."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from connector.core.documents.comparing import fold
from connector.core.documents.expressions import Expression
from connector.core.documents.findings import Problem, did_you_mean, listed
from connector.core.documents.flow_messages import labels
from connector.core.documents.flow_step import ids_of, wants_of
from connector.core.documents.mapping import Path, Wrong, expressions_of, field_name
from connector.core.documents.words import RECORD

EXPECT = re.compile(
    r"end|step|reply|said|task|handoff|start|notify|log|template|because|review|consent\.[a-z_]+|flow\.[A-Za-z_]\w*|field\..+"
)
NEEDED = ("now", "locale", "country", "contact", "window")
GIVEN = re.compile(rf"(?:contact|number|referral|{'|'.join(RECORD)})\..+|{'|'.join(NEEDED)}")


def problems(data: Mapping[str, Any]) -> Iterator[Wrong]:
    """What no single word shows; every check only looks at what was read."""
    if not data["steps"]:
        yield (
            ("steps",),
            Problem("There are no steps.", code="missing", hint="Write for example hello: {say: Hi!, end: done}"),
        )
        return
    for check in _CHECKS:
        yield from check(data)


def specs(data: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Every step with its path, those under `then:` too."""
    for name, spec in data["steps"].items():
        yield ("steps", name), spec
        yield from _inside(("steps", name), spec)
    yield from _inside(("always",), data.get("always", {}))


def _inside(path: Path, spec: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    silent = spec.get("no_answer")
    if silent is not None and not isinstance(silent["then"], str):
        yield (*path, "no_answer", "then"), silent["then"]


def _names(data: Mapping[str, Any]) -> Iterator[Wrong]:
    for name in data["steps"]:
        if "." in name or not name.strip() or name == "always":
            message = f"'{name[:60]}' cannot be the name of a step."
            yield ("steps", name), Problem(message, code="name", hint="Letters, digits, - and _ only; not `always`.")
        elif "no_answer" in data["steps"][name] and wants_of(data["steps"][name]) == "":
            message = "Only a question waits for an answer."
            yield ("steps", name, "no_answer"), Problem(message, code="together", hint="Delete the line.")


def _targets(data: Mapping[str, Any]) -> Iterator[Wrong]:
    """Steps that are named but not there."""
    known = data["steps"]
    for path, name in _named(data):
        if name not in known:
            meant = did_you_mean(name, known)
            hint = meant or f"The steps are {', '.join(list(known)[:20])}."
            new = meant[14:-2]
            said = Problem(
                f"There is no step '{name}'.", code="unknown_step", hint=hint, old=name if new else "", new=new
            )
            yield path, said


def _named(data: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    for path, spec in specs(data):
        go = spec.get("go")
        if isinstance(go, str):
            yield (*path, "go"), go
        elif isinstance(go, Mapping):
            yield from (((*path, "go", key), to) for key, to in go.items())
        elif go is not None:
            yield from (((*path, "go", n, "to" if c is not None else "else"), to) for n, (c, to) in enumerate(go))
    always = data.get("always", {})
    for path, part in (("always",), always), *((("steps", n), s) for n, s in data["steps"].items()):
        if isinstance(part.get("no_answer", {}).get("then"), str):
            yield (*path, "no_answer", "then"), part["no_answer"]["then"]
    if "go" in always.get("not_understood", {}):
        yield ("always", "not_understood", "go"), always["not_understood"]["go"]
    yield from ((("always", "words", word), to) for word, to in always.get("words", {}).items())


# ---- ways ----------------------------------------------------------------------------------------------------------
def _ways(data: Mapping[str, Any]) -> Iterator[Wrong]:
    for path, spec in specs(data):
        go = spec.get("go")
        if isinstance(go, Mapping):
            yield from _answers(path, spec, go)
        elif isinstance(go, tuple):
            yield from _conditions(path, go)


def _answers(path: Path, spec: Mapping[str, Any], go: Mapping[str, str]) -> Iterator[Wrong]:
    """`{answer: step}`: every answer has a way, and every way an answer."""
    wants, typed = wants_of(spec), spec.get("as_", "")
    if not wants:
        hint = "Write go: name-of-a-step, or ask a question."
        yield (*path, "go"), Problem("The step asks nothing, so no answer can decide.", code="go", hint=hint)
        return
    known = ids_of(spec) if wants == "choice" else ("yes", "no") if typed == "yes_no" else spec.get("options", ())
    folded = {fold(id_) for id_ in known}
    for key in go if known else ():
        if key != "else" and fold(key) not in folded:
            meant = did_you_mean(key, known)
            said = f"'{key[:60]}' is none of the answers here."
            yield (*path, "go", key), Problem(said, code="go", hint=meant or f"They are {listed(known)}.")
    if "else" in go:
        return
    ways = {fold(key) for key in go}
    missing = [id_ for id_ in known if fold(id_) not in ways]
    if missing:
        said = f"The answer {listed(f'`{m}`' for m in missing)} leads nowhere."
        hint = f"Add {missing[0]}: name-of-a-step, or else: name-of-a-step"
        yield (*path, "go"), Problem(said, code="dead_end", hint=hint)
    elif not known:
        said = "Any other answer leads nowhere."
        yield (*path, "go"), Problem(said, code="dead_end", hint="Add else: name-of-a-step")


def _conditions(path: Path, go: tuple[tuple[Expression | None, str], ...]) -> Iterator[Wrong]:
    places = [n for n, (condition, _) in enumerate(go) if condition is None]
    if not places:
        said = "It does not say where to go when no condition holds."
        yield (*path, "go"), Problem(said, code="dead_end", hint="Add as the last: - {else: name-of-a-step}")
    elif places[0] != len(go) - 1:
        said = "What stands behind `else` is never looked at."
        yield (*path, "go", places[0]), Problem(said, code="go", hint="Put `else` last.")


# ---- buttons and names ---------------------------------------------------------------------------------------------
def _doubled(data: Mapping[str, Any]) -> Iterator[Wrong]:
    """One id in two sections; two buttons with one label."""
    for path, spec in specs(data):
        seen: set[str] = set()
        for section, rows in spec.get("list", {}).items():
            for id_ in rows:
                if id_ in seen:
                    said = f"The id '{id_}' stands in two sections."
                    yield (
                        (*path, "list", section, id_) if section else (*path, "list", id_),
                        Problem(said, code="doubled"),
                    )
                seen.add(id_)
        titles: dict[tuple[str, str], str] = {}
        for id_, texts in labels(spec):
            for language, text in texts.items():
                key = (language, fold(text.text))
                if text.constant and key in titles and "buttons" in spec:
                    said = f"Two buttons are called '{text.text}'; WhatsApp takes each label once."
                    yield (*path, "buttons", id_), Problem(said, code="doubled", hint="Give one of them another label.")
                titles.setdefault(key, id_)


def saved_names(data: Mapping[str, Any]) -> list[str]:
    """Every flow.<name> that some step keeps."""
    found = []
    for _, spec in specs(data):
        saved = spec.get("save")
        found += [spec["remember"]] if "remember" in spec else []
        found += [saved if isinstance(saved, str) else saved["field"]] if saved else []
    return found


def _unsaved(data: Mapping[str, Any]) -> Iterator[Wrong]:
    """`flow.x` that nothing ever keeps."""
    known = saved_names(data)
    for path, expression in expressions_of(data):
        for found in sorted(expression.paths):
            if found[0] == "flow" and found[1] not in known:
                meant = did_you_mean(found[1], known)
                hint = meant or (
                    f"It keeps {listed(dict.fromkeys(known))}." if known else "Add to a question: remember: a-name"
                )
                new = f"flow.{meant[14:-2]}" if meant else ""
                said = f"No step keeps 'flow.{found[1]}'."
                yield path, Problem(said, code="unsaved", hint=hint, old=f"flow.{found[1]}" if new else "", new=new)


def _field_names(data: Mapping[str, Any]) -> Iterator[Wrong]:
    for path, spec in specs(data):
        for name in spec.get("set", {}):
            yield from field_name((*path, "set", name), name)
        for index, name in enumerate(spec.get("clear", ())):
            yield from field_name((*path, "clear", index), name)


def _test_words(data: Mapping[str, Any]) -> Iterator[Wrong]:
    """A misspelt test shows nothing."""
    fields = {name for _, spec in specs(data) for name in (*spec.get("set", {}), *spec.get("clear", ()))}
    fields |= set(saved_names(data))
    for index, test in enumerate(data.get("tests", ())):
        for key in test.get("given", {}):
            if not GIVEN.fullmatch(key):
                meant = did_you_mean(key.partition(".")[0], ("contact", "number", "referral", *RECORD, *NEEDED))
                said = f"A test cannot give '{key}'."
                hint = (
                    meant
                    or "It can give contact.*, number.*, referral.*, record.*, now, locale, country, contact, window."
                )
                yield ("tests", index, "given", key), Problem(said, code="test_word", hint=hint)
        for key in test.get("expect", {}):
            if key not in fields and not EXPECT.fullmatch(key):
                meant = did_you_mean(key, fields | {"end", "reply", "said", "step", "task"})
                said = f"The flow never sets '{key}'."
                yield ("tests", index, "expect", key), Problem(said, code="test_word", hint=meant)


_CHECKS = (_names, _targets, _ways, _doubled, _unsaved, _field_names, _test_words)
