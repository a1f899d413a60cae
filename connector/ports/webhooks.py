"""Webhooks: who may call us, what a call means, and what the caller hears."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from connector.core.events import Event


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A call as it came: header names in lower case, the body untouched."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Routed:
    """One item of a delivery: the event, and whose it is in the vendor's words (phone_number_id, WABA id, portalId)."""

    event: Event
    owner: str  # "" = whatever account received it


class Webhook(Protocol):
    """In `webhook.py` of each system; imports no SDK."""

    def verify(self, request: RawRequest) -> None:
        """Raises NotAuthentic, in constant time."""
        ...

    def parse(self, body: bytes, headers: Mapping[str, str]) -> list[Routed]:
        """Every item of every batch. Raises ValueError only when the body as a whole is not JSON (or XML)."""
        ...

    def answer(self, request: RawRequest) -> Response:
        """What the caller must hear once the bytes are safe."""
        ...


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a list that an admin picks from while a workflow is made."""

    value: str
    label: str
    description: str = ""


Choices = Mapping[str, Sequence[Choice]]  # template: approved ones, name:language · document: live send: documents


@runtime_checkable
class OptionsWebhook(Protocol):
    """A webhook that is also asked what there is to pick from (`/options`); such a call is answered, never stored."""

    def options(self, request: RawRequest, choices: Choices) -> Response: ...
