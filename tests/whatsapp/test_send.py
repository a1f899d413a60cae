"""Sending, over HTTP: what each answer of Meta's comes to, and what no answer means."""

import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.ports import OutboundMessage, Receipt
from connector.whatsapp.sending import receipt as read_receipt
from tests.whatsapp.answering import NUMBER, connected
from tests.whatsapp.reading import PAYLOADS

ANA, ANA_ID = "+573001112222", "573001112222"
MESSAGES = f"{NUMBER}/messages"
BACK = {"type": "template", "template": {"name": "welcome_back", "language": {"code": "es"}}}
ERRORS = {int(path.stem): json.loads(path.read_bytes()) for path in sorted((PAYLOADS / "errors").glob("*.json"))}
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
ACCEPTED = {"messages": [{"id": "wamid.1"}]}
OUTCOMES = {"accepted", "not_sent", "again", "park", "failed", "unknown"}

# What Meta's error page and our rules of sending demand, written down apart from the table under test:
# {outcome: {(who, park, wait): codes}}
EXPECTED = {
    "again": {
        ("Meta", "account", 5 * MINUTE): [4, 80007],
        ("Meta", "number", 2.0): [130429],
        ("Meta", "contact", 4.0): [131056],
    },
    "unknown": {
        ("Meta", "", None): [1, 2, 131000, 131016, 133004],
        ("Meta", "number", MINUTE): [131057, 2494100],
    },
    "park": {
        ("you", "number", HOUR): [131048],
        ("Meta", "contact", DAY): [131049],
        ("you", "account", DAY): [131064],
        ("you", "template", 3 * HOUR): [132015],
        ("you", "template", HOUR): [132069],
        ("you", "account", HOUR): [133008],
        ("you", "account", MINUTE): [133009],
        ("you", "account", 5 * MINUTE): [133015],
        ("you", "account", 3 * DAY): [133016],
        ("Meta", "template", 10 * MINUTE): [134101],
    },
    "failed": {
        ("you", "account", None): [
            *(0, 3, 10, 33, 190, 200, 294, 368, 131005, 131031, 131037, 131042, 131044, 131045),
            *(133000, 133006, 133010, 139200),
        ],
        ("you", "template", None): [131055, 131063, 132001, 132007, 132016, 132068, 134100, 134102],
        ("Meta", "", None): [130472],
        ("customer", "", None): [131026, 131036, 131047, 131050, 131051, 131052, 131060, 131062],
        ("you", "", None): [
            *(100, 130403, 130497, 131008, 131009, 131021, 131030, 131053, 132000, 132005, 132008, 132012, 132018),
            *(133005, 135000, 136024, 2388019, 2388023, 2388024, 2388040, 2388047, 2388072, 2388073, 2388293, 2388299),
            *(2593002, 2593107, 2593108, 2593109),
        ],
    },
}
OF_CODE = {
    code: (outcome, *rest) for outcome, groups in EXPECTED.items() for rest, codes in groups.items() for code in codes
}


def message(body=BACK, to=ANA, user_id=None, reply_to=None):
    return OutboundMessage(to=to, user_id=user_id, body=body, reply_to=reply_to)


def heard(scripted):
    """The JSON of the only message heard."""
    ((_, _, _, body),) = scripted.heard
    return json.loads(body)


# ---- accepted ----------------------------------------------------------------------------------------------------
def test_an_accepted_message(fresh, client):
    receipt = client.send(message(), "send-1")
    assert receipt == Receipt(outcome="accepted", wamid=receipt.wamid, wa_id=ANA_ID)
    (sent,) = fresh.get("/_records/graph/messages").json()
    assert (sent["id"], sent["biz_opaque_callback_data"], sent["to"]) == (receipt.wamid, "send-1", ANA)


def test_metas_own_spelling_of_the_phone_is_told(fresh, client):
    fresh.post("/_customers/5215512345678", json={"text": "hola"})
    assert client.send(message(to="+525512345678"), "send-1").wa_id == "5215512345678"


