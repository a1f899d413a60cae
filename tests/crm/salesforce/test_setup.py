"""`check`, `check(fix=True)` and `fields` over HTTP."""

import json
from typing import Any

import pytest

from connector.crm.salesforce import connect
from connector.errors import NotFound
from connector.ports import CRM
from connector.sandbox.http import Request, Response, answer
from tests.crm.salesforce.conftest import USER, Org, Tokens, account
from tests.crm.salesforce.test_find import describe, described

OURS = ("WhatsApp_Id__c", "WhatsApp_User_Id__c", "WhatsApp_Ref__c")


class Setting:
    """An org whose describes show what was made and opened: a made field is hidden until it is granted."""

    def __init__(self, org: Org, *, may_create: bool = True, may_grant: bool = True, visible: bool = False) -> None:
        self.made: list[dict[str, Any]] = []
        self.granted: list[dict[str, Any]] = []
        self.assigned: list[dict[str, Any]] = []
        self._may = {"CustomField": may_create, "grant": may_grant}
        self._visible = visible
        for name in ("Contact", "Lead", "Task"):
            org.on(f"/sobjects/{name}/describe", lambda r, n=name: answer(self.describe(n)))
        org.on("/tooling/sobjects/CustomField", self._create)
        org.on("/sobjects/PermissionSet", lambda r: answer({"id": "0PSHp0000000001", "success": True}, 201))
        org.on("/sobjects/PermissionSetAssignment", self._assign)
        org.on("/sobjects/FieldPermissions", self._grant)
        org.on("/query/", self._query)

    def describe(self, object: str) -> Any:
        body = describe(object)
        home = {"Task": "Activity"}.get(object, object)
        made = {m["FullName"] for m in self.made}
        open_ = {g["Field"] for g in self.granted}
        seen = [
            f
            for f in body["fields"]
            if f["name"] not in OURS
            or (f"{home}.{f['name']}" in made and (self._visible or f"{object}.{f['name']}" in open_))
        ]
        return {**body, "fields": seen}

    def _create(self, request: Request) -> Response:
        if not self._may["CustomField"]:
            return answer([{"errorCode": "INSUFFICIENT_ACCESS", "message": "no"}], 400)
        self.made.append(request.json())
        return answer({"id": f"00NHp{len(self.made)}", "success": True}, 201)

    def _assign(self, request: Request) -> Response:
        self.assigned.append(request.json())
        return answer({"id": "0PaHp0000000001", "success": True}, 201)

    def _grant(self, request: Request) -> Response:
        if not self._may["grant"]:
            return answer([{"errorCode": "INSUFFICIENT_ACCESS_OR_READONLY", "message": "no"}], 400)
        self.granted.append(request.json())
        return answer({"id": "01kHp0000000001", "success": True}, 201)

    def _query(self, request: Request) -> Response:
        text = request.query["q"]
        there = ("PermissionSetAssignment" in text and self.assigned) or (
            "FROM PermissionSet " in text and self.granted
        )
        return answer({"done": True, "records": [{"Id": "0PSHp0000000001"}] if there else []})


def connected(org: Org, tokens: Tokens) -> CRM:
    return connect(account(org.base), tokens)


def test_missing_fields_are_told_and_only_made_when_asked(org: Org, tokens: Tokens) -> None:
    setting = Setting(org)
    issues = connected(org, tokens).check()
    assert [(i.code, i.fix) for i in issues] == [("missing_field", True)] * 5
    assert setting.made == []


def test_fix_makes_the_fields_and_opens_them_to_our_user(org: Org, tokens: Tokens) -> None:
    setting = Setting(org)
    crm = connected(org, tokens)
    assert crm.check(fix=True) == []
    assert [m["FullName"] for m in setting.made] == [
        "Contact.WhatsApp_Id__c",
        "Contact.WhatsApp_User_Id__c",
        "Lead.WhatsApp_Id__c",
        "Lead.WhatsApp_User_Id__c",
        "Activity.WhatsApp_Ref__c",
    ]
    assert [m["Metadata"].get("unique", False) for m in setting.made] == [True, True, True, True, False]
    assert {m["Metadata"]["externalId"] for m in setting.made} == {True}
    assert setting.assigned == [{"AssigneeId": USER, "PermissionSetId": "0PSHp0000000001"}]
    assert len(setting.granted) == 5
    before = len(setting.made), len(setting.granted)
    assert crm.check(fix=True) == crm.check() == []
    assert before == (len(setting.made), len(setting.granted))


def test_where_fields_are_open_at_once_nothing_is_granted(org: Org, tokens: Tokens) -> None:
    setting = Setting(org, visible=True)
    assert connected(org, tokens).check(fix=True) == []
    assert setting.granted == []


def test_what_we_may_not_make_names_the_permission(org: Org, tokens: Tokens) -> None:
    Setting(org, may_create=False)
    issues = connected(org, tokens).check(fix=True)
    assert {(i.code, i.fix) for i in issues} == {("cannot_create_field", False)}
    assert "Customize Application" in issues[0].hint


