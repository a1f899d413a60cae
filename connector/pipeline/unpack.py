"""Deliveries become events: every item of every batch, once, with its contact; what needs no CRM is applied at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connector import errors
from connector.core import consent, events, phone
from connector.core.text import clean
from connector.ids import new_id
from connector.pipeline.drain import Stop, alone, log
from connector.ports import Account, Clock, Webhook
from connector.store import deliveries, sends
from connector.store import events as event_rows
from connector.store.contacts import Person, Resolver, opt
from connector.store.engine import Store

BATCH = 200  # deliveries a transaction
MAX_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Directory:
    """Who is connected: accounts by id, the owner ids that route an item, the CRM accounts that judge replies."""

    accounts: dict[str, Account]
    owners: dict[str, str]  # phone_number_id, WABA id, portal id, org id -> account id
    crms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One event of one delivery."""

    event: events.Event
    account: str
    delivery: str
    received_at: datetime


@dataclass(slots=True)
class Effects:
    """What a batch changes besides its event rows."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    consents: list[dict[str, Any]] = field(default_factory=list)
    templates: list[tuple[str, events.TemplateUpdate]] = field(default_factory=list)
    alerts: list[tuple[str, events.AccountAlert]] = field(default_factory=list)


@dataclass(slots=True)
class Unpacker:
    """One at a time over all processes (lock `unpack`), oldest delivery first."""

    store: Store
    directory: Callable[[], Directory]
    webhook: Callable[[Account], Webhook]
    clock: Clock

    def drain(self, stop: Stop) -> tuple[str, ...]:
        """Unpacks until nothing is left; the CRM accounts that now have plans to make."""
        touched: set[str] = set()

        def work() -> None:
            while not stop():
                found, accounts = self.step()
                touched.update(accounts)
                if not found:
                    return

        alone(self.store, "unpack", work, self.more, stop)
        return tuple(sorted(touched))

    def more(self) -> bool:
        with self.store.read() as conn:
            return bool(deliveries.claim_deliveries(conn, 1))

    def step(self) -> tuple[int, tuple[str, ...]]:
        """One batch: (deliveries taken, CRM accounts with new plans). A batch that fails is redone one by one."""
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
            fresh = max([self._alone(part, directory) for part in batch])  # not any(): every one is tried
        return len(rows), directory.crms if fresh else ()

    def _alone(self, part: tuple[Any, list[Item], str], directory: Directory) -> bool:
        try:
            return self._apply([part], directory)
        except errors.StoreDown:
            raise
        except Exception as error:  # noqa: BLE001 - kept, counted, dead after MAX_ATTEMPTS and shown to a person
            self._fail(part[0], error)
            return False

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
        log.error("delivery %s cannot be unpacked", row.id, exc_info=error)
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
            owner = directory.owners.get(one.owner, "") if one.owner else row.account
            event = one.event
            if not owner:
                raw = events.dump(event)
                text = f"{one.owner} is not a number or account that is connected here."
                event = events.Unrecognised(
                    id=event.id, at=event.at, what="owner", text=text, raw={"kind": event.kind} | raw
                )
            items.append(Item(event, owner or row.account, row.id, row.received_at))
        return items, ""

    def _apply(self, batch: Sequence[tuple[Any, list[Item], str]], directory: Directory) -> bool:
        """One transaction: events, identity, consent, statuses, deliveries done. True when replies wait for a CRM."""
        now = self.clock.now()
        with self.store.write() as conn:
            fresh = _new_items(conn, [item for _, items, _ in batch for item in items])
            resolver = Resolver(conn, now)
            resolver.load(key for item in fresh for person in _people(item.event) for key in person.keys)
            effects = Effects()
            for item in fresh:
                _take(item, resolver, effects, bool(directory.crms))
            resolver.flush()
            _write(conn, effects, resolver, directory, now)
            deliveries.finish_deliveries(conn, [row.id for row, _, error in batch if not error], "unpacked")
            for row, _, error in batch:
                if error:
                    deliveries.mark_dead(conn, row.id, error)
        return any(row["state"] == "new" for row in effects.rows)


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


def _people(event: events.Event) -> list[Person]:
    if isinstance(event, events.InboundMessage):
        return [Person(event.wa_id, event.user_id, event.name)]
    if isinstance(event, events.DeliveryStatus | events.ConsentUpdate | events.Noted):
        return [Person(event.wa_id, event.user_id)]
    if isinstance(event, events.IdentityChange):
        return [Person(event.wa_id, event.user_id), Person(event.new_wa_id, event.new_user_id)]
    return []


def _take(item: Item, resolver: Resolver, effects: Effects, judged: bool) -> None:
    """One event: its contact, its effects, its row."""
    lane, state, error = TAKERS.get(item.event.kind, _take_other)(item, resolver, effects)
    if state == "new" and not judged:
        state = "done"
    effects.rows.append(
        {
            "id": new_id(), "delivery": item.delivery, "account": item.account, "dedupe_key": item.event.id,
            "lane": lane, "kind": item.event.kind, "payload": events.dump(item.event), "received_at": item.received_at,
            "state": state, "attempts": 0, "error": error or None,
        }
    )  # fmt: skip


Taken = tuple[str | None, str, str]  # lane, state, error


def _take_message(item: Item, resolver: Resolver, effects: Effects) -> Taken:
    event = item.event
    assert isinstance(event, events.InboundMessage)
    lane = resolver.resolve(Person(event.wa_id, event.user_id, clean(event.name or "", 200)))
    if lane is None:
        return None, "dead", "WhatsApp did not say who sent this message."
    at = event.at or item.received_at
    if event.type not in events.SILENT_TYPES and not event.group_id:
        resolver.seen(lane, at)
    word = None if event.group_id else consent.stop_word(event.text) if _speaks(event) else None
    if word:
        effects.consents.append(_consent(lane, "all", word, "stop_word", at, event.text, event.id))
    if event.type == "contact" and event.answer.get("origin") == "contact_request":
        number = phone.e164(str(event.answer.get("phone", "")), None)
        if number:
            resolver.hint(lane, "phone", number)
    return lane, "new", ""


def _speaks(event: events.InboundMessage) -> bool:
    """STOP is a word of the customer's own or a template's quick reply; a list row may be called anything."""
    return event.type == "text" or event.raw.get("type") == "button"


def _take_status(item: Item, resolver: Resolver, effects: Effects) -> Taken:
    event = item.event
    assert isinstance(event, events.DeliveryStatus)
    effects.statuses.append(
        {
            "wamid": event.wamid,
            "status": event.status,
            "event": event.id,
            "send": event.send,
            "at": event.at,
            "reason": event.reason,
        }
    )
    return resolver.known(Person(event.wa_id, event.user_id)), "done", ""


def _take_consent(item: Item, resolver: Resolver, effects: Effects) -> Taken:
    event = item.event
    assert isinstance(event, events.ConsentUpdate)
    lane = resolver.resolve(Person(event.wa_id, event.user_id))
    if lane is None:
        return None, "dead", "WhatsApp did not say whose consent changed."
    at = event.at or item.received_at
    effects.consents.append(_consent(lane, event.category, event.state, event.how, at, event.evidence, event.id))
    return lane, "done", ""


def _take_identity(item: Item, resolver: Resolver, effects: Effects) -> Taken:  # noqa: ARG001 - one signature for all takers
    event = item.event
    assert isinstance(event, events.IdentityChange)
    lane = resolver.change(Person(event.wa_id, event.user_id), Person(event.new_wa_id, event.new_user_id))
    return lane, "done", ""


def _take_template(item: Item, resolver: Resolver, effects: Effects) -> Taken:  # noqa: ARG001
    assert isinstance(item.event, events.TemplateUpdate)
    effects.templates.append((item.account, item.event))
    return None, "done", ""


def _take_alert(item: Item, resolver: Resolver, effects: Effects) -> Taken:  # noqa: ARG001
    assert isinstance(item.event, events.AccountAlert)
    effects.alerts.append((item.account, item.event))
    return None, "done", ""


def _take_other(item: Item, resolver: Resolver, effects: Effects) -> Taken:  # noqa: ARG001
    people = _people(item.event)
    return (resolver.known(people[0]) if people else None), "done", ""


TAKERS: dict[str, Callable[[Item, Resolver, Effects], Taken]] = {
    "InboundMessage": _take_message,
    "DeliveryStatus": _take_status,
    "ConsentUpdate": _take_consent,
    "IdentityChange": _take_identity,
    "TemplateUpdate": _take_template,
    "AccountAlert": _take_alert,
}


def _consent(
    contact: str, category: str, state: str, how: str, at: datetime, evidence: str, event: str
) -> dict[str, Any]:
    return {
        "contact": contact, "category": category, "state": state, "how": how, "at": at,
        "evidence": clean(evidence, 500), "event": event,
    }  # fmt: skip


def _write(conn: Any, effects: Effects, resolver: Resolver, directory: Directory, now: datetime) -> None:
    for row in effects.rows:
        row["lane"] = resolver.final(row["lane"])
    for row in effects.consents:
        row["contact"] = resolver.final(row["contact"])
    event_rows.add(conn, effects.rows, directory.crms)
    opt(conn, effects.consents)
    sends.add_statuses(conn, effects.statuses)
    for account, update in effects.templates:
        if update.name and update.what in ("status", "quality", "category"):
            event_rows.set_template(conn, account, update.name, update.language, now, **{update.what: update.value})
    for account, alert in effects.alerts:
        event_rows.note_number(
            conn,
            alert.number or account,
            account,
            alert.what,
            {"event": alert.event, "text": alert.text, "severity": alert.severity},
        )
