"""HubSpot around the records: tokens, scopes, limits, properties, associations, owners, the account."""

import re

import pytest

OBJECTS = "/crm/objects/2026-09"
CLIENT = {"client_id": "sandbox-hubspot-client", "client_secret": "sandbox-hubspot-client-secret"}
REFRESH = {**CLIENT, "grant_type": "refresh_token", "refresh_token": "na1-sandbox-hubspot-refresh"}
UNIQUE = {
    "groupName": "contactinformation", "name": "loyalty_number", "label": "Loyalty number", "type": "string",
    "fieldType": "text", "hasUniqueValue": True,
}  # fmt: skip


# ---- tokens ----
@pytest.mark.parametrize("headers", [{}, {"Authorization": ""}, {"Authorization": "Bearer nobody"}])
def test_a_call_needs_the_token(sandbox, headers) -> None:
    refused = sandbox.get(f"/hubspot{OBJECTS}/contacts/1512", headers=headers)
    assert (refused.status_code, refused.json()["category"]) == (401, "INVALID_AUTHENTICATION")


def test_a_refresh_token_buys_half_an_hour(sandbox) -> None:
    given = sandbox.post("/hubspot/oauth/2026-09/token", data=REFRESH).json()
    assert (given["token_type"], given["expires_in"], given["hub_id"]) == ("bearer", 1800, 24681357)
    headers = {"Authorization": f"Bearer {given['access_token']}"}
    path = f"/hubspot{OBJECTS}/contacts/1512"
    assert sandbox.get(path, headers=headers).status_code == 200
    introspect = {**CLIENT, "token": given["access_token"]}
    assert sandbox.post("/hubspot/oauth/2026-09/token/introspect", data=introspect).json()["active"] is True
    sandbox.post("/_clock", json={"advance": 1801})
    refused = sandbox.get(path, headers=headers)
    assert (refused.status_code, refused.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")
    assert sandbox.post("/hubspot/oauth/2026-09/token/introspect", data=introspect).json() == {"active": False}


def test_a_refresh_token_that_is_none(sandbox) -> None:
    refused = sandbox.post("/hubspot/oauth/2026-09/token", data={**REFRESH, "refresh_token": "x"})
    assert (refused.status_code, refused.json()["error"], refused.json()["status"]) == (
        400, "invalid_grant", "BAD_REFRESH_TOKEN",
    )  # fmt: skip
    assert sandbox.post("/hubspot/oauth/2026-09/token", data={**REFRESH, "client_secret": "x"}).status_code == 400


@pytest.mark.parametrize("method, path, scope", [
    ("PATCH", f"{OBJECTS}/contacts/1512", "crm.objects.contacts.write"),
    ("POST", f"{OBJECTS}/contacts/batch/read", "crm.objects.contacts.read"),
    ("POST", f"{OBJECTS}/communications", "crm.objects.contacts.write"),
    ("GET", f"{OBJECTS}/deals/3001", "crm.objects.deals.read"),
    ("POST", "/crm/properties/2026-09/contacts", "crm.schemas.contacts.write"),
    ("GET", "/crm/owners/2026-09", "crm.objects.owners.read"),
])  # fmt: skip
def test_a_scope_that_was_not_granted_is_named(hubspot, switch, method, path, scope) -> None:
    switch("hubspot", scopes=["oauth"])
    refused = hubspot.request(method, path, json={})
    assert (refused.status_code, refused.json()["category"]) == (403, "MISSING_SCOPES")
    assert refused.json()["errors"][0]["context"]["requiredGranularScopes"] == [scope]


# ---- limits ----
def test_a_rolling_window_of_ten_seconds(hubspot, sandbox, switch) -> None:
    switch("hubspot", limit=3)
    path = f"{OBJECTS}/contacts/1512"
    answers = [hubspot.get(path) for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert [one.headers["X-HubSpot-RateLimit-Remaining"] for one in answers] == ["2", "1", "0", "0"]
    assert answers[0].headers["X-HubSpot-RateLimit-Max"] == "3"
    body = answers[3].json()
    assert (body["errorType"], body["policyName"]) == ("RATE_LIMIT", "TEN_SECONDLY_ROLLING")
    sandbox.post("/_clock", json={"advance": 10.5})
    assert hubspot.get(path).status_code == 200


def test_the_limit_of_the_day(hubspot, switch) -> None:
    switch("hubspot", daily=1)
    answers = [hubspot.get(f"{OBJECTS}/contacts/1512") for _ in range(2)]
    assert answers[0].headers["X-HubSpot-RateLimit-Daily-Remaining"] == "0"
    assert (answers[1].status_code, answers[1].json()["policyName"]) == (429, "DAILY")


def test_searches_have_a_second_of_their_own_and_no_headers(hubspot, switch) -> None:
    switch("hubspot", limit=1)
    answers = [hubspot.post(f"{OBJECTS}/contacts/search", json={}) for _ in range(6)]
    assert [one.status_code for one in answers[:5]] == [200] * 5
    assert not any("ratelimit" in name for one in answers for name in one.headers)
    if answers[5].status_code == 429:  # unless the six took longer than a second
        assert (answers[5].json()["message"], "policyName" in answers[5].json()) == (
            "You have reached your secondly limit.", False,
        )  # fmt: skip
    assert hubspot.get(f"{OBJECTS}/contacts/1512").status_code == 200  # searches are not counted with the rest


# ---- properties ----
def test_properties_say_what_they_take(hubspot) -> None:
    found = {p["name"]: p for p in hubspot.get("/crm/properties/2026-09/contacts").json()["results"]}
    stages = [option["value"] for option in found["lifecyclestage"]["options"]]
    assert (stages[0], stages[-1], len(stages)) == ("subscriber", "other", 8)
    assert [found[name]["hasUniqueValue"] for name in ("whatsapp_id", "whatsapp_user_id", "firstname")] == [
        True,
        True,
        False,
    ]
    assert found["createdate"]["modificationMetadata"]["readOnlyValue"] is True
    assert hubspot.get("/crm/properties/2026-09/contacts/delivery_slot").json()["type"] == "enumeration"
    assert hubspot.get("/crm/properties/2026-09/contacts/nope").status_code == 404


def test_a_unique_property_can_be_added_and_used_at_once(hubspot, contacts) -> None:
    assert hubspot.post("/crm/properties/2026-09/contacts", json=UNIQUE).status_code == 201
    assert hubspot.post("/crm/properties/2026-09/contacts", json=UNIQUE).status_code == 409
    row = {"id": "L-7", "idProperty": "loyalty_number", "properties": {"firstname": "Nora"}}
    assert contacts.post("/batch/upsert", json={"inputs": [row]}).json()["results"][0]["new"] is True
    assert contacts.get("/L-7", params={"idProperty": "loyalty_number"}).status_code == 200


@pytest.mark.parametrize("wrong", [
    {"label": ""}, {"type": "text"}, {"groupName": "nowhere"}, {"name": "Loyalty"}, {"type": "enumeration"},
    {"type": "enumeration", "options": [{"label": "A", "value": "a"}]},
])  # fmt: skip
def test_a_property_that_cannot_be(hubspot, wrong) -> None:
    assert hubspot.post("/crm/properties/2026-09/contacts", json=UNIQUE | wrong).status_code == 400


def test_at_most_ten_unique_properties(hubspot) -> None:
    made = [hubspot.post("/crm/properties/2026-09/contacts", json=UNIQUE | {"name": f"u{n}"}) for n in range(9)]
    assert [one.status_code for one in made] == [201] * 8 + [400]  # two are there from the start


def test_a_group_can_be_added_once(hubspot) -> None:
    body = {"name": "whatsapp", "label": "WhatsApp"}
    answers = [hubspot.post("/crm/properties/2026-09/contacts/groups", json=body).status_code for _ in range(2)]
    assert answers == [201, 409]
    names = [one["name"] for one in hubspot.get("/crm/properties/2026-09/contacts/groups").json()["results"]]
    assert names == ["contactinformation", "whatsapp"]


def test_the_admins_rules_can_be_read(hubspot) -> None:
    found = {r["propertyName"]: r for r in hubspot.get("/crm/property-validations/2026-09/0-1").json()["results"]}
    assert found["nps_score"]["propertyValidationRules"][1] == {"ruleType": "MAX_NUMBER", "ruleArguments": ["10"]}


# ---- associations ----
def test_associations_of_many(hubspot) -> None:
    body = {"inputs": [{"id": "3001"}, {"id": "3002"}, {"id": "77"}]}
    answer = hubspot.post("/crm/associations/2026-09/deals/contacts/batch/read", json=body)
    found = {one["from"]["id"]: one["to"][0]["toObjectId"] for one in answer.json()["results"]}
    assert (answer.status_code, found) == (207, {"3001": 1512, "3002": 1513})
    assert answer.json()["errors"][0]["context"]["fromObjectId"] == ["77"]


def test_a_default_association_can_be_made_and_cut(hubspot) -> None:
    path = f"{OBJECTS}/deals/3004/associations/default/contacts/1512"
    assert hubspot.put(path).json()["results"][0]["associationSpec"]["associationTypeId"] == 3
    linked = f"{OBJECTS}/contacts/1512/associations/deals"
    assert {one["toObjectId"] for one in hubspot.get(linked).json()["results"]} == {3001, 3004}
    assert hubspot.delete(f"{OBJECTS}/deals/3004/associations/contacts/1512").status_code == 204
    assert {one["toObjectId"] for one in hubspot.get(linked).json()["results"]} == {3001}
    assert hubspot.put(f"{OBJECTS}/deals/3004/associations/default/contacts/99").status_code == 404


# ---- account ----
def test_the_account_tells_its_portal_and_its_day(hubspot) -> None:
    details = hubspot.get("/account-info/2026-09/details").json()
    assert (details["portalId"], details["timeZone"]) == (24681357, "America/Bogota")
    usage = hubspot.get("/account-info/2026-09/api-usage/daily/private-apps").json()["results"][0]
    assert (usage["usageLimit"], usage["currentUsage"]) == (625_000, 2)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT05:00:00Z", usage["resetsAt"])


def test_owners(hubspot) -> None:
    owners = hubspot.get("/crm/owners/2026-09").json()["results"]
    mine = hubspot.get("/crm/owners/2026-09", params={"email": owners[1]["email"]}).json()["results"]
    assert mine == [owners[1]]
    assert hubspot.get(f"/crm/owners/2026-09/{owners[0]['id']}").json() == owners[0]
    assert hubspot.get("/crm/owners/2026-09/1").status_code == 404


@pytest.mark.parametrize("path", ["/crm/v3/objects/contacts", "/crm/objects/2026-03/contacts", "/nothing"])
def test_other_paths_are_not_there(hubspot, path) -> None:
    assert hubspot.get(path).status_code == 404


def test_switches_that_are_none(sandbox) -> None:
    assert sandbox.patch("/hubspot/_options", json={"speed": 1}).status_code == 400
    assert sandbox.patch("/hubspot/_options", json={"limit": "many"}).status_code == 400
    assert sandbox.get("/hubspot/_options").json()["limit"] == 190
