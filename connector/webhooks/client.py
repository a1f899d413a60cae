"""Calling a webhook: signed, to a public address that was checked, never redirected; its answer is a status only."""

import json
import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from connector.ports import Account
from connector.webhooks import standard
from connector.webhooks.address import Resolve, reachable, refusal

_TIMEOUT = httpx.Timeout(10.0, connect=3.0)
LONGEST = 30.0  # seconds of a whole call: an answer that comes byte by byte would never time out
GONE = 410  # the specification: whoever answers so wants no more calls
LONGEST_WAIT = 3600.0  # seconds of a Retry-After that are believed

for _name in ("httpx", "httpcore"):  # they log addresses, and a webhook's may be a secret
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one call came to. `outcome`: done, again, never; `away`: the other side does not work for anybody."""

    outcome: str
    text: str = ""
    after: float | None = None
    away: bool = False


class WebhookClient:
    """One webhook account. Not thread-safe by itself; its connections are its own, as a name is checked on each."""

    def __init__(
        self, account: Account, now: Callable[[], float] = time.time, resolve: Resolve | None = None,
        allowed: Collection[str] = (), longest: float = LONGEST,
    ) -> None:  # fmt: skip
        self._url = str(account.settings.get("url", ""))
        self._secret = account.secrets.get("secret", "")
        self._now, self._resolve, self._allowed = now, resolve, frozenset(allowed)
        self._longest, self._http = longest, _client()

    def close(self) -> None:
        """Gives the connection back."""
        self._http.close()

    def call(self, id_: str, kind: str, at: datetime, data: Mapping[str, Any]) -> Answer:
        """One POST of {type, timestamp, data}; `id_` stays the same when it is repeated. Never raises."""
        if problem := refusal(self._url, self._allowed):
            return Answer("never", f"The webhook's url cannot be used: {problem}.")
        if not standard.usable(self._secret):
            return Answer("never", "The webhook has no usable secret.")
        content = {"type": kind, "timestamp": at.isoformat().replace("+00:00", "Z"), "data": dict(data)}
        body = json.dumps(content, separators=(",", ":")).encode()
        watch = threading.Timer(self._longest, self._cut, (self._http,))
        watch.daemon = True
        watch.start()
        try:
            return self._post(id_, body)
        except PermissionError as error:
            return Answer("never", f"The webhook is not called: {error}.")
        except (OSError, httpx.HTTPError, httpx.InvalidURL, RuntimeError) as error:  # the last: closed meanwhile
            return Answer("again", f"The webhook did not answer ({type(error).__name__}).", away=True)
        finally:
            watch.cancel()

    def _cut(self, http: httpx.Client) -> None:
        """Ends a call that takes too long: whatever it reads next is an error. The next call has a new connection."""
        self._http = _client()
        http.close()

    def _post(self, id_: str, body: bytes) -> Answer:
        parts = urlsplit(self._url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        address = reachable(host, port, self._resolve, self._allowed)
        url = httpx.URL(self._url).copy_with(host=address)
        headers = self._headers(id_, body) | {"Host": parts.netloc}
        request = self._http.build_request(
            "POST", url, content=body, headers=headers, extensions={"sni_hostname": host, "timeout": _TIMEOUT.as_dict()}
        )
        response = self._http.send(request, stream=True)
        response.close()  # what it says besides is nothing to us, however long it is
        return _answer(response)

    def _headers(self, id_: str, body: bytes) -> dict[str, str]:
        stamp = int(self._now())
        return {
            "Content-Type": "application/json",
            "User-Agent": "whatsapp-crm-connector",
            "webhook-id": id_,
            "webhook-timestamp": str(stamp),
            "webhook-signature": standard.sign(self._secret, id_, stamp, body),
        }


def _client() -> httpx.Client:
    """Without a proxy: that one would connect for us to wherever it thinks right."""
    return httpx.Client(timeout=_TIMEOUT, trust_env=False, follow_redirects=False)


def _answer(response: httpx.Response) -> Answer:
    status = response.status_code
    if 200 <= status < 300:
        return Answer("done", f"answered {status}")
    if status == GONE:
        return Answer("never", "The webhook answered 410: it wants no more calls.")
    after = response.headers.get("retry-after", "")
    wait = min(float(after), LONGEST_WAIT) if after.isascii() and after.isdigit() and len(after) < 9 else None
    return Answer("again", f"The webhook answered {status}.", wait, away=status == 429 or status >= 500)
