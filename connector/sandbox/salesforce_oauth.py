"""Salesforce's token endpoint: client credentials, JWT bearer, and refresh tokens that change with every use."""

import base64
import binascii
import json
import secrets
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from connector.sandbox.http import Request, Response, answer
from connector.sandbox.salesforce_org import Org
from connector.sandbox.salesforce_settings import CLIENT_ID, CLIENT_SECRET, ORG, USER, USERNAME

LONGEST_JWT = 300.0  # seconds an assertion may still live: 3 minutes, and some for clocks
Form = Mapping[str, str]


class Denied(Exception):
    """An OAuth refusal."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


def token(org: Org, request: Request) -> Response:
    """POST /services/oauth2/token, a form; the client also as HTTP Basic."""
    form = {**_basic(request), **dict(parse_qsl(request.body.decode("utf-8", "replace")))}
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
    if form.get("refresh_token") != org.refresh:
        raise Denied("invalid_grant", "expired access/refresh token")
    org.refresh = f"5Aep{secrets.token_urlsafe(48)}"
    return {"refresh_token": org.refresh}


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
