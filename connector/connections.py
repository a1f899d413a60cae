"""What a worker is connected to: CRMs and WhatsApp by account, their fields and templates; and new accounts."""

import secrets as secret_token
from collections.abc import Sequence
from dataclasses import dataclass

from connector import crm, errors, whatsapp
from connector.base import Base, crm_kinds, owner_ids
from connector.config import Config
from connector.core.documents import Document
from connector.core.template import Template
from connector.pipeline.documents import publish, schema, templates
from connector.pipeline.documents.library import Library
from connector.pipeline.intake.unpack import Directory
from connector.pipeline.people import places
from connector.ports import CONSENT, CRM, Account, Bell, Field, Manifest, Messenger
from connector.store import accounts


def messenger(account: Account) -> Messenger:
    """The account's sending side."""
    return whatsapp.connect(account)


def _merged(
    old: Account, manifest: Manifest, settings: dict[str, str], secrets: dict[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """The same account with what is given; a pasted token ends a person's leave."""
    merged = {**old.settings, **settings}
    if manifest.oauth and secrets.get(manifest.oauth.instead_of.replace("-", "_")):
        merged.pop(CONSENT, None)
    return merged, {**old.secrets, **secrets}


@dataclass(slots=True)
class _Connected:
    account: Account
    crm: CRM


@dataclass(slots=True)
class _Speaking:
    account: Account
    messenger: Messenger


class Connections(Base):
    """One process's accounts, connected when they are first asked for and anew when they were changed."""

    def __init__(self, config: Config, bell: Bell) -> None:
        super().__init__(config, bell)
        self.library = Library(self.store)
        self._crms: dict[str, _Connected] = {}
        self._messengers: dict[str, _Speaking] = {}

    def close(self) -> None:
        for speaking in self._messengers.values():
            speaking.messenger.close()
        super().close()

    def directory(self) -> Directory:
        """Everybody who is connected, as unpack needs them."""
        with self.store.read() as conn:
            everyone = accounts.all_accounts(conn, self.keyring)
            owners = accounts.owners(conn, owner_ids, everyone)
        crms = {a.name: a.id for a in everyone if a.kind in crm_kinds()}
        links = {a.id: crms[a.settings["crm"]] for a in everyone if a.kind == "link" and a.settings["crm"] in crms}
        told = frozenset(a.id for a in everyone if owner_ids(a.kind, a.settings))
        return Directory({a.id: a for a in everyone}, owners, tuple(sorted(crms.values())), links, told)

    def crm(self, account: Account) -> CRM:
        """The connected CRM; connected anew when the account was changed."""
        known = self._crms.get(account.id)
        if known is None or (known.account.settings, known.account.secrets) != (account.settings, account.secrets):
            tokens = accounts.tokens(self.store, self.keyring, account.id)
            known = self._crms[account.id] = _Connected(account, crm.connect(account, tokens))
        return known.crm

    def used(self) -> dict[str, dict[str, tuple[int, int]]]:
        """{account: {limit: (used, allowed)}} as the last answers of the connected CRMs said."""
        return {id_: dict(known.crm.used()) for id_, known in self._crms.items()}

    def messenger(self, account: Account) -> Messenger:
        """The account's sending side; connected anew when the account was changed."""
        known = self._messengers.get(account.id)
        if known is None or (known.account.settings, known.account.secrets) != (account.settings, account.secrets):
            if known is not None:
                known.messenger.close()
            known = self._messengers[account.id] = _Speaking(account, messenger(account))
        return known.messenger

    def prepare(self, manifest: Manifest, name: str, settings: dict[str, str], secrets: dict[str, str]) -> Account:
        """The account as it would be stored, its address checked; id "" = new. The same name changes what is given."""
        if settings.get("base_url"):
            settings = {**settings, "base_url": crm.base_url(settings["base_url"], manifest.hosts)}
        places.check(settings)
        old = self._opened(name)
        if old is not None and old.kind != manifest.kind:
            raise errors.Rejected(f"{name!r} is a {old.kind} account.", hint="Choose another name.", code="kind")
        if old is not None:
            settings, secrets = _merged(old, manifest, settings, secrets)
        if manifest.kind == whatsapp.MANIFEST.kind:
            whatsapp.validate(settings)
        return Account(id=old.id if old else "", kind=manifest.kind, name=name, settings=settings, secrets=secrets)

    def add_account(self, manifest: Manifest, name: str, settings: dict[str, str], secrets: dict[str, str]) -> Account:
        """Stores an account after its address has been checked; the same name again changes what is given."""
        made = self.prepare(manifest, name, settings, secrets)
        hidden = dict(made.secrets)
        if manifest.hook_secret:
            hidden.setdefault("hook_secret", secret_token.token_urlsafe(32))
        with self.store.write() as conn:
            now = self.clock.now()
            return accounts.add(conn, self.keyring, made.kind, name, made.settings, hidden, now)

    def _opened(self, name: str) -> Account | None:
        """The account as it stands; None when our keys do not open it: then all of it is given anew."""
        try:
            return self.account(name)
        except errors.NotAllowed as error:
            if error.code != "secret_key":
                raise
            return None

    def refresh_catalogue(self, account: Account, more: Sequence[str] = ()) -> dict[str, list[Field]]:
        """Reads the CRM's fields of every object the live documents name, and of `more` (deal, or the CRM's name)."""
        shelf, connected = self.library.shelf(account.name), self.crm(account)
        documents: list[Document] = [*(live.document for live in shelf.live), *(live.document for live in shelf.sends)]
        objects = [o for document in documents for o in publish.objects_of(document, connected.can)]
        objects += [connected.can.objects.get(word, word) for word in more]
        return schema.refresh(self.store, account, connected, objects, self.clock.now())

    def fields_of(self, *, refresh: bool) -> publish.Look:
        """Looks the fields of a document's CRM up: as last read, or read anew (each object once)."""
        named = {a.name: a for a in self.accounts() if a.kind in crm_kinds()}
        fresh: set[tuple[str, str]] = set()

        def look(document: Document) -> publish.Fields | None:
            account = named.get(document.crm)
            if account is None:
                return None
            connected = self.crm(account)
            objects = publish.objects_of(document, connected.can)
            wanted = [o for o in objects if (account.id, o) not in fresh]
            if refresh and wanted:
                schema.refresh(self.store, account, connected, wanted, self.clock.now())
                fresh.update((account.id, o) for o in (*wanted, connected.can.object))
            return schema.known(self.store, account, objects)

        return look

    def templates_of(self, *, refresh: bool) -> publish.Templates:
        """Looks the templates up that a document sends from: as last read, or read anew (each account once)."""
        senders = [a for a in self.accounts() if a.kind == whatsapp.MANIFEST.kind]
        known, fresh = publish.templates_of(self.store, senders), list[str]()

        def look(document: Document) -> Sequence[Template] | None:
            wanted = [a for a in senders if document.kind == "send" and a.id not in fresh]
            for account in wanted if refresh else []:
                templates.sync(self.store, account, self.messenger(account), self.clock.now())
                fresh.append(account.id)
            return known(document)

        return look
