"""Fetching a file: the host is looked up once, its address checked, and that very address is connected to.

http.client and not the Wire, which holds an answer in memory: the body goes to disk as it comes, 100 MB at most, and
the socket is ours to end when the whole file takes too long. No proxy is used: through one nobody could say where the
request goes.
"""

import hashlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import BinaryIO
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from connector.core.address import is_loopback
from connector.core.message import LIMITS
from connector.core.message.sniff import HEAD
from connector.core.template.media import reachable
from connector.errors import NotAllowed, NotFound, Rejected, Unreachable

CONNECT, READ = 3.0, 20.0  # seconds
LONGEST = 600.0  # seconds a whole file may take
HEADERS = 60.0  # seconds until its headers are whole: one that says "continue" for ever would never time out
CHUNK = 64 * 1024
HOPS = 3  # redirects that are followed, each checked like the first address
MEDIA_HOSTS = ("lookaside.fbsbx.com",)  # where Meta serves files; the token goes there and to the API's own host
SAFE = "/%:@!$&'()*+,;=~"  # RFC 3986, path; a query also has ?
REDIRECTS = (301, 302, 303, 307, 308)
Resolve = Callable[[str, int], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came: its declared type, its size, its hash (hex), its first bytes."""

    mime: str
    size: int
    sha256: str
    head: bytes


@dataclass(frozen=True, slots=True)
class Guard:
    """Where we may go. `token_hosts`: who may see the token; `local`: the account's API is on this computer."""

    token: str = ""
    token_hosts: tuple[str, ...] = ()
    local: bool = False
    most: int = LIMITS["inbound.bytes"].most
    patience: float = HEADERS

    def fetch(self, url: str, into: BinaryIO, resolve: "Resolve | None" = None) -> Fetched:
        """The file at `url`, written to `into`. Raises NotFound, Rejected, NotAllowed; Unreachable may be repeated."""
        for _ in range(HOPS + 1):
            answer, connection = self._open(url, resolve or addresses)
            with connection:
                if answer.status in REDIRECTS and answer.headers.get("Location"):
                    url = _next(url, str(answer.headers["Location"]))
                    continue
                _judge(answer.status)
                return self._take(answer, into)
        raise Rejected("The file's address leads from one to the next without end.", code="redirects")

    def _open(self, url: str, resolve: Resolve) -> "tuple[http.client.HTTPResponse, _Closing]":
        parts, host = self._checked(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        found = self._address(host, port, resolve)
        connection = _connection(parts.scheme, host, port, found)
        headers = {"User-Agent": "whatsapp-crm-connector", "Accept-Encoding": "identity"}
        if self.token and self._may_see_token(parts.scheme, host):
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            with _ended_after(self.patience, connection.sock):
                connection.request("GET", _target(parts), headers=headers)
                answer = connection.getresponse()
            return answer, _Closing(connection, answer)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise Unreachable("The file could not be fetched.", code=type(error).__name__) from None

    def _checked(self, url: str) -> tuple[SplitResult, str]:
        try:
            parts = urlsplit(url)
            host, _ = (parts.hostname or "").lower().rstrip("."), parts.port
            host.encode("idna")  # labels over 63 characters, or none: no name server may be asked for them
        except ValueError:
            raise Rejected("The file's address is not an address.", code="address") from None
        if "@" in parts.netloc or any(c.isspace() or ord(c) < 32 for c in url):
            raise Rejected("The file's address holds what no address has.", code="address")
        own = self.local and is_loopback(host)
        if not host or (parts.scheme != "https" and not own and not (parts.scheme == "http" and not self.token)):
            raise Rejected("The file's address does not begin with https://.", code="address")
        return parts, host

    def _may_see_token(self, scheme: str, host: str) -> bool:
        return host in self.token_hosts and (scheme == "https" or is_loopback(host))

    def _address(self, host: str, port: int, resolve: Resolve) -> str:
        """One address of the host, when every one of them is public: a name with a private one beside is a trick."""
        try:
            found = list(resolve(host, port))
        except OSError:
            raise Unreachable("The file's host is not known.", sent=False, code="dns") from None
        if not found:
            raise Unreachable("The file's host is not known.", sent=False, code="dns")
        for one in found:
            address = ip_address(one.partition("%")[0])
            if not (reachable(address) or (self.local and address.is_loopback)):
                raise Rejected("The file's address lies in a private network.", code="private")
        return found[0]

    def _take(self, answer: http.client.HTTPResponse, into: BinaryIO) -> Fetched:
        said = answer.headers.get("Content-Length", "")
        length = int(said) if said.isascii() and said.isdigit() else None
        if length is not None and length > self.most:
            raise Rejected(_too_large(self.most), code="too_large")
        digest, size, head, end = hashlib.sha256(), 0, b"", time.monotonic() + LONGEST
        try:
            # read1: what has come; `read` would wait for a whole chunk, however slowly its bytes drip
            while size != length and (chunk := answer.read1(CHUNK)):
                size += len(chunk)
                if size > self.most:
                    raise Rejected(_too_large(self.most), code="too_large")
                if time.monotonic() > end:
                    raise Unreachable("The file comes too slowly.", code="slow")
                digest.update(chunk)
                head = head if len(head) >= HEAD else (head + chunk)[:HEAD]
                into.write(chunk)
        except (TimeoutError, ConnectionError, ssl.SSLError, http.client.HTTPException) as error:
            raise Unreachable("The file ended in the middle.", code=type(error).__name__) from None
        if length is not None and size != length:
            raise Unreachable("The file ended in the middle.", code="short")
        return Fetched(answer.headers.get("Content-Type", ""), size, digest.hexdigest(), head)


class _Closing:
    """Closes the connection whatever happens, and the answer: where the host closes after it, the socket is its."""

    def __init__(self, connection: http.client.HTTPConnection, answer: http.client.HTTPResponse) -> None:
        self._connection, self._answer = connection, answer

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._answer.close()
        self._connection.close()


def _next(url: str, location: str) -> str:
    """Where a redirect leads."""
    try:
        return urljoin(url, location)
    except ValueError:
        raise Rejected("The file's address leads to something that is none.", code="address") from None


def addresses(host: str, port: int) -> Sequence[str]:
    """Every address of a host, asked once. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def _connection(scheme: str, host: str, port: int, address: str) -> http.client.HTTPConnection:
    """To this very address; TLS still asks for the host's own certificate."""
    try:
        raw = socket.create_connection((address, port), timeout=CONNECT)
    except OSError as error:
        raise Unreachable("The file's host cannot be reached.", sent=False, code=type(error).__name__) from None
    raw.settimeout(READ)
    connection = http.client.HTTPConnection(host, port)
    try:
        connection.sock = _tls().wrap_socket(raw, server_hostname=host) if scheme == "https" else raw
    except (OSError, ValueError) as error:
        raw.close()
        raise Unreachable(
            "The file's host has no certificate we trust.", sent=False, code=type(error).__name__
        ) from None
    return connection


def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


@contextmanager
def _ended_after(seconds: float, sock: socket.socket) -> Iterator[None]:
    """The block's socket is shut down when it takes longer, whatever the other side says in small pieces."""
    watch = threading.Timer(seconds, _shut, (sock,))
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()


def _shut(sock: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)  # not SSLSocket's, which first forgets what is being read


def _target(parts: SplitResult) -> str:
    """Path and query as HTTP takes them: what is not ASCII in percents, what is in percents already as it is."""
    path = quote(parts.path or "/", safe=SAFE)
    return f"{path}?{quote(parts.query, safe=SAFE + '?')}" if parts.query else path


def _judge(status: int) -> None:
    if 200 <= status < 300:
        return
    if status in (404, 410):
        raise NotFound("The file is not there any more.", code="gone")
    if status in (401, 403):
        raise NotAllowed("The file may not be fetched with this token.", code="file")
    if status in (408, 425, 429) or status >= 500:
        raise Unreachable(f"The file's host answered {status}.", code=str(status))
    raise Rejected(f"The file's host answered {status}.", code=str(status))


def _too_large(most: int) -> str:
    return f"The file is larger than {most // (1024 * 1024)} MB."
