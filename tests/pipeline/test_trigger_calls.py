"""Calls of workflows and links: their document, their callback, and what they hear when nothing is sent."""

from datetime import UTC, datetime, timedelta
from typing import Any

from connector.core.events import TriggerCalled
from connector.pipeline.preparing import called
from connector.store.tables import callbacks, changes
from tests.pipeline.conftest import House
from tests.pipeline.triggering import PORTAL, asked, because, fire, publish, ready, rows, sent, slots


def step(callback: str, message: str, object_: str = "CONTACT", record: str = "1512", **inputs: str) -> dict[str, Any]:
    """One enrolled record reaches our workflow action."""
    return {
        "callbackId": callback, "origin": {"portalId": PORTAL, "actionDefinitionId": 1, "actionDefinitionVersion": 1},
        "context": {"source": "WORKFLOWS", "workflowId": 4}, "inputFields": {"message": message, **inputs},
        "object": {"objectId": int(record), "properties": {}, "objectType": object_},
    }  # fmt: skip


def completed(house: House) -> list[dict[str, Any]]:
    return [row.body for row in rows(house, changes, changes.c.kind == "CompleteAction")]


def test_a_workflow_calls_a_document_and_waits(house: House) -> None:
    ready(house)
    publish(house, slots("slots", "webhook: visit"))
    fire(house, step("ap-1", "send:slots", wait_for="delivered"))
    (send,) = sent(house)
    assert (send.document, send.callback, send.state) == ("slots", "ap-1", "ready")
    (waits,) = rows(house, callbacks)
    assert (waits.send, waits.wait_for, waits.state) == (send.id, "delivered", "waiting")
    assert waits.expires_at - datetime.now(UTC) > timedelta(days=6)
    assert completed(house) == []


def test_a_step_that_comes_twice_is_one_send(house: House) -> None:
    ready(house)
    publish(house, slots("slots", "webhook: visit"))
    fire(house, step("ap-1", "send:slots"), step("ap-1", "send:slots"))
    assert len(sent(house)) == len(rows(house, callbacks)) == 1


def test_a_template_picked_in_a_workflow_needs_no_document(house: House) -> None:
    ready(house)
    given = "first_name: {{ webhook.evil }}\norder_number: A-1"
    fire(house, step("ap-2", "template:delivery_slots:en", parameters=given))
    (send,) = sent(house)
    assert (send.document, send.template, send.language) == ("workflow.delivery_slots", "delivery_slots", "en")
    assert "{{ webhook.evil }}" in str(send.body)
    assert send.person[2] == "1512"


def test_a_template_for_a_deal_goes_to_its_contact(house: House) -> None:
    ready(house)
    given = "first_name: Ana\norder_number: A-1"
    fire(house, step("ap-3", "template:delivery_slots:en", "DEAL", "3001", parameters=given))
    (send,) = sent(house)
    assert (send.record[2], send.person[2]) == ("3001", "1512")


def test_an_unknown_document_goes_to_a_person_and_the_workflow_goes_on(house: House) -> None:
    ready(house)
    fire(house, step("ap-4", "send:no-such"))
    assert asked(house) == ["There is no live send: document named 'no-such'."]
    (done,) = completed(house)
    assert (done["callback"], done["ok"]) == ("ap-4", False)
    assert "no-such" in done["values"]["reason"]
    assert sent(house) == rows(house, callbacks) == []


def test_a_workflow_whose_record_is_not_wanted_goes_on(house: House) -> None:
    ready(house)
    publish(house, slots("slots", "webhook: visit\n  only_if: [contact.country == 'DE']"))
    fire(house, step("ap-5", "send:slots"))
    assert sent(house) == []
    (done,) = completed(house)
    assert "country" in done["values"]["reason"]
    assert "country" in because(house)[0]


def test_a_record_that_is_gone_ends_the_step(house: House) -> None:
    ready(house)
    publish(house, slots("slots", "webhook: visit"))
    fire(house, step("ap-6", "send:slots", record="999999"))
    (done,) = completed(house)
    assert done["values"]["reason"] == "the record was deleted"


def test_no_value_of_a_call_becomes_an_expression_or_a_key() -> None:
    words = {'x": {"send': "1", "1": '"}}', "header.document": "https://a.example/q.pdf", "phone": "+573001112222"}
    event = TriggerCalled(id="1", trigger="", template="quote_ready:en", values=words)
    document = called.document_of(event, "hubspot", {"contact": "contacts"})
    assert document is not None
    assert set(document.values) == set(words) - {"phone"}
    assert set(called.values(event).values()) == set(words.values())
    assert (document.recipient, document.template) == ("call", "quote_ready")
