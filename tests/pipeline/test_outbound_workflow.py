"""A HubSpot workflow reaches our action: it waits, the customer answers, and the workflow goes on with the answer."""

# ruff: noqa: F811 - fixtures

from typing import Any

import pytest

from connector.store.tables import callbacks, changes
from tests.pipeline.conftest import ANA, NUMBER
from tests.pipeline.street import Street, lane, street  # noqa: F401 - fixtures

SLOTS = """\
send: visit-slots
crm: hubspot
when: {webhook: visit}
to: record
template: delivery_slots
language: en
with: {first_name: "{{ contact.firstname | default('there') }}", order_number: "{{ webhook.order | default('A-1') }}"}
buttons: [morning, afternoon, other]
"""


def fire(street: Street, message: str, record: str = "1512", kind: str = "contacts", **inputs: str) -> str:
    """One enrolled record reaches our action; the callback's id."""
    body = {"url": f"{street.url}/hooks/crm/hubspot/action", "object": kind, "record": record,
            "inputs": {"message": message, **inputs}}  # fmt: skip
    answer = street.sandbox.http.post("/hubspot/_workflows", json=body)
    assert answer.is_success, answer.text
    street.arrive()
    return str(answer.json()["id"])


def outputs(street: Street, callback: str) -> dict[str, Any]:
    found = dict(street.callback(callback)["outputFields"])
    found.pop("hs_execution_state")
    return found


def test_a_template_picked_in_the_workflow_waits_for_the_reply(street: Street) -> None:
    body = {"url": f"{street.url}/hooks/crm/hubspot/options", "q": "delivery slots en"}
    offered = street.sandbox.http.post("/hubspot/_workflows/options", json=body).json()
    (picked,) = [o["value"] for o in offered["body"]["options"] if o["label"] == "delivery_slots (en)"]
    callback = fire(street, picked, parameters="first_name: Ana\norder_number: A-1")
    assert street.callback(callback)["state"] == "BLOCK"
    street.settle()
    send = street.send()
    assert (send.state, send.to, send.callback) == ("read", f"+{ANA}", callback)
    assert street.callback(callback)["state"] == "BLOCK", "it waits for the reply"
    label = next(iter(send.buttons or {}), "")
    street.customer(ANA, button=label or "Morning", reply_to=send.wamid)
    street.settle()
    assert street.callback(callback)["state"] == "SUCCESS"
    said = outputs(street, callback)
    assert said["state"] == "replied"
    assert said["reply"]
    assert said["reply_id"]
    assert street.healthy()["waiting"] == 0


def test_a_document_picked_in_the_workflow_gets_its_own_button_ids_back(street: Street) -> None:
    street.publish(SLOTS)
    callback = fire(street, "send:visit-slots", order="B-7")
    street.settle()
    street.customer(ANA, button="afternoon", reply_to=street.send().wamid)
    street.settle()
    assert outputs(street, callback)["reply_id"] == "afternoon"
    assert "B-7" in str(street.requests())


@pytest.mark.long
@pytest.mark.parametrize("wait_for", ["sent", "delivered"])
def test_a_workflow_may_wait_for_less(street: Street, wait_for: str) -> None:
    street.publish(SLOTS)
    street.sandbox.faults({"route": "STATUS /graph/*/delivered", "kind": "lost"})
    street.sandbox.http.patch(f"/_customers/{ANA}", json={"reads": False})
    callback = fire(street, "send:visit-slots", wait_for=wait_for)
    street.settle()
    assert street.callback(callback)["state"] == ("SUCCESS" if wait_for == "sent" else "BLOCK")
    send = street.send()
    assert street.sandbox.http.patch(f"/_records/graph/messages/{send.wamid}", json={"status": "delivered"}).is_success
    street.settle()
    assert street.callback(callback)["state"] == "SUCCESS"
    assert outputs(street, callback)["state"] in (["accepted", "sent"] if wait_for == "sent" else ["delivered"])


