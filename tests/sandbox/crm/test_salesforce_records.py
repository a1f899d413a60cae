"""Salesforce, one record at a time: values, rules, upserts by external id, and what became of a record."""

import json

import pytest

from tests.sandbox.crm.conftest import PAYLOADS

VALUES = json.loads((PAYLOADS / "salesforce_values.json").read_text("utf-8"))
MAINTENANCE = "We are down for maintenance"


def one(salesforce, object: str, last_name: str) -> dict:
    soql = f"SELECT Id, FirstName FROM {object} WHERE LastName = '{last_name}' ORDER BY FirstName LIMIT 1"
    return salesforce.get("/query", params={"q": soql}).json()["records"][0]


@pytest.fixture
def beatriz(salesforce) -> str:
    return "/sobjects/Contact/" + one(salesforce, "Contact", "Souza")["Id"]


@pytest.fixture
def dana(salesforce) -> str:
    return "/sobjects/Lead/" + one(salesforce, "Lead", "Lee")["Id"]


def error(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()[0]["errorCode"]


def test_the_people_of_the_demo(salesforce, beatriz, dana) -> None:
    contact, lead = salesforce.get(beatriz).json(), salesforce.get(dana).json()
    assert (contact["Name"], contact["MobilePhone"], contact["Id"][:3], len(contact["Id"])) == (
        "Beatriz Souza", "+55 11 98765-4321", "003", 18,
    )  # fmt: skip
    assert (lead["Name"], lead["Phone"], lead["Company"], lead["IsConverted"]) == (
        "Dana Lee", "(415) 555-0123", "Pacific Rim Dental", False,
    )  # fmt: skip


@pytest.mark.parametrize("fields, code, named", VALUES["refused"])
def test_a_value_that_is_refused(salesforce, beatriz, fields, code, named) -> None:
    fields = {name: "x" * 256 if value == "LONG" else value for name, value in fields.items()}
    refused = salesforce.patch(beatriz, json={"Title": "Owner", **fields})
    assert (refused.status_code, refused.json()[0]["errorCode"], refused.json()[0].get("fields", [])) == (
        400,
        code,
        named,
    )
    assert salesforce.get(beatriz).json()["Title"] is None  # the good value is not written either


@pytest.mark.parametrize("fields", VALUES["unreadable"])
def test_json_of_the_wrong_kind(salesforce, beatriz, fields) -> None:
    assert error(salesforce.patch(beatriz, json=fields)) == (400, "JSON_PARSER_ERROR")


@pytest.mark.parametrize("fields, name, kept", VALUES["kept"])
def test_a_value_as_it_is_kept(salesforce, beatriz, fields, name, kept) -> None:
    assert salesforce.patch(beatriz, json=fields).status_code == 204
    assert salesforce.get(beatriz, params={"fields": name}).json()[name] == kept


def test_the_longest_and_the_largest_are_taken(salesforce, beatriz) -> None:
    assert (
        salesforce.patch(beatriz, json={"NPS_Comment__c": "x" * 255, "Appointment_Notes__c": "y" * 1000}).status_code
        == 204
    )
    assert [salesforce.patch(beatriz, json={"NPS_Score__c": n}).status_code for n in (0, 10, -1)] == [204, 204, 400]


def test_all_values_that_are_wrong_are_named(salesforce, beatriz) -> None:
    refused = salesforce.patch(beatriz, json={"Email": "x", "Preferred_Branch__c": "Quito"}).json()
    assert {one["errorCode"] for one in refused} == {"INVALID_EMAIL_ADDRESS", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"}


@pytest.mark.parametrize("object, body, absent", [
    ("Contact", {"FirstName": "Nora"}, ["LastName"]),
    ("Lead", {"LastName": "Paz"}, ["Company"]),
    ("Opportunity", {"Name": "x"}, ["StageName", "CloseDate"]),
])  # fmt: skip
def test_what_a_record_must_have(salesforce, object, body, absent) -> None:
    refused = salesforce.post(f"/sobjects/{object}", json=body)
    assert (error(refused), refused.json()[0]["fields"]) == ((400, "REQUIRED_FIELD_MISSING"), absent)


def test_an_upsert_makes_then_changes(salesforce) -> None:
    path = "/sobjects/Contact/WhatsApp_Id__c/5511987654321"
    first = salesforce.patch(path, json={"LastName": "Souza"})
    second = salesforce.patch(path, json={"Title": "Owner"})
    assert (first.status_code, second.status_code) == (201, 200)
    assert [one.json() | {"id": ""} for one in (first, second)] == [
        {"id": "", "success": True, "errors": [], "created": made} for made in (True, False)
    ]
    assert first.json()["id"] == second.json()["id"]
    assert salesforce.get(path).json()["Title"] == "Owner"


def test_an_upsert_that_may_not_make_or_names_its_field_twice(salesforce) -> None:
    path = "/sobjects/Contact/WhatsApp_Id__c/5511987654321"
    assert error(salesforce.patch(path, params={"updateOnly": "true"}, json={"LastName": "S"})) == (404, "NOT_FOUND")
    assert error(salesforce.patch(path, json={"LastName": "S", "WhatsApp_Id__c": "1"})) == (400, "INVALID_FIELD")
    assert error(salesforce.patch("/sobjects/Contact/Title/x", json={"LastName": "S"})) == (404, "NOT_FOUND")


def test_an_external_id_that_several_records_have(salesforce) -> None:
    several = salesforce.patch("/sobjects/Contact/Legacy_Code__c/DUP-1", json={"Title": "x"})
    assert (several.status_code, len(several.json())) == (300, 2)
    assert all(url.startswith("/services/data/v68.0/sobjects/Contact/003") for url in several.json())


def test_a_unique_value_that_is_taken(salesforce, beatriz) -> None:
    made = salesforce.post("/sobjects/Contact", json={"LastName": "Paz", "WhatsApp_Id__c": "573005550001"}).json()["id"]
    refused = salesforce.patch(beatriz, json={"WhatsApp_Id__c": "573005550001"})
    assert error(refused) == (400, "DUPLICATE_VALUE")
    assert refused.json()[0]["message"].endswith(f"duplicates value on record with id: {made}")
    lead = {"LastName": "Paz", "Company": "x", "WhatsApp_Id__c": "573005550001"}
    assert salesforce.post("/sobjects/Lead", json=lead).status_code == 201  # unique within an object only


def test_a_duplicate_rule_alerts_and_can_be_passed(salesforce, switch) -> None:
    body = {"LastName": "Souza", "Email": "beatriz@padariasouza.example"}
    refused = salesforce.post("/sobjects/Contact", json=body)
    assert error(refused) == (400, "DUPLICATES_DETECTED")
    result = refused.json()[0]["duplicateResut"]
    matched = result["matchResults"][0]["matchRecords"][0]["record"]["Id"]
    assert (result["allowSave"], matched) == (True, one(salesforce, "Contact", "Souza")["Id"])
    passed = salesforce.post("/sobjects/Contact", json=body, headers={"Sforce-Duplicate-Rule-Header": "allowSave=true"})
    assert passed.status_code == 201
    switch("salesforce", duplicate_rule=False)
    assert salesforce.post("/sobjects/Contact", json=body).status_code == 201


def test_a_record_that_is_locked(salesforce, beatriz, switch) -> None:
    switch("salesforce", locked=[beatriz.rsplit("/", 1)[1][:15]])
    assert error(salesforce.patch(beatriz, json={"Title": "x"})) == (400, "UNABLE_TO_LOCK_ROW")
    switch("salesforce", locked=[])
    assert salesforce.patch(beatriz, json={"Title": "x"}).status_code == 204


def test_a_record_that_is_deleted(salesforce, beatriz) -> None:
    assert salesforce.delete(beatriz).status_code == 204
    for answer in (salesforce.get(beatriz), salesforce.patch(beatriz, json={"Title": "x"}), salesforce.delete(beatriz)):
        assert error(answer) == (404, "ENTITY_IS_DELETED")
    assert error(salesforce.get("/sobjects/Contact/0035e0000000000AAA")) == (404, "NOT_FOUND")
    assert (
        salesforce.get("/query", params={"q": "SELECT Id FROM Contact WHERE LastName = 'Souza'"}).json()["totalSize"]
        == 0
    )
    soql = "SELECT Id FROM Contact WHERE LastName = 'Souza' AND IsDeleted = true"
    assert salesforce.get("/queryAll", params={"q": soql}).json()["totalSize"] == 1


def test_a_merged_record_leads_to_its_master(salesforce, sandbox, beatriz) -> None:
    master, id = one(salesforce, "Contact", "Chen")["Id"], beatriz.rsplit("/", 1)[1]
    sandbox.patch(f"/_records/salesforce/Contact/{id}", json={"MasterRecordId": master}).raise_for_status()
    assert error(salesforce.get(beatriz)) == (404, "ENTITY_IS_DELETED")
    soql = f"SELECT MasterRecordId FROM Contact WHERE IsDeleted = true AND Id IN ('{id[:15]}')"
    assert salesforce.get("/queryAll", params={"q": soql}).json()["records"][0]["MasterRecordId"] == master


def test_converted_leads(salesforce, sandbox, dana) -> None:
    soql = "SELECT Id, ConvertedContactId FROM Lead WHERE IsConverted = true"
    [helena] = salesforce.get("/query", params={"q": soql}).json()["records"]
    assert salesforce.get(f"/sobjects/Contact/{helena['ConvertedContactId']}").json()["FirstName"] == "Helena"
    sandbox.patch(f"/_records/salesforce/Lead/{dana.rsplit('/', 1)[1]}", json={"IsConverted": True}).raise_for_status()
    lead = salesforce.get(dana).json()
    assert (lead["IsConverted"], lead["Status"]) == (True, "Closed - Converted")
    contact = salesforce.get(f"/sobjects/Contact/{lead['ConvertedContactId']}").json()
    assert (contact["Name"], contact["Phone"]) == ("Dana Lee", "(415) 555-0123")
    assert error(salesforce.patch(dana, json={"Title": "x"})) == (400, "CANNOT_UPDATE_CONVERTED_LEAD")


def test_a_task_on_a_contact_written_once(salesforce, beatriz, payload) -> None:
    body = payload("salesforce_task") | {"WhoId": beatriz.rsplit("/", 1)[1]}
    answers = [salesforce.patch("/sobjects/Task/WhatsApp_Ref__c/wamid.1", json=body).status_code for _ in range(2)]
    assert answers == [201, 200]
    soql = f"SELECT Subject, Who.Name FROM Task WHERE WhoId = '{body['WhoId']}'"
    [task] = salesforce.get("/query", params={"q": soql}).json()["records"]
    assert task["Subject"] == "WhatsApp"


def test_a_task_of_a_lead_is_related_to_nothing_else(salesforce, dana) -> None:
    account = salesforce.get("/query", params={"q": "SELECT Id FROM Account LIMIT 1"}).json()["records"][0]["Id"]
    body = {"WhoId": dana.rsplit("/", 1)[1], "Subject": "WhatsApp"}
    assert error(salesforce.post("/sobjects/Task", json=body | {"WhatId": account}))[0] == 400
    assert salesforce.post("/sobjects/Task", json=body).status_code == 201


def test_a_page_of_html_while_it_is_maintained(salesforce, switch, beatriz) -> None:
    switch("salesforce", maintenance=True)
    answer = salesforce.get(beatriz)
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (503, "text/html")
    assert MAINTENANCE in answer.text


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b"[" * 200_000])
def test_a_body_that_cannot_be_read(salesforce, beatriz, body) -> None:
    assert error(salesforce.patch(beatriz, content=body)) == (400, "JSON_PARSER_ERROR")
