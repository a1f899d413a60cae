"""HubSpot's OAuth on the dated path: consent, tokens by code, refresh token or client credentials, and their end."""

import secrets
from typing import Any

from connector.sandbox import oauth
from connector.sandbox.http import Request, Response, answer
from connector.sandbox.hubspot.portal import Portal
from connector.sandbox.hubspot.settings import APP, CLIENT_ID, CLIENT_SECRET, PORTAL

BAD = {
    "invalid_client": ("BAD_CLIENT_ID", "missing or unknown client id or client secret"),
    "invalid_grant": ("BAD_REFRESH_TOKEN", "refresh token is invalid, expired or revoked"),
    "redirect_uri_mismatch": ("BAD_REDIRECT_URI", "redirect_uri does not match the one the code was given for"),
    "unsupported_grant_type": ("BAD_GRANT_TYPE", "missing or unknown grant type"),
}


def authorize(portal: Portal, request: Request) -> Response:
    """GET and POST /oauth/authorize: on app.hubspot.com in the real world."""
    return oauth.authorize(portal.grants, request, CLIENT_ID, "HubSpot (sandbox)")


def token(portal: Portal, request: Request) -> Response:
    """POST /oauth/2026-09/token, a form."""
    form = oauth.form_of(request)
    if not _client(form):
        return _refused("invalid_client")
    kind, refresh = form.get("grant_type"), ""
    try:
        if kind == "authorization_code":
            refresh = portal.grants.redeem(form)
        elif kind == "refresh_token":
            refresh = portal.grants.use(form.get("refresh_token", ""))
        elif kind != "client_credentials":
            return _refused("unsupported_grant_type")
    except oauth.Denied as denied:
        return _refused(denied.error)
    return _given(portal, refresh)


def _given(portal: Portal, refresh: str) -> Response:
    seconds = portal.options.token_seconds
    made = f"CP-{secrets.token_urlsafe(180)}"
    portal.tokens[made] = portal.world.now() + seconds
    body: dict[str, Any] = {"token_type": "bearer", "access_token": made, "expires_in": seconds, "hub_id": PORTAL}
    if refresh:
        portal.grants.belongs(made, refresh)
        body["refresh_token"] = refresh
    return answer(body | {"scopes": sorted(portal.options.scopes)})


def introspect(portal: Portal, request: Request) -> Response:
    """POST /oauth/2026-09/token/introspect, a form with the token."""
    given = oauth.form_of(request).get("token", "")
    left = int(portal.tokens.get(given, 0.0) - portal.world.now())
    if left <= 0 or portal.grants.ended(given):
        return answer({"active": False})
    return answer(
        {
            "active": True, "token": given, "hub_id": PORTAL, "client_id": CLIENT_ID, "app_id": APP,
            "scopes": sorted(portal.options.scopes), "expires_in": left, "token_use": "access_token",
            "token_type": "Bearer",
        }
    )  # fmt: skip


def revoke(portal: Portal, request: Request) -> Response:
    """POST /oauth/2026-09/token/revoke, a form: ends what came of a refresh token."""
    form = oauth.form_of(request)
    if not _client(form):
        return _refused("invalid_client")
    portal.grants.end(form.get("token", ""))
    return Response(204)


def _client(form: dict[str, str]) -> bool:
    return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)


def _refused(error: str) -> Response:
    status, message = BAD[error]
    return answer({"error": error, "error_description": message, "status": status, "message": message}, 400)
