"""The composition root: puts store, adapters and pipeline together for workers, clock and commands."""

import secrets as secret_token
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from connector import crm, errors, webhooks, whatsapp
from connector.base import Base, SystemClock, crm_kinds, kinds, webhook
from connector.config import Config
from connector.core.documents import Document
from connector.core.template import Template
from connector.pipeline import drift, own, places, privacy, publish, retention, schema, sweep, templates
from connector.pipeline.beside import Beside
from connector.pipeline.catchup import CatchUp
from connector.pipeline.chores import Chore, Chores, each
from connector.pipeline.drain import fair
from connector.pipeline.handle import Handler
from connector.pipeline.library import Library, Shelf
from connector.pipeline.notify import Caller, Notifier
from connector.pipeline.prepare import Preparer
from connector.pipeline.schedule import Schedule
from connector.pipeline.send import Sender
from connector.pipeline.trigger import Trigger
from connector.pipeline.truth import Truth
from connector.pipeline.unpack import Directory, Unpacker
from connector.pipeline.write import Writer
from connector.ports import CRM, Account, Bell, Field, Manifest, Messenger
from connector.store import accounts, callbacks, holding, numbers, own_writes, sending, telling

__all__ = ["App", "SystemClock", "kinds", "messenger", "open_app", "webhook"]


def messenger(account: Account) -> Messenger:
    """The account's sending side."""
    return whatsapp.connect(account)


@dataclass(slots=True)
class _Connected:
    account: Account
    crm: CRM


@dataclass(slots=True)
class _Speaking:
    account: Account
    messenger: Messenger


