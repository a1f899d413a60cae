"""What the pipeline asks of the outside: adapters and the store implement these, the pipeline names only these."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from connector.core.changes import Outcome
from connector.core.contact import Record, Value
from connector.core.events import Event
from connector.core.template import Template


# ---- accounts and their forms ------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Flag:
    """One value an account is made of: `--name` on the command line, `CONNECTOR_<ACCOUNT>_<NAME>`, a form field."""

    name: str  # client-secret
    label: str
    secret: bool = False
    required: bool = True
    help: str = ""
    default: str = ""


# How a CRM's texts are to be read; every CRM's manifest ends with these.
PLACE_FLAGS = (
    Flag("country", "Country of phone numbers without +", required=False, help="Two letters, e.g. CO"),
    Flag("locale", "How numbers and dates are written", required=False, help="e.g. es_CO; else 03/04 is ambiguous"),
    Flag("time-zone", "Time zone of the business", required=False, help="e.g. America/Bogota"),
    Flag(
        "consent-field", "Field with the marketing consent", required=False,
        help="A yes/no field of the contact's record; kept in step with what people tell us on WhatsApp, both ways",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Manifest:
    """What each adapter folder's `__init__` says of itself without importing an SDK."""

    kind: str  # whatsapp hubspot salesforce
    title: str
    flags: tuple[Flag, ...]
    hosts: tuple[str, ...]  # allow-listed suffixes for base-url and instance urls; loopback is always allowed
    crm: bool = True
    hook_secret: bool = False  # its calls cannot be signed: the hook's path ends in a 256-bit secret of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One connected system. `settings` are plain, `secrets` are decrypted and never shown or logged."""

    id: str
    kind: str
    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    state: str = "ok"
    reason: str = ""


Token = Mapping[str, Any]  # at least `access_token`; adapters add what they need (instance_url, refresh_token, ...)


class Tokens(Protocol):
    """The stored access token of one account; one refresh at a time over all processes, the new one stored first."""

    def current(self) -> Token | None: ...

    def refresh(self, stale: str | None, fetch: Callable[[Token | None], Token]) -> Token:
        """Under the account's token lock: the stored token unless it is `stale`; else fetch(stored), stored first."""
        ...


# ---- webhooks ----------------------------------------------------------------------------------------------------
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


# ---- CRM ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the pipeline must know of one CRM."""

    batch: int  # records per write call
    read_batch: int  # records per read by id
    object: str  # the default object for a contact
    identity: Mapping[str, str]  # wa_id -> whatsapp_id, user_id -> whatsapp_user_id
    objects: Mapping[str, str] = field(default_factory=dict)  # the language's word -> the CRM's: deal -> deals
    repeatable: frozenset[str] = frozenset()  # activity kinds safe to write twice (they carry an external id)
    locale: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactKey:
    """One contact to be found: by `record` (object, id) when linked, else as `find_by` allows, in `objects` order."""

    contact: str
    objects: tuple[str, ...]
    find_by: tuple[str, ...] = ("whatsapp", "phone")
    record: tuple[str, str] | None = None
    wa_id: str | None = None
    user_id: str | None = None
    phones: tuple[str, ...] = ()  # every E.164 spelling, the likeliest first
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordChange:
    """All fields of one record, merged. `record` None = upsert by our unique field (`wa_id`, else `user_id`)."""

    id: str  # our own trace id, unique in the call
    object: str
    record: str | None = None
    wa_id: str | None = None
    user_id: str | None = None
    fields: Mapping[str, Value] = field(default_factory=dict)  # absolute; None empties
    name: str = ""  # only for a newcomer: the WhatsApp profile name
    phone: str | None = None  # only for a newcomer: E.164


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityChange:
    """One timeline entry or task. `ref` is our own short id, kept on the entry so that it can be looked for."""

    id: str
    ref: str
    kind: str  # message note task
    object: str
    record: str
    at: datetime
    title: str = ""
    text: str = ""
    owner: str = ""  # "owner" or an e-mail (tasks)
    look_first: bool = False  # an earlier try may have arrived: look for `ref` on the record before it is repeated


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionDone:
    """What a workflow that waits for us shall hear. `values` become the action's outputs."""

    id: str
    callback: str
    ok: bool
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a CRM object.

    `type`: text number integer boolean date datetime choice choices phone email url reference."""

    name: str
    label: str
    type: str
    writable: bool = True
    required: bool = False
    options: tuple[tuple[str, str], ...] = ()  # (value, label) in the CRM's order
    open_options: bool = False  # values outside `options` are accepted
    max_length: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    rules: tuple[str, ...] = ()  # the CRM's validation rules in plain words
    pattern: str | None = None  # RE2
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding of a connection check. `fix` True = `accounts check --fix` can mend it."""

    code: str
    message: str
    hint: str = ""
    fix: bool = False


