"""What a CRM itself needs of us, as files to upload there: what its manifest says of them, what they are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connector.ports.accounts import Account, Tokens

Files = Mapping[str, str]  # {path: text}


@dataclass(frozen=True, slots=True)
class Switch:
    """One choice of the command that writes the files."""

    name: str  # no-workflows
    help: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """`connector <kind> package`, and the button of the account's page. The folder's `pack` makes the files."""

    about: str  # in a line, of all commands of this CRM
    help: str  # of this one
    after: str  # what a person does with the files; {out} is their folder
    switches: tuple[Switch, ...] = ()
    deploys: str = ""  # what --deploy does; the folder's `deploy` does it. "" = it cannot be done from here


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """What the files of one account are made of."""

    account: "Account"
    url: str  # our public address
    hook: str  # the path of its webhooks, with its secret where it has one
    watched: Mapping[str, Sequence[str]]  # {record word: fields} that its live documents wait for
    sends: Sequence[str]  # the names of its live send: documents
    tokens: "Tokens"
    switches: frozenset[str] = frozenset()  # those that are on


@dataclass(frozen=True, slots=True)
class Deployed:
    """What became of a deployment; `problems` are in the CRM's own words, each with its component."""

    ok: bool
    id: str = ""
    state: str = ""  # as the CRM calls it, or "" when we stopped waiting
    problems: tuple[str, ...] = ()
