"""HubSpot's webhooks: what a person changes is told, signed in version 3, until it is accepted."""

import base64
import hashlib
import hmac
import time

import pytest


@pytest.fixture
def told(sandbox, receiver):
    sandbox.post("/_webhook", json={"url": f"{receiver.url}?a=%2Fb", "service": "hubspot"}).raise_for_status()
    return receiver


def change(sandbox, id: str, fields: dict, object: str = "contacts"):
    return sandbox.patch(f"/_records/hubspot/{object}/{id}", json=fields)


def test_a_change_is_one_event_a_property_in_one_array(sandbox, told) -> None:
    change(sandbox, "3001", {"dealstage": "presentationscheduled", "amount": "4900", "pipeline": "default"}, "deals")
    [events] = told.wait(1)
    assert {one["propertyName"]: one["propertyValue"] for one in events} == {
        "dealstage": "presentationscheduled", "amount": "4900",
    }  # fmt: skip
    first = events[0]
    assert (first["subscriptionType"], first["objectTypeId"], first["objectId"], first["portalId"]) == (
        "object.propertyChange", "0-3", 3001, 24681357,
    )  # fmt: skip
    assert (first["changeSource"], first["sourceId"].partition(":")[0], first["attemptNumber"]) == (
        "CRM_UI",
        "userId",
        0,
    )
    assert abs(first["occurredAt"] / 1000 - time.time()) < 60


def test_the_signature_is_over_the_decoded_address_and_the_raw_body(sandbox, told) -> None:
    change(sandbox, "1512", {"city": "Cúcuta"})
    told.wait(1)
    headers, body = told.heard[0]
    stamp = headers["x-hubspot-request-timestamp"]
    text = f"POST{told.url}?a=/b".encode() + body + stamp.encode()
    good = base64.b64encode(hmac.new(b"sandbox-hubspot-client-secret", text, hashlib.sha256).digest()).decode()
    assert headers["x-hubspot-signature-v3"] == good
    assert abs(int(stamp) / 1000 - time.time()) < 60
    assert "Cúcuta".encode() in body


def test_a_new_contact_is_a_burst_with_the_creation_second(sandbox, told) -> None:
    made = change(sandbox, "new", {"firstname": "Nora", "lastname": "Díaz", "phone": "+573005550001", "city": "Cali"})
    [events] = told.wait(1)
    assert [one["subscriptionType"].partition(".")[2] for one in events] == [
        "propertyChange", "creation", "propertyChange", "propertyChange", "propertyChange",
    ]  # fmt: skip
    assert {str(one["objectId"]) for one in events} == {made.json()["id"]}
    assert len({one["occurredAt"] for one in events}) == 1


def test_a_deletion_and_a_merge(sandbox, told) -> None:
    change(sandbox, "1515", {"archived": True})
    merged = change(sandbox, "1512", {"merge": "1513"}).json()["id"]
    events = {one["subscriptionType"]: one for [one] in told.wait(2)}
    assert events["object.deletion"]["objectId"] == 1515
    merge = events["object.merge"]
    assert (merge["primaryObjectId"], merge["mergedObjectIds"], str(merge["newObjectId"])) == (
        1512,
        [1512, 1513],
        merged,
    )


def test_a_webhook_that_is_not_accepted_comes_again(sandbox, told) -> None:
    told.statuses += [500, 404]
    change(sandbox, "1512", {"city": "Cali"})
    first, second, third = told.wait(3)
    assert [one[0]["attemptNumber"] for one in (first, second, third)] == [0, 1, 2]
    assert first[0]["eventId"] == third[0]["eventId"]
    assert sandbox.get("/_webhooks", params={"wait": 5}).json()["hubspot"]["delivered"] == 1


def test_our_own_writes_are_told_only_when_switched_on(sandbox, told, contacts, switch) -> None:
    contacts.patch("/1512", json={"properties": {"city": "Cali"}})
    assert sandbox.get("/_webhooks", params={"wait": 5}).json()["hubspot"]["delivered"] == 0
    switch("hubspot", echo=True, classic=True)
    contacts.patch("/1512", json={"properties": {"city": "Pasto", "country": "CO"}})
    [[event]] = told.wait(1)  # the country was the same
    assert (event["subscriptionType"], event["changeSource"], event["propertyValue"]) == (
        "contact.propertyChange", "INTEGRATION", "Pasto",
    )  # fmt: skip


def test_a_person_is_refused_what_the_screens_refuse(sandbox, told) -> None:
    assert change(sandbox, "1512", {"delivery_slot": "noon"}).status_code == 400
    assert change(sandbox, "99", {"city": "x"}).status_code == 404
    assert sandbox.get("/_webhooks", params={"wait": 5}).json()["hubspot"]["delivered"] == 0
