"""The words of `send:` and what each takes."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from marshmallow import ValidationError, post_load, validates_schema

from connector.core.documents import fields as f
from connector.core.documents import send_fields as s
from connector.core.documents.document import Watch
from connector.core.documents.fields import problem
from connector.core.documents.findings import Problem, did_you_mean, listed
from connector.core.documents.schema_beside import TestSchema
from connector.core.documents.strict import Strict, told
from connector.core.documents.words import RECORD
from connector.core.goals import LONGEST, Goal

STARTS = ("contact", *RECORD)  # words whose records may start a send
HOW = ("becomes", "changes", "is")


class ChangeSchema(Strict):
    """How a field of the record starts the message."""

    becomes = f.Many(f.Line(), metadata=told("It moves to this value, or one of these.", "presentationscheduled"))
    changes = s.Yes(allow_none=True, metadata=told("It changes, whatever to; stands bare.", "{changes}"))
    is_ = f.Many(
        f.Line(),
        data_key="is",
        metadata=told("It has this value; beside `date:`, `every:` or `webhook:` a condition.", "customer"),
    )

    @validates_schema(skip_on_field_errors=True)
    def _one(self, data: dict[str, Any], **_: Any) -> None:
        if len(data) != 1 or data.get("changes") is False:
            raise problem("Say one of becomes, changes, is.", "together", "Write for example {becomes: won}")


class SendWhenSchema(Strict):
    """What starts the message: a field (`deal.dealstage: {becomes: won}`, any of several), or one of these."""

    webhook = f.Name(metadata=told("A trigger link of this name, called from outside or by a workflow.", "visit"))
    date = s.Date(
        metadata=told("Some days before or after a date of the record.", "contact.renewal_date - 3 days at 09:00")
    )
    every = s.Day(metadata=told("A day and a time, again and again, in the account's time zone.", "monday 09:00"))
    segment = s.Segment(
        metadata=told(
            "A broadcast: to everybody of a list in the CRM (`list NAME`, `report NAME`, `view NAME`, `query SELECT "
            "...`), of a `csv`, or `any` that is chosen when it is sent.",
            "list VIP customers",
        )
    )
    at = s.Moment(
        metadata=told(
            "When the broadcast begins by itself, in the account's time zone; without it a person starts it.",
            "2026-12-01 09:00",
        )
    )
    only_if = f.Many(s.Condition(), metadata=told("Expressions that must all hold.", "deal.amount >= 500"))
    own_changes = f.YesNo(
        metadata=told("`yes`: changes that we wrote ourselves start it too; else they do not.", "yes")
    )

    json_extra: ClassVar[dict[str, Any]] = {
        "patternProperties": {
            r"^[a-z_]+\.created$": {"enum": [True, None, "yes"], "description": "A new record."},
            r"^[a-z_]+\.(?!created$).+$": {
                "anyOf": [{"const": "changes"}, {"$ref": "#/$defs/change"}],
                "description": "A field of the record: {becomes: value}, {changes} or {is: value}.",
            },
        }
    }
    beside: ClassVar[tuple[type[Strict], ...]] = (ChangeSchema,)  # told with this map

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _known(self, data: Any, original: Any, **_: Any) -> None:
        del data
        known = [field.data_key or name for name, field in self.fields.items()]
        wrong: dict[str, Any] = {}
        for key in original if isinstance(original, dict) else ():
            if key in known:
                continue
            try:
                self._read(key, original[key], known)
            except ValidationError as error:
                wrong[key] = error.messages
        if wrong:
            raise ValidationError(wrong)

    @post_load(pass_original=True)
    def _watches(self, data: dict[str, Any], original: Any, **_: Any) -> dict[str, Any]:
        known = {field.data_key or name for name, field in self.fields.items()}
        return data | {"watches": tuple(self._read(key, original[key], ()) for key in original if key not in known)}

    def _read(self, key: str, value: Any, known: Sequence[str]) -> Watch:
        word, dot, name = key.rpartition(".")
        if not dot or not name:
            hint = did_you_mean(key, known) or f"Write a field with its record, as deal.{key[:60]}, or {listed(known)}."
            raise problem(f"'{key[:60]}' is not a word of this place.", "unknown", hint)
        if word not in STARTS:
            hint = did_you_mean(word, STARTS) or f"Before the dot stands {listed(STARTS[:6])}."
            raise problem(f"'{word[:60]}' is not a record that can start a message.", "field", hint)
        if name == "created":
            if not s.Yes().read(value):
                raise problem(f"`{key}: no` says nothing.", "together", "Delete the line.")
            return Watch("", "created", (), word)
        return _watch(word, name, value)


def _watch(word: str, name: str, value: Any) -> Watch:
    """`{becomes: ...}`, `{changes}`, `changes`, `{is: ...}`."""
    if value == "changes":
        return Watch(name, "changes", (), word)
    if not isinstance(value, dict):
        shown = "won" if value is None or isinstance(value, list) else str(value)[:60]
        raise problem(
            f"It does not say how {word}.{name} starts the message.",
            "how",
            f"Write {{becomes: {shown}}} or {{changes}}",
        )
    data = ChangeSchema().load(value)
    if "changes" in data:
        return Watch(name, "changes", (), word)
    return Watch(name, "becomes" if "becomes" in data else "is", data.get("becomes") or data.get("is_"), word)


class ToSchema(Strict):
    """To whom."""

    contact = f.Line(
        metadata=told(
            "`deal.contact`: the primary or only contact of the record; `deal.contacts`: each; `record`: the record "
            "itself, where it is a person.",
            "deal.contact",
        )
    )
    phone = f.Many(
        s.Phone(),
        metadata=told(
            "Where the phone number stands; the first that is not empty. `contact.phone` when left out.",
            "[contact.mobilephone, contact.phone]",
        ),
    )


class QuietSchema(Strict):
    """When a message may arrive."""

    allow = s.Hours(required=True, metadata=told("From when to when; may cross midnight.", "08:00-20:00"))
    days = s.Weekdays(metadata=told("On which days; every day when left out.", "mon-sat"))
    time_zone = f.Zone(metadata=told("Whose time: `contact`, `account` or a zone; `contact` when left out.", "contact"))
    otherwise = f.Word(
        "wait", "refuse", metadata=told("Outside these hours it waits, or is not sent; `wait` when left out.", "wait")
    )


class GuardSchema(Strict):
    """What holds a message back."""

    consent = f.Word(
        "opted_in",
        "not_opted_out",
        metadata=told(
            "What the person must have said; for marketing `opted_in` when left out, else `not_opted_out`. An opt-out "
            "always wins.",
            "opted_in",
        ),
    )
    quiet_hours = f.Part(QuietSchema, metadata=told("When it may arrive."))
    give_up_after = f.Duration(metadata=told("How long it may wait before it is dropped.", "48 hours"))
    at_most = s.Limit(metadata=told("How often one person may get this.", "1 per 7 days"))
    cancel_if = s.Condition(
        metadata=told("Drops it, when this holds at the last moment.", "deal.dealstage != 'presentationscheduled'")
    )


class GoalSchema(Strict):
    """What the message is meant to lead to: a field that becomes a value, counted in the reports."""

    within = f.Duration(metadata=told("How long after the message; 14 days when left out.", "14 days"))

    json_extra: ClassVar[dict[str, Any]] = {
        "patternProperties": {
            r"^[a-z_]+\..+$": {
                "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
                "description": "A field of the record, or of the contact, and the value it becomes.",
            },
        }
    }

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _known(self, data: Any, original: Any, **_: Any) -> None:
        named = [key for key in (original if isinstance(original, dict) else ()) if key != "within"]
        for key in named:
            word, dot, name = key.rpartition(".")
            if not dot or not name or word not in STARTS:
                hint = did_you_mean(key, ["within"]) or f"Write a field with its record, as deal.{key[:60]}: won"
                said = Problem(f"'{key[:60]}' is not a field of a record.", code="unknown", hint=hint)
                raise ValidationError({key: [said]})
        if len(named) != 1:
            raise problem("A goal is one field and its value.", "goal", "Write {deal.dealstage: closedwon}")
        if data.get("within", LONGEST) > LONGEST:
            most = f"A goal is looked for at most {LONGEST.days} days."
            raise ValidationError({"within": [Problem(most, code="duration", hint="Write within: 90 days")]})

    @post_load(pass_original=True)
    def _goal(self, data: dict[str, Any], original: Any, **_: Any) -> Goal:
        key = next(key for key in original if key != "within")
        word, _, name = key.rpartition(".")
        values = f.Many(f.Line()).deserialize(original[key])
        return Goal(word, name, values, data.get("within", timedelta(days=14)))


class SendTaskSchema(Strict):
    """A task for a person."""

    for_ = f.Line(
        data_key="for",
        metadata=told("`owner` (of the record) or an e-mail address; the owner when left out.", "owner"),
    )
    title = s.Template(metadata=told("What there is to do; told in plain words when left out.", '"Call the customer"'))
    text = s.Template(metadata=told("More words for whoever does it.", '"{{ failure.reason }}"'))


class StepSchema(Strict):
    """What the CRM learns then."""

    set = f.Pairs(
        s.Template(),
        metadata=told(
            "Fields to set: `deal.<field>` of the record that started it, a bare name of the contact.",
            "{deal.whatsapp_quote: sent}",
        ),
    )
    clear = f.Many(f.Name(), metadata=told("Fields to empty.", "[deal.whatsapp_quote]"))
    task = f.Either(s.Template(), SendTaskSchema, metadata=told("A task for a person.", "{for: owner}"))
    log = f.Word("message", "note", "none", metadata=told("One entry on the contact's timeline.", "message"))


class AfterSchema(Strict):
    """What becomes of the message, told to the CRM."""

    sent = f.Part(StepSchema, metadata=told("It left, WhatsApp has it."))
    delivered = f.Part(StepSchema, metadata=told("It is on the phone."))
    read = f.Part(StepSchema, metadata=told("It was opened."))
    replied = f.Part(StepSchema, metadata=told("The person answered it."))
    failed = f.Part(StepSchema, metadata=told("It was not sent or not delivered; `failure` says why."))


class SendSchema(Strict):
    """A CRM event becomes a message."""

    send = f.Name(required=True, metadata=told("The document's own name.", "quote-ready"))
    about = f.Line(metadata=told("What it is for, in a sentence.", "The quote, when the deal gets there."))
    crm = f.Name(required=True, metadata=told("The name of a CRM account.", "our-crm"))
    number = f.Name(metadata=told("Which of our WhatsApp accounts sends; needed where there are several.", "sales"))
    when = f.Part(SendWhenSchema, required=True, metadata=told("What starts it."))
    own_changes = f.YesNo(metadata=told("The same as in `when:`.", "yes"))
    to = f.Either(f.Line(), ToSchema, metadata=told("To whom.", "{contact: deal.contact}"))
    template = f.Name(required=True, metadata=told("The approved template's name.", "quote_ready"))
    language = s.Template(
        metadata=told("Its language; may be left out where the template has only one.", '"{{ contact.language }}"')
    )
    with_ = f.Pairs(
        s.Template(),
        data_key="with",
        metadata=told(
            "What fills it: `name:` or `1:`, `header.1:`, `header.document:` (an address), `button.0:` (the end of a "
            "link).",
            '{first_name: "{{ contact.firstname }}"}',
        ),
    )
    buttons = f.Many(f.Line(), metadata=told("Ids of its quick replies, in their order.", "[accept, question]"))
    guard = f.Part(GuardSchema, metadata=told("What holds it back."))
    goal = f.Part(
        GoalSchema, metadata=told("What it should lead to; reports count it.", "{deal.dealstage: won, within: 14 days}")
    )
    after = f.Part(AfterSchema, metadata=told("Delivery truth back on the record."))
    tests = f.Part(TestSchema, many=True, metadata=told("Tests, run before publishing."))
