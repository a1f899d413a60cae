"""Salesforce's collections: 200 records, one result each in their order, and an HTTP 200 over failures."""

import json

import pytest

UPSERT = "/composite/sobjects/Contact/WhatsApp_Id__c"


def contact(wa_id: str, **fields) -> dict:
    return {"attributes": {"type": "Contact"}, "WhatsApp_Id__c": wa_id, "LastName": "Paz", **fields}


def ids(salesforce, names: list[str]) -> list[str]:
    listed = ",".join(f"'{name}'" for name in names)
    soql = f"SELECT Id, LastName FROM Contact WHERE LastName IN ({listed})"
    found = {row["LastName"]: row["Id"] for row in salesforce.get("/query", params={"q": soql}).json()["records"]}
    return [found[name] for name in names]


def codes(answer) -> list[str]:
    assert answer.status_code == 200, answer.text
    return ["" if one["success"] else one["errors"][0]["statusCode"] for one in answer.json()]


def test_an_upsert_answers_in_order_and_says_what_was_made(salesforce) -> None:
    first = salesforce.patch(UPSERT, json={"records": [contact("1"), contact("2")]}).json()
    again = salesforce.patch(UPSERT, json={"records": [contact("2", Title="x"), contact("3"), contact("1")]}).json()
    assert [one["created"] for one in [*first, *again]] == [True, True, False, True, False]
    assert [again[2]["id"], again[0]["id"]] == [one["id"] for one in first]


def test_all_rows_may_fail_under_a_200(salesforce) -> None:
    rows = [
        contact("1", NPS_Score__c=11), contact("2", Preferred_Branch__c="Quito"), contact("3", LastName=None),
        contact("4", Nope__c=1), contact("5", Email="beatriz@padariasouza.example"), contact(""),
        contact("6") | {"attributes": {"type": "Lead"}},
    ]  # fmt: skip
    answer = salesforce.patch(UPSERT, json={"allOrNone": False, "records": rows})
    assert codes(answer) == [
        "FIELD_CUSTOM_VALIDATION_EXCEPTION", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "REQUIRED_FIELD_MISSING",
        "INVALID_FIELD", "DUPLICATES_DETECTED", "MISSING_ARGUMENT", "INVALID_TYPE",
    ]  # fmt: skip
    assert all("errorCode" not in error for one in answer.json() for error in one["errors"])
    assert answer.json()[1]["errors"][0]["fields"] == ["Preferred_Branch__c"]


def test_the_good_rows_go_through(salesforce) -> None:
    rows = [contact("1"), contact("2", NPS_Score__c=11), contact("3")]
    assert codes(salesforce.patch(UPSERT, json={"records": rows})) == ["", "FIELD_CUSTOM_VALIDATION_EXCEPTION", ""]
    found = salesforce.get("/query", params={"q": "SELECT WhatsApp_Id__c FROM Contact WHERE LastName = 'Paz'"}).json()
    assert [row["WhatsApp_Id__c"] for row in found["records"]] == ["1", "3"]


def test_all_or_none_takes_back_the_good_rows(salesforce) -> None:
    rows = [contact("1"), contact("2", NPS_Score__c=11)]
    answer = salesforce.patch(UPSERT, json={"allOrNone": True, "records": rows})
    assert codes(answer) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "FIELD_CUSTOM_VALIDATION_EXCEPTION"]
    assert salesforce.get("/sobjects/Contact/WhatsApp_Id__c/1").status_code == 404
    assert codes(salesforce.patch(UPSERT, json={"records": rows[:1]})) == [""]  # its value is free again


def test_one_value_of_the_wrong_kind_refuses_the_call(salesforce) -> None:
    answer = salesforce.patch(UPSERT, json={"records": [contact("1"), contact("2", NPS_Score__c="nine")]})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")
    assert salesforce.get("/sobjects/Contact/WhatsApp_Id__c/1").status_code == 404


def test_the_same_external_id_twice(salesforce) -> None:
    assert codes(salesforce.patch(UPSERT, json={"records": [contact("1"), contact("1", Title="x")]})) == [
        "", "DUPLICATE_VALUE",
    ]  # fmt: skip
    several = [{"attributes": {"type": "Contact"}, "Legacy_Code__c": "DUP-1", "Title": "x"}]
    answer = salesforce.patch("/composite/sobjects/Contact/Legacy_Code__c", json={"records": several})
    assert codes(answer) == ["DUPLICATE_EXTERNAL_ID"]


