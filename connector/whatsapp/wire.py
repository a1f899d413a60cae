"""HTTP to the Graph API: the only module that knows httpx."""

import json
import logging
import ssl
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote
from urllib.request import getproxies, proxy_bypass

import httpx

from connector.core.address import is_loopback
from connector.core.scrub import scrubbed
from connector.errors import NotAllowed, Unreachable
from connector.ports import Multipart, fence

Target = httpx.URL
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
_LEAVES = frozenset({"http11.send_request_headers.started", "http11.send_request_body.started"})


def _trace(event: str, _: Mapping[str, Any]) -> None:
    """httpcore tells of each step of a request: before the head, which is after connecting, and before the body."""
    if event in _LEAVES:
        fence.ask()


_EXTENSIONS = {"timeout": {"connect": 3.0, "read": 20.0, "write": 20.0, "pool": 20.0}, "trace": _trace}
_LIMITS = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=20.0)
_LARGEST = 16 * 1024 * 1024  # bytes of one answer; a page of 100 templates has about half a megabyte

for _name in ("httpx", "httpcore"):  # they log addresses and headers, and debug_token carries a token in its address
    logging.getLogger(_name).setLevel(logging.WARNING)


class Answer(NamedTuple):
    """The HTTP status and the decoded JSON; None when the body was none."""

    status: int
    body: Any


class Wire:
    """Calls under one address with one token. Any number of threads; each call in flight has a transport of its own.

    Measured against an API that answers in 100 ms (decision 9): one `httpx.Client` for 128 threads makes 170 calls a
    second, a transport each makes 1,200, at 0.6 of a client's CPU.
    """

    def __init__(self, address: str, token: str) -> None:
        self._base = httpx.URL(address)
        self._token, self._secret = _header(token), token
        self._host = self._base.netloc
        self._idle: deque[httpx.HTTPTransport] = deque()
        self._closed = False
        self._proxy = _proxy(self._base)
        self._tls: ssl.SSLContext | bool = httpx.create_ssl_context() if self._base.scheme == "https" else False

    def target(self, path: str, query: Mapping[str, str] | None = None) -> Target:
        """The address of a path; make it once for a path that is called often."""
        clean = "/".join(quote(part, safe="") for part in path.split("/"))
        return self._base.copy_with(path=f"{self._base.path.rstrip('/')}/{clean}", params=query)

    def call(self, method: str, target: Target, content: bytes | Multipart | None = None, token: str = "") -> Answer:
        """One request, never repeated. Raises Unreachable; its `sent` is False when it surely never left us.

        Right before it leaves the fence is asked, which may raise too."""
        request = self._request(method, target, content, token)
        transport = self._take()
        try:
            response = transport.handle_request(request)
            raw = _read(response)
        except BaseException as error:  # noqa: BLE001 - raised again; nobody knows the transport's state any more
            transport.close()
            raise _in_our_words(error) from None
        self._give_back(transport)
        return Answer(response.status_code, _decoded(scrubbed(raw, [self._secret, *token.split("|")[1:]])))

    def close(self) -> None:
        """Gives the connections back; a call still in flight closes its own."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _request(self, method: str, target: Target, content: bytes | Multipart | None, token: str) -> httpx.Request:
        # Ready headers and a ready stream: httpx then adds nothing, and no compressed answer is asked for
        headers = [(b"Host", self._host), (b"Authorization", _header(token) if token else self._token)]
        if content is not None:
            kind = content.content_type.encode() if isinstance(content, Multipart) else b"application/json"
            headers += [(b"Content-Type", kind), (b"Content-Length", b"%d" % len(content))]
        elif method == "POST":
            headers.append((b"Content-Length", b"0"))
        stream = _FromDisk(content) if isinstance(content, Multipart) else httpx.ByteStream(content or b"")
        return httpx.Request(method, target, headers=headers, stream=stream, extensions=_EXTENSIONS)

    def _take(self) -> httpx.HTTPTransport:
        try:
            return self._idle.pop()  # the latest used: its connection is the likeliest to be alive
        except IndexError:
            pass
        try:
            return httpx.HTTPTransport(verify=self._tls, limits=_LIMITS, proxy=self._proxy)
        except (ValueError, ImportError) as error:  # a kind of proxy httpx does not know, or has no library for
            words = "The proxy of the environment cannot be used."
            raise Unreachable(words, sent=False, hint="See HTTPS_PROXY.", code=type(error).__name__) from None

    def _give_back(self, transport: httpx.HTTPTransport) -> None:
        self._idle.append(transport)
        if self._closed:
            self.close()


class _FromDisk(httpx.SyncByteStream):
    """A body that is read as it is sent."""

    def __init__(self, body: Multipart) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)


def _read(response: httpx.Response) -> bytes:
    """The body; the connection is free again afterwards, or closed."""
    try:
        chunks, size = [], 0
        for chunk in response.iter_raw():
            size += len(chunk)
            if size > _LARGEST:
                raise Unreachable("Meta's answer is too large to be read.", code="too_large")
            chunks.append(chunk)
        return b"".join(chunks)
    finally:
        response.close()


def _in_our_words(error: BaseException) -> BaseException:
    name = type(error).__name__
    if isinstance(error, _NOT_SENT):
        return Unreachable("Meta cannot be reached.", sent=False, code=name)
    return Unreachable("Meta did not answer.", code=name) if isinstance(error, httpx.HTTPError) else error


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _header(token: str) -> bytes:
    if not (token.isascii() and token.isprintable()):
        raise NotAllowed("The token holds characters that no token has.", hint="Copy it again.", code="bad_token")
    return f"Bearer {token}".encode("ascii")


def _proxy(address: httpx.URL) -> str | None:
    """The proxy the environment asks for (HTTPS_PROXY, NO_PROXY); never for this computer itself."""
    if is_loopback(address.host) or proxy_bypass(address.host):
        return None
    found = getproxies()
    proxy = found.get(address.scheme) or found.get("all")
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy
