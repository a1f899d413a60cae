"""Which events start a send, and which records still want it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.contact import Record
from connector.core.documents import SendDocument, fires, wanted
from connector.core.events import InboundMessage, TimerDue, TriggerCalled
from tests.core.documents.make_send import NOW, case, changed, document

CHANGES = "when: {deal.amount: {changes}}\n"
IS = "when: {deal.dealstage: {is: [won, lost]}}\n"
CREATED = "when: {contact.created: yes}\n"
DATE = "when: {date: deal.closedate - 3 days at 09:00}\n"
EVERY = "when: {every: monday 09:00, deal.dealstage: {is: won}}\n"
CALL = "when: {webhook: visit}\n"
CALL_TO = "to: {phone: webhook.phone}\n"


def sees(made: SendDocument, event: Any, /, **before: Any) -> tuple[bool, str]:
    return fires(made, event, before, NOW)


@pytest.mark.parametrize(
    ("event", "before", "starts", "why"),
    [
        (changed(), {}, True, "deal.dealstage became presentation"),
        (changed(), {"dealstage": "qualified"}, True, "became presentation"),
        (changed(), {"dealstage": None}, True, "became presentation"),
        (changed(), {"dealstage": "presentation"}, False, "was presentation already"),
        (changed("dealstage", "won"), {"dealstage": "presentation"}, False, "is won, not presentation"),
        (changed("dealstage", "won"), {}, False, "is won, not presentation"),
        (changed("dealstage", ""), {"dealstage": "x"}, False, "is empty, not presentation"),
        (changed("amount", "presentation"), {}, False, "dealstage did not change"),
        (changed("dealstage", None), {}, True, "the record says what to"),
        (changed(object="contacts"), {}, False, "it waits for deal.dealstage becomes presentation"),
        (changed(what="deleted"), {}, False, "the record was deleted"),
        (changed(ours=True), {}, False, "this connector made the change itself"),
        (changed(source="poll"), {}, False, "seen for the first time"),
        (changed(source="poll"), {"dealstage": "x"}, True, "became presentation"),
        (changed(object="deal"), {}, True, "became"),
    ],
)
def test_becomes(event: Any, before: dict[str, Any], starts: bool, why: str) -> None:
    found, because = fires(document(), event, before, NOW)
    assert (found, why in because) == (starts, True), because


def test_one_of_several_values_is_enough() -> None:
    made = document(when="when: {deal.dealstage: {becomes: [a, b]}}\n")
    assert sees(made, changed("dealstage", "b"), dealstage="a")[0]
    assert sees(made, changed("dealstage", "c"), dealstage="a") == (
        False, "did not match: deal.dealstage is c, not a or b",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "before", "starts"),
    [("5", {}, True), ("5", {"amount": "6"}, True), ("5", {"amount": "5.0"}, False), ("", {"amount": "5"}, True),
     ("", {"amount": None}, False)],
)  # fmt: skip
def test_changes(value: str, before: dict[str, Any], starts: bool) -> None:
    assert fires(document(when=CHANGES), changed("amount", value), before, NOW)[0] is starts


def test_is_fires_each_time_the_field_is_told() -> None:
    made = document(when=IS)
    assert sees(made, changed("dealstage", "lost"), dealstage="lost")[0]
    assert not sees(made, changed("dealstage", "open"), dealstage="lost")[0]
    assert not sees(made, changed("amount", "5"))[0]


def test_created_fires_on_nothing_but_a_new_record() -> None:
    made = document(when=CREATED, to="")
    assert sees(made, changed(None, None, object="contacts", what="created"))[0]
    assert not sees(made, changed("city", "x", object="contacts"))[0]
    assert not sees(made, changed(None, None, object="deals", what="created"))[0]


def test_any_of_several_fields_starts_it_and_all_are_told_when_none_does() -> None:
    made = document(when="when: {deal.amount: {changes}, deal.dealstage: {becomes: won}}\n")
    assert sees(made, changed("amount", "5"))[0]
    assert sees(made, changed("dealstage", "won"))[0]
    assert sees(made, changed("city", "x")) == (
        False, "did not match: amount did not change; dealstage did not change",
    )  # fmt: skip


def test_own_changes_are_let_in_only_when_the_document_says_so() -> None:
    made = document(when="when: {deal.dealstage: {becomes: presentation}, own_changes: yes}\n")
    assert sees(made, changed(ours=True))[0]


@pytest.mark.parametrize(("trigger", "starts"), [("visit", True), ("trial", True), ("", False), ("other", False)])
def test_a_call_fires_the_document_it_names(trigger: str, starts: bool) -> None:
    made = document(when=CALL, to=CALL_TO)
    assert sees(made, TriggerCalled(id="c1", trigger=trigger))[0] is starts


def test_a_call_names_the_record_the_document_needs() -> None:
    made = document(when=CALL)
    assert sees(made, TriggerCalled(id="c1", trigger="visit", object="deals", record="77"))[0]
    assert sees(made, TriggerCalled(id="c1", trigger="visit", object="contacts", record="1"))[1].endswith("no deal")


@pytest.mark.parametrize("when", [DATE, EVERY])
def test_a_time_fires_its_document_and_a_change_does_not(when: str) -> None:
    made = document(when=when)
    assert sees(made, TimerDue(id="t", document="trial"))[0]
    assert not sees(made, TimerDue(id="t", document="other"))[0]
    assert sees(made, changed("dealstage", "won")) == (False, "did not match: it waits for its time")
    assert not sees(document(), TimerDue(id="t", document="trial"))[0]


def test_a_message_fires_nothing() -> None:
    assert sees(document(), InboundMessage(id="w", number="1", type="text"))[0] is False


# ---- wanted ------------------------------------------------------------------------------------------------------
def test_only_if_is_judged_with_the_records() -> None:
    made = document(when="when: {deal.dealstage: changes, only_if: [deal.amount >= 500, contact.country == 'CO']}\n")
    assert wanted(made, case(deal={"amount": "900"}, fields={"country": "co"}), NOW) == (True, "every condition holds")
    assert wanted(made, case(deal={"amount": "900"}, fields={"country": "MX"}), NOW)[0] is False
    found, why = wanted(made, case(deal={"amount": "much"}), NOW)
    assert not found
    assert '"much" is not a number' in why


def test_a_record_that_is_gone_is_not_wanted() -> None:
    assert wanted(document(), case(record=None), NOW) == (False, "did not match: the deal is not there any more")
    assert wanted(document(when=CALL, to=CALL_TO), case(record=None), NOW)[0]


@pytest.mark.parametrize(
    ("now_there", "wants"),
    [("2026-12-01", True), ("2026-12-01T00:00:00Z", True), ("2026-12-02", False), (None, False)],
)
def test_a_date_that_moved_is_not_wanted(now_there: str | None, wants: bool) -> None:
    at = case(TimerDue(id="t", document="trial", value="2026-12-01"), deal={"closedate": now_there})
    assert wanted(document(when=DATE), at, NOW)[0] is wants


def test_what_stands_beside_a_time_is_asked_of_the_record() -> None:
    due = TimerDue(id="t", document="trial")
    assert wanted(document(when=EVERY), case(due, deal={"dealstage": "Won"}), NOW)[0]
    assert wanted(document(when=EVERY), case(due, deal={"dealstage": "lost"}), NOW) == (
        False, "did not match: deal.dealstage is lost, not won",
    )  # fmt: skip


def test_a_change_that_did_not_say_its_value_is_asked_of_the_record() -> None:
    assert wanted(document(), case(changed("dealstage", None)), NOW)[0]
    assert not wanted(document(), case(changed("dealstage", None), deal={"dealstage": "won"}), NOW)[0]
    assert wanted(document(), case(changed(), deal={"dealstage": "won"}), NOW)[0]  # cancel_if looks at that


def test_any_records_word_reads_the_record_that_fits() -> None:
    made = document(when="when: {deal.a: changes, only_if: [record.b == 'x', deal.b == 'x']}\n")
    assert wanted(made, case(deal={"b": "x"}), NOW)[0]
    assert not wanted(made, case(record=Record(object="tickets", id="1", fields={"b": "x"})), NOW)[0]


VALUES = st.none() | st.text(max_size=5) | st.sampled_from(["presentation", "5", "5.0", "true", "2026-11-24"])


@given(st.sampled_from([CHANGES, IS, "when: {deal.dealstage: {becomes: presentation}}\n"]), VALUES, VALUES)
def test_the_same_event_twice_fires_becomes_and_changes_at_most_once(when: str, value: str | None, old: Any) -> None:
    made = document(when=when)
    event = changed("amount" if when == CHANGES else "dealstage", value)
    found, why = fires(made, event, {event.field or "": old}, NOW)
    assert why
    if found and value is not None and when != IS:
        assert not fires(made, event, {event.field or "": value}, NOW)[0]
