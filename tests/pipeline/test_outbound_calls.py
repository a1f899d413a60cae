"""Whatever can make an HTTP call sends a message: trigger links, and Salesforce's messages and callouts."""

# ruff: noqa: F811 - fixtures

import time
from typing import Any

from connector.store.tables import callbacks
from connector.webhooks import standard
from tests.pipeline.conftest import ANA
from tests.pipeline.street import Street, lane, street  # noqa: F401 - fixtures
from tests.pipeline.test_outbound_workflow import SLOTS

BOOKED = """\
send: visit-booked
crm: salesforce
when:
  opportunity.StageName: {becomes: Needs Analysis}
to: {contact: opportunity.contact, phone: [contact.MobilePhone, contact.Phone]}
template: visit_reminder
language: en_US
with: {1: "{{ contact.FirstName | default('there') }}", 2: "{{ opportunity.CloseDate | date('MM/DD/YYYY') }}"}
buttons: [confirm, reschedule]
after:
  delivered: {set: {opportunity.NextStep: Visit announced on WhatsApp}}
  replied: {set: {opportunity.NextStep: Answered on WhatsApp}}
  failed: {set: {opportunity.NextStep: "{{ failure.code }}: {{ failure.reason | shorten(200) }}"}}
"""
REMINDER = """\
send: visit-reminder
crm: salesforce
when: {webhook: visit-reminder}
to: record
template: visit_reminder
language: en_US
with: {1: "{{ contact.FirstName | default('there') }}", 2: "{{ webhook.day }}"}
"""
BEATRIZ = "5511987654321"


def bearer(secret: str, id: str = "") -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"} | ({"Idempotency-Key": id} if id else {})


def named(street: Street, object_: str, name: str) -> dict[str, Any]:
    """The org's record whose name holds this."""
    found = street.sandbox.records("salesforce", object_)
    return next(r for r in found if name in str(r.get("Name") or f"{r.get('FirstName')} {r.get('LastName')}"))


# ---- trigger links -----------------------------------------------------------------------------------------------
def test_a_call_with_a_token_sends_once_however_often_it_is_repeated(street: Street) -> None:
    street.publish(SLOTS)
    path, secret = street.link("visit-slots")
    body = {"object": "contact", "record": "1512", "order": "C-3"}
    for _ in range(3):
        assert street.call(path, body, bearer(secret, "order-3"))[0] == 200
    street.settle()
    assert street.call(path, body, bearer(secret, "order-3"))[0] == 200
    street.settle()
    assert street.send().state == "read"
    assert "C-3" in str(street.requests())
    assert street.call(path, body, bearer(secret, "order-4"))[0] == 200
    street.settle()
    assert len(street.sends) == 2
    assert street.healthy()["waiting"] == 0


def test_a_signed_call_sends_once_however_often_it_is_repeated(street: Street) -> None:
    street.publish(SLOTS)
    path, secret = street.link("visit-slots")
    body = b'{"object": "contacts", "record": 1512}'
    for stamp in (int(time.time()), int(time.time()) - 60):
        signature = standard.sign(secret, "msg_7", stamp, body)
        headers = {"webhook-id": "msg_7", "webhook-timestamp": str(stamp), "webhook-signature": signature}
        assert street.call(path, body, headers)[0] == 200
    street.settle()
    assert street.send().to == f"+{ANA}"


def test_a_link_needs_no_record_when_the_call_brings_the_phone(street: Street) -> None:
    street.publish(
        SLOTS.replace("to: record", "to: {phone: webhook.phone}").replace("contact.firstname", "webhook.who")
    )
    path, secret = street.link("visit-slots")
    assert street.call(path, {"phone": "+57 300 111 2222", "who": "Ana"}, bearer(secret, "a"))[0] == 200
    assert street.call(path, {"phone": "nobody", "who": "Ana"}, bearer(secret, "b"))[0] == 200
    street.settle()
    assert sorted(street.outcomes()) == [("read", ""), ("refused", "bad_phone")]
    assert street.rows(callbacks) == []


def test_a_call_for_a_document_that_is_not_live_is_shown_to_a_person(street: Street) -> None:
    path, secret = street.link("visit-slots")
    assert street.call(path, {"record": "1512", "object": "contact"}, bearer(secret, "a"))[0] == 200
    street.settle()
    assert street.sends == []
    assert street.healthy()["review"] == 1


# ---- Salesforce --------------------------------------------------------------------------------------------------
def test_an_outbound_message_sends_and_the_opportunity_hears_of_it(street: Street) -> None:
    street.publish(BOOKED)
    visit = named(street, "Opportunity", "service")
    street.move("salesforce", "Opportunity", visit["Id"], StageName="Needs Analysis")
    street.settle()
    send = street.send()
    assert send.state == "read"
    assert named(street, "Opportunity", "service")["NextStep"] == "Visit announced on WhatsApp"
    street.customer(send.to.lstrip("+"), button="confirm", reply_to=send.wamid)
    street.settle()
    assert named(street, "Opportunity", "service")["NextStep"] == "Answered on WhatsApp"
    assert street.healthy()["waiting"] == 0


def test_outbound_messages_doubled_late_and_all_at_once_are_one_send(street: Street) -> None:
    street.publish(BOOKED)
    street.option("salesforce", doubled=True)
    visit = named(street, "Opportunity", "service")
    street.move("salesforce", "Opportunity", visit["Id"], StageName="Needs Analysis", NextStep="Call", Amount=9000)
    street.settle()
    assert street.send().state == "read"
    assert street.healthy()["waiting"] == 0


def test_a_flow_callout_sends(street: Street) -> None:
    street.publish(REMINDER)
    contact = named(street, "Contact", "Alicia")
    secret = street.hook("salesforce").rpartition("/")[2]
    body = {"event_id": "flow-1", "trigger": "visit-reminder", "object": "Contact", "record": contact["Id"],
            "values": [{"name": "day", "value": "12/04/2026"}]}  # fmt: skip
    given = {"hook": f"{street.url}/hooks/crm/salesforce", "token": secret, "body": body}
    for _ in range(2):
        answer = street.sandbox.http.post("/salesforce/_flows", json=given).json()
        assert answer["status"] == 200, answer
    street.settle()
    assert street.send().state == "read"
    assert "12/04/2026" in str(street.requests())
    assert street.healthy()["waiting"] == 0


def test_a_trigger_link_of_salesforce_sends_to_its_record(street: Street) -> None:
    street.publish(REMINDER)
    path, secret = street.link("visit-reminder")
    contact = named(street, "Contact", "Alicia")
    body = {"object": "Contact", "record": contact["Id"], "day": "12/04/2026"}
    assert street.call(path, body, bearer(secret, "a"))[0] == 200
    street.settle()
    assert (street.send().state, street.send().person[2]) == ("read", contact["Id"])
