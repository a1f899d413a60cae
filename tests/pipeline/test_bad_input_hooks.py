"""Bad calls of CRMs: a stranger hears one fixed answer and leaves nothing; what is authentic and odd holds nobody."""

# ruff: noqa: F811 - fixtures

import json
from typing import Any

import pytest

from connector.store.tables import deliveries
from tests.pipeline.street import ORG, Street, lane, street  # noqa: F401 - fixtures
from tests.pipeline.test_outbound_calls import BOOKED, bearer, named
from tests.pipeline.test_outbound_hubspot import DEAL, QUOTE
from tests.pipeline.test_outbound_workflow import SLOTS
from tests.pipeline.triggering import happened, told

FIXED = (401, "This call is not authentic.")
SOAP = """<?xml version="1.0" encoding="UTF-8"?>{doctype}
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>
<notifications xmlns="http://soap.sforce.com/2005/09/outbound"><OrganizationId>{org}</OrganizationId>
<ActionId>04k5e0000008OIAAA2</ActionId><Notification><Id>04l5e00000{n:05d}AAA</Id>
<sObject xmlns:sf="urn:sobject.enterprise.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:type="sf:Opportunity"><sf:Id>{record}</sf:Id><sf:StageName>{stage}</sf:StageName></sObject></Notification>
</notifications></soapenv:Body></soapenv:Envelope>"""
BOMB = """<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>"""
OUTSIDE = """<!DOCTYPE x [<!ENTITY c SYSTEM "file:///etc/passwd">]>"""
XML = {"Content-Type": "text/xml; charset=utf-8"}


def stage(record: str = DEAL, **more: Any) -> dict[str, Any]:
    return told("deal", record, "dealstage", "presentationscheduled", **more)


def soap(record: str, value: str = "Needs Analysis", *, org: str = ORG, doctype: str = "", n: int = 1) -> bytes:
    return SOAP.format(org=org, record=record, stage=value, doctype=doctype, n=n).encode()


# ---- who is not authentic ----------------------------------------------------------------------------------------
def test_forged_stale_and_foreign_calls_hear_one_answer_and_leave_nothing(street: Street) -> None:
    street.publish(QUOTE)
    street.publish(SLOTS)
    path, secret = street.link("visit-slots")
    good = json.dumps([stage()]).encode()
    before = street.deliveries()
    assert street.hubspot_says(good, secret="another secret") == 401
    assert street.hubspot_says(good, age=400) == 401
    assert street.hubspot_says(good, age=-400) == 401
    refused = [
        street.call("/hooks/crm/hubspot", good),
        street.call("/hooks/crm/hubspot", good, {"X-HubSpot-Signature-v3": "é", "X-HubSpot-Request-Timestamp": "NaN"}),
        street.call("/hooks/crm/hubspot/action", good, {"X-HubSpot-Signature": "0" * 64}),
        street.call("/hooks/crm/hubspot/options", b"{}", {"X-HubSpot-Signature": "0" * 64}),
        street.call("/hooks/crm/nobody", good),
        street.call("/hooks/crm/salesforce", soap("0065e00000000Fa"), XML),
        street.call("/hooks/crm/salesforce/wrong-secret", soap("0065e00000000Fa"), XML),
        street.call(street.hook("salesforce"), soap("0065e00000000Fa", org="00D000000000000EAA"), XML),
        street.call(path, b'{"record": "1512"}', bearer("whsec_guess", "x")),
        street.call(path, b"{}", {"webhook-id": "x", "webhook-timestamp": "1", "webhook-signature": "v1,"}),
        street.call("/hooks/link/" + "0" * 32, b"{}", bearer(secret, "x")),
    ]  # fmt: skip
    assert set(refused) == {FIXED}
    street.settle()
    assert street.deliveries() == before
    assert street.sends == []
    assert street.requests() == []


@pytest.mark.parametrize("doctype", [BOMB, OUTSIDE])
def test_xml_with_entities_is_refused_unread(street: Street, doctype: str) -> None:
    street.publish(BOOKED)
    before = street.deliveries()
    record = named(street, "Opportunity", "service")["Id"]
    answer = street.call(street.hook("salesforce"), soap(record, "&c;", doctype=doctype), XML)
    assert answer == FIXED
    street.settle()
    assert (street.deliveries(), street.sends) == (before, [])


def test_too_large_is_refused_however_it_is_signed(street: Street) -> None:
    before = street.deliveries()
    assert street.hubspot_says(b"[" + b" " * (3 * 1024 * 1024) + b"]") == 413
    assert street.call(street.hook("salesforce"), soap("006").ljust(1_000_001), XML) == FIXED
    path, secret = street.link("visit-slots")
    assert street.call(path, {"event_id": "a", "x": "y" * 300_000}, bearer(secret))[0] == 400
    assert street.deliveries() == before


