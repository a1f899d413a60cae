"""HubSpot, one record at a time: values, conflicts, the lifecycle, merges, associations."""

import json

import pytest

from tests.sandbox.crm.conftest import PAYLOADS, problems

VALUES = json.loads((PAYLOADS / "hubspot_values.json").read_text("utf-8"))
ANA, CARLOS, LAURA = "/1512", "/1513", "/1514"


def props(answer) -> dict:
    assert answer.is_success, answer.text
    return answer.json()["properties"]


def test_the_people_of_the_demo(contacts) -> None:
    shown = {"properties": "firstname,lastname,phone,country,lifecyclestage,whatsapp_id"}
    ana, carlos, laura = (props(contacts.get(path, params=shown)) for path in (ANA, CARLOS, LAURA))
    assert (ana["firstname"], ana["phone"], ana["lifecyclestage"], ana["whatsapp_id"]) == (
        "Ana", "+57 300 111 2222", "lead", None,
    )  # fmt: skip
    assert (carlos["lastname"], carlos["phone"], carlos["country"]) == ("Mendez", "55 1234 5678", "MX")
    assert (laura["phone"], laura["lifecyclestage"]) == ("+573004445555", "customer")


@pytest.mark.parametrize("name, value, code", VALUES["refused"])
def test_a_value_that_is_refused(contacts, name, value, code) -> None:
    before = props(contacts.get(ANA, params={"properties": "city"}))
    refused = contacts.patch(ANA, json={"properties": {name: value, "city": "Cali"}})
    assert problems(refused) == {name: code}
    assert props(contacts.get(ANA, params={"properties": "city"})) == before  # the good value is not written either


@pytest.mark.parametrize("name, value, kept", VALUES["kept"])
def test_a_value_as_it_is_kept(contacts, name, value, kept) -> None:
    assert props(contacts.patch(ANA, json={"properties": {name: value}}))[name] == kept


def test_every_wrong_value_is_named(contacts) -> None:
    refused = contacts.patch(ANA, json={"properties": {"delivery_slot": "x", "nope": "1", "nps_score": "x"}})
    assert problems(refused) == {
        "delivery_slot": "INVALID_OPTION", "nope": "PROPERTY_DOESNT_EXIST", "nps_score": "INVALID_INTEGER",
    }  # fmt: skip


def test_a_text_is_at_most_65536_characters(contacts) -> None:
    assert contacts.patch(ANA, json={"properties": {"message": "x" * 65_536}}).status_code == 200
    assert "message" in problems(contacts.patch(ANA, json={"properties": {"message": "x" * 65_537}}))


def test_a_leading_semicolon_appends(contacts) -> None:
    contacts.patch(ANA, json={"properties": {"interests": "demo"}})
    assert (
        props(contacts.patch(ANA, json={"properties": {"interests": ";pricing;demo"}}))["interests"] == "demo;pricing"
    )


def test_a_contact_needs_a_name_or_an_address(contacts) -> None:
    refused = contacts.post("", json={"properties": {"phone": "+573005550001"}})
    assert (refused.status_code, refused.json()["errors"][0]["context"]["properties"]) == (
        400, ["email", "firstname", "lastname"],
    )  # fmt: skip
    made = contacts.post("", json={"properties": {"phone": "+573005550001", "firstname": "Nora"}})
    assert (made.status_code, made.json()["properties"]["firstname"]) == (201, "Nora")
    assert contacts.get(f"/{made.json()['id']}").status_code == 200


def test_an_address_that_is_taken_is_a_conflict(contacts) -> None:
    refused = contacts.post("", json={"properties": {"email": "ANA.RUIZ@cafedelvalle.example"}})
    assert (refused.status_code, refused.json()["category"], refused.json()["message"]) == (
        409, "CONFLICT", "Contact already exists. Existing ID: 1512",
    )  # fmt: skip
    assert contacts.patch(CARLOS, json={"properties": {"email": "ana.ruiz@cafedelvalle.example"}}).status_code == 409
    assert contacts.patch(ANA, json={"properties": {"email": "ana.ruiz@cafedelvalle.example"}}).status_code == 200


def test_another_unique_value_that_is_taken(contacts) -> None:
    contacts.patch(ANA, json={"properties": {"whatsapp_id": "573001112222"}})
    refused = contacts.patch(CARLOS, json={"properties": {"whatsapp_id": "573001112222"}})
    assert problems(refused) == {"whatsapp_id": "CONFLICTING_UNIQUE_VALUE"}
    assert "1512 already has that value" in refused.json()["message"]
    contacts.patch(ANA, json={"properties": {"whatsapp_id": ""}})
    assert contacts.patch(CARLOS, json={"properties": {"whatsapp_id": "573001112222"}}).status_code == 200


def test_a_lifecycle_stage_only_moves_on(contacts) -> None:
    def set_(stage: str) -> str | None:
        return props(contacts.patch(LAURA, json={"properties": {"lifecyclestage": stage}}))["lifecyclestage"]

    assert set_("lead") == "customer"  # no error, and nothing changed
    assert set_("evangelist") == "evangelist"
    assert set_("") is None
    assert set_("lead") == "lead"


