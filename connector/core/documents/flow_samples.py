"""What a customer may do at a step, once of each kind that can matter: what the simulator says."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connector.core.documents.comparing import shown
from connector.core.documents.flow_document import Answer, FlowDocument, FlowStep, Said
from connector.core.documents.numbers import plain_number

MOST = 12  # samples of one question
_TEXTS = {
    "integer": ("1", "7"), "number": ("1", "100"), "date": ("2026-12-01",), "yes_no": ("yes", "no"),
    "email": ("ana@example.com",), "phone": ("+573001112222",), "choice": (),
}  # fmt: skip
_COMPARED = re.compile(
    r"\b(flow|contact|answer)\.(\w+)(?:\s*\|\s*\w+(?:\([^)]*\))?)*\s*(==|!=|<=|>=|<|>|not in|in)\s*"
    r"('[^']*'|\"[^\"]*\"|-?\d+(?:\.\d+)?|\[[^\]]*\])"
)
_LITERAL = re.compile(r"'([^']*)'|\"([^\"]*)\"|(-?\d+(?:\.\d+)?)")
Constants = Mapping[tuple[str, str], tuple[str, ...]]  # (flow | contact | answer, name) -> values worth trying


def constants(document: FlowDocument) -> Constants:
    """The values that some condition compares with, and their neighbours where they are numbers."""
    found: dict[tuple[str, str], list[str]] = {}
    for step in document.steps.values():
        for text, _ in step.route.ways if step.route is not None and step.route.by == "if" else ():
            for root, name, _, literal in _COMPARED.findall(text):
                values = found.setdefault((root, name), [])
                for parts in _LITERAL.findall(literal):
                    values += _near(next((part for part in parts if part), ""))
    return {key: tuple(dict.fromkeys(values)) for key, values in found.items()}


def _near(value: str) -> Iterator[str]:
    number = plain_number(value)
    if number is None:
        yield value
    else:
        yield from (shown(number), shown(number - 1), shown(number + 1))


def answers(step: FlowStep, options: Mapping[str, Any], known: Constants) -> Sequence[Said]:
    """Every button and row; of typed answers some that the conditions tell apart."""
    answer = step.answer
    if answer is None:
        return ()
    if answer.wants == "choice":
        return [{"tap": id_} for id_ in answer.ids]
    if answer.wants == "form":
        return _forms(known)
    if answer.wants in ("media", "location"):
        return [{answer.wants: "image" if answer.wants == "media" else ""}]
    if answer.wants == "contact":
        return [{"contact": ""}]
    compared = [v for name, _ in step.keeps for v in known.get(("flow", name), ())]
    routed = _by_answer(step)
    texts = [*routed, *compared, *_typed(answer, options)]
    return [{"text": text} for text in dict.fromkeys(texts) if text.strip()][:MOST]


def _by_answer(step: FlowStep) -> list[str]:
    """The answers that `go:` names."""
    route = step.route
    return [label for label, _ in route.ways if label != "else"] if route is not None and route.by == "answer" else []


def _typed(answer: Answer, options: Mapping[str, Any]) -> list[str]:
    kind = answer.kind
    limits = [shown(v) for v in (kind.minimum, kind.maximum) if v is not None] if kind is not None else []
    if answer.as_ == "choice":
        own = kind.options if kind is not None else ()
        return [str(o) for o in own or options.get(answer.name, {}).get("options", ())]
    return [*limits, *_TEXTS.get(answer.as_, ("some words",))]


def _forms(known: Constants) -> list[Said]:
    """A form filled in, once for each value that a condition asks for."""
    fields = {name: values for (root, name), values in known.items() if root == "answer"}
    filled: list[Said] = [{"form": {name: value}} for name, values in fields.items() for value in values]
    return [*filled[: MOST - 1], {"form": {}}]


def contacts(known: Constants) -> list[tuple[str, str]]:
    """(field, value) of customers whom some condition tells apart."""
    return [(name, value) for (root, name), values in known.items() if root == "contact" for value in values][:MOST]
