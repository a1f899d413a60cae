"""Salesforce by a person's leave: rotating refresh tokens, the same org every time, and what means that it is gone."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from connector.crm import salesforce
from connector.crm.salesforce import leave
from connector.crm.salesforce.client import Client
from connector.errors import NotAllowed, Unreachable
from connector.ports import Consent, Granted
from connector.sandbox.http import Request, answer
from tests.crm.salesforce.conftest import ORG, USER, Org, Tokens, account

CONSENT = Consent("https://wa.example/oauth/salesforce/callback", "st", "ch")


def form(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode()))


def given(org: Org, access: str, refresh: str = "", of: str = ORG, instance: str = ""):
    ids = f"https://login.salesforce.com/id/{of}/{USER}"
    body = {"access_token": access, "instance_url": instance or org.base, "id": ids, "token_type": "Bearer"}
    return answer(body | ({"refresh_token": refresh} if refresh else {}))


def connected(org: Org, tokens: Tokens) -> Client:
    tokens.stored = {"access_token": "a0", "instance_url": org.base, "org": ORG, "refresh_token": "r0"}
    org.on("/limits", lambda request: answer([{"errorCode": "INVALID_SESSION_ID", "message": "expired"}], 401)
           if request.headers["authorization"] == "Bearer a0" else answer({}))  # fmt: skip
    return Client(account(org.base, oauth="yes"), tokens)


@pytest.mark.parametrize(
    ("settings", "host"),
    [({}, "login.salesforce.com"), ({"domain": "acme.my.salesforce.com"}, "acme.my.salesforce.com")],
)
def test_the_link_asks_with_pkce(settings, host) -> None:
    link = urlsplit(salesforce.MANIFEST.oauth.link({"client_id": "c", **settings}, CONSENT))
    asked = dict(parse_qsl(link.query))
    assert (link.scheme, link.hostname, link.path) == ("https", host, "/services/oauth2/authorize")
    assert (asked["scope"], asked["code_challenge"], asked["code_challenge_method"]) == (
        "api refresh_token", "ch", "S256",
    )  # fmt: skip


@pytest.mark.parametrize("domain", ["acme.lightning.force.com", "evil.example", "salesforce.com.evil.example"])
def test_no_link_leads_elsewhere(domain) -> None:
    with pytest.raises(NotAllowed):
        salesforce.MANIFEST.oauth.link({"domain": domain}, CONSENT)


def test_each_use_brings_another_refresh_token(org: Org, tokens: Tokens) -> None:
    client = connected(org, tokens)
    org.on("/services/oauth2/token", lambda _: given(org, "a1", "r1"))
    client.call("GET", "limits")
    sent = form(org.calls("/services/oauth2/token")[0])
    assert (sent["grant_type"], sent["refresh_token"]) == ("refresh_token", "r0")
    assert (tokens.stored["access_token"], tokens.stored["refresh_token"]) == ("a1", "r1")
    org.on("/services/oauth2/token", lambda _: given(org, "a2"))
    client.renew()
    assert tokens.stored["refresh_token"] == "r1"  # none came: the old one goes on


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (lambda org: given(org, "a1", "r1", of="00D000000000099AAA"), "wrong_org"),
        (lambda org: given(org, "a1", "r1", instance="https://evil.example"), "base_url"),
        (lambda _: answer({"error": "invalid_grant", "error_description": "token r0 revoked"}, 400), "reconnect"),
        (lambda _: answer({"error": "inactive_user", "error_description": "r0"}, 400), "inactive_user"),
    ],
)
def test_what_needs_a_person(org: Org, tokens: Tokens, said, code) -> None:
    client = connected(org, tokens)
    org.on("/services/oauth2/token", lambda _: said(org))
    with pytest.raises(NotAllowed) as told:
        client.call("GET", "limits")
    assert told.value.code == code
    assert "r0" not in repr((str(told.value), told.value.hint, told.value.facts))
    assert tokens.stored["refresh_token"] == "r0"


def test_a_403_is_no_revocation(org: Org, tokens: Tokens) -> None:
    client = connected(org, tokens)
    org.on("/services/oauth2/token", lambda _: answer({"error": "forbidden"}, 403))
    with pytest.raises(Unreachable):
        client.call("GET", "limits")


def test_a_code_needs_a_refresh_token_in_return(org: Org) -> None:
    granted = Granted("code", "ver", CONSENT.redirect_uri)
    org.on("/services/oauth2/token", lambda _: given(org, "a1", "r1"))
    assert leave.exchange(account(org.base), granted)["refresh_token"] == "r1"
    assert form(org.asked[-1])["code_verifier"] == "ver"
    org.on("/services/oauth2/token", lambda _: given(org, "a1"))
    with pytest.raises(NotAllowed) as told:
        leave.exchange(account(org.base), granted)
    assert told.value.code == "no_refresh_token"


def test_nobody_connected_it_yet(org: Org, tokens: Tokens) -> None:
    with pytest.raises(NotAllowed) as told:
        Client(account(org.base, oauth="yes"), tokens).call("GET", "limits")
    assert told.value.code == "reconnect"
    assert org.asked == []


def test_revoking(org: Org) -> None:
    said = [answer({}), answer({"error": "invalid_token"}, 400), answer({}, 503)]
    org.on("/services/oauth2/revoke", lambda _: said.pop(0))
    token = {"access_token": "a", "refresh_token": "r1"}
    for _ in range(2):
        salesforce.revoke(account(org.base), token)
    assert form(org.asked[0]) == {"token": "r1"}
    with pytest.raises(Unreachable):
        salesforce.revoke(account(org.base), token)
