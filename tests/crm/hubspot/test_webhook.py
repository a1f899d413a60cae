"""HubSpot's webhooks: who may call, and what a batch says."""

import json
import queue
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.events import Noted, RecordChanged, Unrecognised
from connector.crm import webhook
from connector.crm.hubspot.webhook import HubSpotWebhook, sign_v2, sign_v3
from connector.errors import NotAuthentic
from connector.ports import Account, RawRequest
from connector.sandbox.http import Request, Response
from tests.crm.hubspot.ground import ACCOUNT_SECRETS, headers
from tests.crm.hubspot.scripted import scripted
from tests.town import Sandbox

PAYLOADS = Path(__file__).parent / "payloads"
PUBLISHED = json.loads((PAYLOADS / "signatures.json").read_text("utf-8"))
BATCH = (PAYLOADS / "webhook_batch.json").read_bytes()
SECRET, NOW = "s3cret", 1_795_270_000.0
URL = "https://crm.example.org/hooks/crm/hubspot"


def reader(now: float = NOW, secret: str = SECRET, public: str = "https://crm.example.org") -> HubSpotWebhook:
    account = Account(
        id="a", kind="hubspot", name="h", settings={"public_url": public}, secrets={"client-secret": secret}
    )
    return HubSpotWebhook(account, now=lambda: now)


def call(body: bytes = b"[]", path: str = "/hooks/crm/hubspot", query: str = "", **headers: str) -> RawRequest:
    return RawRequest("POST", path, query, {name.replace("_", "-"): text for name, text in headers.items()}, body)


def signed(stamp: float, body: bytes = b"[]", secret: str = SECRET) -> RawRequest:
    text = str(int(stamp * 1000))
    signature = sign_v3(secret, "POST", URL, body, text)
    return call(body, x_hubspot_signature_v3=signature, x_hubspot_request_timestamp=text)


@pytest.mark.parametrize("vector", PUBLISHED["vectors"], ids=lambda v: f"{v['version']} {v['method']}")
def test_published_signatures_are_accepted_and_only_those(vector: dict[str, Any]) -> None:
    parts = urlsplit(vector["uri"])
    now = float(vector["timestamp"] or 0) / 1000
    webhook = reader(now, PUBLISHED["client_secret"], f"{parts.scheme}://{parts.netloc}/")
    name = {"v3": "x-hubspot-signature-v3", "v2": "x-hubspot-signature"}[vector["version"]]
    headers = {name: vector["signature"], "x-hubspot-signature-version": vector["version"]}
    headers["x-hubspot-request-timestamp"] = vector["timestamp"] or ""
    request = RawRequest(vector["method"], parts.path, parts.query, headers, vector["body"].encode())
    webhook.verify(request)
    for other in (request.body + b" ", request.body[:-1] if request.body else b"x"):
        with pytest.raises(NotAuthentic):
            webhook.verify(RawRequest(vector["method"], parts.path, parts.query, headers, other))


@pytest.mark.parametrize("age", [0, 299.9, -299.9])
def test_a_call_of_now_is_accepted(age: float) -> None:
    reader().verify(signed(NOW - age))


@pytest.mark.parametrize("age", [300.1, -300.1, 86_400])
def test_an_old_or_future_call_is_refused(age: float) -> None:
    with pytest.raises(NotAuthentic):
        reader().verify(signed(NOW - age))


@pytest.mark.parametrize("stamp", ["", "x", "-1", "1e12", "²", "١٧٩٥٢٧٠٠٠٠٠٠٠", "9" * 40])
def test_a_timestamp_that_is_none_is_refused(stamp: str) -> None:
    signature = sign_v3(SECRET, "POST", URL, b"[]", stamp)
    with pytest.raises(NotAuthentic):
        reader().verify(call(x_hubspot_signature_v3=signature, x_hubspot_request_timestamp=stamp))


def test_v3_is_not_traded_for_an_older_signature() -> None:
    headers = {"x_hubspot_signature": sign_v2(SECRET, "POST", URL, b"[]"), "x_hubspot_signature_version": "v2"}
    reader().verify(call(**headers))
    with pytest.raises(NotAuthentic):
        reader().verify(call(x_hubspot_signature_v3="", **headers))


@pytest.mark.parametrize("headers", [{}, {"x_hubspot_signature": "é"}, {"x_hubspot_signature_version": "v2"}])
def test_without_a_signature_nobody_enters(headers: dict[str, str]) -> None:
    with pytest.raises(NotAuthentic) as refused:
        reader().verify(call(**headers))
    assert str(refused.value) == "This call is not authentic."


def test_without_a_secret_nobody_enters() -> None:
    with pytest.raises(NotAuthentic):
        reader(secret="").verify(signed(NOW, secret=""))


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_a_signature_is_good_for_one_body(body: bytes, other: bytes) -> None:
    request = signed(NOW, body)
    reader().verify(request)
    if other != body:
        with pytest.raises(NotAuthentic):
            reader().verify(RawRequest("POST", request.path, "", request.headers, other))


