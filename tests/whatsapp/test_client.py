"""The connection check, over HTTP: against the sandbox, and against answers the sandbox does not give."""

import json
import logging

import httpx
import pytest

from connector.errors import Busy, NotAllowed, Unreachable
from connector.whatsapp.client import VERSION
from tests.whatsapp.answering import NUMBER, TOKEN, WABA, connected
from tests.whatsapp.reading import PAYLOADS


@pytest.fixture
def sandbox(fresh):
    """The address of a fresh sandbox."""
    return str(fresh.base_url).rstrip("/")


@pytest.fixture
def graph(sandbox):
    """The address of its Graph API."""
    return f"{sandbox}/graph"


def subscribed_apps(method, sandbox):
    url = f"{sandbox}/graph/{VERSION}/{WABA}/subscribed_apps"
    answer = httpx.request(method, url, headers={"Authorization": f"Bearer {TOKEN}"}).raise_for_status()
    return answer.json()


def codes(issues):
    return [issue.code for issue in issues]


# ---- the sandbox -------------------------------------------------------------------------------------------------
def test_a_sound_account_has_no_issues(graph):
    with connected(graph) as client:
        assert client.check() == []


def test_a_wrong_token(graph):
    with connected(graph, token="wrong") as client:
        (issue,) = client.check()
    assert issue.code == "token"
    assert "wrong" not in issue.hint + repr(client)


def test_a_number_that_is_not_there(graph):
    with connected(graph, number="999") as client:
        assert codes(client.check()) == ["phone_number_id"]


def test_the_number_of_another_account(graph):
    with connected(graph, waba="999") as client:
        issues = client.check()
    assert codes(issues) == ["waba_id", "waba_id"]
    assert WABA in issues[0].hint


def test_a_wrong_app_secret_is_found_before_the_first_webhook_is_refused(graph):
    with connected(graph, app_secret="wrong") as client:
        assert codes(client.check()) == ["app_secret"]


def test_a_missing_subscription_is_shown_and_mended(sandbox, graph):
    subscribed_apps("DELETE", sandbox)
    with connected(graph) as client:
        (issue,) = client.check()
        assert (issue.code, issue.fix) == ("not_subscribed", True)
        assert subscribed_apps("GET", sandbox)["data"] == [], "a check alone changes nothing"
        assert client.check(fix=True) == []
        assert client.check() == []
    assert len(subscribed_apps("GET", sandbox)["data"]) == 1


@pytest.mark.parametrize(
    "fault, kind",
    [
        ("429", Busy),
        ("5xx", Unreachable),
        ("drop_before", Unreachable),
        ("drop_after", Unreachable),
        ("half", Unreachable),
    ],
)
def test_a_fault_on_the_way_is_one_of_our_errors(sandbox, graph, fault, kind):
    httpx.post(f"{sandbox}/_faults", json=[{"route": "GET */subscribed_apps", "kind": fault}]).raise_for_status()
    with connected(graph) as client, pytest.raises(kind):
        client.check()


# ---- answers the sandbox does not give ---------------------------------------------------------------------------
@pytest.fixture
def answering(scripted):
    """A Graph API whose account is sound."""
    number = {"id": NUMBER, "display_phone_number": "+57 601 555 0142", "status": "CONNECTED"}
    scripted.answers = {
        NUMBER: (200, number | {"health_status": health()}),
        f"{WABA}/subscribed_apps": (200, {"data": [{"whatsapp_business_api_data": {"id": "771"}}]}),
        f"{WABA}/message_templates": (200, {"data": [{"id": "1"}]}),
        "debug_token": (200, {"data": {"is_valid": True, "expires_at": 0, "scopes": list(SCOPES)}}),
    }
    return scripted


SCOPES = ("whatsapp_business_messaging", "whatsapp_business_management")


def health(**entity):
    entities = [{"entity_type": "PHONE_NUMBER", "id": NUMBER}, {"entity_type": "APP", "id": "771"}]
    return {"can_send_message": "AVAILABLE", "entities": [entities[0] | entity, entities[1]]}


def check(server):
    with connected(server.url) as client:
        return client.check()


def test_the_scripted_account_is_sound(answering):
    assert check(answering) == []


@pytest.mark.parametrize(
    "change, code",
    [
        ({"status": "PENDING"}, "number_status"),
        ({"status": "BANNED"}, "number_status"),
        ({"quality_rating": "RED"}, "quality"),
        ({"name_status": "DECLINED"}, "name_status"),
    ],
)
def test_the_state_of_the_number(answering, change, code):
    answering.answers[NUMBER][1].update(change)
    assert codes(check(answering)) == [code]


