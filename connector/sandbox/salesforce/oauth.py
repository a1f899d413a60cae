"""Salesforce's OAuth: consent; tokens by code, refresh token (another with every use), client credentials or JWT."""

import base64
import binascii
import json
import secrets
from collections.abc import Callable, Mapping

from connector.sandbox import oauth
from connector.sandbox.http import Request, Response, answer
from connector.sandbox.oauth import Denied
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.settings import CLIENT_ID, CLIENT_SECRET, ORG, USER, USERNAME

LONGEST_JWT = 300.0  # seconds an assertion may still live: 3 minutes, and some for clocks
Form = Mapping[str, str]


def authorize(org: Org, request: Request) -> Response:
    """GET and POST /services/oauth2/authorize; PKCE is asked for, as of every app since 2026-05."""
    if not request.query.get("code_challenge"):
        return answer({"error": "invalid_request", "error_description": "missing required code challenge"}, 400)
    return oauth.authorize(org.grants, request, CLIENT_ID, "Salesforce (sandbox)")


def revoke(org: Org, request: Request) -> Response:
    """POST /services/oauth2/revoke, a form: an access token ends alone, a refresh token with all that came of it."""
    given = oauth.form_of(request).get("token", "")
    if org.sessions.pop(given, None) is None and not org.grants.end(given):
        return answer({"error": "invalid_token", "error_description": "invalid token"}, 400)
    return Response(200)


def token(org: Org, request: Request) -> Response:
    """POST /services/oauth2/token, a form; the client also as HTTP Basic."""
    form = {**_basic(request), **oauth.form_of(request)}
    grant = GRANTS.get(form.get("grant_type", ""))
    try:
        if grant is None:
            raise Denied("unsupported_grant_type", "grant type not supported")
        more = grant(org, form)
    except Denied as denied:
        return answer({"error": denied.error, "error_description": str(denied)}, 400)
    return _given(org, request, more)


def _given(org: Org, request: Request, more: Form) -> Response:
    now = org.world.now()
    made = f"{ORG[:15]}!AQEAQ{secrets.token_urlsafe(64).replace('-', '.')}"
    org.sessions[made] = now
    if "refresh_token" in more:
        org.grants.belongs(made, more["refresh_token"])
    body = {
        "access_token": made,
        "signature": base64.b64encode(secrets.token_bytes(32)).decode(),
        "scope": "api refresh_token",
        "instance_url": request.base,
        "id": f"https://login.salesforce.com/id/{ORG}/{USER}",
        "token_type": "Bearer",
        "issued_at": str(int(now * 1000)),
    }
    return answer(body | dict(more), headers={"Cache-Control": "no-store"})


def _client(form: Form) -> None:
    if form.get("client_id") != CLIENT_ID:
        raise Denied("invalid_client_id", "client identifier invalid")
    if form.get("client_secret") != CLIENT_SECRET:
        raise Denied("invalid_client", "invalid client credentials")


def _credentials(_org: Org, form: Form) -> Form:
    _client(form)
    return {}


def _refresh(org: Org, form: Form) -> Form:
    _client(form)
    return {"refresh_token": org.grants.use(form.get("refresh_token", ""))}


def _code(org: Org, form: Form) -> Form:
    _client(form)
    return {"refresh_token": org.grants.redeem(form)}


def _jwt(org: Org, form: Form) -> Form:
    """An assertion that is well formed; whose key signed it is not looked at."""
    claims = _claims(form.get("assertion", ""))
    if claims.get("iss") != CLIENT_ID:
        raise Denied("invalid_client_id", "client identifier invalid")
    if claims.get("sub") != USERNAME:
        raise Denied("invalid_grant", "user hasn't approved this consumer")
    if not str(claims.get("aud", "")).startswith(
        ("https://login.salesforce.com", "https://test.salesforce.com", "http://127.0.0.1")
    ):
        raise Denied("invalid_grant", "audience is invalid")
    ends = claims.get("exp")
    if not isinstance(ends, int | float) or not 0 < ends - org.world.now() <= LONGEST_JWT:
        raise Denied("invalid_grant", "expired authorization code")
    return {}


def _claims(assertion: str) -> dict[str, object]:
    parts = assertion.split(".")
    try:
        head, claims = (json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in parts[:2])
        signed = len(base64.urlsafe_b64decode(parts[2] + "=" * (-len(parts[2]) % 4))) >= 128
    except (ValueError, IndexError, binascii.Error):
        raise Denied("invalid_grant", "invalid assertion") from None
    if not isinstance(claims, dict) or head.get("alg") != "RS256" or not signed:
        raise Denied("invalid_grant", "invalid assertion")
    return claims


GRANTS: Mapping[str, Callable[[Org, Form], Form]] = {
    "client_credentials": _credentials,
    "refresh_token": _refresh,
    "authorization_code": _code,
    "urn:ietf:params:oauth:grant-type:jwt-bearer": _jwt,
}


def _basic(request: Request) -> dict[str, str]:
    kind, _, encoded = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return {}
    try:
        id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return {}
    return {"client_id": id, "client_secret": secret}


ROUTES: Mapping[str, Callable[[Org, Request], Response]] = {
    "/services/oauth2/authorize": authorize,
    "/services/oauth2/token": token,
    "/services/oauth2/revoke": revoke,
}
