"""The smaller words of a `flow:` step: rules, tasks, media, links, forms, templates."""

from typing import Any

from marshmallow import validates_schema

from connector.core.documents import fields as f
from connector.core.documents import flow_fields as w
from connector.core.documents.fields import problem
from connector.core.documents.schema_rule import RuleSchema
from connector.core.documents.strict import Strict, told
from connector.core.message.check import MEDIA


class FlowRuleSchema(RuleSchema):
    """How one field gets its value in a step."""

    from_ = w.Condition(
        data_key="from", metadata=told("Where the value comes from: an expression without `{{ }}`.", "flow.budget")
    )
    value = w.Template(  # type: ignore[assignment]
        metadata=told("The value itself, where a guard is needed beside it: a text that may hold `{{ }}`.", "OPEN")
    )
    map = f.Pairs(
        w.Template(), metadata=told("The answer on the left, the CRM's value on the right.", "{yes: OPEN, no: CLOSED}")
    )
    else_ = w.Template(  # type: ignore[assignment]
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


class SavedSchema(Strict):
    """The field with a guard."""

    field = w.Variable(required=True, metadata=told("The CRM field.", "lifecyclestage"))
    overwrite = f.Word(
        "always", "if_empty", "if_newer", "if_further", "unless_human",
        metadata=told("When a value that stands there may be replaced; `always` when left out.", "if_empty"),
    )  # fmt: skip
    map = f.Pairs(
        f.Line(), metadata=told("The answer on the left, the CRM's value on the right.", "{small: S, large: L}")
    )