def test_a_record_by_a_unique_property(contacts) -> None:
    contacts.patch(ANA, json={"properties": {"whatsapp_id": "573001112222"}})
    by_id = contacts.get("/573001112222", params={"idProperty": "whatsapp_id"})
    by_mail = contacts.patch(
        "/ana.ruiz@cafedelvalle.example", params={"idProperty": "email"}, json={"properties": {"city": "Cali"}}
    )
    assert [by_id.json()["id"], by_mail.json()["id"]] == ["1512", "1512"]
    refused = contacts.get("/Ana", params={"idProperty": "firstname"})
    assert (refused.status_code, "non-unique property firstname" in refused.json()["message"]) == (400, True)
    missing = contacts.get("/99")
    assert (missing.status_code, missing.json()["category"]) == (404, "OBJECT_NOT_FOUND")


def test_a_deleted_record_is_gone_and_its_values_are_free(contacts) -> None:
    assert contacts.delete(ANA).status_code == 204
    assert contacts.delete(ANA).status_code == 204
    assert contacts.get(ANA).status_code == 404
    assert contacts.get(ANA, params={"archived": "true"}).json()["archived"] is True
    assert contacts.post("", json={"properties": {"email": "ana.ruiz@cafedelvalle.example"}}).status_code == 201


def test_a_merge_makes_a_new_record_and_the_old_ids_lead_to_it(contacts, hubspot) -> None:
    contacts.patch(ANA, json={"properties": {"whatsapp_id": "573001112222", "city": ""}})
    merged = contacts.post("/merge", json={"primaryObjectId": "1512", "objectIdToMerge": "1513"}).json()
    assert merged["id"] not in ("1512", "1513")
    shown = {"properties": "firstname,city,whatsapp_id", "associations": "deals"}
    found = [contacts.get(path, params=shown).json() for path in (ANA, CARLOS)]
    assert [one["id"] for one in found] == [merged["id"]] * 2
    assert (found[0]["properties"]["firstname"], found[0]["properties"]["city"]) == ("Ana", "Mexico City")
    assert {link["id"] for link in found[0]["associations"]["deals"]["results"]} == {"3001", "3002"}
    assert props(contacts.patch(CARLOS, json={"properties": {"city": "Leon"}}))["hs_object_id"] == merged["id"]
    batch = {"inputs": [{"id": "573001112222"}], "idProperty": "whatsapp_id"}
    assert contacts.post("/batch/read", json=batch).json()["results"][0]["id"] == merged["id"]


def test_a_locked_record_says_423(contacts, switch) -> None:
    switch("hubspot", locked=["1512"])
    assert contacts.patch(ANA, json={"properties": {"city": "Cali"}}).status_code == 423
    assert contacts.get(ANA).status_code == 200
    switch("hubspot", locked=[])
    assert contacts.patch(ANA, json={"properties": {"city": "Cali"}}).status_code == 200


def test_a_conversation_is_logged_on_a_contact(hubspot, contacts, payload) -> None:
    body = payload("hubspot_communication")
    made = hubspot.post("/crm/objects/2026-09/communications", json=body)
    assert made.status_code == 201, made.text
    linked = hubspot.get("/crm/objects/2026-09/contacts/1512/associations/communications").json()["results"]
    assert [(str(one["toObjectId"]), one["associationTypes"][0]["typeId"]) for one in linked] == [
        (made.json()["id"], 82)
    ]
    for name in ("hs_timestamp", "hs_communication_logged_from"):
        less = {**body, "properties": {k: v for k, v in body["properties"].items() if k != name}}
        refused = hubspot.post("/crm/objects/2026-09/communications", json=less)
        assert (refused.status_code, refused.json()["errors"][0]["context"]["properties"]) == (400, [name])


@pytest.mark.parametrize("type_id, to, status", [(202, "1512", 400), (9999, "1512", 400), (81, "99", 404)])
def test_an_association_that_cannot_be(hubspot, payload, type_id, to, status) -> None:
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}]
    body = payload("hubspot_communication") | {"associations": [{"to": {"id": to}, "types": types}]}
    assert hubspot.post("/crm/objects/2026-09/communications", json=body).status_code == status
    assert hubspot.get("/crm/objects/2026-09/communications").json()["results"] == []


def test_listing_goes_on_from_after(contacts) -> None:
    seen, after = [], None
    while True:
        page = contacts.get("", params={"limit": 10} | ({"after": after} if after else {})).json()
        seen += [one["id"] for one in page["results"]]
        after = page.get("paging", {}).get("next", {}).get("after")
        if not after:
            break
    assert len(seen) == len(set(seen)) > 20
    assert contacts.get("", params={"limit": 101}).status_code == 400
    assert contacts.get("", params={"limit": "many"}).status_code == 400


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b'{"properties": []}', b"[" * 200_000])
def test_a_body_that_cannot_be_read(contacts, body) -> None:
    refused = contacts.patch(ANA, content=body)
    assert (refused.status_code, refused.json()["category"]) == (400, "VALIDATION_ERROR")
