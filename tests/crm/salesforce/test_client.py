"""Tokens and calls over HTTP: refreshed once, stored first, and every failure one of our errors."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connector.crm.salesforce.client import CLIENT, Client
from connector.errors import Busy, ConnectorError, NotAllowed, Unreachable
from connector.ports import Account
from connector.sandbox.http import Request, Response, answer
from connector.sandbox.server import Reply
from tests.crm.salesforce.conftest import ORG, Org, Tokens, account

EXPIRED = [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]


def client(org: Org, tokens: Tokens, **settings: str) -> Client:
    return Client(account(org.base, **settings), tokens)


def form(request: Request) -> str:
    return request.body.decode()


def test_a_call_carries_token_version_and_our_mark(org: Org, tokens: Tokens) -> None:
    org.on("/limits", lambda r: answer({"DailyApiRequests": {"Max": 15000}}))
    assert client(org, tokens).call("GET", "limits") == {"DailyApiRequests": {"Max": 15000}}
    sent = org.calls("/limits")[0]
    assert sent.path == "/salesforce/services/data/v68.0/limits"
    assert sent.headers["authorization"] == f"Bearer {ORG[:15]}!token1"
    assert sent.headers["sforce-call-options"] == f"client={CLIENT}"


def test_client_credentials_are_sent_as_a_form_and_the_token_is_kept(org: Org, tokens: Tokens) -> None:
    org.on("/limits", lambda r: answer({"a": 1}))
    ours = client(org, tokens)
    ours.call("GET", "limits")
    ours.call("GET", "limits")
    client(org, tokens).call("GET", "limits")
    asked = org.calls("/token")
    assert len(asked) == 1
    assert form(asked[0]) == (
        "grant_type=client_credentials&client_id=sandbox-salesforce-client&client_secret=sandbox-salesforce-secret"
    )
    assert tokens.stored is not None
    assert (tokens.stored["org"], tokens.stored["instance_url"]) == (ORG, org.base)


def test_a_key_makes_it_the_jwt_bearer_flow(org: Org, tokens: Tokens) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    given = account(org.base, username="bot@clinic.example")
    Client(
        Account(id="a", kind="salesforce", name="a", settings=given.settings, secrets={"jwt_key": pem}), tokens
    ).token()
    sent = dict(pair.split("=", 1) for pair in form(org.calls("/token")[0]).split("&"))
    assert sent["grant_type"] == "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"
    claims = jwt.decode(sent["assertion"], key.public_key(), algorithms=["RS256"], audience=org.base)
    assert (claims["iss"], claims["sub"]) == ("sandbox-salesforce-client", "bot@clinic.example")


def test_a_key_that_is_none_is_for_a_person(org: Org, tokens: Tokens) -> None:
    broken = Account(
        id="a", kind="salesforce", name="a", settings={"base_url": org.base}, secrets={"jwt_key": "-----x"}
    )
    with pytest.raises(NotAllowed) as refused:
        Client(broken, tokens).token()
    assert refused.value.code == "bad_key"


@pytest.mark.parametrize(
    "settings, change, code",
    [
        ({"org_id": "00D5e000000OTHEREA2"}, {}, "wrong_org"),
        ({}, {"instance": "https://bota.my.salesforce.com"}, "base_url"),
        ({}, {"instance": "http://10.0.0.8/"}, "base_url"),
    ],
)
def test_a_token_of_another_org_or_for_another_host_is_not_used(org, tokens, settings, change, code) -> None:
    for name, value in change.items():
        setattr(org, name, value)
    with pytest.raises(NotAllowed) as refused:
        client(org, tokens, **settings).token()
    assert (refused.value.code, tokens.stored) == (code, None)


def test_the_org_is_compared_on_15_characters(org: Org, tokens: Tokens) -> None:
    assert client(org, tokens, org_id=ORG[:15]).token()["org"] == ORG


@pytest.mark.parametrize("error", ["invalid_grant", "invalid_client", "inactive_user", "something_new"])
def test_a_revoked_credential_is_for_a_person(org: Org, tokens: Tokens, error: str) -> None:
    org.on("/token", lambda r: answer({"error": error, "error_description": "no 5512345678"}, 400))
    org._answerers = dict(reversed(org._answerers.items()))
    with pytest.raises(NotAllowed) as refused:
        client(org, tokens).call("GET", "limits")
    assert refused.value.code == error
    assert "5512345678" not in str(refused.value)


def test_a_broken_token_endpoint_is_not_a_revocation(org: Org, tokens: Tokens) -> None:
    org.on("/services/oauth2/token", lambda r: Response(503, b"<html>down</html>", {"Content-Type": "text/html"}))
    with pytest.raises(Unreachable):
        client(org, tokens).token()


# ---- the token ends ----------------------------------------------------------------------------------------------
def only(token: str, good: object = None) -> object:
    def answerer(request: Request) -> Response:
        if request.headers["authorization"].endswith(token):
            return answer(good or {"ok": 1})
        return answer(EXPIRED, 401)

    return answerer


def test_an_expired_token_is_refreshed_once_and_the_call_repeated_with_its_headers(org: Org, tokens: Tokens) -> None:
    org.on("/limits", only("token2"))
    mark = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    assert client(org, tokens).call("GET", "limits", headers=mark) == {"ok": 1}
    assert [r.headers["sforce-duplicate-rule-header"] for r in org.calls("/limits")] == ["allowSave=true"] * 2
    assert tokens.fetched == 2


def test_a_token_that_never_works_ends_after_one_refresh(org: Org, tokens: Tokens) -> None:
    org.on("/limits", lambda r: answer(EXPIRED, 401))
    with pytest.raises(NotAllowed):
        client(org, tokens).call("GET", "limits")
    assert (len(org.calls("/limits")), len(org.calls("/token"))) == (2, 2)


@pytest.mark.parametrize(
    "text", ["This session is not valid for use with the REST API", "Connected app is not attached to Agent"]
)
def test_a_session_that_may_not_use_the_api_is_never_refreshed(org: Org, tokens: Tokens, text: str) -> None:
    org.on("/limits", lambda r: answer([{"errorCode": "INVALID_SESSION_ID", "message": text}], 401))
    with pytest.raises(NotAllowed):
        client(org, tokens).call("GET", "limits")
    assert len(org.calls("/token")) == 1


def test_four_threads_with_one_expired_token_refresh_it_once(org: Org, tokens: Tokens) -> None:
    together = threading.Barrier(4, timeout=20)
    good = only("token2")

    def answerer(request: Request) -> Response:
        if request.headers["authorization"].endswith("token1"):
            together.wait()
        return good(request)

    org.on("/limits", answerer)
    ours = client(org, tokens)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: ours.call("GET", "limits"), range(4)))
    assert answers == [{"ok": 1}] * 4
    assert (tokens.fetched, len(org.calls("/limits"))) == (2, 8)


def test_a_token_another_process_stored_is_taken_without_asking(org: Org, tokens: Tokens) -> None:
    org.on("/limits", only("theirs"))
    ours = client(org, tokens)
    ours.token()
    tokens.stored = {**(tokens.stored or {}), "access_token": "theirs"}
    assert ours.call("GET", "limits") == {"ok": 1}
    assert tokens.fetched == 1


def test_a_token_another_process_stored_hours_ago_is_no_reason_to_ask_a_person(org: Org, tokens: Tokens) -> None:
    """It aged while we were idle, as ours did: both are refused, and then we ask for one."""
    org.on("/limits", only("token2"))
    ours = client(org, tokens)
    ours.token()
    tokens.stored = {**(tokens.stored or {}), "access_token": "theirs, aged"}
    assert ours.call("GET", "limits") == {"ok": 1}
    assert (tokens.fetched, len(org.calls("/limits"))) == (2, 3)


# ---- what goes wrong ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "status, body, kind",
    [
        (403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}], Busy),
        (503, "<html>Maintenance</html>", Unreachable),
        (200, "<html>Sign in</html>", Unreachable),
        (500, [{"errorCode": "UNABLE_TO_LOCK_ROW", "message": "x"}], Unreachable),
        (403, [{"errorCode": "API_DISABLED_FOR_ORG", "message": "x"}], NotAllowed),
        (302, "", NotAllowed),
    ],
)
def test_every_answer_is_one_of_our_errors(org, tokens, status, body, kind) -> None:
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    org.on(
        "/limits", lambda r: Response(status, content, {"Content-Type": "text/html", "Location": "http://10.0.0.1/"})
    )
    with pytest.raises(kind):
        client(org, tokens).call("GET", "limits")


def test_the_daily_limit_parks_for_long(org: Org, tokens: Tokens) -> None:
    org.on("/limits", lambda r: answer([{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests"}], 403))
    with pytest.raises(Busy) as busy:
        client(org, tokens).call("GET", "limits")
    assert busy.value.after is not None
    assert busy.value.after >= 900


@pytest.mark.parametrize("cut", ["none", "half", "reset"])
def test_an_answer_that_breaks_off_may_have_arrived(org: Org, tokens: Tokens, cut) -> None:
    org.on("/limits", lambda r: Reply(answer({"a": "b" * 2000}), cut))
    with pytest.raises(Unreachable) as lost:
        client(org, tokens).call("GET", "limits")
    assert lost.value.sent is True


def test_a_server_that_is_not_there_was_never_reached(org: Org, tokens: Tokens) -> None:
    ours = client(org, tokens)
    ours.token()
    org.close()
    ours._session.close()  # the pooled connection would else be found dead only after writing
    with pytest.raises(Unreachable) as lost:
        ours.call("GET", "limits")
    assert lost.value.sent is False


def test_no_error_holds_the_url_the_token_or_the_body(org: Org, tokens: Tokens) -> None:
    org.on("/limits", lambda r: answer([{"errorCode": "MALFORMED_QUERY", "message": "near 5512345678"}], 400))
    with pytest.raises(ConnectorError) as refused:
        client(org, tokens).call("GET", "limits")
    told = f"{refused.value} {refused.value.facts} {refused.value.__cause__}"
    assert not any(secret in told for secret in ("5512345678", "token1", "127.0.0.1"))


def test_the_used_api_calls_are_known_from_every_answer(org: Org, tokens: Tokens) -> None:
    org.on("/limits", lambda r: Response(200, b"{}", {"Sforce-Limit-Info": "api-usage=4600/5000"}))
    ours = client(org, tokens)
    ours.call("GET", "limits")
    assert ours.usage == (4600, 5000)


def test_a_query_follows_its_pages(org: Org, tokens: Tokens) -> None:
    more = "/services/data/v68.0/query/01gHp000001-2000"
    org.on("/query/", lambda r: answer({"done": False, "records": [{"Id": "1"}], "nextRecordsUrl": more}))
    org.on("/query/01gHp000001-2000", lambda r: answer({"done": True, "records": [{"Id": "2"}]}))
    assert client(org, tokens).query("SELECT Id FROM Contact") == [{"Id": "1"}, {"Id": "2"}]


def test_netrc_never_replaces_our_token(org: Org, tokens: Tokens, tmp_path, monkeypatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    org.on("/limits", lambda r: answer({"a": 1}))
    client(org, tokens).call("GET", "limits")
    assert org.calls("/limits")[0].headers["authorization"].startswith("Bearer ")
