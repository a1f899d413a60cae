"""Accounts: what each is made of, its forms, its tokens."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from connector.ports.packages import Package

# Stands for the hook's address in files a worker made: its secret is not kept with them.
HOOK_MARK = "/hooks/crm/-hook-with-its-secret-"
CONSENT = "oauth"  # the setting of an account that works by a person's leave, or waits for it


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


def nowhere(_: Mapping[str, Any], __: str, ___: str) -> str:
    """A system without pages for its records."""
    return ""


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person's browser takes along when it asks the vendor for leave."""

    redirect_uri: str
    state: str
    challenge: str  # PKCE, S256


@dataclass(frozen=True, slots=True)
class Granted:
    """What the browser came back with, for one exchange."""

    code: str = field(repr=False)
    verifier: str = field(repr=False)  # PKCE
    redirect_uri: str = ""


@dataclass(frozen=True, slots=True)
class OAuth:
    """How a person gives us leave in the vendor's own screens, instead of a token that they paste."""

    # (settings, consent) -> the address to send the browser to. Raises NotAllowed for one that may not be
    link: Callable[[Mapping[str, Any], Consent], str]
    needs: tuple[str, ...] = ("client-id", "client-secret")  # flags that must be filled in for it
    instead_of: str = ""  # the flag that is not needed then


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """What a new document of the console begins with in this CRM: the names of its own fields."""

    record: str = "record"  # a record that moves, as documents call it, with the move: deal.stage becomes won
    field: str = "status"
    value: str = "ready"
    first_name: str = "name"
    answers: tuple[str, ...] = ()  # fields where an answer can be kept, the best first; the first there is, is taken
    phones: tuple[str, ...] = ("phone",)


@dataclass(frozen=True, slots=True)
class StandIn:
    """The account that the sandbox plays: everyone may know it."""

    service: str  # what the sandbox calls the system
    settings: Mapping[str, str]  # its base_url is a path of the sandbox
    secrets: Mapping[str, str]


def as_it_is(id_: str) -> tuple[str, ...]:
    """An id that a vendor writes in one way only."""
    return (id_,)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What each adapter folder's `__init__` says of itself without importing an SDK."""

    kind: str  # the name of its folder
    title: str
    flags: tuple[Flag, ...]
    hosts: tuple[str, ...]  # allow-listed suffixes for base-url and instance urls; loopback is always allowed
    crm: bool = True
    hook_secret: bool = False  # its calls cannot be signed: the hook's path ends in a 256-bit secret of ours
    # (settings, object, record id) -> the page of a record in the CRM's own screens, "" where that cannot be told
    record_url: Callable[[Mapping[str, Any], str, str], str] = nowhere
    oauth: OAuth | None = None
    revoke_by_hand: str = ""  # where a person takes our leave back, when the vendor's API did not
    owners: tuple[str, ...] = ()  # settings that hold how the vendor names the account in what it sends: portal_id
    owner_spellings: Callable[[str], tuple[str, ...]] = as_it_is  # every way it writes such an id
    words: Path | None = None  # what the console says of it, a TOML file: docs/developers.md
    starter: Starter = field(default_factory=Starter)
    audiences: tuple[str, ...] = ()  # kinds of lists of people that it has: list report view query
    campaigns: bool = False  # what became of a broadcast's messages can be told to its campaigns
    package: Package | None = None  # what the system itself needs of us, as files
    stand_in: StandIn | None = None

    def split(self, given: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """(settings, secrets) of a filled form or command line; names are written with - or _, kept with _."""
        values = {name.replace("-", "_"): value.strip() for name, value in given.items()}
        hidden = {flag.name.replace("-", "_") for flag in self.flags if flag.secret}
        return {k: v for k, v in values.items() if k not in hidden}, {k: v for k, v in values.items() if k in hidden}

    def owner_ids(self, settings: Mapping[str, Any]) -> list[str]:
        """How the vendor may name an account with these settings; names are written with - or _."""
        given = {name.replace("-", "_"): str(value) for name, value in settings.items() if value}
        return [spelt for name in self.owners if name in given for spelt in self.owner_spellings(given[name])]


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
    """The stored token of one account. One refresh at a time over all processes; what it gives is stored before use."""

    def current(self) -> Token | None: ...

    def refresh(self, stale: str | None, fetch: Callable[[Token | None], Token]) -> Token:
        """Under the account's token lock: the stored token unless it is `stale`; else fetch(stored), stored first."""
        ...
