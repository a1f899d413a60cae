"""Trigger links: who may call, what counts as one call, and what a call says."""

import base64
import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.events import TriggerCalled
from connector.errors import NotAuthentic, Rejected
from connector.ports import Account, RawRequest
from connector.webhooks import crm_of, standard
from connector.webhooks.link import LinkWebhook

SECRET, OLD = standard.new_secret(), standard.new_secret()
NOW = 1_795_000_000


def link(now=NOW, **settings):
    given = {"document": "quote-ready", "crm": "hs", "old_until": NOW + 60} | settings
    account = Account(id="1", kind="link", name="ab", settings=given, secrets={"secret": SECRET, "secret_old": OLD})
    return LinkWebhook(account, now=lambda: now)


def request(body=b"{}", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return RawRequest("POST", "/hooks/link/ab", "", named, body)


def by_hand(secret, id_, stamp, body):
    """Written out as the specification has it, beside our own code."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, id_.encode() + b"." + str(stamp).encode() + b"." + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def signed(body=b"{}", secret=SECRET, stamp=NOW, id_="msg_1", **more):
    signature = by_hand(secret, id_, stamp, body)
    return request(body, webhook_id=id_, webhook_timestamp=str(stamp), webhook_signature=signature, **more)


def test_the_signature_is_the_specifications_own_example():
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    found = standard.sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    "call",
    [
        signed(),
        signed(secret=OLD),
        signed(stamp=NOW - 300),
        signed(stamp=NOW + 300),
        request(authorization=f"Bearer {SECRET}", idempotency_key="a"),
        request(b'{"event_id": 7}', authorization=f"bearer {OLD}"),
    ],
)
def test_whoever_knows_the_secret_may_call(call):
    link().verify(call)


def test_one_right_signature_among_several_is_enough():
    right = by_hand(SECRET, "m", NOW, b"{}")
    several = f"v1,AAAA v1a,xyz {by_hand(OLD, 'other', NOW, b'{}')} {right}"
    link().verify(request(webhook_id="m", webhook_timestamp=str(NOW), webhook_signature=several))


@pytest.mark.parametrize(
    "call",
    [
        request(),
        request(authorization=f"Basic {SECRET}", idempotency_key="a"),
        request(authorization="Bearer ", idempotency_key="a"),
        request(authorization="Bearer é", idempotency_key="a"),
        signed(secret=standard.new_secret()),
        signed(stamp=NOW - 301),
        signed(stamp=NOW + 301),
        request(webhook_id="m", webhook_timestamp="²", webhook_signature="v1,x"),
        request(webhook_id="m", webhook_timestamp=str(NOW), webhook_signature=by_hand(SECRET, "n", NOW, b"{}")),
        request(
            webhook_id="m", webhook_timestamp=str(NOW), webhook_signature="v2" + by_hand(SECRET, "m", NOW, b"{}")[2:]
        ),
    ],
)
def test_everybody_else_is_refused(call):
    with pytest.raises(NotAuthentic):
        link().verify(call)


def test_the_old_secret_ends():
    with pytest.raises(NotAuthentic):
        link(now=NOW + 60).verify(signed(secret=OLD))


def test_a_link_without_a_secret_trusts_nobody():
    nobody = LinkWebhook(Account(id="1", kind="link", name="ab"), now=lambda: NOW)
    for secret in ("", "whsec_"):
        with pytest.raises(NotAuthentic):
            nobody.verify(signed(secret=secret))
        with pytest.raises(NotAuthentic):
            nobody.verify(request(authorization=f"Bearer {secret}", idempotency_key="a"))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{}", "no_id"),
        (b'{"event_id": true}', "no_id"),
        (b"[1]", "not_json"),
        (b'{"a": NaN}', "not_json"),
        (b'{"a": 1e999}', "not_json"),
        (b"\xff", "not_json"),
        (b"[" * 100_000, "not_json"),
        (b'{"event_id": "' + b"x" * 300 + b'"}', "long_id"),
        (b'{"a": "' + b"x" * 300_000 + b'"}', "too_large"),
    ],
)
def test_a_caller_we_trust_is_told_what_to_mend(body, code):
    with pytest.raises(Rejected) as told:
        link().verify(request(body, authorization=f"Bearer {SECRET}"))
    assert told.value.code == code


def event(body, **headers):
    (routed,) = link().parse(json.dumps(body).encode(), {n.replace("_", "-"): v for n, v in headers.items()})
    assert routed.owner == ""
    return routed.event


def test_a_call_names_a_record_and_values():
    body = {"object": "deals", "record": 9001, "values": {"amount": 900}, "phone": "+573001112222"}
    assert event(body, webhook_id="msg_7") == TriggerCalled(
        id="msg_7", trigger="quote-ready", object="deals", record="9001",
        values={"phone": "+573001112222", "amount": 900},
    )  # fmt: skip


def test_any_flat_object_will_do_and_values_may_be_pairs():
    assert event({"event_id": "7", "name": "Ana"}).values == {"name": "Ana"}
    pairs = [{"name": "day", "value": "Monday"}, {"value": "no name"}, "no pair"]
    assert event({"event_id": "7", "values": pairs}).values == {"day": "Monday"}


def test_what_counts_as_the_same_call():
    body = {"event_id": "in the body"}
    assert event(body).id == "in the body"
    assert event(body, idempotency_key="key").id == "key"
    assert event(body, idempotency_key="key", webhook_id="msg").id == "msg"


def test_the_answer_says_what_the_call_counts_as():
    answer = link().answer(signed(id_="msg_9"))
    assert (answer.status, json.loads(answer.body)) == (200, {"ok": True, "id": "msg_9"})


def test_a_link_belongs_to_a_crm_account():
    assert crm_of(Account(id="1", kind="link", name="ab", settings={"crm": "hs"})) == "hs"


@given(st.binary(max_size=200), st.text(max_size=40), st.text(max_size=40), st.text(max_size=80))
def test_garbage_is_refused_and_never_breaks(body, id_, stamp, signature):
    for headers in (
        {"webhook-id": id_, "webhook-timestamp": stamp, "webhook-signature": signature},
        {"authorization": signature, "idempotency-key": id_},
    ):
        with pytest.raises(NotAuthentic):
            link().verify(RawRequest("POST", "/", "", headers, body))


@given(st.binary(max_size=300))
def test_a_body_that_is_no_object_is_refused_in_words(body):
    try:
        readable = isinstance(json.loads(body), dict)
    except ValueError:
        readable = not body
    if readable:
        assert link().parse(body, {"webhook-id": "m"})[0].event.id == "m"
    else:
        with pytest.raises(ValueError, match="JSON object"):
            link().parse(body, {"webhook-id": "m"})
