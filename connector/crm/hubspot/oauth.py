"""HubSpot's token endpoint: a code for tokens, a refresh token for the next access token, and the end of both.

No text of its answers travels on: an answer may hold what was sent to it. Facts: RFC 6749 errors since 2026-03.
"""

import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import HTTPError

from connector.crm import base_url, value
from connector.crm.hubspot import BASE_URL, MANIFEST
from connector.crm.hubspot.client import TIMEOUT, VERSION, unreachable
from connector.errors import Busy, ConnectorError, NotAllowed, Unreachable
from connector.ports import Account, Granted, Token

LIFE = 1800.0  # seconds, where the answer does not say
LONGEST = 4096  # characters of a token; today's are about 300, "allow 512" (OAuth guide, 2026)
REFUSED = 300.0  # seconds until we ask again after a 403: HubSpot's own protection, not the end of our leave
RECONNECT = "reconnect"
_HINTS = {
    "invalid_client": ("client", "The client id or secret is wrong: copy both again from the app's Auth tab."),
    "redirect_uri_mismatch": ("redirect", "Add our callback address to the app's redirect URLs, letter by letter."),
    "invalid_scope": ("scopes", "The app does not have every scope we ask for: add them to its project."),
}


def exchange(account: Account, granted: Granted) -> Token:
    """The first tokens, for the code the browser came back with."""
    form = {
        "grant_type": "authorization_code", "code": granted.code, "redirect_uri": granted.redirect_uri,
        "code_verifier": granted.verifier,
    }  # fmt: skip
    return _token(account, _post(account, "token", form), None)


def refresh(account: Account, stored: Token | None) -> Token:
    """The next access token. Raises NotAllowed (`reconnect`) when the leave was taken back, TryAgain for all else."""
    given = str((stored or {}).get("refresh_token") or "")
    if not given:
        raise not_connected(account)
    return _token(account, _post(account, "token", {"grant_type": "refresh_token", "refresh_token": given}), stored)


def revoke(account: Account, stored: Token) -> None:
    """Ends what came of the refresh token."""
    given = str(stored.get("refresh_token") or "")
    if given:
        _post(account, "token/revoke", {"token": given, "token_type_hint": "refresh_token"})


def not_connected(account: Account) -> NotAllowed:
    """Nobody has given leave yet, or it is gone."""
    return NotAllowed(
        f"{account.name} is not connected with HubSpot.",
        hint="Connect it: Setup, the account, Connect with HubSpot.",
        code=RECONNECT,
    )


def _post(account: Account, path: str, form: Mapping[str, str]) -> dict[str, Any]:
    host = base_url(value(account.settings, "base-url", BASE_URL), MANIFEST.hosts)
    who = {"client_id": value(account.settings, "client-id"), "client_secret": value(account.secrets, "client-secret")}
    try:
        with urllib3.PoolManager(retries=urllib3.Retry(0, redirect=False)) as pool:
            answer = pool.request(
                "POST", f"{host}/oauth/{VERSION}/{path}", body=urlencode({**who, **form}), redirect=False,
                headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
                timeout=urllib3.Timeout(*TIMEOUT),
            )  # fmt: skip
    except (HTTPError, OSError) as error:
        raise unreachable(error) from None
    body = _object(answer.data)
    if 200 <= answer.status <= 299:
        return body
    raise _refused(answer.status, body)


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data or b"{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _refused(status: int, body: Mapping[str, Any]) -> ConnectorError:
    error, kind = str(body.get("error") or ""), str(body.get("status") or "")
    if status == 429:
        return Busy("HubSpot limits how fast we may ask for tokens.", after=10.0, code="token_limit")
    if status == 403 or kind == "BANNED":  # not a revocation: it passes (facts: OAuth guide)
        return Unreachable("HubSpot refuses to give tokens right now.", after=REFUSED, code="token_refused")
    if status >= 500 or status < 400 or not error:
        return Unreachable(f"HubSpot's token endpoint answered {status}.", code="token_endpoint")
    if error == "invalid_grant" or kind == "BAD_REFRESH_TOKEN":
        return NotAllowed(
            "HubSpot no longer accepts the leave it gave us.",
            hint="Reconnect it: Setup, the account, Connect with HubSpot. Its work waits until then.",
            code=RECONNECT,
        )
    code, hint = _HINTS.get(error, ("oauth", "Check the app's OAuth settings in HubSpot, then connect again."))
    return NotAllowed("HubSpot does not accept our app's request for tokens.", hint=hint, code=code)


def _token(account: Account, body: Mapping[str, Any], stored: Token | None) -> Token:
    """The answer as we store it, once it names the right account."""
    access, renewed = body.get("access_token"), body.get("refresh_token") or (stored or {}).get("refresh_token")
    if not _usable(access) or not _usable(renewed):
        raise Unreachable("HubSpot answered without a token.", code="no_token")
    portal, ours = str(body.get("hub_id") or ""), value(account.settings, "portal-id")
    if ours and portal and portal != ours:
        raise NotAllowed(
            f"This is the HubSpot account {portal[:20]}, not {ours}.",
            hint="Choose the right account in HubSpot, or make another account here.",
            code="wrong_portal",
        )
    life, now = body.get("expires_in"), time.time()
    seconds = min(max(float(life), 60.0), 86_400.0) if isinstance(life, int | float) and life == life else LIFE
    return {
        "access_token": access, "refresh_token": renewed, "portal_id": portal, "renew_at": now + seconds / 2,
        "expires_at": now + seconds,
    }  # fmt: skip


def _usable(token: object) -> bool:
    """It goes into a header as it is."""
    return isinstance(token, str) and 0 < len(token) <= LONGEST and token.isascii() and token.isprintable()
