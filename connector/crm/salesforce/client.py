"""Calls to one Salesforce org over simple-salesforce's `restful`, with our tokens, timeouts and errors.

Safe for four threads: the session's pool is, and a refresh swaps one immutable pair under a lock.
"""

import threading
from collections.abc import Mapping, Sequence
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from requests.adapters import HTTPAdapter

from connector.core.scrub import scrubbed
from connector.crm import wire
from connector.crm.salesforce import hosts, oauth, problems
from connector.errors import NotAllowed, Unreachable
from connector.ports import Account, Multipart, Tokens, fence

VERSION = "68.0"  # Winter '27
CLIENT = "whatsapp-crm-connector"  # comes back as changeOrigin, so that our own changes are known
TIMEOUT = (3.0, 20.0)
POOL = 4
MOST = 4  # tokens tried for one call: what another process stored may have aged too
WRITE_BATCH = 200  # records a collections call takes
READ_BATCH = 2000  # ids a collections read takes
# Sessions that a refresh would only renew into the same refusal (seen to loop in other clients).
HOPELESS = ("not valid for use with the REST API", "not attached to Agent")


class Route(HTTPAdapter):
    """Gives every call a timeout, and sends calls to `instance` where simple-salesforce insists on https://<host>/;
    its connections ask the fence.

    simple-salesforce builds `https://<host:port>/services/...` from the instance URL; a stand-in on loopback speaks
    plain http under a path, so scheme and prefix are put back here."""

    def __init__(self, instance: str) -> None:
        super().__init__(pool_connections=1, pool_maxsize=POOL, max_retries=0)
        parts = urlsplit(instance)
        self._made, self._meant = f"https://{parts.netloc}/", instance.rstrip("/") + "/"

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        wire.fenced(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        wire.fenced(manager)
        return manager

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        url = request.url or ""
        if url.startswith(self._made) and not url.startswith(self._meant):
            request.url = self._meant + url[len(self._made) :]
        kwargs["timeout"] = kwargs.get("timeout") or TIMEOUT
        return super().send(request, *args, **kwargs)


def _untouched(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """An `auth` that adds nothing: with none set, requests would put ~/.netrc over our bearer token."""
    return request


def new_session() -> requests.Session:
    """A session without cookies (they are shared state between threads and of no use here)."""
    session = requests.Session()
    session.auth = _untouched
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


class Client:
    """One org. Every method raises only our errors."""

    def __init__(self, account: Account, tokens: Tokens) -> None:
        self._account, self._tokens = account, tokens
        self._lock = threading.Lock()
        self._session = new_session()
        self._held: tuple[Mapping[str, Any], Any] | None = None
        self.usage: tuple[int, int] | None = None  # API calls used and allowed, from the last answer

    # ---- tokens ----
    def _sf(self) -> tuple[Mapping[str, Any], Any]:
        with self._lock:
            if self._held is None:
                stored = self._tokens.current()
                if not stored or not stored.get("access_token"):
                    stored = self._tokens.refresh(None, self._fetch)
                self._held = (stored, self._build(stored))
            return self._held

    def _fetch(self, stored: Mapping[str, Any] | None) -> Mapping[str, Any]:
        with fence.asked(None):  # a token is for whatever comes; asking inside its lock would hold up the others
            return oauth.fetch(self._account, stored, self._session, TIMEOUT)

    def _build(self, token: Mapping[str, Any]) -> Any:
        from simple_salesforce.api import Salesforce  # 0.3 s and 40 MB: only when a call is made

        where = hosts.instance(str(token.get("instance_url") or ""), hosts.base(self._account))
        self._session.mount(f"https://{urlsplit(where).netloc}/", Route(where))
        return Salesforce(session_id=token["access_token"], instance_url=where, session=self._session, version=VERSION)

    def _refresh(self, stale: Mapping[str, Any]) -> bool:
        """One refresh for all threads: whoever comes second finds the token already new. True = it was asked for by
        this very call; what another stored may be old."""
        asked = []

        def fetch(stored: Mapping[str, Any] | None) -> Mapping[str, Any]:
            asked.append(True)
            return self._fetch(stored)

        with self._lock:
            if self._held is not None and self._held[0] is not stale:
                return False
            self._held = None
            fresh = self._tokens.refresh(str(stale["access_token"]), fetch)
            self._held = (fresh, self._build(fresh))
        return bool(asked)

    def token(self) -> Mapping[str, Any]:
        """The token in use; fetched when there is none yet."""
        return self._sf()[0]

    def renew(self) -> Mapping[str, Any]:
        """A token asked for just now: proves that the credentials still work."""
        self._refresh(self._sf()[0])
        return self._sf()[0]

    # ---- calls ----
    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content: bytes | Multipart | None = None,
        params: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """One REST call below /services/data/v68.0/; the decoded JSON, None when there is none.

        `body` is sent as JSON, `content` as it is (a form anew at each try)."""
        extra = {"json": body} if body is not None else {"data": content} if content is not None else {}
        ours = False
        for _ in range(MOST):
            token, sf = self._sf()
            try:
                return self._once(sf, method, path, extra, params, headers)
            except _Expired:
                if ours:
                    break
            ours = self._refresh(token)
        raise problems.not_allowed(problems.Problem("INVALID_SESSION_ID", ""))

    def _once(self, sf: Any, method: str, path: str, extra: Any, params: Any, headers: Mapping[str, str] | None) -> Any:
        from simple_salesforce.exceptions import SalesforceError

        sent = {"Sforce-Call-Options": f"client={CLIENT}", "X-PrettyPrint": "0", **(headers or {})}
        try:
            answer = sf.restful(
                path, params=params, method=method, headers=sent, timeout=TIMEOUT, allow_redirects=False, **extra
            )
        except SalesforceError as failure:
            # Its text carries the URL and the body: neither may travel on.
            raise _translate(failure.status, scrubbed(failure.content, [sf.session_id])) from None
        except ValueError:  # also requests' JSONDecodeError
            raise Unreachable("Salesforce answered something that is not JSON.", code="not_json") from None
        except requests.RequestException as failure:
            raise oauth.transport(failure) from None
        used = sf.api_usage.get("api-usage")
        if used:
            self.usage = (used.used, used.total)
        return answer

    # ---- reads ----
    def query(self, soql: str, *, all_rows: bool = False) -> list[dict[str, Any]]:
        """Every row of a SOQL query; `all_rows` also sees the recycle bin and merged records."""
        page = self.call("GET", "queryAll/" if all_rows else "query/", params={"q": soql})
        rows: list[dict[str, Any]] = []
        while page:
            rows += page.get("records") or ()
            more = "" if page.get("done", True) else str(page.get("nextRecordsUrl") or "")
            page = self.call("GET", more.partition(f"/v{VERSION}/")[2]) if more else None
        return rows

    def search(self, sosl: str) -> list[dict[str, Any]]:
        """The hits of a SOSL search, of all its objects."""
        answer = self.call("GET", "search/", params={"q": sosl})
        hits: list[dict[str, Any]] = (answer or {}).get("searchRecords") or []
        return hits

    def retrieve(self, object: str, ids: Sequence[str], fields: Sequence[str]) -> list[dict[str, Any]]:
        """Records by id, 2,000 a call; the ones that are gone or hidden are simply absent."""
        rows: list[dict[str, Any]] = []
        for start in range(0, len(ids), READ_BATCH):
            body = {"ids": list(ids[start : start + READ_BATCH]), "fields": list(fields)}
            rows += [r for r in self.call("POST", f"composite/sobjects/{quote(object)}", body) or () if r]
        return rows


class _Expired(Exception):
    """The access token is no longer good; a new one may be."""


def _translate(status: int, content: Any) -> Exception:
    found = problems.read_all(content)
    if found and found[0].code == "INVALID_SESSION_ID":
        hopeless = any(words in found[0].text for words in HOPELESS)
        return problems.not_allowed(found[0]) if hopeless else _Expired()
    if status == 401 and not found:
        return _Expired()
    if 300 <= status < 400:
        return NotAllowed("Salesforce sent us to another address.", hint="Check the domain.", code="redirected")
    return problems.error(status, content)
