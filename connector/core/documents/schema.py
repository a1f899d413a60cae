"""The words of `mapping:` and what each takes; the JSON Schema and the reference are generated from here."""

from typing import Any

from marshmallow import validates_schema

from connector.core.documents import fields as f
from connector.core.documents.expressions import Expression
from connector.core.documents.fields import Strict, problem
from connector.core.events import MESSAGE_TYPES

OVERWRITE = ("always", "if_empty", "if_newer", "if_further", "unless_human")
TYPED = ("integer", "number", "date", "yes_no", "email", "phone", "choice")


class WhenSchema(Strict):
    """Which messages."""

    answer_to = f.Many(
        f.Name(),
        required=True,
        metadata={
            "about": "A template, `flow.step` or `mapping.field` that the message answers; `anything` for every message.",
            "example": "webinar_invite_v2",
        },
    )
    type = f.Many(
        f.Word(*MESSAGE_TYPES), metadata={"about": "Kinds of messages; all when left out.", "example": "button"}
    )
    number = f.Many(
        f.Line(), metadata={"about": "Only messages to these numbers of ours: name, id or phone.", "example": "sales"}
    )
    says = f.Many(
        f.Line(),
        metadata={
            "about": "One of these words stands in the message, whatever its case and accents.",
            "example": "[demo, price]",
        },
    )
    matches = f.Pattern(
        metadata={
            "about": "A regular expression (RE2, at most 500 characters) found in the message's text, whatever its case.",
            "example": "'order [0-9]+'",
        }
    )
    within = f.Duration(
        metadata={
            "about": "How long after our message an answer still counts; 24 h when left out.",
            "example": "7 days",
        }
    )
    only_if = f.Many(
        f.Condition(), metadata={"about": "Expressions that must all hold.", "example": "contact.country == 'CO'"}
    )
    id = f.Many(
        f.Line(), metadata={"about": "Only these buttons or list rows, by id.", "example": "[interested, later]"}
    )


class ContactSchema(Strict):
    """Whose record."""

    find_by = f.Many(
        f.Word("whatsapp", "phone"),
        metadata={
            "about": "`whatsapp`: our ids on the record; `phone`: every national spelling. Both when left out.",
            "example": "[whatsapp, phone]",
        },
    )
    if_missing = f.Word(
        "create", "review", "skip", metadata={"about": "Nobody matches; `review` when left out.", "example": "create"}
    )
    if_several = f.Word(
        "review",
        "newest",
        metadata={
            "about": "Several records match; `newest` is the one changed last. `review` when left out.",
            "example": "review",
        },
    )


class ThenSchema(Strict):
    """After the last unanswered ask."""

    set = f.Pairs(
        f.Either(f.Template(), lambda: RuleSchema()),
        metadata={"about": "Fields to set instead.", "example": '{NPS_Comment__c: "{{ answer.text }}"}'},
    )
    outcome = f.Word(
        "review",
        "skip",
        metadata={"about": "What becomes of the field itself; `review` when left out.", "example": "review"},
    )


class OtherwiseSchema(Strict):
    """An answer that was not understood."""

    ask_again = f.Template(
        required=True,
        metadata={
            "about": "Ask again with this text, inside the 24 h window.",
            "example": '"Please answer with a number."',
        },
    )
    times = f.Times(metadata={"about": "How often to ask again, 1 to 10; once when left out.", "example": "2"})
    then = f.Either(
        f.Word("review", "skip"),
        ThenSchema,
        metadata={"about": "After that; `review` when left out.", "example": "review"},
    )


class RuleSchema(Strict):
    """How one field gets its value."""

    from_ = f.Condition(
        data_key="from",
        metadata={"about": "Where the value comes from: an expression without `{{ }}`.", "example": "answer.id"},
    )
    value = f.Template(
        metadata={
            "about": "The value itself, where a guard is needed beside it: a text that may hold `{{ }}`.",
            "example": "OPEN",
        }
    )
    map = f.Pairs(
        f.Template(),
        metadata={
            "about": "The answer on the left, the CRM's value on the right.",
            "example": "{yes: OPEN, no: CLOSED}",
        },
    )
    as_ = f.Word(*TYPED, data_key="as", metadata={"about": "The type the answer is read as.", "example": "integer"})
    min = f.Number(metadata={"about": "The least number that is understood.", "example": "0"})
    max = f.Number(metadata={"about": "The greatest number that is understood.", "example": "10"})
    options = f.Many(
        f.Line(),
        metadata={
            "about": "With `as: choice`: the values to choose from; the CRM's options when left out.",
            "example": "[north, south]",
        },
    )
    time_zone = f.Zone(
        metadata={
            "about": "With `as: date`: whose day it is: `contact`, `account` or a zone such as America/Bogota.",
            "example": "contact",
        }
    )
    else_ = f.Either(
        f.Template(),
        OtherwiseSchema,
        data_key="else",
        metadata={
            "about": "When the answer is not understood: `skip`, `review`, a value, or `ask_again`.",
            "example": "review",
        },
    )
    overwrite = f.Word(
        *OVERWRITE,
        metadata={
            "about": "When a value that stands there may be replaced; `always` when left out.",
            "example": "if_further",
        },
    )
    order = f.Many(
        f.Line(),
        metadata={
            "about": "With `if_further`: the values in their order; the CRM's option order when left out.",
            "example": "[lead, customer]",
        },
    )
    clear = f.YesNo(
        metadata={"about": "`yes`: an empty result empties the field (else it writes nothing).", "example": "yes"}
    )

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
    (lambda d: "from_" not in d and "value" not in d and not d.get("clear"), "The field says neither `from` nor `value`.", "Write for example from: answer.text"),
    (lambda d: ("map" in d or "as_" in d) and "from_" not in d and "value" not in d, "`map` and `as` need `from`.", "Write for example from: answer.id"),
    (lambda d: "map" in d and not d["map"], "The map is empty.", "Write for example map: {yes: OPEN}"),
    (lambda d: _from_answer(d) and "else_" not in d, "It does not say what to do with an answer that is not understood.", "Add a line: else: review   (or skip, a value, or ask_again)"),
    (lambda d: "else_" in d and "map" not in d and "as_" not in d, "`else` is for `map` and `as`; a plain text is always understood.", "Delete the line."),
    (lambda d: ("min" in d or "max" in d) and not _typed(d, "integer", "number"), "`min` and `max` need a number.", "Add: as: integer"),
    (lambda d: "min" in d and "max" in d and d["min"] > d["max"], "`min` is greater than `max`.", "Exchange the two."),
    (lambda d: "options" in d and not _typed(d, "choice"), "`options` needs `as: choice`.", "Add: as: choice"),
    (lambda d: "time_zone" in d and not _typed(d, "date"), "`time_zone` needs `as: date`.", "Add: as: date"),
    (lambda d: "order" in d and d.get("overwrite") != "if_further", "`order` needs `overwrite: if_further`.", "Add: overwrite: if_further"),
)  # fmt: skip


