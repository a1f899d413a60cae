"""What the CRM learns of a message."""

from typing import Any

import pytest

from connector.core.changes import Change, CreateTask, LogActivity, SetField
from connector.core.contact import RecordRef, Setting
from connector.core.documents import SendDocument, truth
from tests.core.documents.make_send import DEAL, NOW, PERSON, case, document, prepared

AFTER = """after:
  sent: {set: {deal.q: sent, last: "{{ contact.firstname }}", deal.none: "{{ deal.nothing }}"}, log: message}
  delivered: {set: {record.q: delivered}, clear: [deal.error, error]}
  replied: {log: note, task: "Call {{ contact.name }}"}
  failed: {set: {deal.q: "failed: {{ failure.reason }} ({{ failure.code }}, {{ failure.who }})"}, task: {for: owner}}
"""
FAILURE = {"reason": "not on WhatsApp", "code": "131026", "who": "customer"}


def told(what: str, made: SendDocument | None = None, /, **rest: Any) -> tuple[Change, ...]:
    made = made or document(AFTER)
    values: dict[str, Any] = {
        "context": prepared(made, case()).context, "failure": FAILURE if what == "failed" else {}, "record": DEAL,
        "person": PERSON, "at": NOW, "setting": Setting(account="hubspot"),
    }  # fmt: skip
    return truth(made, what, **(values | rest))


def test_sent_sets_each_records_fields_and_writes_nothing_for_an_empty_value() -> None:
    assert told("sent") == (
        SetField(record=DEAL, object="deals", field="q", value="sent"),
        SetField(record=PERSON, object="contacts", field="last", value="Ana"),
        LogActivity(
            record=PERSON,
            object="contacts",
            what="message",
            text="WhatsApp message quote was sent: Hello Ana, your quote.",
            at=NOW.isoformat(),
        ),
    )


def test_clear_empties() -> None:
    assert told("delivered") == (
        SetField(record=DEAL, object="deals", field="q", value="delivered"),
        SetField(record=DEAL, object="deals", field="error", value=None),
        SetField(record=PERSON, object="contacts", field="error", value=None),
    )


def test_replied_logs_and_asks_a_person() -> None:
    log, task = told("replied")
    assert isinstance(log, LogActivity)
    assert (log.what, log.text) == ("note", "WhatsApp message quote was answered.")
    assert isinstance(task, CreateTask)
    assert (task.title, task.record, task.owner) == ("Call Ana Ruiz", DEAL, "owner")


def test_failed_says_why_and_the_tasks_title_is_made_up_in_plain_words() -> None:
    field, task = told("failed")
    assert field == SetField(record=DEAL, object="deals", field="q", value="failed: not on WhatsApp (131026, customer)")
    assert isinstance(task, CreateTask)
    assert (task.title, task.text) == ("WhatsApp message quote failed: not on WhatsApp", "not on WhatsApp")


def test_what_the_document_does_not_name_is_not_told() -> None:
    assert told("read") == ()
    assert told("sent", document()) == ()


@pytest.mark.parametrize("record", [None, RecordRef("a1", "tickets", "9")])
def test_without_the_record_only_the_contacts_fields_are_set(record: RecordRef | None) -> None:
    changes = told("sent", None, record=record)
    assert [c.field for c in changes if isinstance(c, SetField)] == ["last"]


def test_nobody_known_means_nothing_to_write() -> None:
    assert told("replied", None, record=None, person=None) == ()


def test_where_the_record_is_the_person_both_spellings_mean_it() -> None:
    lead = RecordRef("a1", "Lead", "00Q1")
    made = document(
        "after: {sent: {set: {lead.a: x, b: y}, log: note}}\n", when="when: {lead.Status: changes}\n", to=""
    )
    assert {c.record for c in told("sent", made, record=lead, person=None)} == {lead}
    assert [c.field for c in told("sent", made, record=None, person=lead) if isinstance(c, SetField)] == ["a", "b"]


def test_the_values_are_those_of_the_time_of_sending() -> None:
    made = document(
        "after: {read: {set: {deal.q: '{{ deal.name }} {{ webhook.code }}'}}}\n", when="when: {webhook: x}\n"
    )
    context = prepared(made, case(deal={"name": "Roof"}, called={"code": "A1"})).context
    (found,) = told("read", made, context=context)
    assert isinstance(found, SetField)
    assert found.value == "Roof A1"
