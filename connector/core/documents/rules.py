"""One field of `set:`, compiled: where its value comes from, how it is read, what happens when it is not understood."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.core.contact import Value
from connector.core.documents.coerce import TYPES, Coerce, Kind
from connector.core.documents.comparing import empty, fold, shown
from connector.core.documents.expressions import Expression
from connector.core.documents.overwrite import Gate, gate_of
from connector.core.documents.words import Run, Scope

Read = tuple[bool, Value, Any, str]  # understood, the value, what it came from, why
Take = Callable[[Scope], Read]
NOTHING = "nothing to write"


@dataclass(frozen=True, slots=True)
class AskAgain:
    """`else: {ask_again: ...}`, a one-step flow."""

    text: Run
    times: int
    then: str  # review | skip
    sets: tuple["Rule", ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """`word` and `name` split a dotted key: deal, dealstage; `word` is empty for the contact's own field."""

    field: str
    word: str
    name: str
    key: tuple[str, str]  # (word, name)
    take: Take
    otherwise: str | Run | AskAgain  # skip, review, a value, ask_again
    gate: Gate | None
    clear: bool
    choices: tuple[str, ...] = ()


def settle(value: Any) -> Value:
    """The value as a CRM field takes it."""
    return value if isinstance(value, str | int | float) or value is None else shown(value)


# ---- takes -------------------------------------------------------------------------------------------------------
def _clear(_: Scope) -> Read:
    return True, None, None, "the document empties it"


def _constant(text: str) -> Take:
    read: Read = (True, text, None, "the document says so")
    return lambda _: read


def _template(expression: Expression) -> Take:
    run = expression.run
    because = f"taken from {' and '.join(sorted({'.'.join(path) for path in expression.paths})) or 'the document'}"

    def take(scope: Scope) -> Read:
        value = run(scope)
        if type(value) is str and value and not value.isspace():
            return True, value, value, because
        return (True, None, value, NOTHING) if empty(value) else (True, settle(value), settle(value), because)

    return take


def _unanswered(scope: Scope, raw: Any) -> Read:
    """A form may leave a field blank; any other message without the answer we wait for was not understood."""
    return (
        (True, None, raw, NOTHING)
        if scope.event.type == "form"
        else (False, None, raw, "the message holds no such answer")
    )


def _mapped(run: Run, table: Mapping[str, Expression], answer: bool) -> Take:
    exact = {key: (e.text if e.constant else e.run) for key, e in table.items()}
    folded = {fold(key): value for key, value in exact.items()}

    def one(scope: Scope, raw: Any) -> Any:
        key = shown(raw)
        found = exact.get(key)
        if found is None:
            found = folded.get(fold(key))
        return found(scope) if callable(found) else found

    def take(scope: Scope) -> Read:
        raw = run(scope)
        if empty(raw):
            return _unanswered(scope, raw) if answer else (True, None, raw, NOTHING)
        values = [one(scope, item) for item in raw] if isinstance(raw, list | tuple) else [one(scope, raw)]
        if None in values:
            return False, None, settle(raw), f'"{shown(raw)[:60]}" is not in the map'
        value = values[0] if len(values) == 1 else ";".join(dict.fromkeys(map(shown, values)))
        return (
            (True, settle(value), settle(raw), f'the map gives it for "{shown(raw)[:60]}"')
            if not empty(value)
            else (True, None, settle(raw), NOTHING)
        )

    return take


def _typed(run: Run, coerce: Coerce, kind: Kind, name: str, answer: bool) -> Take:
    def take(scope: Scope) -> Read:
        raw = run(scope)
        if empty(raw):
            return _unanswered(scope, raw) if answer else (True, None, raw, NOTHING)
        value, why = coerce(scope, raw, kind, name)
        return (
            (False, None, settle(raw), why)
            if value is None
            else (True, value, settle(raw), f'read from "{shown(raw)[:60]}"')
        )

    return take


# ---- from the schema's data ----------------------------------------------------------------------------------------
def compile_rule(field: str, spec: Expression | Mapping[str, Any]) -> Rule:
    """One entry of `set:`; the schema has checked it."""
    if isinstance(spec, Expression):
        return _rule(field, _plain(spec))
    word, _, name = field.rpartition(".")
    choices = tuple(spec.get("options", ()))
    if "map" in spec:
        choices = tuple(dict.fromkeys(e.text for e in spec["map"].values() if e.constant))
    gate = gate_of(spec.get("overwrite", "always"), name, spec.get("order", ()))
    return Rule(
        field, word, name, (word, name), _take(name, spec), _otherwise(spec.get("else_", "review")), gate,
        bool(spec.get("clear")), choices,
    )  # fmt: skip


def cleared(field: str) -> Rule:
    """One entry of `clear:`."""
    return _rule(field, _clear, clear=True)


def _rule(field: str, take: Take, *, clear: bool = False) -> Rule:
    word, _, name = field.rpartition(".")
    return Rule(field, word, name, (word, name), take, "review", None, clear)


def _plain(expression: Expression) -> Take:
    if not expression.constant:
        return _template(expression)
    return (lambda _: (True, None, None, NOTHING)) if empty(expression.text) else _constant(expression.text)


def _take(name: str, spec: Mapping[str, Any]) -> Take:
    source: Expression | None = spec.get("from_") or spec.get("value")
    if source is None:
        return _clear
    answer = source.reads("answer")
    run = source.run
    if "as_" in spec:
        kind = Kind(spec.get("min"), spec.get("max"), spec.get("options", ()), spec.get("time_zone"))
        if "map" not in spec:
            return _typed(run, TYPES[spec["as_"]], kind, name, answer)
        run = _coerced(run, TYPES[spec["as_"]], kind, name)
    if "map" in spec:
        return _mapped(run, spec["map"], answer)
    return _plain(source) if "value" in spec else _template(source)


def _coerced(run: Run, coerce: Coerce, kind: Kind, name: str) -> Run:
    """For `as` and `map` together: the map sees the typed value, or the raw one when it could not be read."""

    def typed(scope: Scope) -> Any:
        raw = run(scope)
        value = coerce(scope, raw, kind, name)[0] if not empty(raw) else None
        return raw if value is None else value

    return typed


def _otherwise(spec: Any) -> str | Run | AskAgain:
    if isinstance(spec, str):
        return spec
    if isinstance(spec, Expression):
        return spec.text if spec.constant and spec.text in ("skip", "review") else spec.run
    then = spec.get("then", "review")
    sets: Sequence[Rule] = ()
    if not isinstance(then, str):
        sets = [compile_rule(field, rule) for field, rule in then.get("set", {}).items()]
        then = then.get("outcome", "review")
    return AskAgain(spec["ask_again"].run, spec.get("times", 1), then, tuple(sets))