class TaskSchema(Strict):
    """A task for a person."""

    title = f.Template(
        required=True, metadata={"about": "What there is to do.", "example": '"Call {{ contact.name }}"'}
    )
    for_ = f.Line(
        data_key="for",
        metadata={
            "about": "`owner` (of the record) or an e-mail address; the owner when left out.",
            "example": "owner",
        },
    )
    text = f.Template(metadata={"about": "More words for whoever does it.", "example": '"{{ answer.text }}"'})


class HandoffSchema(Strict):
    """A person takes over."""

    task = f.Template(
        required=True, metadata={"about": "What the person is told.", "example": '"Wants to talk: {{ answer.text }}"'}
    )
    for_ = f.Line(data_key="for", metadata={"about": "`owner` or an e-mail address.", "example": "owner"})


class NotifySchema(Strict):
    """A signed call to a webhook of yours."""

    webhook = f.Name(required=True, metadata={"about": "The webhook's name in the settings.", "example": "warehouse"})
    with_ = f.Pairs(
        f.Template(),
        data_key="with",
        metadata={"about": "Values to send along.", "example": '{slot: "{{ answer.id }}"}'},
    )


class TestSchema(Strict):
    """One test."""

    __test__ = False
    name = f.Line(metadata={"about": "What it shows.", "example": "yes becomes SQL"})
    given = f.Pairs(
        f.Many(f.Line()),
        required=True,
        metadata={
            "about": "What is known: `answer.id`, `contact.<field>`, `deal.<field>`, `message.text`, `attempt`, `now`, ...; the rest is made up.",
            "example": "{answer.id: interested}",
        },
    )
    expect = f.Pairs(
        f.Line(),
        required=True,
        metadata={
            "about": "What must come of it; fields not named are not looked at. `unchanged`, `cleared`, `outcome`, `reply`, `task`, ...",
            "example": "{lifecyclestage: unchanged}",
        },
    )


class MappingSchema(Strict):
    """A reply becomes fields."""

    mapping = f.Name(required=True, metadata={"about": "The mapping's own name.", "example": "webinar-interest"})
    about = f.Line(metadata={"about": "What it is for, in a sentence.", "example": "Who tapped which button."})
    crm = f.Name(required=True, metadata={"about": "The name of a CRM account.", "example": "hubspot"})
    object = f.Many(
        f.Name(),
        metadata={
            "about": "The CRM's objects, searched in this order, a newcomer created as the last; the CRM's own contact when left out.",
            "example": "[Contact, Lead]",
        },
    )
    when = f.Part(WhenSchema, required=True, metadata={"about": "Which messages."})
    contact = f.Part(ContactSchema, metadata={"about": "Whose record."})
    set = f.Pairs(
        f.Either(f.Template(), RuleSchema),
        metadata={
            "about": "The fields to set: `field: value`, or the field with a rule. `deal.dealstage` is a field of the record whose event sent the answered message.",
            "example": '{firstname: "{{ answer.text }}"}',
        },
    )
    clear = f.Many(f.Name(), metadata={"about": "Fields to empty.", "example": "[old_answer]"})
    log = f.Word(
        "message",
        "note",
        "none",
        metadata={"about": "One entry on the contact's timeline; `none` when left out.", "example": "message"},
    )
    consent = f.Pairs(
        f.Word("opted_in", "opted_out"), metadata={"about": "Consent by category.", "example": "{marketing: opted_in}"}
    )
    task = f.Either(
        f.Template(),
        TaskSchema,
        metadata={"about": "A task for a person.", "example": '{for: owner, title: "Call {{ contact.name }}"}'},
    )
    reply = f.Template(
        metadata={"about": "A text back to the customer, inside the 24 h window.", "example": '"Thank you!"'}
    )
    start = f.Name(metadata={"about": "A flow to start.", "example": "qualify-lead"})
    handoff = f.Either(
        f.Template(),
        HandoffSchema,
        metadata={"about": "A person takes over; automation is held for this contact.", "example": '"Wants to talk"'},
    )
    notify = f.Either(
        f.Name(), NotifySchema, metadata={"about": "A webhook of yours, signed and retried.", "example": "warehouse"}
    )
    tests = f.Part(TestSchema, many=True, metadata={"about": "Tests, run before publishing."})