def test_a_refused_send_lets_the_workflow_go_on_at_once(street: Street) -> None:
    street.publish(SLOTS)
    street.move("hubspot", "contacts", "1512", phone="", mobilephone="")
    street.settle()
    callback = fire(street, "send:visit-slots")
    street.settle()
    assert street.callback(callback)["state"] == "FAIL_CONTINUE"
    said = outputs(street, callback)
    assert (said["state"], said["errorCode"]) == ("refused", "no_phone")
    assert "phone" in said["reason"]
    assert street.requests() == []


def test_a_send_that_fails_later_lets_the_workflow_go_on(street: Street) -> None:
    street.publish(SLOTS)
    street.describe(ANA, reachable=False)
    callback = fire(street, "send:visit-slots")
    street.settle()
    said = outputs(street, callback)
    assert said["state"] == "failed"
    assert said["reason"]


def test_the_same_step_twice_is_one_send(street: Street) -> None:
    street.publish(SLOTS)
    callback = fire(street, "send:visit-slots")
    body = {"url": f"{street.url}/hooks/crm/hubspot/action", "object": "contacts", "record": "1512",
            "inputs": {"message": "send:visit-slots"}, "callbackId": callback}  # fmt: skip
    assert street.sandbox.http.post("/hubspot/_workflows", json=body).is_success
    street.settle()
    assert len(street.sends) == 1


@pytest.mark.long
def test_a_step_that_waited_too_long_is_closed_in_plain_words(lane: Street) -> None:
    """HubSpot forgets a blocked step after a week: then nobody may try to complete it for ever."""
    lane.publish(SLOTS)
    callback = fire(lane, "send:visit-slots")
    lane.settle()
    lane.pass_(days=8)
    (row,) = lane.rows(callbacks)
    assert row.state == "expired"
    lane.customer(ANA, button="morning", reply_to=lane.send().wamid)
    lane.settle()
    assert lane.rows(changes, changes.c.kind == "CompleteAction") == []
    assert lane.callback(callback)["state"] == "BLOCK"


def test_a_step_that_hubspot_has_forgotten_is_refused_and_shown(street: Street) -> None:
    street.publish(SLOTS)
    fire(street, "send:visit-slots")
    street.settle()
    assert street.sandbox.http.post("/_clock", json={"advance": 8 * 86400}).is_success
    street.customer(ANA, button="morning", reply_to=street.send().wamid)
    street.settle()
    (row,) = street.rows(changes, changes.c.kind == "CompleteAction")
    assert row.state == "review"
    assert "no longer waits for this step" in row.outcome["text"]
    assert street.healthy()["waiting"] == 0


@pytest.mark.parametrize(
    ("record", "state", "words"),
    [
        ("3007", "refused", "2 contacts on the deal"),
        ("new", "refused", "no contact"),
        ("3001", "cancelled", "cancelled"),
    ],
)
def test_a_step_that_comes_to_nothing_lets_the_workflow_go_on(street: Street, record, state, words) -> None:
    if record == "new":
        street.move("hubspot", "deals", "new", dealname="Nobody's", pipeline="default", dealstage="qualifiedtobuy")
        record = max((r["id"] for r in street.sandbox.records("hubspot", "deals")), key=int)
    street.holding("pause", "number", NUMBER, "")
    given = "first_name: Ana\norder_number: A-1"
    callback = fire(street, "template:delivery_slots:en", record, "deals", parameters=given)
    street.settle()
    for row in street.sends:
        if row.state == "ready":
            assert street.callback(callback)["state"] == "BLOCK"
            street.holding("cancel", "send", row.id, "")
    street.settle()
    assert street.callback(callback)["state"] == "FAIL_CONTINUE"
    said = outputs(street, callback)
    assert said["state"] == state
    assert words in said["reason"]
    assert street.healthy()["waiting"] == 0
