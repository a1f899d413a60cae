"""The words of a `reply:` that is more than a text; the same words as a step of a flow."""

from typing import Any

from marshmallow import validates_schema

from connector.core.documents import fields as f
from connector.core.documents.fields import problem
from connector.core.documents.strict import Strict, told
from connector.core.message.check import MEDIA


class SaidFileSchema(Strict):
    """A file that is sent."""

    url = f.Template(metadata=told("Its public address.", "https://example.com/map.pdf"))
    kind = f.Word(*MEDIA, metadata=told("What it is; told by the end of the address when left out.", "document"))
    caption = f.Template(metadata=told("The text below it; `text:` when left out.", '"Our offer"'))
    filename = f.Template(metadata=told("A document's name.", "offer.pdf"))
    voice = f.YesNo(metadata=told("`yes`: audio is shown as a voice message (OGG with OPUS).", "yes"))


class SaidLinkSchema(Strict):
    """A button that opens a page."""

    text = f.Template(required=True, metadata=told("What stands on the button, at most 20 characters.", "Pay now"))
    url = f.Template(required=True, metadata=told("The page.", "https://example.com/pay"))


class SaidFormSchema(Strict):
    """A WhatsApp Flow."""

    text = f.Template(required=True, metadata=told("What stands on the button, at most 30 characters.", "Book"))
    flow_id = f.Line(required=True, metadata=told("The flow's id, from WhatsApp Manager.", "1234567890"))
    screen = f.Name(metadata=told("Its first screen, where it takes values.", "BOOKING"))
    data = f.Pairs(f.Template(), metadata=told("Values for that screen.", '{name: "{{ contact.name }}"}'))


class SaidPlaceSchema(Strict):
    """A place on the map."""

    latitude = f.Template(required=True, metadata=told("Degrees north.", "4.6533"))
    longitude = f.Template(required=True, metadata=told("Degrees east.", "-74.0836"))
    name = f.Template(metadata=told("What it is called.", "Our shop"))
    address = f.Template(metadata=told("Where it is.", "Carrera 11 # 93-40"))


class SayingSchema(Strict):
    """A message with something to tap, or a file; at most one of buttons, list, link, form, location, contact."""

    text = f.Template(metadata=told("What it says.", '"Shall we call you?"'))
    header = f.Template(metadata=told("A line above the text, at most 60 characters.", "Your order"))
    footer = f.Template(metadata=told("A line below it, at most 60 characters.", "You may stop at any time."))
    buttons = f.Pairs(
        f.Template(), metadata=told("At most three, as id: label of 20 characters.", "{yes: Yes, no: No}")
    )
    list_ = f.Pairs(
        f.Pairs(f.Template()),
        data_key="list",
        metadata=told(
            "Rows to choose from, ten at most, as {Section: {id: Title | description}}.",
            "{Cities: {bog: Bogota | North, lim: Lima}}",
        ),
    )
    button = f.Template(metadata=told("What opens the list, at most 20 characters; `Choose` when left out.", "Cities"))
    link = f.Part(SaidLinkSchema, metadata=told("A button that opens a page."))
    form = f.Part(SaidFormSchema, metadata=told("A WhatsApp Flow."))
    media = f.Either(
        f.Template(), SaidFileSchema, metadata=told("A file, by its address.", "https://example.com/map.pdf")
    )
    location = f.Either(
        f.Word("ask"), SaidPlaceSchema, metadata=told("`ask`: a button to send one's own; or a place to show.", "ask")
    )
    contact = f.Word("ask", metadata=told("`ask`: a button to share one's own phone.", "ask"))

    @validates_schema(skip_on_field_errors=True)
    def _together(self, data: dict[str, Any], **_: Any) -> None:
        taps = [name for name in ("buttons", "list_", "link", "form", "location", "contact") if data.get(name)]
        if len(taps) > 1:
            raise problem(
                f"`{taps[0].rstrip('_')}` and `{taps[1].rstrip('_')}` cannot stand in one message.",
                "together",
                "Keep one of them.",
            )
        if not taps and not data.get("media") and "text" not in data:
            raise problem("The message says nothing.", "missing", 'Add for example text: "Thank you!"')
