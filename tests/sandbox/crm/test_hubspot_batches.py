"""HubSpot in batches: with trace ids each input stands alone, without them one refusal refuses all."""

import json

import pytest

ANA, CARLOS = "1512", "1513"


def upsert(wa_id: str, trace: str | None = None, **properties) -> dict:
    one = {"id": wa_id, "idProperty": "whatsapp_id", "properties": {"firstname": "Nora", **properties}}
    return one | ({"objectWriteTraceId": trace} if trace else {})


def update(id: str, trace: str | None = None, **properties) -> dict:
    return {"id": id, "properties": properties} | ({"objectWriteTraceId": trace} if trace else {})


def send(contacts, verb: str, inputs: list[dict], **more):
    return contacts.post(f"/batch/{verb}", json={"inputs": inputs, **more})


def city(contacts, id: str) -> str | None:
    return contacts.get(f"/{id}", params={"properties": "city"}).json()["properties"]["city"]


def test_an_upsert_makes_what_is_not_there_and_says_so(contacts) -> None:
    first = send(contacts, "upsert", [upsert("573001112222", "a", phone="+573001112222"), upsert("5215512345678", "b")])
    body = first.json()
    assert (first.status_code, body["status"], "errors" in body) == (200, "COMPLETE", False)
    assert {one["objectWriteTraceId"]: one["new"] for one in body["results"]} == {"a": True, "b": True}
    again = send(contacts, "upsert", [upsert("573001112222", "c", city="Cali"), upsert("5511987654321", "d")]).json()
    assert {one["objectWriteTraceId"]: one["new"] for one in again["results"]} == {"c": False, "d": True}
    ids = {one["objectWriteTraceId"]: one["id"] for one in [*body["results"], *again["results"]]}
    assert ids["a"] == ids["c"]
    assert city(contacts, ids["a"]) == "Cali"


def test_with_trace_ids_one_bad_input_is_named_and_the_rest_goes_through(contacts) -> None:
    rows = [update(ANA, "a", city="Cali"), update(CARLOS, "b", delivery_slot="noon"), update("99", "c", city="Cali")]
    answer = send(contacts, "update", rows)
    body = answer.json()
    assert (answer.status_code, body["numErrors"]) == (207, 2)
    assert [(one["id"], one["objectWriteTraceId"]) for one in body["results"]] == [(ANA, "a")]
    named = {one["context"]["objectWriteTraceId"][0]: one["category"] for one in body["errors"]}
    assert named == {"b": "VALIDATION_ERROR", "c": "OBJECT_NOT_FOUND"}
    assert "INVALID_OPTION" in body["errors"][0]["message"]
    assert city(contacts, ANA) == "Cali"


@pytest.mark.parametrize("traces", [(None, None), ("a", None), ("a", "a")])
def test_without_trace_ids_of_their_own_one_bad_input_refuses_all(contacts, traces) -> None:
    rows = [update(ANA, traces[0], city="Cali"), update(CARLOS, traces[1], delivery_slot="noon")]
    answer = send(contacts, "update", rows)
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")
    assert city(contacts, ANA) == "Bogota"


def test_a_batch_that_is_refused_leaves_nothing_behind(contacts) -> None:
    before = len(contacts.get("", params={"limit": 100}).json()["results"])
    rows = [
        {"properties": {"firstname": "A", "email": "a@new.example"}},
        {"properties": {"email": "ana.ruiz@cafedelvalle.example"}},
    ]
    answer = send(contacts, "create", rows)
    assert (answer.status_code, answer.json()["message"]) == (409, "Contact already exists. Existing ID: 1512")
    assert len(contacts.get("", params={"limit": 100}).json()["results"]) == before
    assert contacts.get("/a@new.example", params={"idProperty": "email"}).status_code == 404
    assert send(contacts, "create", rows[:1]).status_code == 201  # its address is free again


def test_a_create_with_trace_ids_is_partial(contacts) -> None:
    rows = [
        {"objectWriteTraceId": "1", "properties": {"firstname": "A"}},
        {"objectWriteTraceId": "2", "properties": {"email": "ana.ruiz@cafedelvalle.example"}},
        {"objectWriteTraceId": "3", "properties": {"phone": "+573005550001"}},
    ]
    body = send(contacts, "create", rows).json()
    assert [one["objectWriteTraceId"] for one in body["results"]] == ["1"]
    assert [one["category"] for one in body["errors"]] == ["CONFLICT", "VALIDATION_ERROR"]


