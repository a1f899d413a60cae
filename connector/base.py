"""What every process of ours has: settings, store, keys, accounts and their webhooks. Loads no SDK and no language."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from connector import crm, webhooks, whatsapp
from connector.config import Config
from connector.ports import Account, Bell, Manifest, Webhook
from connector.store import accounts
from connector.store.engine import Store, open_store
from connector.store.journal import Journal
from connector.store.secrets import Keyring


class SystemClock:
    """The host's clock, UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def kinds() -> dict[str, Manifest]:
    """Every system that can be connected, by kind."""
    crms = {kind: crm.manifest(kind) for kind in sorted(crm_kinds())}
    return {whatsapp.MANIFEST.kind: whatsapp.MANIFEST} | crms | {webhooks.MANIFEST.kind: webhooks.MANIFEST}


@cache
def crm_kinds() -> frozenset[str]:
    """The kinds that are CRMs; packages are looked for once."""
    return frozenset(crm.kinds())


def owner_ids(kind: str, settings: Mapping[str, Any]) -> list[str]:
    """How the vendor names the account in what it sends."""
    manifest = kinds().get(kind)  # a trigger link has none
    return [] if manifest is None else manifest.owner_ids(settings)


def webhook(account: Account) -> Webhook:
    """The account's webhook side; loads no SDK."""
    ours = {whatsapp.MANIFEST.kind: whatsapp.webhook, webhooks.LINK: webhooks.webhook}
    return ours.get(account.kind, crm.webhook)(account)


def hook_path(account: Account) -> str:
    """The path its webhooks come to, with its secret where it has one; "" for what we call and nobody calls."""
    if account.kind == webhooks.MANIFEST.kind:
        return ""
    place = "crm" if account.kind in crm_kinds() else account.kind
    secret = account.secrets.get("hook_secret")
    return f"/hooks/{place}/{account.name}" + (f"/{secret}" if secret else "")


def _journal(config: Config) -> Journal | None:
    """Kept a day longer than the oldest nightly backup."""
    if config.journal_dir is None:
        return None
    return Journal(config.journal_dir, config.backup_key, config.backup_keep + 1)


class Base:
    """One process's connections; the caller closes them."""

    def __init__(self, config: Config, bell: Bell) -> None:
        self.config = config
        self.bell = bell
        self.clock = SystemClock()
        self.store: Store = open_store(config.database_url, home=config.home, media=config.media_dir)
        self.keyring: Keyring = config.keyring()
        self.store.keyring = self.keyring
        self.store.journal = _journal(config)
        self.store.erased_in = tuple(one for one in (config.backup_dir, config.journal_dir) if one)
        self._webhooks: dict[str, tuple[Account, Webhook]] = {}

    def close(self) -> None:
        self.store.close()

    def accounts(self) -> list[Account]:
        with self.store.read() as conn:
            return accounts.all_accounts(conn, self.keyring)

    def account(self, name: str) -> Account | None:
        """By name or id."""
        with self.store.read() as conn:
            return accounts.get(conn, self.keyring, name)

    def webhook(self, account: Account) -> Webhook:
        """The account's webhook side, kept while the account stays the same."""
        known = self._webhooks.get(account.id)
        if known is None or known[0] != account:
            known = self._webhooks[account.id] = (account, webhook(account))
        return known[1]
