"""WhatsApp: one message out, templates, numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol

from connector.core.template import Template
from connector.ports.crm import Issue
from connector.ports.files import FetchedFile, StoredFile


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundMessage:
    """One message to one person: `to` is +E.164; where no phone is known, `user_id` is the BSUID."""

    to: str | None
    user_id: str | None
    body: Mapping[str, Any]  # {"message": a neutral message}, or Graph's own {"type": "template", ...}
    reply_to: str | None = None  # wamid
    files: Mapping[str, str] = field(default_factory=dict)  # key of a stored file -> the id WhatsApp gave it


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What one request came to, by the code table. Only `accepted` has a wamid.

    `outcome`: accepted · not_sent (never left us) · again (S: refused before it was sent) · park (W) · failed (N) ·
    unknown (Q, a time-out, a reset, an unreadable answer: it may have been sent)."""

    outcome: str
    wamid: str = ""
    held: str = ""  # held_for_quality_assessment | paused: accepted, but Meta keeps it back
    wa_id: str | None = None  # Meta's own spelling of the phone
    user_id: str | None = None
    code: int | None = None
    text: str = ""  # plain words
    who: str = ""  # you Meta CRM customer
    park: str = ""  # account number template contact: what must wait besides this message
    wait: float | None = None  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberState:
    """One number as Meta shows it. `limit`: people outside the window in 24 hours; None = unlimited or not said."""

    id: str
    display: str = ""
    verified_name: str = ""
    official: bool = False
    quality: str = ""
    status: str = ""
    name_status: str = ""
    throughput: int = 80  # messages a second
    limit: int | None = None
    tier: str = ""
    health: str = ""  # AVAILABLE LIMITED BLOCKED
    problems: tuple[str, ...] = ()


class Messenger(Protocol):
    """One WhatsApp business account. Everything but `send` may raise Busy, Unreachable, NotAllowed, GiveUp."""

    def check(self, *, fix: bool = False) -> list[Issue]: ...

    def close(self) -> None:
        """Gives the connections back."""
        ...

    def send(self, message: OutboundMessage, key: str) -> Receipt:
        """One request, never repeated in here; `key` is our send id. Every fault is an outcome; only fence.Late is
        raised: the sender's own word that it must not leave."""
        ...

    def upload(self, file: StoredFile) -> str:
        """The id WhatsApp gives a file of ours; good for 30 days, for this number only."""
        ...

    def download(self, media_id: str, into: BinaryIO, *, declared: str = "", sha256: str = "") -> FetchedFile:
        """A customer's file, checked against its declared type and hash. NotFound: WhatsApp has it no more."""
        ...

    def fetch(self, url: str, into: BinaryIO, most: int) -> FetchedFile:
        """A file of ours from a public address; no token goes with it."""
        ...

    def mark_read(self, wamid: str, *, typing: bool = False) -> None:
        """The customer sees that we have read it, and that we are writing (for 25 s at most)."""
        ...

    def templates(self) -> list[Template]:
        """All of the account, over all pages."""
        ...

    def create_template(self, body: Mapping[str, Any]) -> Template:
        """Submits one for review: {name, language, category, parameter_format?, components}."""
        ...

    def edit_template(self, template_id: str, body: Mapping[str, Any]) -> None:
        """Replaces all its components; reviewed anew."""
        ...

    def delete_template(self, name: str, template_id: str = "") -> None:
        """One language by its id, else every language."""
        ...

    def number(self) -> NumberState: ...

    def profile(self) -> dict[str, Any]:
        """about address description email websites vertical profile_picture_url."""
        ...

    def update_profile(self, values: Mapping[str, Any]) -> None:
        """Changes these; limits are checked first."""
        ...
