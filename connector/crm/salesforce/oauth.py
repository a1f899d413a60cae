"""Tokens by OAuth: client credentials, or JWT bearer when the account has a key. Never a user's password.

SOAP login and username-password flows are leaving Salesforce (Summer '27): simple-salesforce's own login is not used.
"""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from connector.core.address import is_loopback
from connector.crm import value
from connector.crm.salesforce import hosts, problems
from connector.errors import ConnectorError, NotAllowed, Unreachable
from connector.ports import Account

GRANT_JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
JWT_LIFE = 180  # seconds, Salesforce's longest


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


def _form(account: Account, base: str, now: float) -> dict[str, str]:
    if value(account.secrets, "jwt-key"):
        return {"grant_type": GRANT_JWT, "assertion": _assertion(account, base, now)}
    return {
        "grant_type": "client_credentials",
        "client_id": value(account.settings, "client-id"),
        "client_secret": value(account.secrets, "client-secret"),
    }


def fetch(account: Account, session: requests.Session, timeout: tuple[float, float]) -> dict[str, Any]:
    """A new token: `access_token instance_url org user`. Raises NotAllowed, Busy or Unreachable."""
    base = hosts.base(account)
    form = _form(account, base, time.time())
    try:
        answer = session.post(f"{base}/services/oauth2/token", data=form, timeout=timeout, allow_redirects=False)
    except requests.RequestException as failure:
        raise transport(failure) from None
    try:
        body = answer.json()
    except ValueError:
        body = None
    if answer.status_code != 200 or not isinstance(body, Mapping):
        raise _refused(answer.status_code, body)
    return _token(body, base, value(account.settings, "org-id"))


def _refused(status: int, body: Any) -> ConnectorError:
    found = problems.read_all(body)
    if found and found[0].code not in problems.QUOTA | problems.TRANSIENT and status < 500:
        return problems.not_allowed(found[0])
    return problems.error(status if status != 200 else 502, body)


def _token(body: Mapping[str, Any], base: str, org: str) -> dict[str, Any]:
    """The answer as we store it, once it names the right org and a host we may call."""
    ids = urlsplit(str(body.get("id") or "")).path.strip("/").split("/")
    found, user = (ids[-2], ids[-1]) if len(ids) >= 2 else ("", "")
    if org and found[:15] != org[:15]:
        raise NotAllowed(
            "The credentials belong to another Salesforce org than this account.",
            hint="Check the organization id and the consumer key.",
            code="wrong_org",
        )
    if not body.get("access_token"):
        raise Unreachable("Salesforce answered without a token.", code="no_token")
    where = hosts.instance(str(body.get("instance_url") or base), base)
    return {"access_token": str(body["access_token"]), "instance_url": where, "org": found, "user": user}


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
