"""The words an expression may begin with, and where each finds its value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connector.core import phone
from connector.core.contact import Contact, Record, Setting, Value
from connector.core.events import InboundMessage

Run = Callable[["Scope"], Any]


class Scope:
    """All that one evaluation may look at. `notes` collects why a comparison could not be made."""

    __slots__ = ("answer", "called", "contact", "event", "failure", "fields", "notes", "now", "record", "setting")

    # what only a send has (send_words.py)
    record: Record | None
    called: Mapping[str, Any]
    failure: Mapping[str, Any]

    def __init__(
        self,
        event: InboundMessage,
        contact: Contact | None,
        fields: Mapping[str, Value],
        setting: Setting,
        now: datetime,
    ) -> None:
        self.event, self.contact, self.fields, self.setting, self.now = event, contact, fields, setting, now
        self.answer = event.answer
        self.notes: list[str] = []


# `contact.` in front of these is our own knowledge; in front of anything else it is a field of the CRM record
PERSON: dict[str, Callable[[Contact], Any]] = {
    "name": lambda c: c.name,
    "phone": lambda c: c.phone or (f"+{c.wa_id}" if c.wa_id else None),
    "whatsapp_id": lambda c: c.wa_id,
    "time_zone": lambda c: c.time_zone,
}
MESSAGE: dict[str, Run] = {
    "id": lambda s: s.event.id,
    "type": lambda s: s.event.type,
    "text": lambda s: s.event.text,
    "sent_at": lambda s: s.event.at,
}
ANSWERS: dict[str, tuple[str, ...] | None] = {  # None = any name: the fields of the form
    "text": ("text",),
    "button": ("id", "title", "description"),
    "list": ("id", "title", "description"),
    "form": None,
    "media": ("kind", "url", "mime_type", "caption", "filename", "id", "voice", "sha256"),
    "location": ("latitude", "longitude", "name", "address", "url"),
    "contact": ("name", "phone", "email", "whatsapp_id", "company", "others", "vcard", "origin"),
    "order": ("total", "currency", "items", "products", "catalog", "text"),
    "reaction": ("emoji", "removed"),
}
REFERRAL = (
    "source_id",
    "source_url",
    "source_type",
    "headline",
    "body",
    "ctwa_clid",
    "media_type",
    "image_url",
    "video_url",
    "thumbnail_url",
    "welcome",
)
NUMBER = ("id", "name", "phone")
# One word for the record whose event sent the message; any CRM's object is reached by its own name or by `record`
RECORD = (
    "record",
    "deal",
    "opportunity",
    "lead",
    "ticket",
    "company",
    "account",
    "case",
    "order",
    "quote",
    "custom_object",
)
LATER = {"flow": "what a flow saved", "failure": "why a send failed", "webhook": "what a trigger link was called with"}
ROOTS = ("answer", "message", "contact", "referral", "number", "now", *RECORD)


def is_record(word: str, object_: str) -> bool:
    """`deal` fits deals, `opportunity` Opportunity, `company` companies; `record` fits every object."""
    name = object_.casefold()
    return word in ("record", name) or name in (f"{word}s", f"{word[:-1]}ies")


def dig(value: Any, path: tuple[str, ...]) -> Any:
    """Follows a path into maps and lists; anything missing is None."""
    for step in path:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list | tuple) and step.isascii() and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


# ---- the closures ------------------------------------------------------------------------------------------------
def _answer(path: tuple[str, ...]) -> Run:
    name, rest = path[0], path[1:]
    if rest:
        return lambda s: dig(s.answer.get(name), rest)
    if name == "type":
        return lambda s: s.event.type
    if name == "text":
        return lambda s: s.answer.get("text") or (s.event.text if s.event.type == "text" else None)
    return lambda s: s.answer.get(name)


def _message(path: tuple[str, ...]) -> Run:
    return MESSAGE[path[0]]


def _contact(path: tuple[str, ...]) -> Run:
    name = path[0]
    own = PERSON.get(name)
    if own is None:
        return lambda s: s.fields.get(name)
    return lambda s: own(s.contact) if s.contact is not None else None


def _referral(path: tuple[str, ...]) -> Run:
    return lambda s: dig(s.event.referral, path)


def _number(path: tuple[str, ...]) -> Run:
    name = path[0]
    if name == "id":
        return lambda s: s.setting.number.get("id") or s.event.number
    return lambda s: s.setting.number.get(name)


def _record(word: str) -> Callable[[tuple[str, ...]], Run]:
    def of(path: tuple[str, ...]) -> Run:
        name = path[0]

        def run(s: Scope) -> Any:
            answered = s.setting.answered
            if answered is None or answered.record is None or not is_record(word, answered.record.object):
                return None
            return answered.record_fields.get(name)

        return run

    return of


LOOK: dict[str, Callable[[tuple[str, ...]], Run]] = {
    "answer": _answer, "message": _message, "contact": _contact, "referral": _referral, "number": _number,
} | {word: _record(word) for word in RECORD}  # fmt: skip
PARTS: dict[str, tuple[str, ...]] = {"message": tuple(MESSAGE), "referral": REFERRAL, "number": NUMBER}


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """The words one kind of document may use: how each looks its value up, and why others are refused."""

    look: Mapping[str, Callable[[tuple[str, ...]], Run]]
    parts: Mapping[str, tuple[str, ...]]  # words that have these names only
    roots: tuple[str, ...]
    refused: Mapping[str, str]  # words of other kinds of documents: what they are
    place: str  # where we are, for a sentence


MAPPING = Words(LOOK, PARTS, ROOTS, LATER, "a mapping")


def zone_of(scope: Scope, wanted: str | None) -> str:
    """The time zone meant: a name, `account`, or `contact` (theirs, else their country's only one, else ours)."""
    if wanted and wanted not in ("contact", "account"):
        return wanted
    person = scope.contact
    if wanted == "contact" and person is not None:
        if person.time_zone:
            return person.time_zone
        number = person.wa_id or person.phone
        zones = phone.zones(number) if number else ()
        if len(zones) == 1:
            return zones[0]
    return scope.setting.time_zone


def answered_within(scope: Scope, limit: timedelta) -> bool:
    """The answer came at most `limit` after the message it answers."""
    answered = scope.setting.answered
    return answered is None or (scope.event.at or scope.now) - answered.at <= limit
