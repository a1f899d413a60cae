"""Deliveries become events: every item of every batch, once, with its contact; what needs no CRM is applied at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connector import errors
from connector.core import events
from connector.core.text import clean
from connector.pipeline.documents import templates
from connector.pipeline.drain import Stop, alone, log
from connector.pipeline.intake import echoed, media_in, veiling
from connector.pipeline.intake.taking import Effects, Item, people, take
from connector.pipeline.people import consents
from connector.ports import Account, Clock, Webhook
from connector.store import accounts, deliveries, media, sends, veil
from connector.store import events as event_rows
from connector.store import people as people_
from connector.store.contacts import Resolver, opt
from connector.store.engine import Store

BATCH = 200  # deliveries a transaction
MAX_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Directory:
    """Who is connected: accounts by id, the owner ids that route an item, the CRM accounts that judge replies."""

    accounts: dict[str, Account]
    owners: dict[str, str]  # what vendors call an account -> its id
    crms: tuple[str, ...]
    links: Mapping[str, str] = field(default_factory=dict)  # trigger link -> the CRM account of its document
    told: frozenset[str] = frozenset()  # accounts that know what their vendor calls them

    @property
    def triggers(self) -> dict[str, str]:
        """{account: the CRM account whose send: documents look at its calls}."""
        return {**self.links, **{account: account for account in self.crms}}

    def owner(self, named: str, receiver: Account) -> str:
        """Whose an item is; an account that was not told its own name takes all that its address got."""
        known = self.owners.get(named, "") if named else receiver.id
        return known or ("" if receiver.id in self.told else receiver.id)


@dataclass(slots=True)
class Unpacker:
    """One at a time over all processes (lock `unpack`), oldest delivery first."""

    store: Store
    directory: Callable[[], Directory]
    webhook: Callable[[Account], Webhook]
    clock: Clock
    heard: Callable[[Sequence[Mapping[str, Any]], Mapping[str, Account]], None] = lambda _rows, _accounts: None

    def drain(self, stop: Stop) -> tuple[str, ...]:
        """Unpacks until nothing is left; the bells of what there is to do now: trigger:<crm>, handle:<crm>."""
        touched: set[str] = set()

        def work() -> None:
            while not stop():
                found, bells = self.step()
                touched.update(bells)
                if found < BATCH:  # nothing is left, or `more` says so: a lonely reply pays for one look only
                    return

        alone(self.store, "unpack", work, self.more, stop)
        return tuple(sorted(touched))  # handle before trigger

    def more(self) -> bool:
        with self.store.read() as conn:
            return deliveries.waiting(conn)

    def step(self) -> tuple[int, tuple[str, ...]]:
        """One batch: (deliveries taken, bells to ring). A batch that fails is redone one by one."""
        with self.store.read() as conn:
            rows = deliveries.claim_deliveries(conn, BATCH)
        if not rows:
            return 0, ()
        directory = self.directory()
        batch = [part for row in rows if (part := self._read(row, directory)) is not None]
        try:
            fresh = self._apply(batch, directory)
        except errors.StoreDown:
            raise
        except Exception:  # noqa: BLE001 - one poisoned delivery must not hold the others: redo singly, bury the culprit
            log.exception("a batch of %d deliveries failed; redoing it one by one", len(batch))
            fresh = set().union(*[self._alone(part, directory) for part in batch])
        return len(rows), tuple(fresh)

    def _alone(self, part: tuple[Any, list[Item], str], directory: Directory) -> set[str]:
        try:
            return self._apply([part], directory)
        except errors.StoreDown:
            raise
        except Exception as error:  # noqa: BLE001 - kept, counted, dead after MAX_ATTEMPTS and shown to a person
            self._fail(part[0], error)
            return set()

    def _read(self, row: Any, directory: Directory) -> tuple[Any, list[Item], str] | None:
        """One delivery and its items; None when reading it failed, which must not hold the others."""
        try:
            return row, *self._parse(row, directory)
        except errors.StoreDown:
            raise
        except Exception as error:  # noqa: BLE001 - a fault of ours or of the account's settings
            self._fail(row, error)
            return None

    def _fail(self, row: Any, error: Exception) -> None:
        log.error("a delivery cannot be unpacked", exc_info=error, extra={"delivery": row.id})
        text = clean(f"{type(error).__name__}: {error}", 500)
        with self.store.write() as conn:
            deliveries.fail_delivery(conn, row.id, text, dead_after=MAX_ATTEMPTS)

    def _parse(self, row: Any, directory: Directory) -> tuple[list[Item], str]:
        """The items of one delivery, or why its body as a whole cannot be read."""
        account = directory.accounts.get(row.account)
        if account is None:
            return [], "The account that received this is gone."
        try:
            routed = self.webhook(account).parse(row.body, row.headers)
        except (ValueError, RecursionError) as error:
            return [], clean(f"The body cannot be read: {error}", 500)
        items = []
        for one in routed:
            owner = directory.owner(one.owner, account)
            event = one.event
            if not owner:
                raw = events.dump(event)
                text = f"{one.owner} is not a number or account that is connected here."
                event = events.Unrecognised(
                    id=event.id, at=event.at, what="owner", text=text, raw={"kind": event.kind} | raw
                )
            items.append(Item(event, owner or account.id, row.id, row.received_at))
        return items, ""

    def _apply(self, batch: Sequence[tuple[Any, list[Item], str]], directory: Directory) -> set[str]:
        """One transaction: events, identity, consent, statuses, deliveries done. The bells of the plans it made."""
        now = self.clock.now()
        with self.store.write() as conn:
            people_.alone(conn)  # from here on nobody is erased
            items = [item for _, items, _ in batch for item in items]
            fresh = _new_items(conn, veiling.without_erased(self.store, conn, items))
            resolver = Resolver(conn, now)
            resolver.load(key for item in fresh for person in people(item.event) for key in person.keys)
            effects, crms = Effects(), directory.triggers
            for item in fresh:
                take(item, resolver, effects, crms, bool(directory.crms))
            resolver.flush()
            veil.inherit(self.store, conn, resolver.given)
            _write(conn, effects, resolver, directory, now)
            deliveries.finish_deliveries(conn, [row.id for row, _, error in batch if not error], "unpacked")
            for row, _, error in batch:
                if error:
                    deliveries.mark_dead(conn, row.id, error)
        self.heard(effects.rows, directory.accounts)
        replies = any(row["state"] == "new" and row["id"] not in effects.triggers for row in effects.rows)
        bells = {f"handle:{account}" for account in directory.crms} if replies else set()
        bells |= {media_in.BELL} if media_in.rows(effects.rows, directory.accounts, now) else set()
        return bells | {f"trigger:{account}" for account in effects.triggers.values()}


def _new_items(conn: Any, items: Sequence[Item]) -> list[Item]:
    """The items that are not stored yet, each once: Meta redelivers for 7 days and batches anew."""
    seen = event_rows.known_keys(conn, ((i.account, i.event.id) for i in items))
    fresh = []
    for item in items:
        key = (item.account, item.event.id)
        if key not in seen:
            seen.add(key)
            fresh.append(item)
    return fresh


def _write(conn: Any, effects: Effects, resolver: Resolver, directory: Directory, now: datetime) -> None:
    for row in effects.rows:
        row["lane"] = resolver.final(row["lane"])
    for row in effects.consents:
        row["contact"] = resolver.final(row["contact"])
    event_rows.add(conn, effects.rows, directory.crms, effects.triggers)
    media.expect(conn, media_in.rows(effects.rows, directory.accounts, now))
    opt(conn, effects.consents + consents.from_crm(conn, effects.rows, directory.accounts))
    sends.add_statuses(conn, effects.statuses)
    if effects.echoes:
        echoed.hold(conn, effects.echoes, resolver, now)
    for stopped, reason in effects.stopped.items():
        accounts.ask_person(conn, stopped, reason)
    for account, update in effects.templates:
        templates.heard(conn, account, update, now)
    for account, alert in effects.alerts:
        event_rows.note_number(
            conn,
            alert.number or account,
            account,
            alert.what,
            {"event": alert.event, "text": alert.text, "severity": alert.severity},
        )
