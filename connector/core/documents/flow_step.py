"""One step of a `flow:`, compiled."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connector.core.documents.coerce import TYPES, Kind
from connector.core.documents.comparing import fold, shown, truthy
from connector.core.documents.expressions import Expression
from connector.core.documents.flow_document import Answer, FlowStep, NoAnswer, Route
from connector.core.documents.flow_messages import bodies_of, labels, opener_of, speech
from connector.core.documents.overwrite import gate_of
from connector.core.documents.rules import Read, Rule, cleared, compile_rule, settle
from connector.core.documents.words import Run, Scope
from connector.core.message.words import row

INLINE = "no_answer"  # <step>.no_answer: the step that stands under `then:`


def inline_steps(data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The steps that have no name of their own: what `no_answer` does."""
    for name, spec in (("always", data.get("always", {})), *data["steps"].items()):
        silent = spec.get("no_answer")
        if silent is not None and not isinstance(silent["then"], str):
            yield f"{name}.{INLINE}", silent["then"]


def compile_step(name: str, spec: Mapping[str, Any], silent: Mapping[str, Any] | None) -> FlowStep:
    """The step of checked data; `silent` is the flow's own `no_answer`."""
    kind, bodies = bodies_of(spec)
    own = spec.get("no_answer")
    task, handoff, notify = spec.get("task"), spec.get("handoff"), spec.get("notify")
    if isinstance(task, Expression):
        task = {"title": task}
    if isinstance(handoff, Expression):
        handoff = {"task": handoff}
    if isinstance(notify, str):
        notify = {"webhook": notify}
    rules, keeps = _saved(spec)
    return FlowStep(
        name=name,
        type="template" if "template" in spec else kind,
        bodies=bodies,
        opener=opener_of(spec.get("template")),
        reopen=opener_of(spec.get("reopen")),
        answer=_answer(spec),
        ask_again=speech(spec["ask_again"]) if "ask_again" in spec else None,
        no_answer=_no_answer(own, name) if own is not None else _no_answer(silent, "always") if silent else None,
        wait=spec.get("wait"),
        rules=(
            *rules,
            *(compile_rule(field, rule) for field, rule in spec.get("set", {}).items()),
            *(cleared(field) for field in spec.get("clear", ())),
        ),
        keeps=keeps,
        log=spec.get("log", "none"),
        consent=tuple(spec.get("consent", {}).items()),
        task=(task["title"].run, task.get("for_", "owner"), task["text"].run if "text" in task else None)
        if task
        else None,
        notify=(notify["webhook"], tuple((k, e.run) for k, e in notify.get("with_", {}).items())) if notify else None,
        handoff=(handoff["task"].run, handoff.get("for_", "")) if handoff else None,
        route=route_of(spec),
        end=spec.get("end", ""),
        start=spec.get("start", ""),
    )


def _no_answer(spec: Mapping[str, Any], owner: str) -> NoAnswer:
    again, then = spec.get("ask_again", False), spec["then"]
    text = speech(again["say"]) if isinstance(again, Mapping) else None
    return NoAnswer(spec["after"], bool(again), text, then if isinstance(then, str) else f"{owner}.{INLINE}")


# ---- the answer ----------------------------------------------------------------------------------------------------
def wants_of(spec: Mapping[str, Any]) -> str:
    """What the step takes as its answer; "" = it asks nothing."""
    template = spec.get("template")
    if isinstance(template, Mapping) and template.get("buttons"):
        return "choice"
    if "ask" not in spec:
        return ""
    for word, wants in (("buttons", "choice"), ("list", "choice"), ("form", "form"), ("contact", "contact")):
        if word in spec:
            return wants
    if spec.get("location") == "ask":
        return "location"
    kind = spec.get("as_", "text")
    return kind if kind in ("media", "anything") else "text"