def test_a_batch_gives_every_event_creations_first() -> None:
    routed = reader().parse(BATCH, {})
    at = datetime.fromtimestamp(1795270000.123, UTC)
    created, changed, deal, custom, redacted, merged, merged_too, erased, linked, message, unknown = (
        one.event for one in routed
    )
    start = "24681357:contact."
    assert created == RecordChanged(
        id=f"{start}creation:88012345678::1795270000123:2200", at=at, object="contacts", record="88012345678",
        what="created", source="CRM_UI",
    )  # fmt: skip
    assert changed == RecordChanged(
        id=f"{start}propertyChange:88012345678:lifecyclestage:1795270000123:2201", at=at, object="contacts",
        record="88012345678", what="changed", field="lifecyclestage", value="lead", source="CRM_UI:userId:4411",
    )  # fmt: skip
    assert isinstance(deal, RecordChanged)
    assert (deal.object, deal.record, deal.value, deal.source) == (
        "deals", "546500099901", "presentationscheduled", "INTEGRATION:77",
    )  # fmt: skip
    assert isinstance(custom, RecordChanged)
    assert (custom.object, custom.field) == ("2-9001", "plate")
    assert isinstance(redacted, RecordChanged)
    assert (redacted.field, redacted.value) == ("passport", None)
    assert [(e.record, e.into, e.what) for e in (merged, merged_too) if isinstance(e, RecordChanged)] == [
        ("31", "33", "merged"), ("32", "33", "merged"),
    ]  # fmt: skip
    assert isinstance(erased, RecordChanged)
    assert (erased.what, erased.value) == ("deleted", "privacyDeletion")
    assert [type(e) for e in (linked, message, unknown)] == [Noted, Noted, Unrecognised]
    assert [one.owner for one in routed] == ["24681357"] * 3 + ["13570"] + ["24681357"] * 7
    assert len({one.event.id for one in routed}) == len(routed)


def test_a_repeat_has_the_same_key() -> None:
    again = json.dumps([item | {"attemptNumber": 5} for item in json.loads(BATCH)]).encode()
    known = [(type(one.event), one.event.id) for one in reader().parse(BATCH, {})]
    repeated = [(type(one.event), one.event.id) for one in reader().parse(again, {})]
    assert repeated[:-1] == known[:-1]


@pytest.mark.parametrize("body", [b"", b"{", b"NaN", b"\xff\xfe", b"[" * 100_000])
def test_what_is_not_json_is_said_so(body: bytes) -> None:
    with pytest.raises(ValueError):
        reader().parse(body, {})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
KIND = st.sampled_from(["contact.creation", "object.merge", "contact.propertyChange", "x", ""])


NAMES = ("objectId", "portalId", "occurredAt", "propertyValue", "newObjectId", "mergedObjectIds", "z")


@given(st.lists(st.dictionaries(st.sampled_from(NAMES), JSON), max_size=4), KIND)
def test_no_item_is_lost_whatever_its_shape(items: list[dict[str, Any]], kind: str) -> None:
    items = [item | {"subscriptionType": kind} for item in items]
    events = [one.event for one in reader().parse(json.dumps(items).encode(), {})]
    merges = [i for i in items if kind == "object.merge" and i.get("newObjectId") is not None]
    assert len(events) >= len(items) - len(merges)
    assert all(event.id for event in events)


@pytest.mark.parametrize("classic", [False, True], ids=["object.", "contact."])
def test_what_the_sandbox_sends_is_authentic_and_read(sandbox: Sandbox, classic: bool) -> None:
    arrived: queue.Queue[Request] = queue.Queue()

    def receive(request: Request) -> Response:
        arrived.put(request)
        return Response(200)

    with scripted(receive) as server:
        url = f"{server.url}/hooks/crm/hubspot?ids=1%2C2"
        sandbox.http.patch("/hubspot/_options", json={"classic": classic}, headers=headers())
        assert sandbox.http.post("/_webhook", json={"service": "hubspot", "url": url}).is_success
        id = sandbox.records("hubspot", "contacts")[0]["id"]
        sandbox.http.patch(f"/_records/hubspot/contacts/{id}", json={"jobtitle": "Florist"})
        request = arrived.get(timeout=10)
        account = Account(
            id="a", kind="hubspot", name="h", settings={"public_url": server.url}, secrets=ACCOUNT_SECRETS
        )
    raw = RawRequest("POST", request.path, request.target.partition("?")[2], request.headers, request.body)
    HubSpotWebhook(account).verify(raw)
    events = [one.event for one in HubSpotWebhook(account).parse(request.body, request.headers)]
    changed = [(e.object, e.record, e.what, e.field, e.value) for e in events if isinstance(e, RecordChanged)]
    assert ("contacts", id, "changed", "jobtitle", "Florist") in changed
    with pytest.raises(NotAuthentic):
        HubSpotWebhook(account).verify(RawRequest("POST", raw.path, "", raw.headers, raw.body))


def test_the_answer_is_an_empty_200_through_the_registry() -> None:
    account = Account(id="a", kind="hubspot", name="h")
    answers = [webhook(account).answer(call()) for _ in range(2)]  # twice: the module must not hide the function
    assert [(answer.status, answer.body) for answer in answers] == [(200, b"")] * 2
