"""Salesforce around the records: sessions, limits, describes, fields that are made, Outbound Messages."""

import base64
import json
import time
from xml.etree import ElementTree

import pytest

TOKEN = "/salesforce/services/oauth2/token"
DATA = "/salesforce/services/data/v68.0"
CLIENT = {"client_id": "sandbox-salesforce-client", "client_secret": "sandbox-salesforce-secret"}
NEW_FIELD = {
    "FullName": "Contact.Loyalty_Number__c",
    "Metadata": {"label": "Loyalty Number", "type": "Text", "length": 20, "externalId": True, "unique": True},
}
ACK = (
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>%s</Ack></notificationsResponse>'
    b"</soapenv:Body></soapenv:Envelope>"
)
SF = "{urn:sobject.enterprise.soap.sforce.com}"
OUT = "{http://soap.sforce.com/2005/09/outbound}"


def grant(sandbox, kind: str, **form):
    return sandbox.post(TOKEN, data={"grant_type": kind, **CLIENT, **form})


def jwt(**claims) -> str:
    said = {
        "iss": CLIENT["client_id"], "sub": "connector@sandbox-store.example", "aud": "https://login.salesforce.com",
        "exp": int(time.time()) + 170, **claims,
    }  # fmt: skip
    parts = (json.dumps({"alg": "RS256"}).encode(), json.dumps(said).encode(), b"s" * 256)
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def assertion(sandbox, text: str):
    return grant(sandbox, "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion=text)


# ---- sessions ----
def test_client_credentials(sandbox) -> None:
    given = grant(sandbox, "client_credentials").json()
    assert given["instance_url"] == f"{sandbox.base_url}/salesforce"
    assert given["id"].split("/")[-2:-1] == ["00D5e000000SBOXEA2"]
    assert ("expires_in" in given, "refresh_token" in given, given["token_type"]) == (False, False, "Bearer")
    basic = sandbox.post(TOKEN, data={"grant_type": "client_credentials"}, auth=tuple(CLIENT.values()))
    assert basic.status_code == 200


@pytest.mark.parametrize("form, error", [
    ({"client_secret": "x"}, "invalid_client"), ({"client_id": "x"}, "invalid_client_id"),
    ({"grant_type": "password"}, "unsupported_grant_type"),
])  # fmt: skip
def test_credentials_that_are_wrong(sandbox, form, error) -> None:
    refused = sandbox.post(TOKEN, data={"grant_type": "client_credentials", **CLIENT, **form})
    assert (refused.status_code, refused.json()["error"]) == (400, error)


def test_a_refresh_token_is_used_once(sandbox) -> None:
    first = grant(sandbox, "refresh_token", refresh_token="5Aep-sandbox-salesforce-refresh").json()
    again = grant(sandbox, "refresh_token", refresh_token="5Aep-sandbox-salesforce-refresh")
    assert (again.status_code, again.json()["error_description"]) == (400, "expired access/refresh token")
    assert grant(sandbox, "refresh_token", refresh_token=first["refresh_token"]).status_code == 400  # its family ended


def test_a_signed_assertion(sandbox) -> None:
    assert assertion(sandbox, jwt()).status_code == 200
    wrong = {
        "user hasn't approved this consumer": jwt(sub="x"),
        "audience is invalid": jwt(aud="https://login.example"),
        "expired authorization code": jwt(exp=int(time.time()) - 1),
        "invalid assertion": "a.b.c",
        "client identifier invalid": jwt(iss="x"),
    }
    found = [assertion(sandbox, text) for text in (*wrong.values(), jwt(exp=int(time.time()) + 3600))]
    assert [one.status_code for one in found] == [400] * 6
    assert [one.json()["error_description"] for one in found[:5]] == list(wrong)


def test_a_session_ages_and_ends(sandbox, salesforce) -> None:
    assert salesforce.get("/limits").status_code == 200
    sandbox.post("/_clock", json={"advance": 7201})
    refused = salesforce.get("/limits")
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
    assert sandbox.get(f"{DATA}/limits").status_code == 401


def test_the_fault_expired_really_ends_the_session(sandbox, salesforce) -> None:
    sandbox.post("/_faults", json=[{"route": "GET /salesforce/*", "kind": "expired", "times": 1}])
    assert [salesforce.get("/limits").status_code for _ in range(2)] == [401, 401]
    token = grant(sandbox, "client_credentials").json()["access_token"]
    assert salesforce.get("/limits", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_the_calls_of_a_day(salesforce, switch) -> None:
    first = salesforce.get("/limits")
    assert first.headers["Sforce-Limit-Info"] == "api-usage=1/100000"
    assert first.json()["DailyApiRequests"] == {"Max": 100_000, "Remaining": 99_999}
    switch("salesforce", daily=1)
    refused = salesforce.get("/limits")
    assert (refused.status_code, refused.json()[0]["errorCode"], "retry-after" in refused.headers) == (
        403, "REQUEST_LIMIT_EXCEEDED", False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "path", ["/services/data/v30.0/limits", "/services/data/v69.0/limits", "/services/data/v68.0/no"]
)
def test_paths_that_are_not_there(salesforce, sandbox, path) -> None:
    refused = sandbox.get(f"/salesforce{path}", headers=salesforce.headers)
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (404, "NOT_FOUND")
    assert sandbox.get("/salesforce/services/data").json()[-1]["version"] == "68.0"


# ---- fields ----
def fields(salesforce, object: str = "Contact") -> dict:
    return {one["name"]: one for one in salesforce.get(f"/sobjects/{object}/describe").json()["fields"]}


def test_describes(salesforce) -> None:
    found = fields(salesforce)
    score, branch, id = (found[name] for name in ("NPS_Score__c", "Preferred_Branch__c", "WhatsApp_Id__c"))
    assert (score["type"], score["precision"], score["scale"]) == ("double", 2, 0)
    assert [one["value"] for one in branch["picklistValues"]] == ["Bogota", "Mexico City", "Lima"]
    assert (branch["restrictedPicklist"], id["externalId"], id["unique"]) == (True, True, True)
    assert (found["LastName"]["nillable"], found["Id"]["updateable"]) == (False, False)
    assert fields(salesforce, "Task")["WhatsApp_Ref__c"]["externalId"] is True
    assert salesforce.get("/sobjects/Planet/describe").status_code == 404
    path = "/ui-api/object-info/Contact/picklist-values/012000000000000AAA"
    assert len(salesforce.get(path).json()["picklistFieldValues"]["Preferred_Branch__c"]["values"]) == 3


def test_the_admins_rules_can_be_read(salesforce) -> None:
    soql = "SELECT ErrorDisplayField, ErrorMessage FROM ValidationRule WHERE EntityDefinition.QualifiedApiName = 'Lead'"
    [row] = salesforce.get("/tooling/query/", params={"q": soql}).json()["records"]
    assert (row["ErrorDisplayField"], "0 to 10" in row["ErrorMessage"]) == ("NPS_Score__c", True)


def test_a_field_that_was_made_is_hidden_until_a_permission_set_opens_it(salesforce) -> None:
    made = salesforce.post("/tooling/sobjects/CustomField", json=NEW_FIELD)
    assert (made.status_code, made.json()["success"]) == (201, True)
    twice = salesforce.post("/tooling/sobjects/CustomField", json=NEW_FIELD)
    assert (twice.status_code, twice.json()[0]["errorCode"]) == (400, "DUPLICATE_DEVELOPER_NAME")
    assert "Loyalty_Number__c" not in fields(salesforce)
    path = "/sobjects/Contact/Loyalty_Number__c/L-7"
    assert salesforce.patch(path, json={"LastName": "Paz"}).status_code == 404

    def create(object: str, **body) -> str:
        return salesforce.post(f"/sobjects/{object}", json=body).json()["id"]

    parent = create("PermissionSet", Name="WhatsApp", Label="WhatsApp")
    field = {"SobjectType": "Contact", "Field": "Contact.Loyalty_Number__c"}
    create("FieldPermissions", ParentId=parent, PermissionsRead=True, PermissionsEdit=True, **field)
    assert "Loyalty_Number__c" not in fields(salesforce)  # nobody has the permission set yet
    user = "SELECT Id FROM User WHERE Username = 'connector@sandbox-store.example'"
    us = salesforce.get("/query", params={"q": user}).json()["records"][0]["Id"]
    create("PermissionSetAssignment", AssigneeId=us, PermissionSetId=parent)
    assert fields(salesforce)["Loyalty_Number__c"]["unique"] is True
    assert [salesforce.patch(path, json={"LastName": "Paz"}).status_code for _ in range(2)] == [201, 200]


def test_an_org_that_does_not_have_the_fields_yet(salesforce, switch) -> None:
    switch("salesforce", fields_ready=False)
    assert {"WhatsApp_Id__c", "NPS_Score__c"} & fields(salesforce).keys() == {"NPS_Score__c"}
    path = "/sobjects/Contact/WhatsApp_Id__c/1"
    assert salesforce.patch(path, json={"LastName": "Paz"}).status_code == 404
    refused = salesforce.post("/sobjects/Contact", json={"LastName": "Paz", "WhatsApp_Id__c": "1"})
    assert refused.json()[0]["errorCode"] == "INVALID_FIELD"
    switch("salesforce", fields_ready=True)
    assert salesforce.patch(path, json={"LastName": "Paz"}).status_code == 201


@pytest.mark.parametrize(
    "switches", [{"speed": 1}, {"daily": "many"}, {"locked": "003"}, {"echo": 1}, {"gather": 1.5}, []]
)
def test_switches_that_are_none(sandbox, switches) -> None:
    before = sandbox.get("/salesforce/_options").json()
    assert sandbox.patch("/salesforce/_options", json=switches).status_code == 400
    assert sandbox.get("/salesforce/_options").json() == before


# ---- Outbound Messages ----
@pytest.fixture
def told(sandbox, soap):
    sandbox.post("/_webhook", json={"url": soap.url, "service": "salesforce"}).raise_for_status()
    return soap


def beatriz(sandbox) -> str:
    return next(row["Id"] for row in sandbox.get("/_records/salesforce/Contact").json() if row["LastName"] == "Souza")


def us(sandbox) -> str:
    users = sandbox.get("/_records/salesforce/User").json()
    return next(user["Id"] for user in users if user["Username"] == "connector@sandbox-store.example")


def change(sandbox, fields: dict, object: str = "Contact") -> None:
    sandbox.patch(f"/_records/salesforce/{object}/{beatriz(sandbox)}", json=fields).raise_for_status()


def heard(told, count: int) -> list[ElementTree.Element]:
    with told.changed:
        assert told.changed.wait_for(lambda: len(told.heard) >= count, timeout=10), len(told.heard)
        return [ElementTree.fromstring(body) for _, body in told.heard]


def test_a_field_that_changed_is_an_outbound_message_of_its_own(sandbox, told) -> None:
    told.answers = ACK % b"true"
    change(sandbox, {"Description": "x", "Title": "Dueña & <jefa>", "LeadSource": "Web", "FirstName": "Beatriz"})
    [message] = heard(told, 1)  # Description is not told, the other two were like that before
    record = message.find(f".//{OUT}sObject")
    assert message.findtext(f".//{OUT}OrganizationId") == "00D5e000000SBOXEA2"
    assert (record.findtext(f"{SF}Id"), record.findtext(f"{SF}Title")) == (beatriz(sandbox), "Dueña & <jefa>")
    assert [field.tag.removeprefix(SF) for field in record] == [
        "Id", "Title", "CreatedDate", "LastModifiedById", "LastModifiedDate", "SystemModstamp",
    ]  # fmt: skip
    assert record.findtext(f"{SF}LastModifiedById") != us(sandbox)
    assert told.heard[0][0]["content-type"].startswith("text/xml")


def test_a_message_may_carry_the_whole_record(sandbox, told, switch) -> None:
    told.answers = ACK % b"true"
    switch("salesforce", whole=True)
    change(sandbox, {"Title": "x", "LeadSource": None})
    record = heard(told, 1)[0].find(f".//{OUT}sObject")
    nil = "{http://www.w3.org/2001/XMLSchema-instance}nil"
    assert [record.find(f"{SF}{name}").get(nil) for name in ("LeadSource", "LastName")] == ["true", None]


def test_a_new_record_is_told_whole(sandbox, told) -> None:
    told.answers = ACK % b"true"
    sandbox.patch("/_records/salesforce/Case/new", json={"Subject": "Late", "Status": "New"}).raise_for_status()
    record = heard(told, 1)[0].find(f".//{OUT}sObject")
    assert record.findtext(f"{SF}Subject") == "Late"
    assert record.findtext(f"{SF}CreatedDate") == record.findtext(f"{SF}SystemModstamp")


def test_several_notifications_go_in_one_message_doubled_and_overtaken(sandbox, told, switch) -> None:
    told.answers = ACK % b"true"
    switch("salesforce", gather=2, doubled=True, late=2.0)
    deals = [row["Id"] for row in sandbox.get("/_records/salesforce/Opportunity").json()]
    for stage in ("Negotiation/Review", "Closed Lost"):
        for deal in deals[:2]:
            path = f"/_records/salesforce/Opportunity/{deal}"
            sandbox.patch(path, json={"StageName": stage}).raise_for_status()
    found = [[n.text for n in m.iterfind(f".//{SF}StageName")] for m in heard(told, 4)]
    assert found == [["Closed Lost"] * 2] * 2 + [["Negotiation/Review"] * 2] * 2
    ids = [m.findtext(f".//{OUT}Notification/{OUT}Id") for m in heard(told, 4)]
    assert (len(set(ids)), ids[0] == ids[1]) == (2, True)


def test_what_was_gathered_goes_when_gathering_ends(sandbox, told, switch) -> None:
    told.answers = ACK % b"true"
    switch("salesforce", gather=100)
    change(sandbox, {"Title": "x"})
    switch("salesforce", gather=1)
    assert len(heard(told, 1)) == 1


def test_a_message_comes_again_until_it_is_acknowledged_with_what_the_record_holds_by_then(sandbox, told) -> None:
    told.statuses += [500]
    change(sandbox, {"Title": "first"})
    heard(told, 2)  # refused once, then 200 without an Ack: neither counts
    change(sandbox, {"Title": "second"})
    told.answers = ACK % b"true"
    assert sandbox.get("/_webhooks", params={"wait": 10}).json()["salesforce"]["delivered"] == 2
    messages = [(m.findtext(f".//{OUT}Notification/{OUT}Id"), m.findtext(f".//{SF}Title")) for m in heard(told, 4)]
    first = [title for id, title in messages if id == messages[0][0]]
    assert (first[0], first[-1]) == ("first", "second")
    assert len({id for id, _ in messages}) == 2


def test_ack_false_is_no_ack(sandbox, told) -> None:
    told.answers = ACK % b"false"
    change(sandbox, {"Title": "x"})
    heard(told, 3)
    told.answers = ACK % b"true"
    assert sandbox.get("/_webhooks", params={"wait": 10}).json()["salesforce"]["waiting"] == 0


def test_our_own_writes_are_told_only_when_switched_on(sandbox, told, salesforce, switch) -> None:
    told.answers = ACK % b"true"
    path = f"/sobjects/Contact/{beatriz(sandbox)}"
    salesforce.patch(path, json={"Title": "x"})
    assert sandbox.get("/_webhooks", params={"wait": 5}).json()["salesforce"]["delivered"] == 0
    switch("salesforce", echo=True)
    salesforce.patch(path, json={"Title": "y"})
    assert heard(told, 1)[0].findtext(f".//{SF}Title") == "y"


def test_a_person_is_refused_what_the_screens_refuse(sandbox) -> None:
    path = f"/_records/salesforce/Contact/{beatriz(sandbox)}"
    refused = sandbox.patch(path, json={"NPS_Score__c": 11})
    assert (refused.status_code, "0 to 10" in refused.json()["error"]) == (400, True)
    assert sandbox.patch("/_records/salesforce/Contact/0035e0000000000AAA", json={"Title": "x"}).status_code == 404
    assert sandbox.get("/_records/salesforce/Planet").status_code == 404


# ---- flows ----
def test_a_flow_calls_with_its_credential_and_hears_the_answer(sandbox, soap) -> None:
    soap.answers = b'{"ok":true}'
    body = {"event_id": "run-1", "trigger": "quote-ready"}
    said = sandbox.post("/salesforce/_flows", json={"hook": soap.url, "token": "secret", "body": body}).json()
    assert said == {"status": 200, "body": '{"ok":true}'}
    signed = {"hook": soap.url, "secret": "whsec_c2VjcmV0", "body": body, "id": "msg_1"}
    soap.statuses += [401]
    assert sandbox.post("/salesforce/_flows", json=signed).json()["status"] == 401
    (first, sent), (second, _) = soap.heard
    assert (first["authorization"], json.loads(sent)) == ("Bearer secret", body)
    assert (second["webhook-id"], second["webhook-signature"][:3], "authorization" in second) == ("msg_1", "v1,", False)


@pytest.mark.parametrize("given", [[], {}, {"hook": "https://example.com/x"}, {"hook": "http://10.0.0.1/"}])
def test_a_flow_calls_nobody_outside(sandbox, given) -> None:
    assert sandbox.post("/salesforce/_flows", json=given).status_code == 400


def test_a_flow_that_reaches_nobody_hears_so(sandbox) -> None:
    said = sandbox.post("/salesforce/_flows", json={"hook": "http://127.0.0.1:9/x", "body": {}}).json()
    assert said == {"status": 0, "body": "NewConnectionError"}
