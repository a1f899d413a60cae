"""Leave given by a person: a consent page, codes with PKCE, families of refresh tokens; for both CRMs' stand-ins."""

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit

from connector.sandbox.http import Request, Response

CODE_SECONDS = 600.0
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><body style="font: 16px system-ui; max-width: 32rem; margin: 4rem auto; padding: 0 1rem">
<h1>{title}</h1><p>The app <b>{client}</b> asks for leave to use this made-up account:</p><p><code>{scope}</code></p>
<form method="post" action="{action}"><button name="allow" value="yes">Connect</button></form></body></html>"""


class Denied(Exception):
    """An OAuth refusal: its error code, and the description as text."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


@dataclass(frozen=True, slots=True)
class Code:
    """What a code was given for."""

    client: str
    redirect_uri: str
    challenge: str  # S256, "" = none was given
    ends: float


class Grants:
    """Codes and refresh tokens of one vendor. A family is one person's leave: all tokens that came of it.

    `rotates`: each use of a refresh token makes another one. Whoever then shows a spent one ends its whole family,
    access tokens included (RFC 9700, 4.14.2; Salesforce's refresh token rotation)."""

    def __init__(self, now: Callable[[], float], first: str, prefix: str, rotates: Callable[[], bool]) -> None:
        self._now, self._prefix, self._rotates = now, prefix, rotates
        self._codes: dict[str, Code] = {}
        self._good: dict[str, str] = {"first": first}  # family -> the refresh token that may be used
        self._family: dict[str, str] = {first: "first"}  # refresh or access token -> its family

    def code(self, client: str, redirect_uri: str, challenge: str) -> str:
        """A code, good once and for ten minutes."""
        made = secrets.token_urlsafe(24)
        self._codes[made] = Code(client, redirect_uri, challenge, self._now() + CODE_SECONDS)
        return made

    def redeem(self, form: Mapping[str, str]) -> str:
        """A new family's refresh token for a code. Raises Denied."""
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or code.ends < self._now():
            raise Denied("invalid_grant", "expired authorization code")
        if (code.client, code.redirect_uri) != (form.get("client_id"), form.get("redirect_uri")):
            raise Denied("redirect_uri_mismatch", "redirect_uri must match configuration")
        if code.challenge and code.challenge != challenge_of(form.get("code_verifier", "")):
            raise Denied("invalid_grant", "invalid code verifier")
        return self._fresh(secrets.token_hex(8))

    def use(self, refresh: str) -> str:
        """The refresh token to go on with. Raises Denied; a spent one ends its family."""
        family = self._family.get(refresh, "")
        if not family or self._good.get(family) != refresh:
            self.end(refresh)
            raise Denied("invalid_grant", "expired access/refresh token")
        return self._fresh(family) if self._rotates() else refresh

    def belongs(self, access: str, refresh: str) -> None:
        """An access token that came with this refresh token."""
        self._family[access] = self._family[refresh]

    def ended(self, access: str) -> bool:
        """The access token came from leave that was taken back."""
        family = self._family.get(access)
        return family is not None and family not in self._good

    def end(self, token: str) -> bool:
        """Takes back the leave this token came from; False when it is none of ours, or ended already."""
        return self._good.pop(self._family.get(token, ""), None) is not None

    def _fresh(self, family: str) -> str:
        made = f"{self._prefix}{secrets.token_urlsafe(48)}"
        self._good[family], self._family[made] = made, family
        return made


def challenge_of(verifier: str) -> str:
    """S256 of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def form_of(request: Request) -> dict[str, str]:
    """The form in a body."""
    return dict(parse_qsl(request.body.decode("utf-8", "replace")))


def authorize(grants: Grants, request: Request, client: str, title: str) -> Response:
    """GET: the page with one button. POST, which that button does: back to the caller with a code, or a refusal."""
    asked = request.query
    back = asked.get("redirect_uri", "")
    wrong = _wrong(asked, client, back)
    if wrong:  # nobody is sent to an address that cannot be trusted
        return _page(f"<h1>{title}</h1><p>{escape(wrong)}</p>", 400)
    if request.method != "POST":
        known = {"title": title, "client": asked["client_id"], "scope": asked.get("scope", "")}
        action = f"{urlsplit(request.base).path}{request.path}?{urlencode(dict(asked))}"
        return _page(PAGE.format(**{name: escape(text) for name, text in (known | {"action": action}).items()}))
    state = {"state": asked["state"]} if "state" in asked else {}
    if form_of(request).get("allow") != "yes":
        return _sent(back, {"error": "access_denied", "error_description": "end-user denied authorization", **state})
    return _sent(back, {"code": grants.code(client, back, asked.get("code_challenge", "")), **state})


def _wrong(asked: Mapping[str, str], client: str, back: str) -> str:
    if asked.get("client_id") != client:
        return "client identifier invalid"
    parts = urlsplit(back)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment:
        return "redirect_uri must match configuration"
    if asked.get("response_type", "code") != "code":
        return "response type not supported"
    if asked.get("code_challenge") and asked.get("code_challenge_method") != "S256":
        return "code challenge method not supported"
    return ""


def _sent(back: str, more: Mapping[str, str]) -> Response:
    return Response(302, b"", {"Location": f"{back}{'&' if '?' in back else '?'}{urlencode(dict(more))}"})


def _page(body: str, status: int = 200) -> Response:
    return Response(status, body.encode(), {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"})