@dataclass(frozen=True, slots=True)
class Where:
    """One condition of a query. `op`: eq ne ge lt; `field` "" = when the record was last modified (value: datetime)."""

    field: str
    op: str
    value: Value | datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Some records of a query, oldest change first when asked by modification; `after` "" = the last page."""

    records: tuple[Record, ...]
    after: str = ""
    total: int | None = None  # of the whole query, where the CRM says


@dataclass(frozen=True, slots=True)
class Related:
    """A record that another is associated with."""

    object: str
    id: str
    primary: bool = False


class CRM(Protocol):
    """One CRM account. Every call may raise Busy, Unreachable, NotAllowed; one bad row never raises."""

    can: Capabilities

    def check(self, *, fix: bool = False) -> list[Issue]: ...

    def fields(self, object: str) -> list[Field]: ...

    def find(self, keys: Sequence[ContactKey], fields: Sequence[str]) -> dict[ContactKey, list[Record]]:
        """Every key is in the answer (an empty list = nobody); every phone hit is verified locally."""
        ...

    def write(self, changes: Sequence[RecordChange | ActivityChange]) -> list[Outcome]:
        """Same length, same order. At most `can.batch` changes of one object and class (activities: of one kind)."""
        ...

    def read(self, object: str, ids: Sequence[str], fields: Sequence[str]) -> dict[str, Record]:
        """By id, any number of ids; deleted ones are absent. A merged or converted one comes with `was`."""
        ...

    def related(self, object: str, ids: Sequence[str], to: str) -> dict[str, list[Related]]:
        """The associated records of object `to` of each; every id is in the answer."""
        ...

    def query(self, object: str, where: Sequence[Where], fields: Sequence[str], *, after: str = "") -> Page:
        """Records that meet every condition, a page at a time."""
        ...

    def complete(self, actions: Sequence[ActionDone]) -> list[Outcome]:
        """Lets workflows go on that wait for us; a CRM without such workflows refuses each."""
        ...


# ---- WhatsApp ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundMessage:
    """One message to one person: `to` is +E.164; where no phone is known, `user_id` is the BSUID."""

    to: str | None
    user_id: str | None
    body: Mapping[str, Any]  # {"type": "text", "text": {...}}
    reply_to: str | None = None  # wamid


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
        """One request, never repeated in here; `key` is our send id. Never raises: every fault is an outcome."""
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


# ---- locks, bell, clock ------------------------------------------------------------------------------------------
class Locks(Protocol):
    """Named locks that die with the process; they give order and spare work, correctness is a compare-and-set."""

    def hold(self, names: Sequence[str]) -> AbstractContextManager[frozenset[str]]:
        """Take as many of `names` as are free, never waiting; the ones taken are released at exit."""
        ...


class Bell(Protocol):
    """A hint that work waits under `name`; lost rings cost latency only."""

    def ring(self, *names: str) -> None: ...

    def heard(self, name: str) -> None:
        """A drain's first act."""
        ...

    def waiting(self) -> bool:
        """Another drain waits for a worker: stop at the next row boundary and ring again."""
        ...


class Clock(Protocol):
    def now(self) -> datetime: ...
