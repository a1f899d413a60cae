"""The words of one step of a `flow:`, and what they take together."""

from typing import Any

from marshmallow import validates_schema

from connector.core.documents import fields as f
from connector.core.documents import flow_fields as w
from connector.core.documents.fields import problem
from connector.core.documents.schema_rule import TYPED, RuleSchema
from connector.core.documents.strict import Strict, told

TAKES = ("text", *TYPED, "media", "anything")


class FlowRuleSchema(RuleSchema):
    """How one field gets its value in a step."""

    from_ = w.Condition(
        data_key="from", metadata=told("Where the value comes from: an expression without `{{ }}`.", "flow.budget")
    )
    value = w.Template(
        metadata=told("The value itself, where a guard is needed beside it: a text that may hold `{{ }}`.", "OPEN")
    )
    map = f.Pairs(
        w.Template(), metadata=told("The answer on the left, the CRM's value on the right.", "{yes: OPEN, no: CLOSED}")
    )
    else_ = w.Template(
        data_key="else", metadata=told("When the value is not understood: `skip`, `review` or a value.", "review")
    )


class FlowTaskSchema(Strict):
    """A task for a person."""

    title = w.Template(required=True, metadata=told("What there is to do.", '"Call {{ contact.name }}"'))
    for_ = f.Line(
        data_key="for", metadata=told("`owner` (of the record) or an e-mail address; the owner when left out.", "owner")
    )
    text = w.Template(metadata=told("More words for whoever does it.", '"{{ flow.budget }}"'))


class FlowHandoffSchema(Strict):
    """A person takes over; nothing automatic is said to this contact until they give it back."""

    task = w.Template(required=True, metadata=told("What the person is told.", '"Call {{ contact.firstname }}"'))
    for_ = f.Line(data_key="for", metadata=told("`owner` or an e-mail address.", "owner"))


class FlowNotifySchema(Strict):
    """A signed call to a webhook of yours."""

    webhook = f.Name(required=True, metadata=told("The webhook's name in the settings.", "warehouse"))
    with_ = f.Pairs(w.Template(), data_key="with", metadata=told("Values to send along.", '{slot: "{{ flow.slot }}"}'))


class MediaSchema(Strict):
    """A file that is sent: one of the five kinds."""

    image = w.Template(metadata=told("An address (https) of a JPEG or PNG, 5 MB at most.", "https://example.com/a.png"))
    video = w.Template(metadata=told("An address of an MP4, 16 MB at most.", "https://example.com/a.mp4"))
    audio = w.Template(metadata=told("An address of an audio file, 16 MB at most.", "https://example.com/a.ogg"))
    document = w.Template(metadata=told("An address of a file, 100 MB at most.", "https://example.com/a.pdf"))
    sticker = w.Template(metadata=told("An address of a WebP sticker.", "https://example.com/a.webp"))
    caption = w.Spoken(metadata=told("Words under it; not for audio and stickers.", "Our price list"))
    filename = w.Template(metadata=told("A document's name.", "prices.pdf"))

    @validates_schema(skip_on_field_errors=True)
    def _one(self, data: dict[str, Any], **_: Any) -> None:
        kinds = [kind for kind in MEDIA if kind in data]
        if len(kinds) != 1:
            raise problem("Name one file.", "together", "Write for example {image: https://example.com/a.png}")
        if "caption" in data and kinds[0] in ("audio", "sticker"):
            raise problem(f"WhatsApp shows no caption under {kinds[0]}.", "together", "Delete `caption`.")
        if "filename" in data and kinds[0] != "document":
            raise problem("Only a document has a file name.", "together", "Delete `filename`.")


MEDIA = ("image", "video", "audio", "document", "sticker")


class LinkSchema(Strict):
    """A button that opens a page."""

    text = w.Spoken(required=True, metadata=told("What stands on the button, at most 20 characters.", "Start free"))
    url = w.Template(required=True, metadata=told("The address.", "https://example.com/start"))


class PlaceSchema(Strict):
    """A place that is sent."""

    latitude = w.Template(required=True, metadata=told("Degrees north.", "4.6486"))
    longitude = w.Template(required=True, metadata=told("Degrees east.", "-74.0628"))
    name = w.Spoken(metadata=told("Its name.", "Our office"))
    address = w.Spoken(metadata=told("Its address.", "Calle 72 # 10-07, Bogota"))


class FormSchema(Strict):
    """A WhatsApp Flow (a form): its answers are `answer.<field>`."""

    id = f.Line(required=True, metadata=told("The Flow's id at Meta.", "1234567890"))
    button = w.Spoken(metadata=told("What stands on the button; `Open` when left out.", "Fill in"))
    screen = f.Line(metadata=told("The first screen; the Flow's own when left out.", "DETAILS"))
    data = f.Pairs(w.Template(), metadata=told("Values that fill the screen.", '{name: "{{ contact.name }}"}'))


