"""The CRM adapters: one folder each, the same four names in each folder; nothing is imported until it is asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from connector.core.address import refusal
from connector.errors import NotAllowed, Rejected
from connector.ports import CRM, Account, Deployed, Files, Granted, Manifest, Packing, Token, Tokens, Webhook

# A new CRM is one folder and one line here; a CRM of another package is an entry point of the group `connector.crm`.
KINDS = {
    "hubspot": "connector.crm.hubspot",
    "salesforce": "connector.crm.salesforce",
}
GROUP = "connector.crm"


def kinds() -> tuple[str, ...]:
    """Every kind that can be connected: ours, then those of installed packages."""
    return tuple(KINDS) + tuple(sorted({entry.name for entry in entry_points(group=GROUP)} - set(KINDS)))


def manifest(kind: str) -> Manifest:
    """What the folder says of itself; imports no SDK."""
    return _folder(kind).manifest


def connect(account: Account, tokens: Tokens) -> CRM:
    """The adapter of one account (imports its SDK). Thread-safe; keep one per account and process."""
    return _folder(account.kind).connect(account, tokens)


def webhook(account: Account) -> Webhook:
    """The reader of what this CRM calls us with; imports no SDK."""
    return _folder(account.kind).webhook(account)


def exchange(account: Account, granted: Granted) -> Token:
    """The first tokens of an account whose manifest has `oauth` (imports its SDK)."""
    found = _folder(account.kind).exchange
    if found is None:
        raise NotAllowed(f"{account.kind} cannot be connected that way.", hint="Use its token.", code="no_oauth")
    return found(account, granted)


def revoke(account: Account, token: Token | None) -> bool:
    """Takes our leave back at the vendor; False when there is nothing there that could be. Raises as `exchange`."""
    found = _folder(account.kind).revoke
    if found is None or not token:
        return False
    found(account, token)
    return True


def pack(wanted: Packing) -> Files:
    """The files that the system itself needs of us (may ask it). Raises Rejected for a CRM that needs none."""
    found = _folder(wanted.account.kind).pack
    if found is None:
        raise Rejected(f"There is no package for {wanted.account.kind}.", code="no_package")
    return found(wanted)


def deploy(wanted: Packing, files: Files) -> Deployed:
    """Puts them in place, where the manifest's package says that it can be done. Raises NotAllowed, Rejected."""
    found = _folder(wanted.account.kind).deploy
    if found is None:
        raise Rejected(f"{wanted.account.kind} takes no package from here.", code="no_deploy")
    return found(wanted, files)


@dataclass(frozen=True, slots=True)
class _Folder:
    """The names every folder has, as they were when it was imported: its module `webhook` would hide its function."""

    manifest: Manifest
    connect: Callable[[Account, Tokens], CRM]
    webhook: Callable[[Account], Webhook]
    exchange: Callable[[Account, Granted], Token] | None = None  # only of a manifest with `oauth`
    revoke: Callable[[Account, Token], None] | None = None
    pack: Callable[[Packing], Files] | None = None  # only of a manifest with `package`
    deploy: Callable[[Packing, Files], Deployed] | None = None


@cache
def _folder(kind: str) -> _Folder:
    path = KINDS.get(kind) or next((entry.value for entry in entry_points(group=GROUP) if entry.name == kind), None)
    if path is None:
        raise NotAllowed(
            f"There is no CRM of kind {kind!r}.", hint=f"Known: {', '.join(kinds())}.", code="unknown_kind"
        )
    module = import_module(path)
    more = (getattr(module, name, None) for name in ("exchange", "revoke", "pack", "deploy"))
    return _Folder(module.MANIFEST, module.connect, module.webhook, *more)


def value(values: Mapping[str, object], name: str, default: str = "") -> str:
    """A flag's value as text, under its own name (`base-url`) or as a Python name (`base_url`)."""
    found = values.get(name) or values.get(name.replace("-", "_")) or default
    return str(found).strip()


def base_url(text: str, hosts: tuple[str, ...]) -> str:
    """The address without its last slash: https on a host of `hosts` or below it, or loopback; else NotAllowed.

    It may have a path prefix but no version, user, query or fragment: a token is sent there, so it is no free choice.
    """
    problem = refusal(text, hosts)
    if problem:
        raise NotAllowed(f"The base-url is refused: {problem}.", hint=f"Allowed: {', '.join(hosts)}.", code="base_url")
    return text.rstrip("/")
