"""The frame does for a CRM's stand-in what it does for Meta's: ledger, faults, records that a person changes."""

import json


def test_a_change_of_a_record_sends_the_crms_webhook(sandbox, receiver) -> None:
    sandbox.post("/_webhook", json={"url": receiver.url, "service": "hubspot"}).raise_for_status()
    known = sandbox.get("/_records/hubspot/contacts").json()[0]
    changed = sandbox.patch(f"/_records/hubspot/contacts/{known['id']}", json={"city": "Popayan"})
    assert (changed.status_code, changed.json()["id"]) == (200, known["id"])
    [event] = receiver.wait(1)[0]
    assert (str(event["objectId"]), event["propertyName"], event["propertyValue"]) == (known["id"], "city", "Popayan")
    assert "x-hubspot-signature-v3" in receiver.heard[0][0]
    read = sandbox.get(f"/_records/hubspot/contacts/{known['id']}").json()
    assert read["properties"]["city"] == "Popayan"


def test_what_cannot_be_changed_is_told(sandbox) -> None:
    assert sandbox.patch("/_records/hubspot/contacts/1", json={"city": "x"}).status_code == 404
    assert sandbox.patch("/_records/hubspot/planets/1", json={"city": "x"}).status_code == 404
    known = sandbox.get("/_records/hubspot/contacts").json()[0]["id"]
    wrong = sandbox.patch(f"/_records/hubspot/contacts/{known}", json={"no_such_field": "x"})
    assert (wrong.status_code, "no_such_field" in wrong.json()["error"]) == (400, True)


def test_each_service_refuses_in_its_own_words(sandbox) -> None:
    headers = {"Authorization": "Bearer pat-na1-sandbox-hubspot"}
    path = "/hubspot/crm/objects/2026-09/contacts"
    assert sandbox.get(path, headers=headers).status_code == 200
    answers = {}
    for kind in ("429", "expired"):
        sandbox.post("/_faults", json=[{"route": "GET /hubspot/*", "kind": kind}])
        answer = sandbox.get(path, headers=headers)
        answers[kind] = (answer.status_code, answer.json()["status"])
    assert answers == {"429": (429, "error"), "expired": (401, "error")}
    lines = [json.loads(line) for line in sandbox.get("/_ledger", params={"service": "hubspot"}).text.splitlines()]
    assert [(line["status"], line.get("fault")) for line in lines] == [(200, None), (429, "429"), (401, "expired")]


def test_a_change_in_salesforce_sends_an_outbound_message(sandbox, receiver) -> None:
    sandbox.post("/_webhook", json={"url": receiver.url, "service": "salesforce"}).raise_for_status()
    known = sandbox.get("/_records/salesforce/Contact").json()[0]
    sandbox.patch(f"/_records/salesforce/Contact/{known['Id']}", json={"FirstName": "Bia"}).raise_for_status()
    with receiver.changed:
        assert receiver.changed.wait_for(lambda: receiver.heard, timeout=10)
    headers, body = receiver.heard[0]
    assert b"Bia" in body
    assert "xml" in headers["content-type"]
    assert known["Id"].encode() in body
