"""A test of a `send:` document out of what happened; no phone numbers: a test is read by everybody."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from connector.core.documents.comparing import empty, shown
from connector.core.documents.document import SendDocument
from connector.core.documents.making import line
from connector.core.documents.send_gates import phone_of
from connector.core.documents.send_trials import Given, Run, carried_out, found_of
from connector.core.documents.words import PERSON
from connector.core.sending import Case

_CONSENT = ("opted_in", "opted_out")


def given_of_send(document: SendDocument, case: Case, category: str, now: datetime) -> dict[str, str]:
    """The facts of one message, in the words of `given`."""
    given: dict[str, str] = {}
    if not phone_of(document, case, now)[0]:
        given |= dict(_bad_phone(document, case))
    if case.record is not None and document.word:
        given |= dict(_record(document, case.record.fields))
    if case.person is not None:
        given |= dict(_person(document, case.person.fields))
    given |= {f"webhook.{n}": line(v) for n, v in case.called.items() if not empty(v) and n != "phone"}
    contact = case.contact
    if contact is not None and contact.time_zone:
        given["contact.time_zone"] = contact.time_zone
    for name, said in sorted((contact.consents if contact is not None else {}).items()):
        given["consent" if name == "all" else f"consent.{name}"] = said
    if category and category != Given(document, given).category():
        given["category"] = category
    return given


def _phones(document: SendDocument) -> set[str]:
    return {path[-1] for e in document.phone for path in e.paths}


def _bad_phone(document: SendDocument, case: Case) -> Iterator[tuple[str, str]]:
    """What stands there instead of a phone; else that there is none."""
    fields = case.person.fields if case.person is not None else {}
    found = [(n, line(fields.get(n))) for n in sorted(_phones(document)) if not empty(fields.get(n))]
    yield from ((f"contact.{name}", value) for name, value in found)
    if not found:
        yield "phone", "none"


def _record(document: SendDocument, fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Without what the trigger itself says: a test takes that as met."""
    watched = {w.field: w.value for w in document.triggers}
    for name in sorted(document.record_reads | {w.field for w in document.conditions}):
        value = line(fields.get(name))
        if value and value not in watched.get(name, ()) and name not in _phones(document):
            yield f"{document.word}.{name}", value


def _person(document: SendDocument, fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in sorted(document.reads - _phones(document)):
        if name not in PERSON and (value := line(fields.get(name))):
            yield f"contact.{name}", value


def sparse_send(
    document: SendDocument, given: Mapping[str, str], more: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """`given` with only those circumstances that change something, and what is to be expected of it."""
    wanted, kept = expect_of_send(document, {**given, **more}), dict(more)
    for name in more:
        without = {k: v for k, v in kept.items() if k != name}
        if expect_of_send(document, {**given, **without}) == wanted:
            kept = without
    return {**given, **kept}, wanted


def expect_of_send(document: SendDocument, given: Mapping[str, Any]) -> dict[str, str]:
    """All that comes of it, in the words of `expect`."""
    run = carried_out(document, Given(document, given))
    expect = {"outcome": found_of("outcome", run)}
    if run.prepared.state == "waiting" and run.prepared.until is not None:
        expect["until"] = shown(run.prepared.until)
    elif run.prepared.code:
        expect["because"] = run.prepared.code
    if run.prepared.state == "ready":
        expect |= dict(_sent(document, run))
    return expect


def _sent(document: SendDocument, run: Run) -> Iterator[tuple[str, str]]:
    if document.language is not None and not document.language.constant:
        yield "language", found_of("language", run)
    for name, value in run.values.items():
        expression = document.values[name]
        if not expression.constant and value and line(value) == value and not (expression.reads("now")):
            yield f"with.{name}", value
