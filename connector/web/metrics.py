"""/metrics for Prometheus, as plain WSGI: asked of the database at each scrape, so any web process answers alike."""

import hmac
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address

from connector.errors import TryAgain
from connector.web.headers import HEADERS
from connector.web.hooks import STATUS, WSGI, Environ, Start

PATH = "/metrics"
CONTENT = "text/plain; version=0.0.4; charset=utf-8"
FRESH = 3.0  # seconds an answer is good for: several scrapers cost no more than one
LONGEST = 200  # characters of a token
FORWARDED = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_VIA", "HTTP_X_FORWARDED_HOST")
_REFUSED = b"Send Authorization: Bearer with METRICS_TOKEN, or with an API token that may read metrics.\n"
_OFF = b"There is no such page.\n"


@dataclass(slots=True)
class Metrics:
    """`measure` makes the text and may raise TryAgain; `token` "" = only this machine, and API tokens, may read.

    `knows` tells whether a text is a good API token for it; may raise TryAgain. `local`: no proxy stands before us."""

    measure: Callable[[], bytes]
    token: str
    knows: Callable[[str, str], bool]  # token, address of the caller
    local: bool
    clock: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _at: float = float("-inf")
    _text: bytes = b""

    def answer(self, environ: Environ) -> tuple[int, bytes]:
        """(status, text)."""
        allowed = self._allowed(environ)
        if allowed != 200:
            return allowed, _REFUSED if allowed == 401 else _OFF
        try:
            return 200, self._fresh()
        except TryAgain as error:
            return 503, f"{error}\n".encode()

    def _fresh(self) -> bytes:
        """One thread asks, the others take what it found."""
        with self._lock:
            if self.clock() - self._at > FRESH:
                self._text = self.measure()
                self._at = self.clock()
            return self._text

    def _allowed(self, environ: Environ) -> int:
        """200, 401, or 404 where nothing is to be had."""
        given = _bearer(environ)
        if self.token and hmac.compare_digest(given.encode("utf-8", "replace"), self.token.encode()):
            return 200
        try:
            if given and self.knows(given, str(environ.get("REMOTE_ADDR", ""))):
                return 200
        except TryAgain:
            return 401
        if not self.token and self.local and _from_here(environ):
            return 200
        return 401 if self.token or given else 404


def _bearer(environ: Environ) -> str:
    scheme, _, given = str(environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
    return given.strip() if scheme.lower() == "bearer" and len(given) <= LONGEST else ""


def _from_here(environ: Environ) -> bool:
    """A caller on this machine, and no proxy that calls for somebody else."""
    try:
        here = ip_address(str(environ.get("REMOTE_ADDR", "")).partition("%")[0]).is_loopback
    except ValueError:
        return False
    return here and not any(environ.get(name) for name in FORWARDED)


def metrics(next_app: WSGI, found: Metrics) -> WSGI:
    """`found` under /metrics, `next_app` for all the rest."""

    def app(environ: Environ, start: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return next_app(environ, start)
        status, body = found.answer(environ)
        more = {"WWW-Authenticate": "Bearer"} if status == 401 else {"Retry-After": "5"} if status == 503 else {}
        kind = CONTENT if status == 200 else "text/plain; charset=utf-8"
        headers = {**HEADERS, "Content-Type": kind, "Content-Length": str(len(body)), **more}
        start(STATUS[status], list(headers.items()))
        return [body if environ["REQUEST_METHOD"] == "GET" else b""]

    return app
