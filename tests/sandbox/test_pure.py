"""The parts with rules of their own: spellings, buckets, envelopes, the reader of requests."""

import json
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.sandbox.faults import Fault
from connector.sandbox.graph.business import Bucket, Second
from connector.sandbox.graph.customers import newcomer, spellings
from connector.sandbox.graph.webhooks import Update, envelope, sign
from connector.sandbox.http import Request
from connector.sandbox.ledger import Ledger
from connector.sandbox.poster import Patience, Poster, Webhook
from connector.sandbox.server import RequestError, read


@pytest.mark.parametrize(
    ("given_", "also"),
    [
        ("5215512345678", "525512345678"),
        ("525512345678", "5215512345678"),
        ("5491123456789", "541123456789"),
        ("5511987654321", "551187654321"),
        ("551187654321", "5511987654321"),
    ],
)
def test_national_spellings(given_: str, also: str) -> None:
    assert spellings(given_) == [given_, also]


def test_a_newcomer_is_the_same_every_time() -> None:
    assert newcomer("573001112222").name == "Ana Ruiz"  # whom the CRM stand-ins know by that phone
    assert newcomer("573001112222") == newcomer("573001112222")
    assert newcomer("573001112222").user_id.startswith("CO.")
    assert newcomer("573001112222").user_id != newcomer("573001112223").user_id


def test_the_signature_known_from_metas_own_vectors() -> None:
    body = b'{"object":"whatsapp_business_account","entry":[]}'
    assert sign("test_app_secret", body) == "sha256=dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756"


def test_the_ledger_keeps_the_newest() -> None:
    by_count, by_size = Ledger(kept=3), Ledger(kept_bytes=600)
    for ledger in (by_count, by_size):
        for n in range(20):
            ledger.note(n, "graph", Request("GET", "/", target=f"/{n}", body=b"x" * 50), None, None)
    assert [json.loads(line)["path"] for line in by_count.read()] == ["/17", "/18", "/19"]
    assert [json.loads(line)["path"] for line in by_size.read()] == ["/17", "/18", "/19"]


@given(st.lists(st.floats(0, 3), max_size=200))
def test_a_bucket_never_gives_more_than_its_size_and_rate(waits: list[float]) -> None:
    bucket, now, given_ = Bucket(5, 2), 100.0, 0
    for wait in waits:
        now += wait
        given_ += bucket.take(now)
    assert given_ <= 5 + 2 * (now - 100) + 1e-6


@given(st.lists(st.floats(0, 0.7), max_size=200), st.integers(1, 9))
def test_no_second_holds_more_than_it_may_and_room_is_never_refused(waits: list[float], most: int) -> None:
    second, now, taken = Second(), 100.0, []
    for wait in waits:
        now += wait
        recent = [at for at in taken if at > now - 1]
        assert second.take(now, most) == (len(recent) < most)
        taken += [now] if len(recent) < most else []


@given(st.lists(st.tuples(st.sampled_from(["n1", "n2"]), st.sampled_from(["messages", "statuses"])), max_size=1000))
def test_an_envelope_keeps_every_update_in_order(kinds: list[tuple[str, str]]) -> None:
    updates = [Update("messages", key, {"id": str(n)}, number) for n, (number, key) in enumerate(kinds)]
    document = json.loads(envelope(updates, 0))
    found = [
        (change["value"]["metadata"]["phone_number_id"], key, item["id"])
        for entry in document["entry"]
        for change in entry["changes"]
        for key in ("messages", "statuses")
        for item in change["value"].get(key, [])
    ]
    assert found == [(number, key, str(n)) for n, (number, key) in enumerate(kinds)]


def test_an_envelope_is_at_most_3_mb() -> None:
    with pytest.raises(ValueError, match="at most"):
        envelope([Update("messages", "messages", {"text": "x" * 3_200_000}, "n")], 0)


@given(st.integers(0, 40), st.integers(0, 40))
def test_a_fault_strikes_within_its_bounds(after: int, times: int) -> None:
    fault = Fault("GET /graph/*", "5xx", after=after, times=times)
    hits = [n for n in range(1, 61) if fault.strikes("GET /graph/x")]
    assert hits == list(range(max(after, 1), min(max(after, 1) + times, 61)))
    assert not fault.strikes("POST /graph/x")


def test_a_webhook_that_cannot_be_built_does_not_stop_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    poster = Poster(Patience(total=0.0), threads=1)
    for _ in range(2):
        poster.post(Webhook("graph", "http://127.0.0.1:9/", body=lambda _: {}["absent"], headers=lambda _u, _b: {}))
    assert poster.wait(10)
    assert (poster.tally("graph").given_up, poster.tally("graph").last) == (2, "KeyError")
    assert "KeyError" in capsys.readouterr().err


def test_waits_grow_and_stay_under_the_longest() -> None:
    patience = Patience(first=1, longest=10)
    assert [patience.wait(n) for n in range(7)] == [0, 1, 2, 4, 8, 10, 10]
    assert patience.wait(10_000) == 10


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_refused(data: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, theirs.makefile("rb") as stream:
        ours.sendall(data)
        ours.shutdown(socket.SHUT_WR)
        try:
            request = read(stream, theirs)
        except RequestError as refused:
            found = refused.status
        else:
            found = 200 if request is None or request.target.startswith("/") else 0
    assert found in (200, 400, 413, 431)