class OpenerSchema(Strict):
    """A template, with what fills it."""

    name = f.Name(required=True, metadata=told("The approved template's name.", "still_interested"))
    language = w.Template(metadata=told("Its language; the conversation's when left out.", "es"))
    with_ = f.Pairs(
        w.Template(),
        data_key="with",
        metadata=told("What fills it, as in a `send:` document.", '{first_name: "{{ contact.firstname }}"}'),
    )
    buttons = f.Many(f.Line(), metadata=told("Ids of its quick replies, in their order.", "[yes, no]"))


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
        metadata=told("At most 3, `id: label`, 20 characters each; a typed id or label counts as a tap.", "{yes: Yes, no: No}")
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
        f.Name(), OpenerSchema, metadata=told("A template; its answer is waited for where it has `buttons`.", "order_update")
    )
    as_ = f.Word(
        *TAKES, data_key="as", metadata=told("The type the answer is read as; `text` when left out.", "number")
    )
    min = f.Number(metadata=told("The least number that is understood.", "0"))
    max = f.Number(metadata=told("The greatest number that is understood.", "10"))
    options = f.Many(
        f.Line(), metadata=told("With `as: choice`: the values to choose from; the CRM's when left out.", "[north, south]")
    )
    time_zone = f.Zone(metadata=told("With `as: date`: whose day it is.", "contact"))
    ask_again = w.Spoken(
        metadata=told("What is said to an answer that is not understood; the question when left out.", '"A number, please."')
    )
    no_answer = f.Part(NoAnswerSchema, metadata=told("Instead of `always: no_answer`, for this step."))
    reopen = f.Either(f.Name(), OpenerSchema, metadata=told("Instead of the flow's `reopen`, for this step.", "ask_again_v1"))
    save = f.Either(
        w.Variable(),
        lambda: SavedSchema(),
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
            "The next step: its name, `{button id: step}` (`else:` for the rest), or `[{if: ..., to: step}, {else: step}]`.",
            "{yes: book, no: bye}",
        )
    )
    end = w.EndWord(metadata=told("The conversation ends with this word.", "qualified"))
    start = f.Name(metadata=told("Another flow begins, this one ends.", "book-visit"))

    @validates_schema(skip_on_field_errors=True)
    def _together(self, data: dict[str, Any], **_: Any) -> None:
        for wrong, message, hint in _CLASHES:
            if wrong(data):
                raise problem(message, "together", hint)


class SavedSchema(Strict):
    """The field with a guard."""

    field = w.Variable(required=True, metadata=told("The CRM field.", "lifecyclestage"))
    overwrite = f.Word(
        "always", "if_empty", "if_newer", "if_further", "unless_human",
        metadata=told("When a value that stands there may be replaced; `always` when left out.", "if_empty"),
    )  # fmt: skip
    map = f.Pairs(f.Line(), metadata=told("The answer on the left, the CRM's value on the right.", "{small: S, large: L}"))


def _several(data: dict[str, Any], *words: str) -> bool:
    return sum(word in data for word in words) > 1


def _asks(data: dict[str, Any]) -> bool:
    """Does the step wait for an answer?"""
    template = data.get("template")
    return "ask" in data or data.get("contact") == "ask" or bool(isinstance(template, dict) and template.get("buttons"))


_BESIDE = ("buttons", "list", "form", "link", "contact")
_CLASHES = (
    (lambda d: not d, "The step does nothing.", "Write for example {say: Thank you!, end: done}"),
    (lambda d: "say" in d and "ask" in d, "`say` and `ask` cannot stand together.", "Put all words into `ask`."),
    (
        lambda d: any(w in d for w in ("buttons", "list", "form")) and "ask" not in d,
        "Buttons, a list and a form belong to a question.",
        "Write the words above them as `ask:`",
    ),
    (
        lambda d: _several(d, *_BESIDE) or (d.get("location") == "ask" and any(w in d for w in _BESIDE)),
        "One message takes only one of buttons, list, form, link, location and contact.",
        "Make a second step.",
    ),
    (
        lambda d: (d.get("location") == "ask" or d.get("contact") == "ask") and "ask" not in d,
        "It does not say what to write above the button.",
        "Add for example ask: Where shall we deliver?",
    ),
    (lambda d: "link" in d and "say" not in d, "A link needs words above its button.", "Add for example say: Start here"),
    (
        lambda d: "template" in d and any(w in d for w in ("say", "ask", "media", "link", "location")),
        "A template is the whole message.",
        "Put the text into a step of its own.",
    ),
    (
        lambda d: ("header" in d or "footer" in d) and not any(w in d for w in ("buttons", "list", "form", "link")),
        "A plain text has no header and footer.",
        "Delete them, or add buttons.",
    ),
    (lambda d: "button" in d and "list" not in d, "`button` is what opens a `list`.", "Did you mean 'buttons'?"),
    (
        lambda d: any(w in d for w in ("as_", "save", "remember", "ask_again", "no_answer")) and not _asks(d),
        "`as`, `save`, `remember`, `ask_again` and `no_answer` need a question.",
        "Write `ask:` instead of `say:`; a value that is known stands under `set:`.",
    ),
    (
        lambda d: "as_" in d and any(w in d for w in (*_BESIDE[:3], "location", "contact", "template")),
        "`as` is for an answer in words.",
        "Delete `as`: the buttons say what can be answered.",
    ),
    (lambda d: "wait" in d and _asks(d), "A step waits for an answer or for a time.", "Make a second step with `wait`."),
    (
        lambda d: ("min" in d or "max" in d) and d.get("as_") not in ("integer", "number"),
        "`min` and `max` need a number.",
        "Add: as: integer",
    ),
    (lambda d: "min" in d and "max" in d and d["min"] > d["max"], "`min` is greater than `max`.", "Exchange the two."),
    (lambda d: "options" in d and d.get("as_") != "choice", "`options` needs `as: choice`.", "Add: as: choice"),
    (lambda d: "time_zone" in d and d.get("as_") != "date", "`time_zone` needs `as: date`.", "Add: as: date"),
    (lambda d: _several(d, "go", "end", "start"), "A step goes on, ends or starts another flow.", "Keep one of them."),
    (
        lambda d: not any(w in d for w in ("go", "end", "start", "handoff")),
        "The step is a dead end: it does not say what comes next.",
        "Add go: name-of-a-step, or end: done",
    ),
)  # fmt: skip