def test_updates_by_id_may_mix_objects_and_fail_alone(salesforce, switch) -> None:
    souza, chen, vega = ids(salesforce, ["Souza", "Chen", "Vega"])
    lead = salesforce.get("/query", params={"q": "SELECT Id FROM Lead WHERE LastName = 'Lee'"}).json()["records"][0][
        "Id"
    ]
    switch("salesforce", locked=[chen])
    salesforce.delete(f"/sobjects/Contact/{vega}")

    def row(id: str, type: str = "Contact") -> dict:
        return {"attributes": {"type": type}, "id": id, "Title": "x"}

    rows = [row(souza[:15]), row(chen), row(vega), row("0035e0000000000AAA"), row("x"), row(lead, "Lead")]
    assert codes(salesforce.patch("/composite/sobjects", json={"records": rows})) == [
        "", "UNABLE_TO_LOCK_ROW", "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID", "",
    ]  # fmt: skip


def test_creates_without_an_external_id(salesforce) -> None:
    rows = [{"attributes": {"type": "Contact"}, "LastName": "A"}, {"attributes": {"type": "Task"}, "Subject": "B"}]
    answer = salesforce.post("/composite/sobjects", json={"records": rows})
    assert codes(answer) == ["", ""]
    assert [one["id"][:3] for one in answer.json()] == ["003", "00T"]
    assert "created" not in answer.json()[0]


@pytest.mark.parametrize(
    "method, path", [("POST", "/composite/sobjects"), ("PATCH", "/composite/sobjects"), ("PATCH", UPSERT)]
)
def test_a_collection_holds_200(salesforce, method, path) -> None:
    rows = [contact(str(n)) for n in range(201)]
    refused = salesforce.request(method, path, json={"records": rows})
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "EXCEEDED_MAX_SIZE_REQUEST")
    assert codes(salesforce.patch(UPSERT, json={"records": rows[:200]})) == [""] * 200


def test_a_retrieve_keeps_the_order_and_leaves_holes(salesforce) -> None:
    souza, chen, vega = ids(salesforce, ["Souza", "Chen", "Vega"])
    salesforce.delete(f"/sobjects/Contact/{vega}")
    body = {"ids": [chen[:15], vega, "0035e0000000000AAA", souza], "fields": ["Id", "LastName", "Nps_score__c"]}
    found = salesforce.post("/composite/sobjects/Contact", json=body).json()
    assert [one and one["LastName"] for one in found] == ["Chen", None, None, "Souza"]
    assert found[0]["NPS_Score__c"] is None
    for wrong, code in (({"fields": ["Nope__c"]}, "INVALID_FIELD"), ({"ids": ["x"]}, "MALFORMED_ID")):
        refused = salesforce.post("/composite/sobjects/Contact", json=body | wrong)
        assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, code)
    assert salesforce.post("/composite/sobjects/Contact", json=body | {"ids": [chen] * 2001}).status_code == 400


def test_the_ledger_names_the_records_that_were_written(salesforce, sandbox) -> None:
    made = salesforce.patch(UPSERT, json={"records": [contact("1"), contact("2", NPS_Score__c=11)]}).json()
    lines = [json.loads(one) for one in sandbox.get("/_ledger", params={"service": "salesforce"}).text.splitlines()]
    assert (lines[-1]["record"], lines[-1]["status"]) == ([made[0]["id"]], 200)


def composite(salesforce, payload, all_or_none: bool, **contact):
    body = payload("salesforce_composite") | {"allOrNone": all_or_none}
    body["compositeRequest"][1]["body"] |= contact
    answer = salesforce.post("/composite", json=body)
    assert answer.status_code == 200
    return {one["referenceId"]: one for one in answer.json()["compositeResponse"]}


def test_a_composite_uses_what_it_made(salesforce, payload) -> None:
    done = composite(salesforce, payload, True)
    account, contact = (done[name]["body"]["id"] for name in ("shop", "owner"))
    assert salesforce.get(f"/sobjects/Contact/{contact}").json()["AccountId"] == account
    assert done["look"]["body"]["records"][0]["Account"]["Name"] == "Flores de Suba"


@pytest.mark.parametrize("all_or_none, statuses, left", [(True, [400, 400, 400], 0), (False, [201, 400, 200], 1)])
def test_a_composite_takes_back_all_or_nothing(salesforce, payload, all_or_none, statuses, left) -> None:
    done = composite(salesforce, payload, all_or_none, LastName="")
    assert [one["httpStatusCode"] for one in done.values()] == statuses
    assert done["owner"]["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    soql = "SELECT Id FROM Account WHERE Name = 'Flores de Suba'"
    assert salesforce.get("/query", params={"q": soql}).json()["totalSize"] == left
    if all_or_none:
        assert done["shop"]["body"][0]["errorCode"] == "PROCESSING_HALTED"