def test_what_meta_says_blocks_sending_is_passed_on(answering):
    error = {"error_code": 141006, "error_description": "No payment method.", "possible_solution": "Add one."}
    blocked = health(can_send_message="BLOCKED", errors=[error])
    answering.answers[NUMBER][1]["health_status"] = blocked
    (issue,) = check(answering)
    assert (issue.code, issue.message, issue.hint) == ("health_phone_number", "No payment method.", "Add one.")


def test_a_token_that_may_not_read_templates(answering):
    error = json.loads((PAYLOADS / "errors" / "200.json").read_bytes())
    answering.answers[f"{WABA}/message_templates"] = (error["status"], error["body"])
    (issue,) = check(answering)
    assert (issue.code, "whatsapp_business_management" in issue.hint) == ("templates", True)


def test_another_app_is_subscribed_but_not_ours(answering):
    answering.answers[f"{WABA}/subscribed_apps"] = (200, {"data": [{"whatsapp_business_api_data": {"id": "772"}}]})
    assert codes(check(answering)) == ["not_subscribed"]


@pytest.mark.parametrize(
    "token, code",
    [
        ({"is_valid": False}, "token"),
        ({"is_valid": True, "expires_at": 1795442531, "scopes": list(SCOPES)}, "token_expires"),
        ({"is_valid": True, "expires_at": 0, "scopes": [SCOPES[0]]}, "scopes"),
        ({}, "token"),
    ],
)
def test_what_meta_says_of_the_token(answering, token, code):
    answering.answers["debug_token"] = (200, {"data": token})
    assert codes(check(answering)) == [code]


@pytest.mark.parametrize("code, kind", [(130429, Busy), (80007, Busy), (131016, Unreachable), (2, Unreachable)])
def test_a_busy_or_silent_meta_is_no_finding_about_the_account(answering, code, kind):
    answer = json.loads((PAYLOADS / "errors" / f"{code}.json").read_bytes())
    answering.answers[NUMBER] = (answer["status"], answer["body"])
    with pytest.raises(kind):
        check(answering)


@pytest.mark.parametrize(
    "status, body", [(502, b"<html>Bad gateway</html>"), (200, b"<html>"), (200, b"[]"), (500, b"")]
)
def test_an_answer_that_is_no_json_is_no_answer(answering, status, body):
    answering.answers[NUMBER] = (status, body)
    with pytest.raises(Unreachable) as failure:
        check(answering)
    assert failure.value.sent


def test_nobody_listens():
    with connected("http://127.0.0.1:9") as client, pytest.raises(Unreachable) as failure:
        client.check()
    assert not failure.value.sent


@pytest.mark.parametrize(
    "junk", [{"health_status": 5, "status": [], "quality_rating": None}, {"health_status": {"entities": [1, {}]}}]
)
def test_an_answer_of_another_shape_is_not_a_crash(answering, junk):
    answering.answers[NUMBER] = (200, junk)
    assert isinstance(check(answering), list)


def test_tokens_and_secrets_are_never_shown_or_logged(answering, caplog):
    caplog.set_level(logging.DEBUG)
    with connected(answering.url, token="EAAB-hidden", app_secret="hush-hush") as client:
        answering.answers["debug_token"] = (401, {"error": {"code": 190, "message": "Bad signature"}})
        shown = f"{client!r} {client.check()}"
        answering.answers[NUMBER] = (400, {"error": {"code": 4, "message": "limit"}})
        with pytest.raises(Busy) as failure:
            client.check()
    for text in (shown, caplog.text, repr(failure.value), str(failure.value), repr(failure.value.facts)):
        assert "EAAB-hidden" not in text
        assert "hush-hush" not in text


def test_an_account_that_is_not_allowed_says_so_in_plain_words(answering):
    body = json.loads((PAYLOADS / "errors" / "131031.json").read_bytes())["body"]
    answering.answers[NUMBER] = (403, body)
    (issue,) = check(answering)
    assert "restricted or locked" in issue.message


def test_a_token_that_cannot_stand_in_a_header_is_refused():
    for token in ("EAAG\r\nX-Evil: 1", "tokén"):
        with pytest.raises(NotAllowed) as failure, connected("http://127.0.0.1:9", token=token):
            pass
        assert token not in str(failure.value)


def test_connecting_without_an_address_of_metas_is_refused():
    with pytest.raises(NotAllowed), connected("https://graph.example.com"):
        pass
