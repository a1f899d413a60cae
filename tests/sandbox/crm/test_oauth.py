"""Both authorisation servers: consent by one button, codes with PKCE, families of refresh tokens, revoking."""

import base64
import hashlib
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.leave import consent

BACK = "http://127.0.0.1:9/oauth/x/callback"
VERIFIER = "v" * 60
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
HUBSPOT = {
    "page": "/hubspot/oauth/authorize", "token": "/hubspot/oauth/2026-09/token",
    "revoke": "/hubspot/oauth/2026-09/token/revoke", "client_id": "sandbox-hubspot-client",
    "client_secret": "sandbox-hubspot-client-secret", "call": "/hubspot/account-info/2026-09/details",
}  # fmt: skip
SALESFORCE = {
    "page": "/salesforce/services/oauth2/authorize", "token": "/salesforce/services/oauth2/token",
    "revoke": "/salesforce/services/oauth2/revoke", "client_id": "sandbox-salesforce-client",
    "client_secret": "sandbox-salesforce-secret", "call": "/salesforce/services/data/v68.0/limits",
}  # fmt: skip
both = pytest.mark.parametrize("vendor", [HUBSPOT, SALESFORCE], ids=["hubspot", "salesforce"])


def link(sandbox, vendor, **more: str) -> str:
    asked = {"client_id": vendor["client_id"], "redirect_uri": BACK, "response_type": "code", "state": "s t&a"}
    asked |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256", "scope": "<b>", **more}
    return str(sandbox.build_request("GET", vendor["page"], params=asked).url)


def given(location: str) -> dict[str, str]:
    assert location.startswith(BACK + "?")
    return dict(parse_qsl(urlsplit(location).query))


def ask(sandbox, vendor, grant: str, **form: str):
    who = {"client_id": vendor["client_id"], "client_secret": vendor["client_secret"]}
    return sandbox.post(vendor["token"], data={"grant_type": grant, **who, **form})


def tokens(sandbox, vendor) -> dict[str, str]:
    code = given(consent(link(sandbox, vendor)))["code"]
    return ask(sandbox, vendor, "authorization_code", code=code, redirect_uri=BACK, code_verifier=VERIFIER).json()


def works(sandbox, vendor, access: str) -> int:
    return sandbox.get(vendor["call"], headers={"Authorization": f"Bearer {access}"}).status_code


@both
def test_a_code_is_good_once_with_its_verifier_and_its_address(sandbox, vendor) -> None:
    back = given(consent(link(sandbox, vendor)))
    assert back["state"] == "s t&a"
    form = {"code": back["code"], "redirect_uri": BACK, "code_verifier": VERIFIER}
    first = ask(sandbox, vendor, "authorization_code", **form)
    assert works(sandbox, vendor, first.json()["access_token"]) == 200
    assert ask(sandbox, vendor, "authorization_code", **form).status_code == 400
    for wrong in ({"code_verifier": "x"}, {"redirect_uri": BACK + "2"}):
        code = given(consent(link(sandbox, vendor)))["code"]
        assert ask(sandbox, vendor, "authorization_code", **form | {"code": code} | wrong).status_code == 400


@both
def test_a_person_may_say_no_and_a_stranger_is_sent_nowhere(sandbox, vendor) -> None:
    assert given(consent(link(sandbox, vendor), allow="no"))["error"] == "access_denied"
    page = sandbox.get(link(sandbox, vendor))
    assert "<b>" not in page.text.replace("<b>sandbox", "")
    for wrong in ({"client_id": "x"}, {"redirect_uri": "javascript:alert(1)"}, {"code_challenge_method": "plain"}):
        assert sandbox.get(link(sandbox, vendor, **wrong)).status_code == 400


@both
def test_a_spent_refresh_token_ends_the_family(sandbox, vendor, switch) -> None:
    switch("hubspot", rotate=True, token_seconds=60)
    first = tokens(sandbox, vendor)
    second = ask(sandbox, vendor, "refresh_token", refresh_token=first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert works(sandbox, vendor, second["access_token"]) == 200
    assert ask(sandbox, vendor, "refresh_token", refresh_token=first["refresh_token"]).status_code == 400
    assert ask(sandbox, vendor, "refresh_token", refresh_token=second["refresh_token"]).status_code == 400
    assert works(sandbox, vendor, second["access_token"]) == 401


@both
def test_revoking_ends_what_came_of_a_refresh_token(sandbox, vendor) -> None:
    mine, other = tokens(sandbox, vendor), tokens(sandbox, vendor)
    form = {"token": mine["refresh_token"]}
    if vendor is HUBSPOT:
        assert sandbox.post(vendor["revoke"], data=form).status_code == 400
        form |= {"client_id": vendor["client_id"], "client_secret": vendor["client_secret"]}
    assert sandbox.post(vendor["revoke"], data=form).is_success
    assert works(sandbox, vendor, mine["access_token"]) == 401
    assert works(sandbox, vendor, other["access_token"]) == 200