def test_somebody_without_a_phone_is_reached_by_the_user_id(fresh, client):
    fresh.post(f"/_customers/{ANA_ID}", json={"text": "hi", "user_id": "CO.5550001"})
    receipt = client.send(message(to=None, user_id="CO.5550001"), "send-1")
    assert (receipt.outcome, receipt.wa_id, receipt.user_id) == ("accepted", None, "CO.5550001")


def test_the_request_is_what_meta_documents(scripted):
    scripted.answers[MESSAGES] = (200, ACCEPTED)
    with connected(scripted.url, token="EAAG-1") as client:
        client.send(message({"type": "text", "text": {"body": "¿Sí?"}}, to="573001112222", reply_to="wamid.IN"), "k-1")
    (method, path, headers, _) = scripted.heard[0]
    assert (method, path.rpartition("/v26.0/")[2]) == ("POST", MESSAGES)
    assert (headers["Authorization"], headers["Content-Type"]) == ("Bearer EAAG-1", "application/json")
    assert heard(scripted) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+573001112222",
        "type": "text",
        "text": {"body": "¿Sí?"},
        "context": {"message_id": "wamid.IN"},
        "biz_opaque_callback_data": "k-1",
    }


def test_a_phone_counts_before_a_user_id_and_a_body_cannot_take_its_place(scripted):
    scripted.answers[MESSAGES] = (200, ACCEPTED)
    with connected(scripted.url) as client:
        client.send(message({**BACK, "to": "+1", "biz_opaque_callback_data": "x"}, user_id="CO.1"), "k-1")
    body = heard(scripted)
    assert (body["to"], body["biz_opaque_callback_data"]) == (ANA, "k-1")
    assert "recipient" not in body


@pytest.mark.parametrize(
    "word, held",
    [
        ("accepted", ""),
        ("held_for_quality_assessment", "held_for_quality_assessment"),
        ("paused", "paused"),
        (None, ""),
    ],
)
def test_a_message_that_meta_holds_back_is_accepted_and_says_so(scripted, word, held):
    scripted.answers[MESSAGES] = (200, {"messages": [{"id": "wamid.1", "message_status": word}]})
    with connected(scripted.url) as client:
        assert client.send(message(), "k") == Receipt(outcome="accepted", wamid="wamid.1", held=held)


# ---- refused -----------------------------------------------------------------------------------------------------
def test_every_code_of_the_table_is_expected():
    assert set(OF_CODE) == set(ERRORS)


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_what_a_refusal_comes_to(scripted, code):
    scripted.answers[MESSAGES] = (ERRORS[code]["status"], ERRORS[code]["body"])
    with connected(scripted.url) as client:
        receipt = client.send(message(), "k")
    assert (receipt.outcome, receipt.who, receipt.park, receipt.wait) == OF_CODE[code]
    assert (receipt.code, receipt.wamid) == (code, "")
    assert ". " in receipt.text, "our words, then Meta's"
    assert len(scripted.heard) == 1, "never repeated in here"


def test_a_number_the_token_cannot_see_stops_the_account_and_fails_no_message_after_message(fresh, sandbox_url):
    with connected(f"{sandbox_url}/graph", number="999") as client:
        receipt = client.send(message(), "k")
    assert (receipt.outcome, receipt.code, receipt.park, receipt.who) == ("failed", 33, "account", "you")


@pytest.mark.parametrize("status", [200, 400, 404, 500, 503])
def test_the_code_decides_whatever_the_status(status):
    assert read_receipt(status, ERRORS[131056]["body"]).outcome == "again"
    assert read_receipt(status, ERRORS[131026]["body"]).outcome == "failed"


