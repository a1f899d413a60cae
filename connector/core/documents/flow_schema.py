"""The words of `flow:` and what each takes."""

from connector.core.documents import fields as f
from connector.core.documents import flow_fields as w
from connector.core.documents.flow_schema_parts import OpenerSchema
from connector.core.documents.flow_schema_step import FlowStepSchema, NoAnswerSchema
from connector.core.documents.schema import ContactSchema
from connector.core.documents.strict import Strict, told
from connector.core.events import MESSAGE_TYPES


class StartSchema(Strict):
    """One way a conversation begins; all its words must fit."""

    says = f.Many(
        f.Line(),
        metadata=told("One of these words stands in the message, whatever its case and accents.", "[demo, price]"),
    )
    matches = f.Pattern(metadata=told("A regular expression (RE2) found in the message's text.", "'visit [0-9]+'"))
    answer_to = f.Many(
        f.Name(),
        metadata=told("The message answers this template, or `flow.step` of another flow.", "webinar_invite_v2"),
    )
    id = f.Many(f.Line(), metadata=told("Only these buttons or list rows, by id.", "interested"))
    type = f.Many(f.Word(*MESSAGE_TYPES), metadata=told("Kinds of messages; all when left out.", "button"))
    referral = f.Many(f.Line(), metadata=told("It comes from a click-to-WhatsApp ad: `any`, or the ids of ads.", "any"))
    number = f.Many(f.Line(), metadata=told("Only messages to these numbers of ours: name, id or phone.", "sales"))
    within = f.Duration(
        metadata=told("How long after our message an answer still counts; 24 h when left out.", "7 days")
    )
    only_if = f.Many(f.Condition(), metadata=told("Expressions that must all hold.", "contact.country == 'CO'"))


class NotUnderstoodSchema(Strict):
    """An answer that a step cannot use."""

    times = f.Times(metadata=told("How often the question is asked again, 1 to 10; 2 when left out.", "2"))
    go = f.Name(metadata=told("The step after that; when left out, a person is told and the flow ends.", "human"))


class AlwaysSchema(Strict):
    """What holds at every step. STOP words are always on, in every language we know."""

    no_answer = f.Part(NoAnswerSchema, metadata=told("The customer does not answer."))
    not_understood = f.Part(NotUnderstoodSchema, metadata=told("The answer cannot be used."))
    words = f.Pairs(
        f.Name(),
        metadata=told(
            "Words that lead to a step from anywhere: as the whole message, or inside one that is no answer.",
            "{agent: human}",
        ),
    )


class FlowTestSchema(Strict):
    """One test: what the customer does, and what must come of it."""

    __test__ = False
    name = f.Line(metadata=told("What it shows.", "a large company reaches a person"))
    given = f.Pairs(
        f.Many(f.Line()),
        metadata=told(
            "What is known before: `contact.<field>`, `number.*`, `referral.*`, `deal.*`, ..., `now`, `locale`, "
            "`country`, `contact: none`, `window: closed`.",
            "{contact.firstname: Ana}",
        ),
    )
    say = f.Many(
        w.Say(),
        required=True,
        metadata=told(
            "In order: words, the id or label of a button, `2 hours pass`, or `{media: image}`, `{tap: id}`, "
            "`{location: ''}`, `{form: {field: value}}`, `{contact: phone}`, `{reaction: 👍}`.",
            "[demo, large]",
        ),
    )
    expect = f.Pairs(
        f.Line(),
        required=True,
        metadata=told(
            "What must have come of it: `end`, `step`, `reply` (the last thing we said), `said` (at any time), fields, "
            "`flow.<name>`, `task`, `handoff`, `start`, `notify`, `template`, `because`; what is not named is not "
            "looked at.",
            "{end: handed_over}",
        ),
    )


class FlowSchema(Strict):
    """A conversation with branches. It begins at the first step of `steps:`."""

    flow = f.Name(required=True, metadata=told("The flow's own name.", "qualify-lead"))
    about = f.Line(metadata=told("What it is for, in a sentence.", "Finds out who needs a call."))
    crm = f.Name(required=True, metadata=told("The name of a CRM account.", "our-crm"))
    object = f.Many(
        f.Name(),
        metadata=told(
            "The CRM's objects, searched in this order; the CRM's own contact when left out.", "[Contact, Lead]"
        ),
    )
    contact = f.Part(ContactSchema, metadata=told("Whose record; with `if_missing` left out a newcomer is created."))
    priority = w.Priority(
        metadata=told(
            "0 to 100, 0 when left out. A contact has one conversation at a time: a flow interrupts only one of lower "
            "priority.",
            "10",
        )
    )
    start = f.Part(
        StartSchema,
        many=True,
        metadata=told("What begins it, any of these; without, only a `start:` elsewhere does.", "[{says: [demo]}]"),
    )
    expires = f.Duration(metadata=told("How long a conversation may last in all; 23 hours when left out.", "20 hours"))
    reopen = f.Either(
        f.Name(),
        OpenerSchema,
        metadata=told(
            "The template that goes out where a step would speak over 24 hours after the customer's last message; the "
            "step follows when they answer it.",
            "still_interested",
        ),
    )
    language = w.Template(
        metadata=told("The customer's language, where texts stand in several.", '"{{ contact.hs_language }}"')
    )
    languages = f.Many(f.Name(), metadata=told("The languages of the texts, the first for everyone else.", "[es, en]"))
    steps = f.Pairs(f.Part(FlowStepSchema), required=True, metadata=told("The steps by name, the first one first."))
    always = f.Part(AlwaysSchema, metadata=told("What holds at every step."))
    tests = f.Part(FlowTestSchema, many=True, metadata=told("Tests, run before publishing."))
