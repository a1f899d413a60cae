"""The words of a field's rule, and what they take together."""

from typing import Any

from marshmallow import validates_schema

from connector.core.documents import fields as f
from connector.core.documents.expressions import Expression
from connector.core.documents.fields import problem
from connector.core.documents.strict import Strict, told

OVERWRITE = ("always", "if_empty", "if_newer", "if_further", "unless_human")
TYPED = ("integer", "number", "date", "yes_no", "email", "phone", "choice")


class ThenSchema(Strict):
    """After the last unanswered ask."""

    set = f.Pairs(
        f.Either(f.Template(), lambda: RuleSchema()),
        metadata=told("Fields to set instead.", '{NPS_Comment__c: "{{ answer.text }}"}'),
    )
    outcome = f.Word(
        "review",
        "skip",
        metadata=told("What becomes of the field itself; `review` when left out.", "review"),
    )


class OtherwiseSchema(Strict):
    """An answer that was not understood."""

    ask_again = f.Template(
        required=True,
        metadata=told("Ask again with this text, inside the 24 h window.", '"Please answer with a number."'),
    )
    times = f.Times(metadata=told("How often to ask again, 1 to 10; once when left out.", "2"))
    then = f.Either(
        f.Word("review", "skip"),
        ThenSchema,
        metadata=told("After that; `review` when left out.", "review"),
    )


class RuleSchema(Strict):
    """How one field gets its value."""

    from_ = f.Condition(
        data_key="from",
        metadata=told("Where the value comes from: an expression without `{{ }}`.", "answer.id"),
    )
    value = f.Template(
        metadata=told("The value itself, where a guard is needed beside it: a text that may hold `{{ }}`.", "OPEN")
    )
    map = f.Pairs(
        f.Template(),
        metadata=told("The answer on the left, the CRM's value on the right.", "{yes: OPEN, no: CLOSED}"),
    )
    as_ = f.Word(*TYPED, data_key="as", metadata=told("The type the answer is read as.", "integer"))
    min = f.Number(metadata=told("The least number that is understood.", "0"))
    max = f.Number(metadata=told("The greatest number that is understood.", "10"))
    options = f.Many(
        f.Line(),
        metadata=told(
            "With `as: choice`: the values to choose from; the CRM's options when left out.", "[north, south]"
        ),
    )
    time_zone = f.Zone(
        metadata=told(
            "With `as: date`: whose day it is: `contact`, `account` or a zone such as America/Bogota.", "contact"
        )
    )
    else_ = f.Either(
        f.Template(),
        OtherwiseSchema,
        data_key="else",
        metadata=told("When the answer is not understood: `skip`, `review`, a value, or `ask_again`.", "review"),
    )
    overwrite = f.Word(
        *OVERWRITE,
        metadata=told("When a value that stands there may be replaced; `always` when left out.", "if_further"),
    )
    order = f.Many(
        f.Line(),
        metadata=told(
            "With `if_further`: the values in their order; the CRM's option order when left out.", "[lead, customer]"
        ),
    )
    clear = f.YesNo(metadata=told("`yes`: an empty result empties the field (else it writes nothing).", "yes"))

    @validates_schema(skip_on_field_errors=True)
    def _together(self, data: dict[str, Any], **_: Any) -> None:
        for wrong, message, hint in _CLASHES:
            if wrong(data):
                raise problem(message, "together", hint)


def _typed(data: dict[str, Any], *types: str) -> bool:
    return data.get("as_") in types


def _from_answer(data: dict[str, Any]) -> bool:
    source: Expression | None = data.get("from_") or data.get("value")
    return bool(source and source.reads("answer")) and ("map" in data or "as_" in data)


_CLASHES = (
    (lambda d: "from_" in d and "value" in d, "`from` and `value` cannot stand together.", "Keep one of the two."),
    (
        lambda d: "from_" not in d and "value" not in d and not d.get("clear"),
        "The field says neither `from` nor `value`.",
        "Write for example from: answer.text",
    ),
    (
        lambda d: ("map" in d or "as_" in d) and "from_" not in d and "value" not in d,
        "`map` and `as` need `from`.",
        "Write for example from: answer.id",
    ),
    (lambda d: "map" in d and not d["map"], "The map is empty.", "Write for example map: {yes: OPEN}"),
    (
        lambda d: _from_answer(d) and "else_" not in d,
        "It does not say what to do with an answer that is not understood.",
        "Add a line: else: review   (or skip, a value, or ask_again)",
    ),
    (
        lambda d: "else_" in d and "map" not in d and "as_" not in d,
        "`else` is for `map` and `as`; a plain text is always understood.",
        "Delete the line.",
    ),
    (
        lambda d: ("min" in d or "max" in d) and not _typed(d, "integer", "number"),
        "`min` and `max` need a number.",
        "Add: as: integer",
    ),
    (lambda d: "min" in d and "max" in d and d["min"] > d["max"], "`min` is greater than `max`.", "Exchange the two."),
    (lambda d: "options" in d and not _typed(d, "choice"), "`options` needs `as: choice`.", "Add: as: choice"),
    (lambda d: "time_zone" in d and not _typed(d, "date"), "`time_zone` needs `as: date`.", "Add: as: date"),
    (
        lambda d: "order" in d and d.get("overwrite") != "if_further",
        "`order` needs `overwrite: if_further`.",
        "Add: overwrite: if_further",
    ),
)
