"""What the expressions of a `send:` document may look at: the record, the recipient, the call, the failure."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from connector.core.contact import Record, Setting, Value
from connector.core.documents.document import SendDocument
from connector.core.documents.words import LOOK, NUMBER, PERSON, RECORD, Run, Scope, Words, dig, is_record
from connector.core.sending import Case

FAILURE = ("reason", "code", "who")
_NO_FIELDS: Mapping[str, Value] = {}
_NOTHING: Mapping[str, Any] = {}


class SendScope(Scope):
    """All that one send may look at; `failure` only where the document tells the CRM that it failed."""

    __slots__ = ()

    def __init__(self, case: Case, person: Record | None, now: datetime, failure: Mapping[str, Any] = _NOTHING) -> None:
        self.record, self.contact, self.called, self.failure = case.record, case.contact, case.called, failure
        self.fields = person.fields if person is not None else _NO_FIELDS
        self.setting: Setting = case.setting
        self.now = now
        self.notes = []


def _record(word: str) -> Callable[[tuple[str, ...]], Run]:
    def of(path: tuple[str, ...]) -> Run:
        name = path[0]

        def run(s: Scope) -> Any:
            record = s.record
            return record.fields.get(name) if record is not None and is_record(word, record.object) else None

        return run

    return of


def _contact(path: tuple[str, ...]) -> Run:
    """As in a mapping, but the CRM says whom to write to: its `phone` goes before the one we know."""
    if path[0] != "phone":
        return LOOK["contact"](path)
    return lambda s: _phone_field(s.fields) or (PERSON["phone"](s.contact) if s.contact is not None else None)


def _phone_field(fields: Mapping[str, Value]) -> Value:
    """One CRM calls it phone, another answers with Phone."""
    return fields.get("phone") or fields.get("Phone")


def _number(path: tuple[str, ...]) -> Run:
    name = path[0]
    return lambda s: s.setting.number.get(name)


SEND = Words(
    look={
        "contact": _contact,
        "webhook": lambda path: lambda s: dig(s.called, path),
        "failure": lambda path: lambda s: s.failure.get(path[0]),
        "number": _number,
    }
    | {word: _record(word) for word in RECORD},
    parts={"failure": FAILURE, "number": NUMBER},
    roots=("contact", "webhook", "failure", "number", "now", *RECORD),
    refused={
        "answer": "what a customer answered",
        "message": "what a customer wrote",
        "referral": "the ad a customer came from",
        "flow": "what a flow saved",
    },
    place="a `send:` document",
)


def scope_of(document: SendDocument, case: Case, now: datetime, failure: Mapping[str, Any] = _NOTHING) -> SendScope:
    """What one send of this document looks at; the recipient may be the record that started it."""
    person = case.person
    if person is None and document.recipient == "record":
        person = case.record
    return SendScope(case, person, now, failure)
