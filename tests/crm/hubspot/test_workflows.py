"""HubSpot's workflows calling us: steps of our action, webhooks of the admin's own, the live list of the editor."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.events import TriggerCalled, Unrecognised
from connector.crm.hubspot.webhook import HubSpotWebhook, sign_v2, sign_v3
from connector.errors import NotAuthentic, Rejected
from connector.ports import Account, Choice, RawRequest
from connector.sandbox.http import Request, Response
from tests.crm.hubspot.ground import ACCOUNT_SECRETS, PORTAL
from tests.crm.hubspot.scripted import scripted
from tests.town import Sandbox

PAYLOADS = Path(__file__).parent / "payloads"
SEND = (PAYLOADS / "action_send.json").read_bytes()
TEMPLATE = (PAYLOADS / "action_template.json").read_bytes()
CALLS = json.loads((PAYLOADS / "workflow_webhooks.json").read_text("utf-8"))
SECRET, NOW, PUBLIC = "s3cret", 1_795_270_000.0, "https://crm.example.org"
HOOK = "/hooks/crm/hubspot"


def reader(**settings: str) -> HubSpotWebhook:
    given = {"public_url": PUBLIC, "portal-id": PORTAL} | settings
    account = Account(id="a", kind="hubspot", name="h", settings=given, secrets={"client-secret": SECRET})
    return HubSpotWebhook(account, now=lambda: NOW)


def request(body: bytes, path: str = "/action", query: str = "", version: str = "v2") -> RawRequest:
    uri, stamp = f"{PUBLIC}{HOOK}{path}" + (f"?{query}" if query else ""), str(int(NOW * 1000))
    v2 = {"x-hubspot-signature-version": "v2", "x-hubspot-signature": sign_v2(SECRET, "POST", uri, body)}
    v3 = {
        "x-hubspot-signature-v3": sign_v3(SECRET, "POST", uri, body, stamp),
        "x-hubspot-request-timestamp": stamp,
    }
    return RawRequest("POST", HOOK + path, query, v2 if version == "v2" else v3, body)


def read(body: bytes, query: str = "") -> Any:
    [routed] = reader().parse(body, {"x-hook-query": query})
    return routed.event


def edited(body: bytes, **inputs: Any) -> bytes:
    found = json.loads(body)
    found["inputFields"] |= inputs
    return json.dumps(found).encode()


def answered(body: bytes) -> dict[str, str]:
    answer = reader().answer(request(body))
    assert (answer.status, answer.content_type) == (200, "application/json")
    outputs: dict[str, str] = json.loads(answer.body)["outputFields"]
    return outputs


# ---- a step of our action --------------------------------------------------------------------------------------------
def test_a_step_names_a_document_and_waits_for_the_reply() -> None:
    [routed] = reader().parse(SEND, {})
    callback = "ap-24681357-771200345-3-0"
    assert routed.owner == PORTAL
    assert routed.event == TriggerCalled(
        id=callback, trigger="deal-quote", object="deals", record="3001", callback=callback, wait_for="reply",
        values={
            "dealname": "Espresso line", "amount": "4800", "empty": None, "note": "call first", "badge": "gold",
            "phone": "+57 300 111 2222",
        },
    )  # fmt: skip
    assert answered(SEND) == {"hs_execution_state": "BLOCK", "hs_expiration_duration": "P1W"}


def test_a_step_with_a_template_has_its_parameters_only_and_need_not_wait() -> None:
    event = read(TEMPLATE)
    assert (event.trigger, event.template, event.object, event.record) == (
        "", "visit_reminder:es_CO", "contacts", "1512",
    )  # fmt: skip
    assert event.values == {"first_name": "Ana", "at": "9:30 h"}
    assert (event.callback, event.wait_for) == ("", "")
    assert answered(TEMPLATE) == {"hs_execution_state": "SUCCESS"}


@pytest.mark.parametrize("chosen,waits", [("", "reply"), (None, "reply"), ("odd", "reply"), ("Delivered", "delivered"),
                                          ("sent", "sent"), ("none", "")])  # fmt: skip
def test_what_is_answered_is_what_is_stored(chosen: str | None, waits: str) -> None:
    body = edited(SEND, wait_for=chosen)
    event = read(body)
    assert (event.wait_for, bool(event.callback)) == (waits, bool(waits))
    assert answered(body)["hs_execution_state"] == ("BLOCK" if waits else "SUCCESS")


@pytest.mark.parametrize("message", ["", None, "send:", "template: ", "deal-quote", {"a": 1}])
def test_a_step_that_sends_nothing_fails_at_once_and_in_words(message: Any) -> None:
    body = edited(SEND, message=message)
    assert isinstance(read(body), Unrecognised)
    outputs = answered(body)
    assert (outputs["hs_execution_state"], outputs["errorCode"]) == ("FAIL_CONTINUE", "not_read")
    assert outputs["reason"]


def test_both_signatures_open_the_door_and_no_other_call_does() -> None:
    for version in ("v2", "v3"):
        reader().verify(request(SEND, version=version))
    moved = request(SEND)
    with pytest.raises(NotAuthentic):
        reader().verify(RawRequest("POST", f"{HOOK}/options", "", moved.headers, SEND))
    with pytest.raises(NotAuthentic):
        reader().verify(RawRequest("POST", moved.path, "", moved.headers, SEND + b" "))


@pytest.mark.parametrize("path", ["/action", "/options"])
@pytest.mark.parametrize("body", [SEND.replace(b"24681357", b"99"), b"[]", b"{}", b'{"origin": 1}', b"{", b"[" * 9000])
def test_a_workflow_of_another_account_fails_there_at_once(path: str, body: bytes) -> None:
    with pytest.raises(Rejected) as refused:
        reader().verify(request(body, path))
    assert PORTAL not in str(refused.value)


def test_without_a_portal_id_any_signed_account_is_served() -> None:
    reader(**{"portal-id": ""}).verify(request(SEND.replace(b"24681357", b"99")))


# ---- "Send a webhook" ------------------------------------------------------------------------------------------------
def call(name: str) -> bytes:
    return json.dumps(CALLS[name]).encode()


def test_a_body_of_chosen_properties_names_its_document() -> None:
    event = read(call("chosen"))
    assert (event.trigger, event.object, event.record) == ("deal-quote", "deals", "3001")
    assert event.values == {"dealname": "Espresso line", "amount": "4800"}
    assert (event.callback, event.wait_for) == ("", "")


@pytest.mark.parametrize("name,place,values", [
    ("whole_deal", ("deals", "3001"), {"dealname": "Espresso line", "amount": "4800"}),
    ("whole_contact", ("contacts", "1512"), {"firstname": "Ana", "portal-id": 24681357}),
])  # fmt: skip
def test_a_whole_record_is_told_by_the_address(name: str, place: tuple[str, str], values: dict[str, Any]) -> None:
    event = read(call(name), "send=deal-quote")
    assert (event.trigger, (event.object, event.record), event.values) == ("deal-quote", place, values)


def test_json_of_the_admins_own_may_have_an_id_and_no_record() -> None:
    event = read(call("custom"))
    assert (event.id, event.trigger, event.object, event.record) == ("visit:visit-77", "visit", "", "")
    assert event.values == {"phone": "+573001112222", "ok": True}


def test_the_object_may_stand_in_the_address() -> None:
    assert read(call("silent"), "send=quote&object=DEAL").object == "deals"


def test_a_call_for_nothing_says_what_is_missing() -> None:
    event = read(call("silent"))
    assert isinstance(event, Unrecognised)
    assert "?send=" in event.text


def test_the_same_content_counts_once_and_another_send_is_another_call() -> None:
    ids = [read(call("silent"), query).id for query in ("send=a", "send=a", "send=b")]
    assert ids[0] == ids[1] != ids[2]
    changed = json.dumps(CALLS["silent"] | {"amount": "4801"}).encode()
    assert read(changed, "send=a").id != ids[0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["callbackId", "inputFields", "object", "properties", "send", "vid", "message", "event_id", "z"])


@given(st.dictionaries(KEYS, JSON | st.dictionaries(KEYS, JSON, max_size=4), max_size=6), st.text(max_size=20))
def test_any_body_is_one_event_and_one_answer(item: dict[str, Any], query: str) -> None:
    body = json.dumps(item).encode()
    [routed] = reader().parse(body, {"x-hook-query": query})
    assert routed.event.id
    outputs = answered(body)
    blocked = isinstance(routed.event, TriggerCalled) and bool(routed.event.callback)
    assert (outputs["hs_execution_state"] == "BLOCK") == blocked


# ---- whose change it was ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("by,source,ours", [
    ("INTEGRATION", "1160452", True), ("INTEGRATION", "appId:1160452", True), ("INTEGRATION", "1160453", False),
    ("CRM_UI", "1160452", False), ("INTEGRATION", "", False),
])  # fmt: skip
def test_our_own_app_is_known_by_its_id(by: str, source: str, ours: bool) -> None:
    item = {
        "subscriptionType": "object.propertyChange", "objectTypeId": "0-3", "objectId": 1, "portalId": 2,
        "propertyName": "amount", "propertyValue": "1", "changeSource": by, "sourceId": source,
    }  # fmt: skip
    for app, expected in (("1160452", ours), ("", False)):
        [routed] = reader(**{"app-id": app}).parse(json.dumps([item]).encode(), {})
        assert routed.event.ours is expected


# ---- the live list ---------------------------------------------------------------------------------------------------
CHOICES = {
    "document": [Choice("deal-quote", "deal-quote", "Cotización del negocio")],
    "template": [Choice(f"t{n}:es_CO", f"t{n} (es_CO)", "Hola {{1}}") for n in range(120)],
}


def picked(**asked: Any) -> dict[str, Any]:
    body = {"origin": {"portalId": int(PORTAL)}, "objectTypeId": "0-1", "inputFieldName": "message", **asked}
    answer = reader().options(request(json.dumps(body).encode(), "/options"), CHOICES)
    assert answer.status == 200
    found: dict[str, Any] = json.loads(answer.body)
    return found


def test_the_list_has_every_choice_once_over_its_pages() -> None:
    found, after = [], ""
    for _ in range(9):
        page = picked(fetchOptions={"after": after} if after else {})
        assert page["searchable"] is True
        found += [one["value"] for one in page["options"]]
        after = page.get("after", "")
        if not after:
            break
    assert found == ["send:deal-quote", *(f"template:t{n}:es_CO" for n in range(120))]


@pytest.mark.parametrize("words,found", [("COTIZACION", ["send:deal-quote"]), ("t119", ["template:t119:es_CO"]),
                                         ("deal  quote", ["send:deal-quote"]), ("nothing like it", [])])  # fmt: skip
def test_the_list_is_searched_as_people_type(words: str, found: list[str]) -> None:
    assert [one["value"] for one in picked(fetchOptions={"q": words})["options"]] == found


def test_what_is_picked_is_what_a_step_sends() -> None:
    values = [one["value"] for one in picked(fetchOptions={"q": "t7 "})["options"]] + ["send:deal-quote"]
    events = [read(edited(SEND, message=value)) for value in values]
    assert events[0].template == "t7:es_CO"
    assert events[-1].trigger == "deal-quote"


@pytest.mark.parametrize("asked", [{"inputFieldName": "wait_for"}, {"fetchOptions": {"after": "9999"}}])
def test_a_list_of_something_else_is_empty(asked: dict[str, Any]) -> None:
    assert picked(**asked)["options"] == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null"])
def test_a_broken_request_for_the_list_is_an_empty_list(body: bytes) -> None:
    assert json.loads(reader().options(request(body, "/options"), CHOICES).body)["options"] == []


@pytest.mark.parametrize("after", ["-1", "x", "1e9", {"a": 1}, "99999999999"])
def test_a_page_that_was_never_given_is_the_first(after: Any) -> None:
    assert picked(fetchOptions={"after": after})["options"][0]["value"] == "send:deal-quote"


def test_a_door_without_choices_answers_the_shape_too() -> None:
    body = json.dumps({"inputFieldName": "message"}).encode()
    assert json.loads(reader().answer(request(body, "/options")).body) == {"options": [], "searchable": True}


def test_what_the_sandboxs_workflow_sends_is_authentic_and_read(sandbox: Sandbox) -> None:
    heard: list[Request] = []
    webhook: list[HubSpotWebhook] = []

    def product(request: Request) -> Response:
        heard.append(request)
        raw = RawRequest("POST", request.path, "", request.headers, request.body)
        webhook[0].verify(raw)
        return Response(200, webhook[0].answer(raw).body)

    with scripted(product) as server:
        settings = {"public_url": server.url, "portal-id": PORTAL}
        webhook.append(HubSpotWebhook(Account(id="a", kind="hubspot", name="h", settings=settings,
                                              secrets=ACCOUNT_SECRETS)))  # fmt: skip
        body = {"url": f"{server.url}{HOOK}/action", "object": "deals", "record": "3001"}
        inputs = {"message": "send:deal-quote", "wait_for": "delivered"}
        fired = sandbox.http.post("/hubspot/_workflows", json=body | {"inputs": inputs}).json()
        assert sandbox.http.get("/_webhooks", params={"wait": 10}).json()["settled"]
    [run] = sandbox.http.get("/hubspot/_workflows").json()
    assert (run["id"], run["state"]) == (fired["id"], "BLOCK")
    [routed] = webhook[0].parse(heard[0].body, {})
    assert isinstance(routed.event, TriggerCalled)
    assert (routed.event.trigger, routed.event.record, routed.event.wait_for) == ("deal-quote", "3001", "delivered")
