"""The words of one step of a `flow:`."""

from typing import Any

from marshmallow import validates_schema

from connector.core.documents import fields as f
from connector.core.documents import flow_fields as w
from connector.core.documents.fields import problem
from connector.core.documents.flow_schema_clash import CLASHES
from connector.core.documents.flow_schema_parts import (
    FlowHandoffSchema,
    FlowNotifySchema,
    FlowRuleSchema,
    FlowTaskSchema,
    FormSchema,
    LinkSchema,
    MediaSchema,
    OpenerSchema,
    PlaceSchema,
    SavedSchema,
)  # fmt: skip
from connector.core.documents.schema_rule import TYPED
from connector.core.documents.strict import Strict, told

TAKES = ("text", *TYPED, "media", "anything")


class NoAnswerSchema(Strict):
    """The customer does not answer a question."""

    after = f.Duration(required=True, metadata=told("How long after the question.", "2 hours"))
    ask_again = f.Either(
        f.YesNo(),
        lambda: AgainSchema(),
        metadata=told("`yes`: the same question once more; or words of its own.", "yes"),
    )
    then = f.Either(
        f.Name(),
        lambda: FlowStepSchema(),
        required=True,
        metadata=told("After that (and as long again): a step, or what to do.", "{end: silent}"),
    )


class AgainSchema(Strict):
    """The words of a reminder."""

    say = w.Spoken(required=True, metadata=told("What is said, with the question's buttons.", '"Still there?"'))


class FlowStepSchema(Strict):
    """One step. A step that waits for an answer does its `set`, `task`, ... once the answer is understood."""

    say = w.Spoken(metadata=told("A text; nothing is waited for.", '"Thank you!"'))
    ask = w.Spoken(metadata=told("A question; the answer is waited for.", "How many people work there?"))
    header = w.Spoken(metadata=told("A line above buttons, a list, a link or a form, at most 60 characters.", "Visit"))
    footer = w.Spoken(metadata=told("A line below them, at most 60 characters.", "You can also write"))
    buttons = w.Choices(
        metadata=told(
            "At most 3, `id: label`, 20 characters each; a typed id or label counts as a tap.", "{yes: Yes, no: No}"
        )
    )
    list = w.Rows(
        metadata=told(
            "At most 10 rows, `{Section: {id: Title | description}}`; 24 and 72 characters.",
            "{Times: {am: Morning | 8 to 12, pm: Afternoon}}",
        )
    )
    button = w.Spoken(metadata=told("What opens the list, at most 20 characters; `Choose` when left out.", "See times"))
    media = f.Part(MediaSchema, metadata=told("A file, before the text where there is one."))
    link = f.Part(LinkSchema, metadata=told("A button under `say:` that opens a page."))
    location = f.Either(
        f.Word("ask"), PlaceSchema, metadata=told("`ask`: the customer's place; or a place that is sent.", "ask")
    )
    contact = f.Word("ask", metadata=told("`ask`: the customer's phone number, with WhatsApp's own button.", "ask"))
    form = f.Either(f.Line(), FormSchema, metadata=told("A WhatsApp Flow by its id.", '"1234567890"'))
    template = f.Either(
        f.Name(),
        OpenerSchema,
        metadata=told("A template; its answer is waited for where it has `buttons`.", "order_update"),
    )
    as_ = f.Word(
        *TAKES, data_key="as", metadata=told("The type the answer is read as; `text` when left out.", "number")
    )
    min = f.Number(metadata=told("The least number that is understood.", "0"))
    max = f.Number(metadata=told("The greatest number that is understood.", "10"))
    options = f.Many(
        f.Line(),
        metadata=told("With `as: choice`: the values to choose from; the CRM's when left out.", "[north, south]"),
    )
    time_zone = f.Zone(metadata=told("With `as: date`: whose day it is.", "contact"))
    ask_again = w.Spoken(
        metadata=told(
            "What is said to an answer that is not understood; the question when left out.", '"A number, please."'
        )
    )
    no_answer = f.Part(NoAnswerSchema, metadata=told("Instead of `always: no_answer`, for this step."))
    reopen = f.Either(
        f.Name(), OpenerSchema, metadata=told("Instead of the flow's `reopen`, for this step.", "ask_again_v1")
    )
    save = f.Either(
        w.Variable(),
        SavedSchema,
        metadata=told("The CRM field the answer is written to; it is `flow.<field>` too.", "email"),
    )
    remember = w.Variable(metadata=told("Kept in the conversation only, as `flow.<name>`.", "monthly_budget"))
    set = f.Pairs(
        f.Either(w.Template(), FlowRuleSchema),
        metadata=told("Fields to set: `field: value`, or the field with a rule.", "{lifecyclestage: lead}"),
    )
    clear = f.Many(f.Name(), metadata=told("Fields to empty.", "[old_answer]"))
    log = f.Word("message", "note", "none", metadata=told("One entry on the contact's timeline.", "message"))
    consent = f.Pairs(f.Word("opted_in", "opted_out"), metadata=told("Consent by category.", "{marketing: opted_in}"))
    task = f.Either(w.Template(), FlowTaskSchema, metadata=told("A task for a person.", '"Call {{ contact.name }}"'))
    notify = f.Either(f.Name(), FlowNotifySchema, metadata=told("A webhook of yours, signed and retried.", "warehouse"))
    handoff = f.Either(
        w.Template(),
        FlowHandoffSchema,
        metadata=told("A person takes over; with `go:` the flow waits until they give it back.", '"Wants to talk"'),
    )
    wait = f.Duration(metadata=told("Go on after this time; what is written meanwhile does not shorten it.", "1 day"))
    go = w.Go(
        metadata=told(
            "The next step: its name, `{button id: step}` (`else:` for the rest), or `[{if: ..., to: step},"
            " {else: step}]`.",
            "{yes: book, no: bye}",
        )
    )
    end = w.EndWord(metadata=told("The conversation ends with this word.", "qualified"))
    start = f.Name(metadata=told("Another flow begins, this one ends.", "book-visit"))

    @validates_schema(skip_on_field_errors=True)
    def _together(self, data: dict[str, Any], **_: Any) -> None:
        for wrong, message, hint in CLASHES:
            if wrong(data):
                raise problem(message, "together", hint)