# ---- authentic, and odd ------------------------------------------------------------------------------------------
ODD = {
    "no JSON": b"[{",
    "no list": b'"hello"',
    "nothing": b"",
    "null": b"null",
    "a list of nothing": b"[null, 7, [], {}]",
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "an id of 5,000 digits": b'[{"objectId": ' + b"9" * 5000 + b', "portalId": 24681357}]',
    "NaN": json.dumps([stage() | {"occurredAt": 7}]).replace("7", "NaN").encode(),
    "no UTF-8": b'[{"propertyValue": "\xff\xfe"}]',
    "another portal": json.dumps([stage() | {"portalId": 1}]).encode(),
    "no object": json.dumps([{k: v for k, v in stage().items() if k != "objectId"}]).encode(),
    "a type nobody knows": json.dumps([stage() | {"subscriptionType": "object.telepathy"}]).encode(),
    "an object nobody knows": json.dumps([stage() | {"objectTypeId": "9-999"}]).encode(),
    "a field nobody watches": json.dumps([stage() | {"propertyName": "no_such_field"}]).encode(),
    "a record nobody has": json.dumps([stage("99999999")]).encode(),
    "a time long ago": json.dumps([stage() | {"occurredAt": 1}]).encode(),
}


def test_whatever_was_signed_holds_nobody(street: Street) -> None:
    street.publish(QUOTE)
    answers = {name: street.hubspot_says(body) for name, body in ODD.items()}
    assert set(answers.values()) == {200}, answers
    street.move("hubspot", "deals", DEAL, dealstage="presentationscheduled")
    street.settle()
    assert [row.state for row in street.sends] == ["read"]
    dead = {bytes(row.body) for row in street.rows(deliveries, deliveries.c.state == "dead")}
    assert {ODD["no JSON"], ODD["deep"], ODD["no UTF-8"], ODD["nothing"]} <= dead
    assert street.healthy()["waiting"] == 0


def test_one_bad_event_of_a_hundred_holds_nobody(street: Street) -> None:
    street.publish(QUOTE)
    ids = ("3001", "3003")
    burst = [
        stage(ids[0]),
        {"objectId": []},
        None,
        *[told("deal", "3002", "dealname", str(n)) for n in range(96)],
        stage(ids[1]),
    ]
    assert street.hubspot_says(burst) == 200
    street.settle()
    assert sorted(row.record[2] for row in street.sends) == list(ids)
    assert {row.state for row in street.sends} == {"read"}


def test_what_was_deleted_or_merged_meanwhile(street: Street) -> None:
    street.publish(QUOTE)
    street.move("hubspot", "deals", DEAL, dealstage="presentationscheduled")
    street.move("hubspot", "deals", DEAL, archived=True)
    street.settle()
    assert street.sends == []
    assert "the record was deleted" in street.becauses()
    street.move("hubspot", "deals", "3003", dealstage="presentationscheduled")
    street.move("hubspot", "contacts", "1514", merge="1515")
    street.settle()
    (send,) = street.sends
    assert send.state == "read"
    assert street.deal("3003")["whatsapp_quote"] == "read"
    assert street.healthy()["waiting"] == 0


def test_a_request_to_be_forgotten_asks_a_person(street: Street) -> None:
    street.publish(QUOTE)
    assert street.hubspot_says([happened("contact", "1512", "privacyDeletion")]) == 200
    street.settle()
    assert street.healthy()["review"] == 1


def test_a_converted_lead_is_written_to_as_the_contact_it_became(street: Street) -> None:
    street.publish(
        "send: hello-lead\ncrm: salesforce\nwhen:\n  lead.Status: changes\nto: {contact: lead, phone: contact.Phone}\n"
        "template: visit_reminder\nlanguage: en_US\nwith: {1: \"{{ contact.FirstName | default('there') }}\", 2: now}\n"
        'after: {failed: {set: {lead.Description: "{{ failure.reason }}"}}}\n'
    )
    (gone,) = [r for r in street.sandbox.records("salesforce", "Lead") if r.get("IsConverted")]
    body = soap(gone["Id"], "Working").replace(b"sf:Opportunity", b"sf:Lead").replace(b"StageName", b"Status")
    assert street.call(street.hook("salesforce"), body, XML)[0] == 200
    street.settle()
    send = street.send()
    assert (send.state, send.person[1:]) == ("read", ["Contact", gone["ConvertedContactId"]])
    assert street.healthy()["waiting"] == 0
