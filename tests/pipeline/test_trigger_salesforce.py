"""The same journey from Salesforce: an opportunity's contact role, a flow's callout, an outbound message's snapshot."""

from typing import Any

from connector.core.events import RecordChanged
from connector.pipeline.triggers.catchup import enqueue
from tests.pipeline.conftest import House
from tests.pipeline.triggering import ago, because, judge, publish, ready, sent

QUOTE = """
send: proposal
crm: salesforce
when:
  opportunity.StageName: {becomes: Proposal/Price Quote}
to:
  contact: opportunity.contact
  phone: [contact.MobilePhone, contact.Phone]
template: delivery_slots
language: en
with: {first_name: "{{ contact.FirstName | default('there') }}", order_number: "{{ opportunity.Name }}"}
"""
PROSPECT = """
send: welcome
crm: salesforce
when:
  lead.Status: {becomes: Working - Contacted}
to: lead
template: delivery_slots
language: en
with: {first_name: "{{ contact.FirstName | default('there') }}", order_number: "1"}
"""


def ids(house: House, object_: str) -> dict[str, str]:
    """{name: id} of the sandbox's records."""
    return {str(r.get("Name") or r.get("LastName")): str(r["Id"]) for r in house.sandbox.records("salesforce", object_)}


def hear(house: House, *found: RecordChanged) -> None:
    account = house.app.account("salesforce")
    assert account is not None
    with house.app.store.write() as conn:
        enqueue(conn, account.id, found, ago(0))
    judge(house, "salesforce")


def moved(key: str, object_: str, record: str, field: str, value: str, **more: Any) -> RecordChanged:
    return RecordChanged(
        id=key, at=ago(5), object=object_, record=record, what="changed", field=field, value=value, **more
    )


def test_an_opportunity_writes_to_its_primary_contact(house: House) -> None:
    ready(house)
    publish(house, QUOTE)
    (record,) = [id_ for name, id_ in ids(house, "Opportunity").items() if "service" in name]
    hear(house, moved("n1:StageName", "Opportunity", record, "StageName", "Proposal/Price Quote"))
    (send,) = sent(house)
    assert (send.state, send.person[1], send.record[1]) == ("ready", "Contact", "Opportunity")
    assert "Lone Star" in str(send.body)


def test_a_lead_is_the_recipient_itself(house: House) -> None:
    ready(house)
    publish(house, PROSPECT)
    leads = [r for r in house.sandbox.records("salesforce", "Lead") if not r.get("IsConverted") and r.get("Phone")]
    hear(house, moved("n2:Status", "Lead", str(leads[0]["Id"]), "Status", "Working - Contacted"))
    (send,) = sent(house)
    assert send.person == send.record
    assert send.record[1:] == ["Lead", leads[0]["Id"]]


def test_a_snapshot_seen_for_the_first_time_is_only_noted(house: House) -> None:
    ready(house)
    publish(house, QUOTE)
    (record,) = [id_ for name, id_ in ids(house, "Opportunity").items() if "service" in name]
    hear(house, moved("n3:StageName", "Opportunity", record, "StageName", "Proposal/Price Quote", snapshot=True))
    assert sent(house) == []
    assert because(house) == ["StageName is seen for the first time"]
    hear(house, moved("n4:StageName", "Opportunity", record, "StageName", "Closed Lost", snapshot=True))
    hear(house, moved("n5:StageName", "Opportunity", record, "StageName", "Proposal/Price Quote", snapshot=True))
    assert len(sent(house)) == 1


def test_a_change_that_does_not_say_what_to_is_read(house: House) -> None:
    ready(house)
    publish(house, QUOTE)
    (record,) = [id_ for name, id_ in ids(house, "Opportunity").items() if "fleet" in name]
    event = RecordChanged(id="n6", at=ago(5), object="Opportunity", record=record, what="changed", field="StageName")
    hear(house, event)
    (send,) = sent(house)
    assert send.document == "proposal"
