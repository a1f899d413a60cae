"""Calling a webhook: what is signed, where we may go, and what an answer means."""

import ipaddress
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import NotAllowed, Rejected
from connector.ports import Account
from connector.webhooks import connect, standard, validate
from connector.webhooks.address import is_public, reachable, refusal
from connector.webhooks.client import WebhookClient
from tests.webhooks.receiver import receiving

SECRET = standard.new_secret()
AT = datetime(2026, 11, 24, 10, tzinfo=UTC)
PRIVATE = (
    "10.0.0.8", "172.16.0.1", "192.168.1.1", "127.0.0.1", "0.0.0.0", "169.254.169.254", "100.64.0.1", "224.0.0.1",
    "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:10.0.0.8", "::ffff:169.254.169.254", "64:ff9b::a00:1",
    "2002:a00:1::1", "255.255.255.255", "198.18.0.1",
)  # fmt: skip


def account(url, secret=SECRET):
    return Account(id="w", kind="webhook", name="ops", settings={"url": url}, secrets={"secret": secret})


def call(url, secret=SECRET, **more):
    client = WebhookClient(account(url, secret), **more)
    try:
        return client.call("event_7", "mapping.matched", AT, {"values": {"name": "Ana \ud83d"}})
    finally:
        client.close()


def test_a_call_is_signed_as_the_standard_has_it():
    with receiving() as receiver:
        answer = call(receiver.url, now=lambda: AT.timestamp())
    assert (answer.outcome, answer.away) == ("done", False)
    ((path, headers, body),) = receiver.calls
    assert path == "/in?a=1"
    assert headers["host"] == receiver.url.split("/")[2]
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("event_7", str(int(AT.timestamp())))
    assert standard.signed(headers, body, [standard.key(SECRET)], AT.timestamp())
    assert json.loads(body) == {
        "type": "mapping.matched", "timestamp": "2026-11-24T10:00:00Z", "data": {"values": {"name": "Ana \ud83d"}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "headers", "outcome", "away", "after"),
    [
        (204, {}, "done", False, None),
        (302, {"Location": "http://127.0.0.1:9/"}, "again", False, None),
        (404, {}, "again", False, None),
        (410, {}, "never", False, None),
        (429, {"Retry-After": "120"}, "again", True, 120.0),
        (429, {"Retry-After": "99999999"}, "again", True, 3600.0),
        (500, {"Retry-After": "soon"}, "again", True, None),
    ],
)
def test_what_an_answer_means(status, headers, outcome, away, after):
    with receiving((status, headers)) as receiver:
        answer = call(receiver.url)
    assert (answer.outcome, answer.away, answer.after) == (outcome, away, after)
    assert len(receiver.calls) == 1


def test_nobody_there_is_tried_again():
    with receiving() as receiver:
        url = receiver.url
    answer = call(url)
    assert (answer.outcome, answer.away) == ("again", True)


@pytest.mark.parametrize("text", PRIVATE)
def test_no_name_leads_us_inside(text):
    assert not is_public(ipaddress.ip_address(text))
    answer = call("https://hooks.example.com/in", resolve=lambda host, port: ["93.184.216.34", text])
    assert answer.outcome == "never"
    assert "not public" in answer.text


def test_the_checked_address_is_the_one_that_is_called():
    asked = []

    def resolve(host, port):
        asked.append((host, port))
        return ["127.0.0.1"]

    with receiving() as receiver:
        port = receiver.server.server_port
        assert call(f"http://localhost:{port}/in", resolve=resolve).outcome == "done"
    assert asked == [("localhost", port)]
    assert receiver.calls[0][1]["host"] == f"localhost:{port}"


def test_a_name_that_says_localhost_and_is_not():
    with pytest.raises(PermissionError):
        reachable("localhost", 80, lambda host, port: ["93.184.216.34"])
    with pytest.raises(OSError, match="no address"):
        reachable("hooks.example.com", 443, lambda host, port: [])


def test_a_public_name_is_called_by_its_address():
    assert reachable("hooks.example.com", 443, lambda host, port: ["93.184.216.34"]) == "93.184.216.34"


@pytest.mark.parametrize(
    "url",
    [
        "", "hooks.example.com", "http://hooks.example.com/", "ftp://127.0.0.1/", "https://", "https://a b.com/",
        "https://user:secret@hooks.example.com/", "https://hooks.example.com/#x", "https://10.0.0.8/",
        "https://[::ffff:10.0.0.8]/", "https://[::1", "https://h:99999/", "https://ex\u00e4mple.com/",
        "https://a/" + "x" * 3000, "https://a\\@b/",
    ],
)  # fmt: skip
def test_what_cannot_be_called_is_refused_when_it_is_stored(url):
    assert refusal(url)
    with pytest.raises(NotAllowed):
        validate(url, "")


NO_SECRETS = {"short": "short", "empty": "whsec_", "few": "whsec_AAAA", "marks": "whsec_!!!!", "bare": "AAAA" * 8}


@pytest.mark.parametrize("secret", [*NO_SECRETS.values(), SECRET[6:]], ids=[*NO_SECRETS, "without its prefix"])
def test_a_secret_that_signs_nothing_is_refused(secret):
    with pytest.raises(Rejected):
        validate("https://hooks.example.com/in", secret)
    assert call("https://hooks.example.com/in", secret=secret).outcome == "never"


def test_a_secret_may_be_given_and_is_never_shown():
    validate("https://hooks.example.com/in?key=1", SECRET)
    assert SECRET not in repr(account("https://hooks.example.com/")) + repr(connect(account("https://h.example/")))


@given(st.ip_addresses(v=4))
def test_an_address_inside_another_is_no_way_around(address):
    wrapped = ipaddress.IPv6Address(f"::ffff:{address}")
    nat = ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) | int(address))
    assert is_public(address) == is_public(wrapped) == is_public(nat)
