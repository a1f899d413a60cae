"""Tokens by OAuth: a person's refresh token, client credentials, or JWT bearer. Never a user's password.

SOAP login and username-password flows are leaving Salesforce (Summer '27): simple-salesforce's own login is not used.
"""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from connector.core.address import is_loopback
from connector.core.scrub import scrubbed
from connector.crm import value
from connector.crm.salesforce import consent, hosts, problems
from connector.errors import ConnectorError, NotAllowed, Unreachable
from connector.ports import Account, Token

GRANT_JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
JWT_LIFE = 180  # seconds, Salesforce's longest
RECONNECT = "reconnect"
REFUSED = 300.0  # seconds until we ask again after a 403


def _assertion(account: Account, base: str, now: float) -> str:
    """The signed JWT. `aud` is the login host, not the My Domain; loopback stands for itself."""
    import jwt

    host = urlsplit(base).hostname or ""
    login = "https://test.salesforce.com" if ".sandbox." in host else "https://login.salesforce.com"
    claims = {
        "iss": value(account.settings, "client-id"),
        "sub": value(account.settings, "username"),
        "aud": base if is_loopback(host) else login,
        "exp": int(now) + JWT_LIFE,
    }
    try:
        return jwt.encode(claims, value(account.secrets, "jwt-key"), algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError):
        raise NotAllowed(
            "The JWT key is not an RSA private key.", hint="Paste the whole PEM text.", code="bad_key"
        ) from None


def _form(account: Account, base: str, stored: Token | None, now: float) -> dict[str, str]:
    refresh = str((stored or {}).get("refresh_token") or "")
    if refresh:
        return {"grant_type": "refresh_token", "refresh_token": refresh, **client(account)}
    if consent.is_asked(account.settings):
        raise not_connected(account)
    if value(account.secrets, "jwt-key"):
        return {"grant_type": GRANT_JWT, "assertion": _assertion(account, base, now)}
    return {"grant_type": "client_credentials", **client(account)}


def client(account: Account) -> dict[str, str]:
    """The app, as every form names it."""
    return {
        "client_id": value(account.settings, "client-id"),
        "client_secret": value(account.secrets, "client-secret"),
    }


def not_connected(account: Account) -> NotAllowed:
    """Nobody has given leave yet, or it is gone."""
    return NotAllowed(
        f"{account.name} is not connected with Salesforce.",
        hint="Connect it: Setup, the account, Connect with Salesforce.",
        code=RECONNECT,
    )


def fetch(
    account: Account, stored: Token | None, session: requests.Session, timeout: tuple[float, float]
) -> dict[str, Any]:
    """A new token: `access_token instance_url org user`, `refresh_token` where a person gave leave.

    Raises NotAllowed, Busy or Unreachable."""
    base = hosts.base(account)
    return ask(account, _form(account, base, stored, time.time()), stored, session, timeout)


def ask(
    account: Account, form: Mapping[str, str], stored: Token | None, session: requests.Session,
    timeout: tuple[float, float],
) -> dict[str, Any]:  # fmt: skip
    """One call of the token endpoint. Nothing of what was sent comes back in an error."""
    base = hosts.base(account)
    try:
        answer = session.post(f"{base}/services/oauth2/token", data=form, timeout=timeout, allow_redirects=False)
        body = answer.json()
    except requests.exceptions.JSONDecodeError:
        body = None
    except requests.RequestException as failure:
        raise transport(failure) from None
    if answer.status_code != 200 or not isinstance(body, Mapping):
        sent = [text for name, text in form.items() if name not in ("grant_type", "redirect_uri", "client_id")]
        raise _refused(answer.status_code, scrubbed(body, sent), "refresh_token" in form)
    return _token(body, base, value(account.settings, "org-id"), stored or {})


def _refused(status: int, body: Any, refreshing: bool) -> ConnectorError:
    found = problems.read_all(body)
    if status == 403 and not (found and found[0].code in problems.QUOTA):  # a firewall, a ban: no word on our leave
        return Unreachable("Salesforce refuses to give tokens right now.", after=REFUSED, code="token_refused")
    if refreshing and found and found[0].code == "invalid_grant":
        return NotAllowed(
            "Salesforce no longer accepts the leave it gave us.",
            hint="Reconnect it: Setup, the account, Connect with Salesforce. Its work waits until then.",
            code=RECONNECT,
        )
    if found and found[0].code not in problems.QUOTA | problems.TRANSIENT and status < 500:
        return problems.not_allowed(found[0])
    return problems.error(status if status != 200 else 502, body)


def _token(body: Mapping[str, Any], base: str, org: str, stored: Token) -> dict[str, Any]:
    """The answer as we store it, once it names the right org (every time the same) and a host we may call."""
    ids = urlsplit(str(body.get("id") or "")).path.strip("/").split("/")
    found, user = (ids[-2], ids[-1]) if len(ids) >= 2 else ("", "")
    if any(ours and found[:15] != ours[:15] for ours in (org, str(stored.get("org") or ""))):
        raise NotAllowed(
            "The credentials belong to another Salesforce org than this account.",
            hint="Check the organization id and the consumer key.",
            code="wrong_org",
        )
    if not body.get("access_token"):
        raise Unreachable("Salesforce answered without a token.", code="no_token")
    where = hosts.instance(str(body.get("instance_url") or base), base)
    token = {"access_token": str(body["access_token"]), "instance_url": where, "org": found, "user": user}
    refresh = body.get("refresh_token") or stored.get("refresh_token")
    return token | ({"refresh_token": str(refresh)} if refresh else {})


# Exceptions of requests and urllib3 after which no byte of the request can have left: name, connection or TLS failed.
_UNSENT = frozenset(
    {"ConnectTimeout", "SSLError", "ProxyError", "NewConnectionError", "ConnectTimeoutError", "NameResolutionError"}
)


def _never_sent(failure: BaseException) -> bool:
    seen: list[object] = [failure, *failure.args, *(getattr(a, "reason", None) for a in failure.args)]
    return any(type(thing).__name__ in _UNSENT for thing in seen)


def transport(failure: Exception) -> Unreachable:
    """An exception of requests, without its text: that holds URLs."""
    return Unreachable(
        "Salesforce did not answer.",
        sent=not _never_sent(failure),
        code=type(failure).__name__,
    )
