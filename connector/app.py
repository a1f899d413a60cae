"""The composition root: puts store, adapters and pipeline together for workers, clock and commands."""

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta

from connector import logs, webhooks, whatsapp, works
from connector.base import SystemClock, crm_kinds, kinds, owner_ids, webhook
from connector.config import Config
from connector.connections import Connections, messenger
from connector.pipeline.broadcasts import acts
from connector.pipeline.chores import alarms as alarm_calls
from connector.pipeline.chores import backups, reckoning, retention, sweep, tasks
from connector.pipeline.chores.regular import Chore, Chores, each
from connector.pipeline.documents import drift, templates
from connector.pipeline.documents.library import Shelf
from connector.pipeline.drain import fair
from connector.pipeline.intake.marks import Marks
from connector.pipeline.intake.media_in import Fetcher
from connector.pipeline.intake.unpack import Unpacker
from connector.pipeline.judging.beside import Beside
from connector.pipeline.judging.handle import Handler
from connector.pipeline.preparing.prepare import Preparer
from connector.pipeline.sending.media_out import Uploader
from connector.pipeline.sending.send import Sender
from connector.pipeline.talks import waking
from connector.pipeline.talks.waking import Waker
from connector.pipeline.triggers.catchup import CatchUp
from connector.pipeline.triggers.schedule import Schedule
from connector.pipeline.triggers.trigger import Trigger
from connector.pipeline.writing import own
from connector.pipeline.writing.notify import Caller, Notifier
from connector.pipeline.writing.truth import Truth
from connector.pipeline.writing.write import Writer
from connector.ports import CRM, Account, Bell, Messenger
from connector.store import accounts, days, holding, numbers, sending, telling, tidying
from connector.works import alarms as alarming
from connector.works import checkup, deep
from connector.works.usage import Usage

log = logging.getLogger("connector.worker")
__all__ = ["App", "SystemClock", "kinds", "messenger", "open_app", "webhook"]


class App(Connections):
    """One worker's connections: opened once, used by every drain."""

    def __init__(self, config: Config, bell: Bell) -> None:
        super().__init__(config, bell)
        self.chores = Chores(self.store, self.clock, upkeep(self))
        # Calls out, perhaps for a minute: in a drain of its own, so that no timer waits for it.
        self.around = Chores(self.store, self.clock, {deep.NAME: Chore(deep.EVERY, self.look_around)})
        self.marks = Marks(self.messenger)
        self.usage = Usage(self)

    def close(self) -> None:
        self.marks.wait()
        super().close()

    # ---- work ----------------------------------------------------------------------------------------------------
    def drain(self, name: str, *, stop: Callable[[], bool]) -> None:
        """Answers one bell: unpack, handle:<account>, write:<account>; rings again when work may be left."""
        self.bell.heard(name)
        stage, _, account = name.partition(":")
        if stage not in DRAINS:
            log.warning("the bell %s is of a newer version: left to its workers", stage)
            return
        should = fair(stop, self.bell, time.monotonic(), time.monotonic)
        with logs.within(bell=stage, account="" if stage in BY_NUMBER else account):
            DRAINS[stage](self, account, should)
        self.usage.note()
        if should():
            self.bell.ring(name)

    def _unpack(self, _: str, stop: Callable[[], bool]) -> None:
        bells = Unpacker(self.store, self.directory, self.webhook, self.clock, self.marks.heard).drain(stop)
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

    def _wake(self, _: str, stop: Callable[[], bool]) -> None:
        crms = [account.id for account in self.accounts() if account.kind in crm_kinds()]
        self._go_on(Waker(self.store, lambda: crms, self.clock).drain(stop), stop)

    def _send(self, number: str, stop: Callable[[], bool]) -> None:
        with self.store.read() as conn:
            owner = accounts.owners(conn, owner_ids).get(number, "")
        account = self.account(owner) if owner else None
        if account is None:
            with self.store.write() as conn:
                sending.homeless(conn, number, self.clock.now())
        else:
            sender = Sender(self.store, number, self.messenger(account), self.clock)
            sender.drain(stop)
            if sender.uploads:
                self.bell.ring(f"upload:{number}")
            with self.store.read() as conn:
                self.bell.ring(*(f"truth:{crm}" for crm in telling.accounts_due(conn)))

    def _upload(self, number: str, stop: Callable[[], bool]) -> None:
        with self.store.read() as conn:
            owner = accounts.owners(conn, owner_ids).get(number, "")
        account = self.account(owner) if owner else None
        if account is not None:
            Uploader(self.store, number, self.messenger(account), self.clock, self.bell.ring).drain(stop)

    def _media(self, _: str, stop: Callable[[], bool]) -> None:
        Fetcher(self.store, self._messenger_of, self.clock, self.bell.ring).drain(stop)

    def _messenger_of(self, name: str) -> Messenger | None:
        account = self.account(name)
        return self.messenger(account) if account is not None and account.kind == whatsapp.MANIFEST.kind else None

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

    def _around(self, _: str, stop: Callable[[], bool]) -> None:
        self.around.do(stop)

    def _alarm(self, _: str, stop: Callable[[], bool]) -> None:
        alarming.teller(self).drain(stop)

    def _task(self, _: str, stop: Callable[[], bool]) -> None:
        tasks.Tasks(self.store, self.clock, works.of(self)).drain(stop)

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

    def broadcasts(self, stop: Callable[[], bool]) -> None:
        """Broadcasts whose time has come begin; those that have nothing left are done."""
        now = self.clock.now()
        with self.store.write() as conn:
            bells = acts.tick(conn, now)
        for account in (a for a in self.accounts() if a.kind in crm_kinds()):
            live = [(one.document, one.since) for one in self.library.shelf(account.name).sends if one.document.at]
            if live and not stop():
                with self.store.write() as conn:
                    bells += acts.timed(conn, account, live, now)
        self.bell.ring(*bells)

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

    def reports(self, stop: Callable[[], bool]) -> None:
        """Goals first: what they add is not counted anew."""
        shelves = [(a, self.library.shelf(a.name)) for a in self.accounts() if a.kind in crm_kinds()]
        for account, shelf in shelves:
            if stop():
                return
            if any(live.document.goal for live in shelf.sends):
                reckoning.look(self.store, account, self.crm(account), shelf, self.clock.now())
        reckoning.count(self.store, [shelf for _, shelf in shelves], self.clock.now())

    def cancel(self, stop: Callable[[], bool]) -> None:
        """Rows of what a person has cancelled by the thousand."""
        more = 1
        while more and not stop():
            with self.store.write() as conn:
                more = holding.carry_out(conn, self.clock.now())

    def doctor(self, stop: Callable[[], bool]) -> None:  # noqa: ARG002
        """The snapshot that pages of health show."""
        checkup.keep(self)

    def alarms(self, stop: Callable[[], bool]) -> None:  # noqa: ARG002
        """What is out of the ordinary is told."""
        alarming.look(self)

    def look_around(self, stop: Callable[[], bool]) -> None:  # noqa: ARG002
        """Tokens that end, subscriptions, clocks: the snapshot that doctor and the pages show."""
        if not deep.first(self):
            deep.look(self)

    def tidy(self, stop: Callable[[], bool]) -> None:
        """Forgets what can explain nothing any more, and steps of workflows that nobody waits for."""
        tidying.tidy(self.store, self.clock.now(), stop)

    def sweep(self) -> list[str]:
        """Rings for whatever waits; the bells rung."""
        names = self.bells()
        self.bell.ring(*names)
        return names

    def bells(self) -> list[str]:
        """The bells that have work now, for a worker without Redis."""
        chores = [bell for bell, some in (("chores", self.chores), ("around", self.around)) if some.due()]
        return sweep.due(self.store, self.clock.now()) + chores