class App(Base):
    """One worker's connections: opened once, used by every drain."""

    def __init__(self, config: Config, bell: Bell) -> None:
        super().__init__(config, bell)
        self.library = Library(self.store)
        self._crms: dict[str, _Connected] = {}
        self._messengers: dict[str, _Speaking] = {}
        self.chores = Chores(self.store, self.clock, upkeep(self))

    def close(self) -> None:
        for speaking in self._messengers.values():
            speaking.messenger.close()
        super().close()

    # ---- accounts ------------------------------------------------------------------------------------------------
    def directory(self) -> Directory:
        """Everybody who is connected, as unpack needs them."""
        with self.store.read() as conn:
            everyone = accounts.all_accounts(conn, self.keyring)
            owners = accounts.owners(conn)
        crms = {a.name: a.id for a in everyone if a.kind in crm_kinds()}
        links = {a.id: crms[a.settings["crm"]] for a in everyone if a.kind == "link" and a.settings["crm"] in crms}
        return Directory({a.id: a for a in everyone}, dict(owners), tuple(sorted(crms.values())), links)

    def crm(self, account: Account) -> CRM:
        """The connected CRM; connected anew when the account was changed."""
        known = self._crms.get(account.id)
        if known is None or (known.account.settings, known.account.secrets) != (account.settings, account.secrets):
            tokens = accounts.tokens(self.store, self.keyring, account.id)
            known = self._crms[account.id] = _Connected(account, crm.connect(account, tokens))
        return known.crm

    def messenger(self, account: Account) -> Messenger:
        """The account's sending side; connected anew when the account was changed."""
        known = self._messengers.get(account.id)
        if known is None or (known.account.settings, known.account.secrets) != (account.settings, account.secrets):
            if known is not None:
                known.messenger.close()
            known = self._messengers[account.id] = _Speaking(account, messenger(account))
        return known.messenger

    def add_account(self, manifest: Manifest, name: str, settings: dict[str, str], secrets: dict[str, str]) -> Account:
        """Stores an account after its address has been checked; the same name again changes what is given."""
        if settings.get("base_url"):
            settings["base_url"] = crm.base_url(settings["base_url"], manifest.hosts)
        places.check(settings)
        old = self._opened(name)
        if old is not None and old.kind != manifest.kind:
            raise errors.Rejected(f"{name!r} is a {old.kind} account.", hint="Choose another name.", code="kind")
        if old is not None:
            settings, secrets = {**old.settings, **settings}, {**old.secrets, **secrets}
        if manifest.kind == whatsapp.MANIFEST.kind:
            whatsapp.validate(settings)
        if manifest.hook_secret:
            secrets.setdefault("hook_secret", secret_token.token_urlsafe(32))
        with self.store.write() as conn:
            return accounts.add(conn, self.keyring, manifest.kind, name, settings, secrets, self.clock.now())

    def _opened(self, name: str) -> Account | None:
        """The account as it stands; None when our keys do not open it: then all of it is given anew."""
        try:
            return self.account(name)
        except errors.NotAllowed as error:
            if error.code != "secret_key":
                raise
            return None

    def refresh_catalogue(self, account: Account) -> dict[str, list[Field]]:
        """Reads the CRM's fields of every object the live documents name."""
        shelf, connected = self.library.shelf(account.name), self.crm(account)
        documents: list[Document] = [*(live.document for live in shelf.live), *(live.document for live in shelf.sends)]
        objects = [o for document in documents for o in publish.objects_of(document, connected.can)]
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

    # ---- work ----------------------------------------------------------------------------------------------------
    def drain(self, name: str, *, stop: Callable[[], bool]) -> None:
        """Answers one bell: unpack, handle:<account>, write:<account>; rings again when work may be left."""
        self.bell.heard(name)
        stage, _, account = name.partition(":")
        should = fair(stop, self.bell, time.monotonic(), time.monotonic)
        DRAINS[stage](self, account, should)
        if should():
            self.bell.ring(name)

    def _unpack(self, _: str, stop: Callable[[], bool]) -> None:
        bells = Unpacker(self.store, self.directory, self.webhook, self.clock).drain(stop)
        self._go_on(bells, stop)

    def _go_on(self, bells: Sequence[str], stop: Callable[[], bool]) -> None:
        """Straight on with the first: another bell would cost a wake-up. The others are rung for."""
        self.bell.ring(*bells[1:])
        for bell in bells[:1]:
            stage, _, name = bell.partition(":")
            DRAINS[stage](self, name, stop)
            if stop():  # drain rings for what it was called for: nobody else would know of these rows
                self.bell.ring(bell)

    def _crm_account(self, name: str) -> Account | None:
        account = self.account(name)
        return account if account is not None and account.kind in crm_kinds() else None

    def _handle(self, name: str, stop: Callable[[], bool]) -> None:
        account = self._crm_account(name)
        if account is not None:
            with Beside(lambda: self._write(account.id, stop)) as beside:
                handler = Handler(
                    self.store, account, self.crm(account), self.library, self.clock, beside.go, self._speak
                )
                handler.drain(stop)
            if stop():
                self.bell.ring(f"write:{account.id}")  # it may have left something too

    def _speak(self, numbers: Collection[str]) -> None:
        self.bell.ring(*(f"send:{number}" for number in sorted(numbers)))

    def _write(self, name: str, stop: Callable[[], bool]) -> None:
        account = self._crm_account(name)
        if account is not None:
            crm = self.crm(account)
            watching = own.watched(self.library.shelf(account.name), crm.can)
            Writer(self.store, account, crm, self.clock, lambda: watching).drain(stop)

    def _trigger(self, name: str, stop: Callable[[], bool]) -> None:
        account = self._crm_account(name)
        if account is not None:
            numbers = Trigger(self.store, account, self.crm(account), self.library, self.clock).drain(stop)
            self._go_on([f"send:{number}" for number in sorted(numbers)], stop)

    def _prepare(self, name: str, stop: Callable[[], bool]) -> None:
        account = self._crm_account(name)
        if account is not None:
            numbers = Preparer(self.store, account, self.crm(account), self.library, self.clock).drain(stop)
            self._go_on([f"send:{number}" for number in sorted(numbers)], stop)

    def _send(self, number: str, stop: Callable[[], bool]) -> None:
        with self.store.read() as conn:
            owner = accounts.owners(conn).get(number, "")
        account = self.account(owner) if owner else None
        if account is None:
            with self.store.write() as conn:
                sending.homeless(conn, number, self.clock.now())
        else:
            Sender(self.store, number, self.messenger(account), self.clock).drain(stop)
            with self.store.read() as conn:
                self.bell.ring(*(f"truth:{crm}" for crm in telling.accounts_due(conn)))

    def _truth(self, name: str, stop: Callable[[], bool]) -> None:
        account = self._crm_account(name)
        if account is not None and Truth(self.store, account, self.library, self.clock).drain(stop):
            self._go_on([f"write:{account.id}"], stop)

    def _notify(self, name: str, stop: Callable[[], bool]) -> None:
        account = self._crm_account(name)
        if account is not None:
            Notifier(self.store, account, self._webhook_named, self.clock).drain(stop)

    def _webhook_named(self, name: str) -> Caller | None:
        account = self.account(name)
        found = account is not None and account.kind == webhooks.MANIFEST.kind
        return webhooks.connect(account) if found and account else None

    def erase(self, contact: str, who: str, progress: Callable[[int, int], None]) -> dict[str, int]:
        """Takes a person out of every table; what is still to be unpacked is unpacked first and after."""
        unpacker = Unpacker(self.store, self.directory, self.webhook, self.clock)
        bells = unpacker.drain(lambda: False)
        found = privacy.erase(self.store, contact, who, self.clock.now(), progress=progress)
        self.bell.ring(*bells, *unpacker.drain(lambda: False))
        return found

    # ---- chores --------------------------------------------------------------------------------------------------
    def _chores(self, _: str, stop: Callable[[], bool]) -> None:
        self.chores.do(stop)

    def _each_shelf(self, stop: Callable[[], bool], do: Callable[[Account, CRM, Shelf], int]) -> None:
        """Every CRM account with live send: documents; those for which `do` found something are rung for."""

        def one(account: Account) -> None:
            shelf = self.library.shelf(account.name)
            if shelf.sends and do(account, self.crm(account), shelf):
                self.bell.ring(f"trigger:{account.id}")

        each([a for a in self.accounts() if a.kind in crm_kinds()], one, stop)

    def tick(self, stop: Callable[[], bool]) -> None:
        """The timers of send: documents."""
        now = self.clock.now
        self._each_shelf(stop, lambda account, crm_, shelf: Schedule(self.store, account, crm_, shelf).tick(now()))

    def catch_up(self, stop: Callable[[], bool]) -> None:
        """Changes that no webhook told of."""
        now = self.clock.now
        self._each_shelf(stop, lambda account, crm_, shelf: CatchUp(self.store, account, crm_, shelf).run(now()))

    def sync(self, stop: Callable[[], bool]) -> None:
        """Templates and numbers as Meta has them."""
        each([a for a in self.accounts() if a.kind == whatsapp.MANIFEST.kind], self._sync, stop)

    def _sync(self, account: Account) -> None:
        api, now = self.messenger(account), self.clock.now()
        templates.sync(self.store, account, api, now)
        state, profile = api.number(), api.profile()
        with self.store.write() as conn:
            numbers.put(conn, account.id, account.name, state, profile, now)

    def drift(self, stop: Callable[[], bool]) -> None:  # noqa: ARG002
        """Live documents against the CRMs and WhatsApp of today."""
        look, known = self.fields_of(refresh=True), self.templates_of(refresh=True)
        drift.check_all(self.store, look, known, self.clock.now())

    def cancel(self, stop: Callable[[], bool]) -> None:
        """Rows of what a person has cancelled by the thousand."""
        more = 1
        while more and not stop():
            with self.store.write() as conn:
                more = holding.carry_out(conn, self.clock.now())

    def tidy(self, stop: Callable[[], bool]) -> None:  # noqa: ARG002
        """Forgets what can explain nothing any more, and steps of workflows that nobody waits for."""
        with self.store.write() as conn:
            own_writes.prune(conn, self.clock.now())
            callbacks.expire(conn, self.clock.now())

    def sweep(self) -> list[str]:
        """Rings for whatever waits; the bells rung."""
        names = self.bells()
        self.bell.ring(*names)
        return names

    def bells(self) -> list[str]:
        """The bells that have work now, for a worker without Redis."""
        return sweep.due(self.store, self.clock.now()) + (["chores"] if self.chores.due() else [])


DRAINS: Mapping[str, Callable[[App, str, Callable[[], bool]], None]] = {
    "unpack": App._unpack,
    "handle": App._handle,
    "write": App._write,
    "trigger": App._trigger,
    "prepare": App._prepare,
    "send": App._send,
    "truth": App._truth,
    "notify": App._notify,
    "chores": App._chores,
}


def upkeep(app: App) -> Mapping[str, Chore]:
    """What is done by the hour, whoever does it."""
    return {
        "timers": Chore(timedelta(seconds=30), app.tick),
        "catch-up": Chore(timedelta(minutes=15), app.catch_up),
        "meta": Chore(timedelta(hours=6), app.sync),
        drift.CHORE: Chore(drift.EVERY, app.drift),
        "cancelled": Chore(timedelta(seconds=30), app.cancel),
        "tidy": Chore(timedelta(hours=1), app.tidy),
        "retention": Chore(timedelta(days=1), retention.chore(app.store, app.clock)),
    }


def open_app(config: Config, bell: Bell) -> App:
    """The worker half; the caller closes it."""
    return App(config, bell)
