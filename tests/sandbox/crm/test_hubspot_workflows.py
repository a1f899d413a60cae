"""HubSpot's workflows: an action is called, signed in version 2, and may wait until it is told to go on."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

CALLBACKS = "/automation/actions/callbacks/2026-09"
BLOCK = {"outputFields": {"hs_execution_state": "BLOCK", "hs_expiration_duration": "PT2H"}}


class Product:
    """Answers every call with `answer` after the `statuses` in turn, and keeps what it heard."""

    def __init__(self) -> None:
        self.url, self.answer = "", BLOCK
        self.statuses: list[int] = []
        self.heard: list[tuple[dict[str, str], bytes]] = []


@pytest.fixture
def product() -> Iterator[Product]:
    found = Product()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.heard.append(({k.lower(): v for k, v in self.headers.items()}, body))
            answer = json.dumps(found.answer).encode()
            self.send_response(found.statuses.pop(0) if found.statuses else 200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}/hooks/crm/hubspot/action?a=%2Fb"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def fire(sandbox, product, **given) -> str:
    body = {"url": product.url, "object": "deals", "record": "3001", "inputs": {"message": "send:quote"}, **given}
    answer = sandbox.post("/hubspot/_workflows", json=body)
    assert answer.status_code == 200, answer.text
    assert sandbox.get("/_webhooks", params={"wait": 10}).json()["settled"]
    return answer.json()["id"]


def run(sandbox, callback: str) -> dict:
    return next(one for one in sandbox.get("/hubspot/_workflows").json() if one["id"] == callback)


def finish(hubspot, callback: str, **outputs: str) -> int:
    body = {"outputFields": {"hs_execution_state": "SUCCESS", **outputs}}
    return hubspot.post(f"{CALLBACKS}/{callback}/complete", json=body).status_code


def test_a_call_carries_the_record_and_the_inputs(sandbox, product) -> None:
    callback = fire(sandbox, product, properties=["dealname", "closedate"])
    [(headers, body)] = product.heard
    call = json.loads(body)
    assert (call["callbackId"], call["origin"]["portalId"], call["inputFields"]) == (
        callback, 24681357, {"message": "send:quote"},
    )  # fmt: skip
    assert call["object"] == {
        "objectId": 3001,
        "objectType": "DEAL",
        "properties": {"dealname": "Café del Valle - espresso line", "closedate": None},
    }
    expected = hashlib.sha256(b"sandbox-hubspot-client-secretPOST" + product.url.encode() + body).hexdigest()
    assert (headers["x-hubspot-signature"], headers["x-hubspot-signature-version"]) == (expected, "v2")


def test_a_step_that_waits_goes_on_once(sandbox, hubspot, product) -> None:
    callback = fire(sandbox, product)
    assert run(sandbox, callback)["state"] == "BLOCK"
    assert finish(hubspot, callback, reply="YES") == 204
    assert (run(sandbox, callback)["state"], run(sandbox, callback)["outputFields"]["reply"]) == ("SUCCESS", "YES")
    assert sandbox.get(f"/_records/hubspot/callbacks/{callback}").json()["outputFields"]["reply"] == "YES"
    assert finish(hubspot, callback) == 404


def test_a_step_that_waited_too_long_is_over(sandbox, hubspot, product) -> None:
    callback = fire(sandbox, product)
    sandbox.post("/_clock", json={"advance": 7200})
    assert finish(hubspot, callback) == 404


def test_a_batch_goes_on_whole_or_not_at_all(sandbox, hubspot, product) -> None:
    first, second = fire(sandbox, product), fire(sandbox, product)
    body = {"outputFields": {"hs_execution_state": "FAIL_CONTINUE"}}
    inputs = [{"callbackId": one, **body} for one in (first, "nobody", second)]
    assert hubspot.post(f"{CALLBACKS}/complete", json={"inputs": inputs}).status_code == 404
    assert run(sandbox, first)["state"] == "BLOCK"
    assert hubspot.post(f"{CALLBACKS}/complete", json={"inputs": [inputs[0], inputs[2]]}).status_code == 204
    assert {run(sandbox, one)["state"] for one in (first, second)} == {"FAIL_CONTINUE"}
    assert finish(hubspot, "nobody") == 404


@pytest.mark.parametrize("status,state,calls", [(200, "BLOCK", 1), (400, "FAILED", 1), (503, "BLOCK", 2)])
def test_the_status_decides_whether_it_is_called_again(sandbox, product, status, state, calls) -> None:
    product.statuses += [status]
    callback = fire(sandbox, product)
    assert (run(sandbox, callback)["state"], len(product.heard)) == (state, calls)
    assert len({body for _, body in product.heard}) == 1


def test_the_same_step_may_be_called_twice(sandbox, product) -> None:
    callback = fire(sandbox, product)
    assert fire(sandbox, product, callbackId=callback) == callback
    assert len(product.heard) == 2
    assert run(sandbox, callback)["state"] == "BLOCK"


def test_a_webhook_action_sends_the_record_or_what_was_chosen(sandbox, product) -> None:
    where = {"url": product.url, "object": "contacts", "record": "1512"}
    for more in ({}, {"properties": ["firstname"]}, {"body": {"send": "quote", "id": 7}}):
        assert sandbox.post("/hubspot/_workflows/webhook", json=where | more).status_code == 200
        assert sandbox.get("/_webhooks", params={"wait": 10}).json()["settled"]
    whole, chosen, custom = (json.loads(body) for _, body in product.heard)
    assert (whole["objectId"], whole["properties"]["firstname"]) == (1512, "Ana")
    assert chosen == {"hs_object_id": "1512", "firstname": "Ana"}
    assert custom == {"send": "quote", "id": 7}


def test_a_picker_shows_what_the_product_answers(sandbox, product) -> None:
    product.answer = {"options": [{"label": "Quote", "value": "send:quote"}], "searchable": True}
    shown = sandbox.post("/hubspot/_workflows/options", json={"url": product.url, "q": "quo", "after": "50"}).json()
    assert shown == {"status": 200, "body": product.answer}
    [(_, body)] = product.heard
    assert json.loads(body)["fetchOptions"] == {"q": "quo", "after": "50"}


@pytest.mark.parametrize("given", [
    [], {"object": "deals", "record": "3001"}, {"url": "http://example.org/", "object": "deals", "record": "3001"},
    {"url": "http://127.0.0.1:9/", "object": "deals", "record": "1"},
    {"url": "http://127.0.0.1:9/", "object": "x", "record": "1"},
])  # fmt: skip
def test_what_cannot_be_fired_is_said_so(sandbox, given) -> None:
    answer = sandbox.post("/hubspot/_workflows", json=given)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_webhooks_come_late_twice_and_in_any_order_on_request(sandbox, receiver, switch) -> None:
    sandbox.post("/_webhook", json={"url": receiver.url, "service": "hubspot"}).raise_for_status()
    switch("hubspot", double=1.0, shuffle=True, late=0.05)
    fields = {"dealstage": "presentationscheduled", "amount": "4900", "dealname": "New"}
    sandbox.patch("/_records/hubspot/deals/3001", json=fields).raise_for_status()
    posts = receiver.wait(6)
    assert sandbox.get("/_webhooks", params={"wait": 10}).json()["settled"]
    assert sorted(one["propertyName"] for [one] in posts) == sorted([*fields, *fields])
    assert len({one["eventId"] for [one] in posts}) == 3