def test_what_we_may_not_open_names_the_permission(org: Org, tokens: Tokens) -> None:
    Setting(org, may_grant=False)
    issues = connected(org, tokens).check(fix=True)
    assert {i.code for i in issues} == {"no_field_access"}
    assert "Manage Profiles and Permission Sets" in issues[0].hint


def test_a_field_made_by_hand_without_unique_is_told(org: Org, tokens: Tokens) -> None:
    described(org, "Lead", "Task")
    body = json.loads(json.dumps(describe("Contact")))
    next(f for f in body["fields"] if f["name"] == "WhatsApp_Id__c")["unique"] = False
    org.on("/sobjects/Contact/describe", lambda r: answer(body))
    [issue] = connected(org, tokens).check()
    assert (issue.code, issue.fix) == ("wrong_field", False)
    assert "Contact.WhatsApp_Id__c" in issue.message


def test_an_object_we_cannot_see_is_told(org: Org, tokens: Tokens) -> None:
    described(org, "Contact", "Task")
    assert [(i.code, "Lead" in i.message) for i in connected(org, tokens).check()] == [("no_object", True)]


def test_a_withdrawn_permission_is_an_issue_and_not_an_error(org: Org, tokens: Tokens) -> None:
    org.token = lambda r: answer({"error": "invalid_grant", "error_description": "x"}, 400)
    org.on("/services/oauth2/token", org.token)
    [issue] = connected(org, tokens).check()
    assert (issue.code, issue.fix) == ("invalid_grant", False)
    assert issue.hint


def test_check_proves_the_credentials_and_not_the_stored_token(org: Org, tokens: Tokens) -> None:
    described(org, "Contact", "Lead", "Task")
    crm = connected(org, tokens)
    crm.check()
    crm.check()
    assert tokens.fetched >= 2


def test_a_day_whose_calls_are_nearly_used_up_is_told(org: Org, tokens: Tokens) -> None:
    for name in ("Contact", "Lead", "Task"):
        body = json.dumps(describe(name)).encode()
        headers = {"Sforce-Limit-Info": "api-usage=95/100"}
        org.on(f"/sobjects/{name}/describe", lambda r, b=body, h=headers: Response(200, b, h))
    assert [i.code for i in connected(org, tokens).check()] == ["almost_limited"]


# ---- fields ------------------------------------------------------------------------------------------------------
def test_fields_have_types_options_and_what_cannot_be_written(org: Org, tokens: Tokens) -> None:
    described(org, "Contact")
    org.on("/picklist-values/0125e000000AdulAAC", lambda r: answer(picklist("booked", "confirmed")))
    org.on("/picklist-values/0125e000000ChldAAC", lambda r: answer(picklist("confirmed", "cancelled")))
    rule = {"ErrorDisplayField": "NPS_Score__c", "ErrorMessage": "A score is between 0 and 10"}
    org.on("/tooling/query/", lambda r: answer({"done": True, "records": [rule]}))
    fields = {f.name: f for f in connected(org, tokens).fields("Contact")}
    visit = fields["Visit__c"]
    assert visit.options == (("booked", "Booked"), ("confirmed", "Confirmed"), ("cancelled", "Cancelled"))
    assert visit.open_options is False
    assert visit.rules == (
        "Record type Adult takes only: booked, confirmed.",
        "Record type Child takes only: confirmed, cancelled.",
    )
    assert (fields["Topics__c"].type, fields["Topics__c"].open_options) == ("choices", True)
    assert (fields["NPS_Score__c"].maximum, fields["NPS_Score__c"].rules) == (99, ("A score is between 0 and 10",))
    assert [n for n in ("LastName", "FirstName", "Loyal__c", "OwnerId") if fields[n].required] == ["LastName"]
    assert [n for n in ("Id", "Name", "Visits__c", "MailingAddress") if fields[n].writable] == []
    assert (fields["WhatsApp_Id__c"].unique, fields["LastName"].max_length) == (True, 80)
    assert [fields[n].type for n in ("MobilePhone", "Email", "Loyal__c", "OwnerId", "LastModifiedDate")] == [
        "phone", "email", "boolean", "reference", "datetime",
    ]  # fmt: skip


def picklist(*values: str) -> Any:
    offered = [{"value": v, "label": v.title()} for v in values]
    return {"picklistFieldValues": {"Visit__c": {"values": offered}}}


def test_without_the_right_to_see_rules_fields_are_still_told(org: Org, tokens: Tokens) -> None:
    described(org, "Lead")
    assert len(connected(org, tokens).fields("Lead")) == 14


@pytest.mark.parametrize("name", ["Nowhere__c", "../limits", "Contact/describe?x=", ""])
def test_an_object_that_is_not_there_is_not_found(org: Org, tokens: Tokens, name: str) -> None:
    with pytest.raises(NotFound):
        connected(org, tokens).fields(name)
