"""Around everything we answer: whose name we are called by, and the headers that every answer has."""

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from connector.web.callers import LOOPBACK
from connector.web.headers import HEADERS, HSTS

log = logging.getLogger("connector.web")
# Called by addresses that are nobody's name, and nothing that a page of another name could misuse: probes tell no
# secret, webhooks are believed for their signature only.
ANY_NAME = ("/healthz", "/readyz", "/hooks/")
METRICS = "/metrics"
TOLD = 100  # wrong names that are logged, each once
Start = Callable[..., Any]


class Names:
    """The names we answer to: PUBLIC_URL's, those of TRUSTED_HOSTS, and this machine's own."""

    def __init__(self, public_url: str, more: Sequence[str] = ()) -> None:
        self._known = {found for text in (urlsplit(public_url).netloc, *more) if (found := split(text))}
        self._told: set[str] = set()

    def good(self, given: str) -> bool:
        """Whether a Host header names us; a name without a port in TRUSTED_HOSTS stands for every port."""
        found = split(given)
        if found is None:
            return False
        name, port = found
        return name in LOOPBACK or (name, port) in self._known or (name, None) in self._known

    def refused(self, given: str) -> None:
        """Once for each name: somebody may wonder why the console is empty."""
        if given not in self._told and len(self._told) < TOLD:
            self._told.add(given)
            log.warning("called by the name %.200r, which is not ours: PUBLIC_URL or TRUSTED_HOSTS would say so", given)


def split(text: str) -> tuple[str, int | None] | None:
    """(name in lower case, port) of a Host header; None for what is none."""
    if not text or len(text) > 300 or any(c in text for c in "/@?#\\ \t\r\n,") or not text.isascii():
        return None
    try:
        parts = urlsplit(f"//{text}")
        return (parts.hostname.rstrip("."), parts.port) if parts.hostname else None
    except ValueError:
        return None


def _any_name(environ: Any) -> bool:
    """A page of another name could call /metrics for somebody on this machine; it does not know a token."""
    path = environ["PATH_INFO"]
    return path.startswith(ANY_NAME) or (path == METRICS and bool(environ.get("HTTP_AUTHORIZATION")))


def shield(app: Callable[..., Iterable[bytes]], names: Names, *, https: bool) -> Callable[..., Iterable[bytes]]:
    """`app` for calls by our name; 400 without a word for others."""
    always = list((HEADERS | (HSTS if https else {})).items())

    @lru_cache(256)  # an answer's own headers are few and mostly the same
    def missing(given: tuple[str, ...]) -> list[tuple[str, str]]:
        there = {name.lower() for name in given}
        return [one for one in always if one[0].lower() not in there]

    def inner(environ: Any, start: Start) -> Iterable[bytes]:
        def begin(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start(status, [*headers, *missing(tuple([name for name, _ in headers]))], *more)

        if not _any_name(environ) and not names.good(environ.get("HTTP_HOST", "")):
            names.refused(environ.get("HTTP_HOST", ""))
            begin("400 Bad Request", [("Content-Length", "0")])
            return []
        return app(environ, begin)

    return inner
