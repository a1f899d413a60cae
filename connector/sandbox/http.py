"""What a stand-in sees of HTTP: a request, a response, and the shape every service has."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

Json = Any  # whatever json.loads gives back
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. Header names are lower-case; `path` is percent-decoded and, for a service, below its prefix.

    `target` is the path with its query exactly as it was sent, prefix included. `base` is the service's own address
    (`http://127.0.0.1:8010/hubspot`), for answers that carry links.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    target: str = ""
    base: str = ""

    def json(self) -> Json:
        """The body as JSON; ValueError when it is not. An empty body is None."""
        if not self.body:
            return None
        try:
            return json.loads(self.body)
        except RecursionError as deep:
            raise ValueError("the JSON is nested too deep") from deep


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. `record` names what the request touched, for the ledger: an id, or a list of ids for a batch.

    `seconds` is how long the answer takes once the work is done and in the ledger.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    record: str | Sequence[str] | None = None
    seconds: float = 0.0


def answer(
    document: Json,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    record: str | Sequence[str] | None = None,
) -> Response:
    """A JSON response."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status, body, {"Content-Type": "application/json; charset=UTF-8", **(headers or {})}, record)


class Service(Protocol):
    """A stand-in: one vendor's API under one prefix, all its state in memory, safe under many threads."""

    name: str  # graph, hubspot, salesforce: also its name in the ledger and under /_records
    prefix: str  # "/hubspot"

    def handle(self, request: Request, /) -> Response:
        """Answer one API call, refusals included; never raises for what a caller sent."""

    def reset(self) -> None:
        """Back to the seed."""

    def limited(self, request: Request, /) -> Response:
        """How this vendor says "too many requests"."""

    def expired(self, request: Request, /) -> Response:
        """How this vendor says "this token is no longer valid"."""

    def records(self, object: str) -> list[Record]:
        """All records of one object; KeyError when there is no such object."""

    def record(self, object: str, id: str) -> Record:
        """One record; KeyError when there is none."""

    def change(self, object: str, id: str, fields: Mapping[str, Any]) -> Record:
        """Change a record as a person in the vendor's own screens would, webhooks included.

        KeyError when there is no such record, ValueError for fields it cannot have.
        """


@runtime_checkable
class Refusing(Protocol):
    """A stand-in whose vendor numbers its refusals."""

    def refused(self, code: int, /) -> Response:
        """The refusal with this code."""


@runtime_checkable
class Granting(Protocol):
    """A stand-in that gives access tokens which end."""

    def expire(self) -> int:
        """Ends all of them; how many there were."""