def _answer(spec: Mapping[str, Any]) -> Answer | None:
    wants = wants_of(spec)
    if not wants:
        return None
    as_ = "phone" if wants == "contact" else spec.get("as_", "")
    saved = spec.get("save", "")
    name = saved if isinstance(saved, str) else saved["field"]
    ids = ids_of(spec)
    titles = {id_: next(iter(texts.values())).text for id_, texts in labels(spec)}
    return Answer(
        wants=wants,
        ids=ids,
        labels=_labels(spec, ids),
        titles={id_: row(text)[0] if "list" in spec else text for id_, text in titles.items()},
        coerce=TYPES.get(as_),
        kind=Kind(spec.get("min"), spec.get("max"), spec.get("options", ()), spec.get("time_zone"))
        if as_ in TYPES
        else None,
        as_=as_ if as_ in TYPES else "",
        name=name,
    )


def ids_of(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """The ids of buttons and rows, or of a template's quick replies."""
    template = spec.get("template")
    if isinstance(template, Mapping):
        return tuple(template.get("buttons", ()))
    return tuple(id_ for id_, _ in labels(spec))


def _labels(spec: Mapping[str, Any], ids: tuple[str, ...]) -> dict[str, str]:
    """What a person may type instead of tapping: the id, or the label in any language; the first wins."""
    found = {fold(id_): id_ for id_ in reversed(ids)}
    for id_, texts in labels(spec):
        for expression in texts.values():
            if expression.constant:
                title = row(expression.text)[0] if "list" in spec else expression.text
                found.setdefault(fold(title), id_)
    return found


# ---- what is kept --------------------------------------------------------------------------------------------------
def _saved(spec: Mapping[str, Any]) -> tuple[tuple[Rule, ...], tuple[tuple[str, Run], ...]]:
    saved = spec.get("save")
    rules: tuple[Rule, ...] = ()
    names = [spec["remember"]] if "remember" in spec else []
    if saved is not None:
        saved = {"field": saved} if isinstance(saved, str) else saved
        name = saved["field"]
        gate = gate_of(saved.get("overwrite", "always"), name, ())
        rules = (Rule(name, "", name, ("", name), _take(saved.get("map", {})), "review", gate, False),)
        names.append(name)
    return rules, tuple((name, _value) for name in names)


def _value(scope: Scope) -> Any:
    return scope.value  # type: ignore[attr-defined]


def _take(table: Mapping[str, str]) -> Callable[[Scope], Read]:
    def take(scope: Scope) -> Read:
        value = _value(scope)
        value = table.get(shown(value), value)
        return True, settle(value), settle(_value(scope)), "the answer"

    return take


# ---- go ------------------------------------------------------------------------------------------------------------
def route_of(spec: Mapping[str, Any]) -> Route | None:
    """`go:` compiled."""
    go = spec.get("go")
    if go is None:
        return None
    if isinstance(go, str):
        return Route("", (("", go),), lambda _: (go, ""))
    if isinstance(go, Mapping):
        return Route("answer", tuple(go.items()), _by_answer(go))
    ways = tuple(("else" if condition is None else condition.text, to) for condition, to in go)
    return Route("if", ways, _by_condition(go))


_YES = {"true": "yes", "false": "no"}


def _by_answer(go: Mapping[str, str]) -> Callable[[Any], tuple[str, str]]:
    folded = {fold(key): to for key, to in go.items() if key != "else"}
    rest = go.get("else", "")

    def pick(scope: Any) -> tuple[str, str]:
        said = shown(scope.value)
        found = go.get(said) if said != "else" else None
        if found is None:
            found = folded.get(fold(said)) or folded.get(_YES.get(said, ""))
        if found is not None:
            return found, f'the answer is "{said[:60]}"'
        return rest, f'the answer "{said[:60]}" has no way of its own'

    return pick


def _by_condition(go: Any) -> Callable[[Any], tuple[str, str]]:
    ways = tuple((c.run if c is not None else None, c.text if c is not None else "", to) for c, to in go)

    def pick(scope: Any) -> tuple[str, str]:
        for run, text, to in ways:
            if run is None:
                return to, "nothing before `else` holds" if len(ways) > 1 else ""
            if truthy(run(scope)):
                return to, f"{text} holds"
        return "", "no condition holds"

    return pick
