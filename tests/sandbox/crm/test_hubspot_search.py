"""HubSpot's search: phones by national number, operators, limits, and its lag."""

import pytest

PATH = "/crm/objects/2026-09/contacts/search"


def where(name: str, operator: str, value=None, **more) -> dict:
    return {"propertyName": name, "operator": operator} | ({} if value is None else {"value": value}) | more


def found(hubspot, *groups: list[dict], **more) -> list[str]:
    body = {"filterGroups": [{"filters": group} for group in groups], "limit": 200, **more}
    answer = hubspot.post(PATH, json=body)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["results"]]


@pytest.fixture(autouse=True)
def _many_searches(switch) -> None:
    switch("hubspot", search_limit=0)


@pytest.mark.parametrize("national, ids", [
    ("3001112222", ["1512"]),
    ("5512345678", ["1513"]),
    ("14775550110", ["1518"]),  # the old Mexican 1 stays
    ("91155550130", ["1524"]),  # the Argentine 9 too
    ("3015550180", ["1533", "1534"]),  # two people, one phone
    ("+573001112222", []),
    ("573001112222", []),
])  # fmt: skip
def test_a_phone_is_searched_without_its_country(hubspot, national, ids) -> None:
    assert found(hubspot, [where("hs_searchable_calculated_phone_number", "EQ", national)]) == ids


def test_a_mobile_phone_has_a_property_of_its_own(hubspot) -> None:
    assert found(hubspot, [where("hs_searchable_calculated_mobile_number", "EQ", "3205550102")]) == ["1517"]
    assert found(hubspot, [where("hs_searchable_calculated_phone_number", "EQ", "3205550102")]) == []


def test_a_phone_follows_its_contact(hubspot, contacts) -> None:
    contacts.patch("/1512", json={"properties": {"phone": "(011) 15 5555-0199", "country": "AR"}})
    assert found(hubspot, [where("hs_searchable_calculated_phone_number", "EQ", "3001112222")]) == []
    assert found(hubspot, [where("hs_calculated_phone_number", "EQ", "+5491155550199")]) == ["1512"]


def test_groups_are_alternatives_and_the_filters_of_one_all_hold(hubspot) -> None:
    ana, customer = [where("phone", "EQ", "+57 300 111 2222")], where("lifecyclestage", "EQ", "customer")
    both = found(hubspot, ana, [customer, where("city", "EQ", "Medellin")])
    assert both == ["1512", "1514", "1516"]


@pytest.mark.parametrize("one, ids", [
    (where("firstname", "EQ", "ana"), ["1512"]),
    (where("firstname", "IN", values=["ana", "Carlos"]), ["1512"]),  # IN wants lower case
    (where("lifecyclestage", "EQ", "Customer"), []),  # enumerations mind the case
    (where("email", "CONTAINS_TOKEN", "cafedelvalle*"), ["1512", "1515"]),
    (where("whatsapp_id", "HAS_PROPERTY"), ["1516", "1522", "1531"]),
    (where("hs_object_id", "BETWEEN", "1512", highValue="1514"), ["1512", "1513", "1514"]),
    (where("createdate", "LT", "2026-01-01T00:00:00Z"), []),
    (where("associations.company", "EQ", "2001"), ["1512", "1515"]),
])  # fmt: skip
def test_operators(hubspot, one, ids) -> None:
    assert found(hubspot, [one]) == ids


def test_what_is_not_is_the_rest(hubspot) -> None:
    every = found(hubspot)
    for yes, no, value in (("HAS_PROPERTY", "NOT_HAS_PROPERTY", {}), ("EQ", "NEQ", {"value": "customer"})):
        one, other = (found(hubspot, [where("lifecyclestage", o, **value)]) for o in (yes, no))
        assert sorted(one + other) == sorted(every)
        assert not set(one) & set(other)
    assert found(hubspot, [where("whatsapp_id", "NEQ", "1")], sorts=["hs_object_id"]) == every


def test_words(hubspot) -> None:
    assert found(hubspot, query="ana ruiz") == ["1512"]
    assert found(hubspot, query="3001112222") == ["1512"]


def test_pages_sorts_and_chosen_properties(hubspot) -> None:
    body = {
        "sorts": [{"propertyName": "firstname", "direction": "DESCENDING"}],
        "properties": ["firstname"],
        "limit": 2,
    }
    first = hubspot.post(PATH, json=body).json()
    second = hubspot.post(PATH, json={**body, "after": first["paging"]["next"]["after"]}).json()
    names = [one["properties"]["firstname"] for one in [*first["results"], *second["results"]]]
    assert names == sorted(names, key=str.lower, reverse=True)
    assert len(hubspot.post(PATH, json={}).json()["results"]) == 10
    assert first["total"] == second["total"] > 20


@pytest.mark.parametrize("body", [
    {"limit": 201},
    {"after": "9999", "limit": 200},
    {"filterGroups": [{"filters": [where("city", "EQ", "x")]}] * 6},
    {"filterGroups": [{"filters": [where("city", "EQ", "x")] * 7}]},
    {"filterGroups": [{"filters": [where("city", "EQ", "x")] * 5}] * 4},
    {"filterGroups": [{"filters": [where("no_such", "EQ", "x")]}]},
    {"filterGroups": [{"filters": [where("city", "SOUNDS_LIKE", "x")]}]},
    {"filterGroups": [{"filters": [where("city", "IN", "x")]}]},
    {"sorts": ["city", "firstname"]},
    {"query": "x" * 3000},
])  # fmt: skip
def test_what_a_search_may_not_ask(hubspot, body) -> None:
    assert hubspot.post(PATH, json=body).status_code == 400


def test_a_search_lags_behind_a_write_when_told_to(hubspot, contacts, sandbox, switch) -> None:
    switch("hubspot", search_lag=30)
    made = contacts.post("", json={"properties": {"firstname": "Nora", "phone": "+573005550001"}}).json()["id"]
    contacts.patch("/1512", json={"properties": {"city": "Cali"}})
    by_phone = [where("hs_searchable_calculated_phone_number", "EQ", "3005550001")]
    assert found(hubspot, by_phone) == []
    assert "1512" in found(hubspot, [where("city", "EQ", "Bogota")])  # still the old value
    assert contacts.get(f"/{made}").status_code == 200  # a read never lags
    sandbox.post("/_clock", json={"advance": 31}).raise_for_status()
    assert found(hubspot, by_phone) == [made]
    assert "1512" in found(hubspot, [where("city", "EQ", "Cali")])