def test_an_upsert_by_address_is_never_partial(contacts) -> None:
    rows = [
        {"id": "a@new.example", "idProperty": "email", "objectWriteTraceId": "a", "properties": {"city": "Cali"}},
        {"id": "b@new.example", "idProperty": "email", "objectWriteTraceId": "b", "properties": {"nope": "1"}},
    ]
    assert send(contacts, "upsert", rows).status_code == 400
    assert contacts.get("/a@new.example", params={"idProperty": "email"}).status_code == 404
    assert send(contacts, "upsert", rows[:1]).json()["results"][0]["new"] is True


@pytest.mark.parametrize("verb, rows", [
    ("update", [update(ANA, "a", city="x"), update(ANA, "b", city="y")]),
    ("upsert", [upsert("573001112222", "a"), upsert("573001112222", "b", city="y")]),
])  # fmt: skip
def test_the_same_record_twice_fails_the_whole_batch(contacts, verb, rows) -> None:
    answer = send(contacts, verb, rows)
    assert (answer.status_code, "Duplicate IDs" in answer.json()["message"]) == (400, True)
    assert city(contacts, ANA) == "Bogota"


@pytest.mark.parametrize("verb", ["create", "read", "update", "upsert", "archive"])
def test_a_batch_holds_100(contacts, verb) -> None:
    rows = [upsert(f"57300{n:07d}", str(n)) for n in range(101)]
    assert send(contacts, verb, rows).status_code == 400
    assert send(contacts, verb, []).status_code == 400
    assert send(contacts, "upsert", rows[:100]).status_code == 200


@pytest.mark.parametrize("name", ["hs_object_id", "firstname", "no_such_property"])
def test_records_are_named_by_unique_properties_only(contacts, name) -> None:
    for verb, rows, more in (
        ("upsert", [{"id": "x", "idProperty": name, "properties": {"firstname": "A"}}], {}),
        ("update", [{"id": ANA, "idProperty": name, "properties": {"city": "Cali"}}], {}),
        ("read", [{"id": "Ana"}], {"idProperty": name}),
    ):
        answer = send(contacts, verb, rows, **more)
        assert (answer.status_code, f"non-unique property {name}" in answer.json()["message"]) == (400, True)


def test_an_update_may_name_a_unique_property(contacts) -> None:
    contacts.patch(f"/{ANA}", json={"properties": {"whatsapp_id": "573001112222"}})
    row = {"id": "573001112222", "idProperty": "whatsapp_id", "properties": {"city": "Cali"}}
    assert send(contacts, "update", [row]).json()["results"][0]["id"] == ANA


def test_a_read_leaves_out_who_is_not_there(contacts) -> None:
    answer = send(contacts, "read", [{"id": ANA}, {"id": "99"}], properties=["firstname"])
    body = answer.json()
    assert (answer.status_code, [one["id"] for one in body["results"]]) == (207, [ANA])
    assert body["errors"][0]["context"]["ids"] == ["99"]
    whole = send(contacts, "read", [{"id": "ANA.RUIZ@cafedelvalle.example"}], properties=["city"], idProperty="email")
    assert (whole.status_code, whole.json()["results"][0]["properties"]["city"]) == (200, "Bogota")


def test_a_locked_record_holds_back_only_itself(contacts, switch) -> None:
    switch("hubspot", locked=[ANA])
    body = send(contacts, "update", [update(ANA, "a", city="x"), update(CARLOS, "b", city="Cali")]).json()
    assert [one["id"] for one in body["results"]] == [CARLOS]
    assert body["errors"][0]["category"] == "LOCKED"


def test_archiving_in_a_batch(contacts) -> None:
    assert send(contacts, "archive", [{"id": ANA}, {"id": "99"}]).status_code == 204
    assert contacts.get(f"/{ANA}").status_code == 404


def test_the_ledger_has_one_line_a_batch_with_the_records_it_touched(contacts, sandbox) -> None:
    send(contacts, "update", [update(ANA, "a", city="Cali"), update(CARLOS, "b", nope="1")])
    [line] = [json.loads(one) for one in sandbox.get("/_ledger", params={"service": "hubspot"}).text.splitlines()]
    assert (line["method"], line["path"], line["record"], line["status"]) == (
        "POST", "/hubspot/crm/objects/2026-09/contacts/batch/update", [ANA], 207,
    )  # fmt: skip
    assert line["body"]["inputs"][1]["properties"] == {"nope": "1"}
