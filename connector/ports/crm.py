"""A CRM: records, what is written to them, what they are about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from connector.core.audience import Source
from connector.core.changes import Outcome
from connector.core.contact import Record, Value
from connector.ports.files import StoredFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the pipeline must know of one CRM."""

    batch: int  # records per write call
    read_batch: int  # records per read by id
    object: str  # the default object for a contact
    identity: Mapping[str, str]  # wa_id -> whatsapp_id, user_id -> whatsapp_user_id
    objects: Mapping[str, str] = field(default_factory=dict)  # the language's word -> the CRM's: deal -> deals
    names: tuple[str, ...] = ("name",)  # fields that make up a person's name, where they were read
    phone: str = "phone"  # the field with a person's phone
    audiences: tuple[str, ...] = ()  # kinds of lists of people: list report view query
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
    former: str = ""  # the ref that the release before this one gave it: it is looked for as well


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """A customer's file on its way to their record. `ref` is kept with it, so that it is found, not repeated."""

    id: str
    ref: str
    object: str
    record: str
    at: datetime
    file: StoredFile
    text: str = ""  # the caption
    look_first: bool = False  # an earlier try may have arrived
    former: str = ""  # as of an entry


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
    at: datetime | None = None  # when it begins to matter, where that is known


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
class Audience:
    """One list of people that a CRM has: `kind` and `id` or `name` make a Source of it."""

    kind: str  # list report view
    id: str
    name: str
    size: int | None = None  # as the CRM last counted


@dataclass(frozen=True, slots=True)
class Member:
    """What became of one person's message, for a campaign of the CRM. `status`: sent answered."""

    object: str
    record: str
    status: str


@dataclass(frozen=True, slots=True)
class Related:
    """A record that another is associated with."""

    object: str
    id: str
    primary: bool = False


class CRM(Protocol):
    """One CRM account. Every call may raise Busy, Unreachable, NotAllowed; one bad row never raises.

    Right before bytes leave an adapter calls `fence.ask()`; the Late that this may raise goes through to the caller."""

    can: Capabilities

    def check(self, *, fix: bool = False) -> list[Issue]: ...

    def whoami(self) -> Mapping[str, str]:
        """Whom the credentials belong to, under the names of settings: portal_id, or org_id and user_id."""
        ...

    def used(self) -> Mapping[str, tuple[int, int]]:
        """{limit: (calls used, calls allowed)} as the last answers said; {} before the first."""
        ...

    def fields(self, object: str) -> list[Field]: ...

    def find(self, keys: Sequence[ContactKey], fields: Sequence[str]) -> dict[ContactKey, list[Record]]:
        """Every key is in the answer (an empty list = nobody); every phone hit is verified locally."""
        ...

    def write(self, changes: Sequence[RecordChange | ActivityChange]) -> list[Outcome]:
        """Same length, same order. At most `can.batch` changes of one object and class (activities: of one kind)."""
        ...

    def attach(self, files: Sequence[FileChange]) -> list[Outcome]:
        """Files on records, each once. Same length, same order; `activity` is the entry that carries the file."""
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

    def audiences(self, kind: str, text: str = "") -> list[Audience]:
        """The lists of people there are of one kind (`can.audiences`), whose name begins with this; at most 100."""
        ...

    def audience(self, source: Source, fields: Sequence[str], *, after: str = "") -> Page:
        """The people of a list, a page at a time, each once a page. Raises NotFound, Rejected with what to mend."""
        ...

    def enrol(self, campaign: str, members: Sequence[Member]) -> list[Outcome]:
        """Members of a campaign with their status, one outcome each; Rejected where the CRM has no such thing."""
        ...

    def complete(self, actions: Sequence[ActionDone]) -> list[Outcome]:
        """Lets workflows go on that wait for us; a CRM without such workflows refuses each."""
        ...
