"""The words of `mapping:` and what each takes; the JSON Schema and the reference are generated from here."""

from connector.core.documents import fields as f
from connector.core.documents.schema_beside import HandoffSchema, NotifySchema, TaskSchema, TestSchema
from connector.core.documents.schema_reply import SayingSchema
from connector.core.documents.schema_rule import RuleSchema
from connector.core.documents.strict import Strict, told
from connector.core.events import MESSAGE_TYPES


class WhenSchema(Strict):
    """Which messages."""

    answer_to = f.Many(
        f.Name(),
        required=True,
        metadata=told(
            "A template, `flow.step` or `mapping.field` that the message answers; `anything` for every message.",
            "webinar_invite_v2",
        ),
    )
    type = f.Many(f.Word(*MESSAGE_TYPES), metadata=told("Kinds of messages; all when left out.", "button"))
    number = f.Many(f.Line(), metadata=told("Only messages to these numbers of ours: name, id or phone.", "sales"))
    says = f.Many(
        f.Line(),
        metadata=told("One of these words stands in the message, whatever its case and accents.", "[demo, price]"),
    )
    matches = f.Pattern(
        metadata=told(
            "A regular expression (RE2, at most 500 characters) found in the message's text, whatever its case.",
            "'order [0-9]+'",
        )
    )
    within = f.Duration(
        metadata=told("How long after our message an answer still counts; 24 h when left out.", "7 days")
    )
    only_if = f.Many(f.Condition(), metadata=told("Expressions that must all hold.", "contact.country == 'CO'"))
    id = f.Many(f.Line(), metadata=told("Only these buttons or list rows, by id.", "[interested, later]"))


class ContactSchema(Strict):
    """Whose record."""

    find_by = f.Many(
        f.Word("whatsapp", "phone"),
        metadata=told(
            "`whatsapp`: our ids on the record; `phone`: every national spelling. Both when left out.",
            "[whatsapp, phone]",
        ),
    )
    if_missing = f.Word("create", "review", "skip", metadata=told("Nobody matches; `review` when left out.", "create"))
    if_several = f.Word(
        "review",
        "newest",
        metadata=told("Several records match; `newest` is the one changed last. `review` when left out.", "review"),
    )


class MappingSchema(Strict):
    """A reply becomes fields."""

    mapping = f.Name(required=True, metadata=told("The mapping's own name.", "webinar-interest"))
    about = f.Line(metadata=told("What it is for, in a sentence.", "Who tapped which button."))
    crm = f.Name(required=True, metadata=told("The name of a CRM account.", "our-crm"))
    object = f.Many(
        f.Name(),
        metadata=told(
            "The CRM's objects, searched in this order, a newcomer created as the last; the CRM's "
            "own contact when left out.",
            "[Contact, Lead]",
        ),
    )
    when = f.Part(WhenSchema, required=True, metadata=told("Which messages."))
    contact = f.Part(ContactSchema, metadata=told("Whose record."))
    set = f.Pairs(
        f.Either(f.Template(), RuleSchema),
        metadata=told(
            "The fields to set: `field: value`, or the field with a rule. `deal.dealstage` is a "
            "field of the record whose event sent the answered message.",
            '{firstname: "{{ answer.text }}"}',
        ),
    )
    clear = f.Many(f.Name(), metadata=told("Fields to empty.", "[old_answer]"))
    log = f.Word(
        "message",
        "note",
        "none",
        metadata=told("One entry on the contact's timeline; `none` when left out.", "message"),
    )
    consent = f.Pairs(f.Word("opted_in", "opted_out"), metadata=told("Consent by category.", "{marketing: opted_in}"))
    task = f.Either(
        f.Template(),
        TaskSchema,
        metadata=told("A task for a person.", '{for: owner, title: "Call {{ contact.name }}"}'),
    )
    attach = f.Word(
        "media",
        metadata=told("`media`: the file the customer sent is kept on the record, with a note.", "media"),
    )
    reply = f.Either(
        f.Template(),
        SayingSchema,
        metadata=told(
            "A text back to the customer, inside the 24 h window; or a message with buttons, a list, a file, ...",
            '{text: "Shall we call you?", buttons: {yes: Yes, no: No}}',
        ),
    )
    start = f.Name(metadata=told("A flow to start.", "qualify-lead"))
    handoff = f.Either(
        f.Template(),
        HandoffSchema,
        metadata=told("A person takes over; automation is held for this contact.", '"Wants to talk"'),
    )
    notify = f.Either(f.Name(), NotifySchema, metadata=told("A webhook of yours, signed and retried.", "warehouse"))
    tests = f.Part(TestSchema, many=True, metadata=told("Tests, run before publishing."))
