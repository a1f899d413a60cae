"""HubSpot's OAuth on the dated path: tokens by refresh token, code or client credentials, and their introspection."""

import secrets
from urllib.parse import parse_qsl

from connector.sandbox.http import Request, Response, answer
from connector.sandbox.hubspot_portal import Portal
from connector.sandbox.hubspot_settings import APP, CLIENT_ID, CLIENT_SECRET, PORTAL, TOKEN_SECONDS

BAD = {
    "invalid_client": ("BAD_CLIENT_ID", "missing or unknown client id or client secret"),
    "invalid_grant": ("BAD_REFRESH_TOKEN", "refresh token is invalid, expired or revoked"),
    "unsupported_grant_type": ("BAD_GRANT_TYPE", "missing or unknown grant type"),
}


def token(portal: Portal, request: Request) -> Response:
    """POST /oauth/2026-09/token, a form."""
    form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
    if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
        return _refused("invalid_client")
    kind = form.get("grant_type")
    if kind not in ("refresh_token", "authorization_code", "client_credentials"):
        return _refused("unsupported_grant_type")
    if kind == "refresh_token" and form.get("refresh_token") not in portal.refresh:
        return _refused("invalid_grant")
    made = f"CP-{secrets.token_urlsafe(180)}"
    portal.tokens[made] = portal.world.now() + TOKEN_SECONDS
    body = {"token_type": "bearer", "access_token": made, "expires_in": TOKEN_SECONDS, "hub_id": PORTAL}
    if kind != "client_credentials":
        body["refresh_token"] = form.get("refresh_token") or next(iter(portal.refresh))
    return answer(body | {"scopes": sorted(portal.options.scopes)})


def introspect(portal: Portal, request: Request) -> Response:
    """POST /oauth/2026-09/token/introspect, a form with the token."""
    given = dict(parse_qsl(request.body.decode("utf-8", "replace"))).get("token", "")
    ends = portal.tokens.get(given, 0.0)
    left = int(ends - portal.world.now())
    if left <= 0:
        return answer({"active": False})
    return answer(
        {
            "active": True, "token": given, "hub_id": PORTAL, "client_id": CLIENT_ID, "app_id": APP,
            "scopes": sorted(portal.options.scopes), "expires_in": left, "token_use": "access_token",
            "token_type": "Bearer",
        }
    )  # fmt: skip


def _refused(error: str) -> Response:
    status, message = BAD[error]
    return answer({"error": error, "error_description": message, "status": status, "message": message}, 400)