BY_NUMBER = ("send", "upload")  # their bells name a number of ours
DRAINS: Mapping[str, Callable[[App, str, Callable[[], bool]], None]] = {
    "unpack": App._unpack,
    "handle": App._handle,
    "write": App._write,
    "trigger": App._trigger,
    "prepare": App._prepare,
    "send": App._send,
    "upload": App._upload,
    "media": App._media,
    "truth": App._truth,
    "notify": App._notify,
    "wake": App._wake,
    "chores": App._chores,
    "around": App._around,
    alarm_calls.BELL: App._alarm,
    tasks.BELL: App._task,
}


def upkeep(app: App) -> Mapping[str, Chore]:
    """What is done by the hour, whoever does it."""
    return _nightly(app) | {
        "timers": Chore(timedelta(seconds=30), app.tick),
        "broadcasts": Chore(timedelta(seconds=10), app.broadcasts),
        "catch-up": Chore(timedelta(minutes=15), app.catch_up),
        "meta": Chore(timedelta(hours=6), app.sync),
        drift.CHORE: Chore(drift.EVERY, app.drift),
        "cancelled": Chore(timedelta(seconds=30), app.cancel),
        "tidy": Chore(timedelta(hours=1), app.tidy),
        checkup.NAME: Chore(timedelta(minutes=5), app.doctor),
        "conversations": Chore(timedelta(seconds=60), lambda _: waking.tidy(app.store, app.clock.now())),
        "alarms": Chore(timedelta(seconds=60), app.alarms),
        "tally": Chore(timedelta(seconds=30), lambda _: days.tally(app.store)),
        "figures": Chore(timedelta(minutes=5), lambda _: days.count(app.store, app.clock.now())),
        "reports": Chore(timedelta(minutes=5), app.reports),
        "retention": Chore(timedelta(days=1), retention.chore(app.store, app.clock)),
    }


def _nightly(app: App) -> dict[str, Chore]:
    """The backup, by a worker that has a place for it."""
    config = app.config
    if config.backup_dir is None:
        return {}
    keep, hour, key = config.backup_keep, config.backup_hour, config.backup_key
    nightly = backups.Nightly(app.store, app.clock, config.backup_dir, keep, hour, key)
    return {backups.CHORE: Chore(backups.EVERY, nightly.run)}


def open_app(config: Config, bell: Bell) -> App:
    """The worker half; the caller closes it."""
    return App(config, bell)
