"""The webhooks: a plain WSGI function in front of Flask (measured twice as fast as Flask's routing).

Verify over the raw bytes, store, answer. Nothing here reads JSON: what a body says is the worker's business.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, Protocol

from connector.errors import NotAuthentic, Rejected, TryAgain
from connector.ports import Choices, Clock, OptionsWebhook, RawRequest, Response
from connector.web import callers
from connector.web.doors import Door, Doors
from connector.web.limits import Limiter
from connector.web.openapi import described

log = logging.getLogger("connector.web")
Environ = Mapping[str, Any]
Start = Callable[[str, list[tuple[str, str]]], object]
WSGI = Callable[[Environ, Start], Iterable[bytes]]

PREFIX = "/hooks/"
LARGEST = 3 * 1024 * 1024  # bytes; Meta's own limit, webhooks overview, checked 2026-09
PATIENCE = 8 * LARGEST  # bytes still read of a body too large: most callers listen only after their last byte
PIECE = 1024 * 1024
METHODS = {"whatsapp": ("GET", "POST"), "crm": ("POST",), "link": ("POST",)}
DEEPER = ("crm", "link")
QUERY = "x-hook-query"  # the address's query, kept beside the body: a webhook may say there what it is about
LONGEST_QUERY = 2048
RETRY_AFTER = "5"  # seconds; Meta and the CRMs keep their own schedules, proxies listen

REFUSED = Response(401, b"This call is not authentic.")
TOO_LARGE = Response(413, b"The body is larger than 3 MB.")
DESCRIPTION = "openapi.json"  # of a trigger link: public, and the same for all of them
OPTIONS = "options"
NOT_HERE = Response(404, b"There is no such hook.")
BROKEN = Response(400, b"The body did not arrive whole.")
LATER = Response(503, b"Not stored; please send it again.")
SLOW = Response(429, b"Too many calls that were not authentic.")
AGAIN = {LATER.status: RETRY_AFTER, SLOW.status: "60"}


class Intake(Protocol):
    """Where the bytes become safe."""

    def submit(self, account: str, headers: Mapping[str, str], body: bytes, received_at: datetime) -> None:
        """Returns once it is committed. Raises StoreDown when it was not, or not in time."""
        ...


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the hooks work with; `count` is told of each call that is turned away."""

    doors: Doors
    intake: Intake
    count: Callable[[str], None]
    clock: Clock
    public_url: str
    choices: Callable[[str], Choices]  # what there is to pick from in this account (its name); may raise StoreDown
    hops: int = 0  # proxies in front of us
    limits: Limiter = field(default_factory=Limiter)

    def answer(self, environ: Environ) -> Response:
        """The answer to one call under /hooks/; nothing is stored unless it is 200."""
        system, key, rest = _route(environ["PATH_INFO"])
        if system == "link" and rest:
            return self._described(key, rest) if environ["REQUEST_METHOD"] == "GET" else NOT_HERE
        if environ["REQUEST_METHOD"] not in METHODS.get(system, ()):
            return Response(405, b"Use POST.") if system in METHODS else NOT_HERE
        guesser, known = self._guesser(system, key, environ)
        if self.limits.held(guesser, known):
            self.count(f"refused.{SLOW.status}")
            return SLOW
        body = read(environ)
        if isinstance(body, Response):
            self.count(f"refused.{body.status}")
            return body
        request = RawRequest(
            environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("QUERY_STRING", ""), _headers(environ), body
        )
        try:
            door = self.doors.verified(system, key, request)
            if guesser:
                self.limits.right(known)
            if rest == OPTIONS:
                return self._options(door, request)
            if request.method == "POST":
                self.intake.submit(door.account, request.headers, body, self.clock.now())
        except NotAuthentic:
            self.count(f"refused.{system}")
            self.limits.wrong(guesser)
            return REFUSED
        except Rejected as error:  # authentic, and of no use to us: the caller can mend it
            self.count(f"refused.{system}")
            return Response(400, str(error).encode())
        except TryAgain as error:
            log.warning("answered 503: %s", error)
            return LATER
        return door.webhook.answer(request)

    def _guesser(self, system: str, key: str, environ: Environ) -> tuple[str, str]:
        """Who may be guessing a link's secret, and who knows it; the vendors sign, there is nothing to guess."""
        where = callers.address(environ, self.hops) if system == "link" else ""
        network = callers.network(where, self.public_url) if where else ""
        return (f"link {network}", f"{key} {network}") if network else ("", "")

    def _options(self, door: Door, request: RawRequest) -> Response:
        """What an admin may pick while a workflow is made: answered from what is there now, never stored."""
        if not isinstance(door.webhook, OptionsWebhook):
            return NOT_HERE
        return door.webhook.options(request, self.choices(door.name))

    def _described(self, key: str, rest: str) -> Response:
        """What a trigger link takes; whether it exists is nobody's business."""
        if rest != DESCRIPTION:
            return NOT_HERE
        return Response(200, described(self.public_url, key), "application/json")


def hooks(next_app: Callable[..., Iterable[bytes]], the_hooks: Hooks) -> WSGI:
    """`the_hooks` under /hooks/, `next_app` for all the rest."""

    def app(environ: Environ, start: Start) -> Iterable[bytes]:
        if not environ["PATH_INFO"].startswith(PREFIX):
            return next_app(environ, start)
        response = the_hooks.answer(environ)
        headers = [("Content-Type", response.content_type), ("Content-Length", str(len(response.body)))]
        if response.status in AGAIN:
            headers.append(("Retry-After", AGAIN[response.status]))
        start(STATUS[response.status], headers)
        return [response.body]

    return app


STATUS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


def _route(path: str) -> tuple[str, str, str]:
    """(system, account, rest) of /hooks/<system>/<account>; a CRM's and a link's may go on. ("", "", "") = no hook."""
    parts = path.split("/")
    known = len(parts) == 4 or (len(parts) > 4 and parts[2] in DEEPER)
    return (parts[2], parts[3], "/".join(parts[4:])) if known and parts[3] else ("", "", "")


def read(environ: Environ) -> bytes | Response:
    """The whole body, at most LARGEST bytes whatever its length says (or does not say, when it comes in chunks)."""
    given = environ.get("CONTENT_LENGTH") or ""
    if given and not (given.isascii() and given.isdigit()):
        return BROKEN
    length = int(given[:20] or 0)
    if length > PATIENCE:
        return TOO_LARGE
    stream, size = environ["wsgi.input"], 0
    parts: list[bytes] = []
    while size <= PATIENCE and (part := stream.read(PIECE)):
        size += len(part)
        if size <= LARGEST:
            parts.append(part)
    if size > LARGEST:
        return TOO_LARGE
    return BROKEN if given and size != length else b"".join(parts)


def _headers(environ: Environ) -> dict[str, str]:
    """The request's headers, names in lower case."""
    found = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name[:5] == "HTTP_"}
    found["content-type"] = environ.get("CONTENT_TYPE") or ""
    found[QUERY] = (environ.get("QUERY_STRING") or "")[:LONGEST_QUERY]  # whatever a caller sent under this name
    return found