@pytest.mark.parametrize(
    "status, body, outcome",
    [
        (200, b"", "unknown"),
        (200, b"<html>", "unknown"),
        (200, {}, "unknown"),
        (200, {"messages": []}, "unknown"),
        (200, {"messages": [{"id": ""}]}, "unknown"),
        (200, {"messages": "wamid.1"}, "unknown"),
        (200, [1], "unknown"),
        (302, b"", "unknown"),
        (400, b"Bad request", "unknown"),
        (400, {"error": {"message": "no code"}}, "unknown"),
        (502, b"<html>Bad gateway</html>", "unknown"),
        (500, {"error": {"code": 999999}}, "unknown"),
        (400, {"error": {"code": 999999}}, "failed"),
        (400, {"error": {"code": 100, "is_transient": True}}, "unknown"),
        (500, {"error": {"code": 130429}, "messages": [{"id": "wamid.1"}]}, "again"),
    ],
)
def test_an_answer_that_does_not_say_is_unknown(scripted, status, body, outcome):
    scripted.answers[MESSAGES] = (status, body)
    with connected(scripted.url) as client:
        receipt = client.send(message(), "k")
    assert (receipt.outcome, receipt.wamid) == (outcome, "")
    assert receipt.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["error", "code", "messages", "id", "contacts", "wa_id"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.integers(100, 599), JSON)
def test_any_answer_is_an_outcome(status, body):
    receipt = read_receipt(status, body)
    assert receipt.outcome in OUTCOMES
    assert (receipt.outcome == "accepted") == bool(receipt.wamid)
    assert receipt.outcome == "accepted" or receipt.text


# ---- no answer ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "fault, outcome, sent",
    [
        ("down", "unknown", 0),
        ("drop_before", "unknown", 0),
        ("drop_after", "unknown", 1),
        ("reset_after", "unknown", 1),
        ("half", "unknown", 1),
        ("5xx", "unknown", 0),
        ("429", "again", 0),
        ("expired", "failed", 0),
    ],
)
def test_a_request_that_is_lost_may_have_been_sent(fresh, client, fault, outcome, sent):
    fresh.post("/_faults", json=[{"route": "POST /graph/*", "kind": fault, "times": 1}]).raise_for_status()
    assert client.send(message(), "send-1").outcome == outcome
    assert len(fresh.get("/_records/graph/messages").json()) == sent, "one request, whatever became of it"
    assert client.send(message(), "send-2").outcome == "accepted", "the next one goes out as if nothing had been"


def test_nobody_listens():
    with connected("http://127.0.0.1:9") as client:
        receipt = client.send(message(), "k")
    assert (receipt.outcome, receipt.text) == ("not_sent", "Meta cannot be reached.")


def test_somebody_listens_who_speaks_no_tls():
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=lambda: listener.accept()[0].close())
        thread.start()
        with connected(f"https://127.0.0.1:{listener.getsockname()[1]}") as client:
            assert client.send(message(), "k").outcome == "not_sent"
        thread.join()


def test_an_answer_without_an_end_is_given_up(scripted):
    scripted.answers[MESSAGES] = (200, b" " * (16 * 1024 * 1024 + 1))
    with connected(scripted.url) as client:
        assert client.send(message(), "k").outcome == "unknown"


# ---- what never leaves us ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "bad",
    [
        message(to=None),
        message(to=""),
        message({"type": "text", "text": {"body": float("nan")}}),
        message({"type": "text", "text": {"body": b"bytes"}}),
        message({"type": "text", "text": {"body": "\ud800"}}),
    ],
)
def test_a_message_that_is_none_fails_before_it_is_sent(scripted, bad):
    with connected(scripted.url) as client:
        receipt = client.send(bad, "k")
    assert (receipt.outcome, receipt.who, receipt.code, scripted.heard) == ("failed", "you", None, [])


# ---- many at once ------------------------------------------------------------------------------------------------
def test_each_call_in_flight_has_its_own_connection_and_the_next_ones_use_it_again(scripted):
    scripted.answers[MESSAGES] = (200, ACCEPTED)
    with connected(scripted.url) as client, ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(lambda n: client.send(message(), f"k-{n}"), range(200)))
    assert {receipt.outcome for receipt in receipts} == {"accepted"}
    assert sorted(json.loads(body)["biz_opaque_callback_data"] for *_, body in scripted.heard) == sorted(
        f"k-{n}" for n in range(200)
    )
    assert len(scripted.ports) <= 8


def test_a_closed_client_can_still_finish_what_is_asked_of_it(client):
    client.close()
    assert client.send(message(), "k").outcome == "accepted"
