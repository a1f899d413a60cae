"""What one item of a delivery is to us: its contact, its effects, its row; and whose documents look at it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connector.core import consent, events, phone
from connector.core.text import clean
from connector.ids import derived
from connector.store.contacts import Person, Resolver

ECHO = "smb_message_echoes"  # what a person of ours wrote with the phone app
STOPPED_MARKETING = 131050  # a status' error: the person stopped marketing messages of this business


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
    stopped: dict[str, str] = field(default_factory=dict)  # WhatsApp accounts that only a person can mend: why
    echoes: list[dict[str, Any]] = field(default_factory=list)  # {contact, at, text}
    triggers: dict[str, str] = field(default_factory=dict)  # event id -> the CRM account whose send: documents look


def people(event: events.Event) -> list[Person]:
    if isinstance(event, events.InboundMessage):
        return [Person(event.wa_id, event.user_id, event.name)]
    if isinstance(event, events.DeliveryStatus | events.ConsentUpdate | events.Noted):
        return [Person(event.wa_id, event.user_id)]
    if isinstance(event, events.IdentityChange):
        return [Person(event.wa_id, event.user_id), Person(event.new_wa_id, event.new_user_id)]
    return []


def take(item: Item, resolver: Resolver, effects: Effects, crms: Mapping[str, str], judged: bool) -> None:
    """One event: its contact, its effects, its row. `crms`: {account: its CRM account}, of CRMs and trigger links.

    The same delivery makes the same ids again: after a restore what was sent because of it is known by its cause."""
    key = resolver.event = derived(item.received_at, item.account, item.event.id)
    if item.event.kind in TRIGGERS:
        lane, state, error = _take_trigger(item, key, effects, crms)
    else:
        lane, state, error = TAKERS.get(item.event.kind, _take_other)(item, resolver, effects)
        if state == "new" and not judged:
            state = "done"
    effects.rows.append(
        {
            "id": key, "delivery": item.delivery, "account": item.account, "dedupe_key": item.event.id,
            "lane": lane, "kind": item.event.kind, "payload": events.dump(item.event), "received_at": item.received_at,
            "state": state, "attempts": 0, "error": error or None,
        }
    )  # fmt: skip


Taken = tuple[str | None, str, str]  # lane, state, error
TRIGGERS = frozenset({"RecordChanged", "TriggerCalled"})


def _take_trigger(item: Item, key: str, effects: Effects, crms: Mapping[str, str]) -> Taken:
    """What happened to one record stays in order; a call without a record stands alone."""
    event = item.event
    assert isinstance(event, events.RecordChanged | events.TriggerCalled)
    account = crms.get(item.account)
    if account is None:
        return None, "dead", "The CRM account of this trigger is not connected any more."
    effects.triggers[key] = account
    lane = f"record:{account}:{event.object}:{event.record}" if event.record else f"call:{key}"
    return lane, "new", ""


def _take_message(item: Item, resolver: Resolver, effects: Effects) -> Taken:
    event = item.event
    assert isinstance(event, events.InboundMessage)
    lane = resolver.resolve(Person(event.wa_id, event.user_id, clean(event.name or "", 200)))
    if lane is None:
        return None, "dead", "WhatsApp did not say who sent this message."
    at = event.at or item.received_at
    if event.type not in events.SILENT_TYPES and not event.group_id:
        resolver.seen(lane, at, event.number)
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
            "code": event.code,
            "pricing": dict(event.pricing) if event.pricing else None,
            "wa_id": event.wa_id,
            "who": event.who,
        }
    )
    if event.park == "account":
        effects.stopped[item.account] = event.reason
    if event.code == STOPPED_MARKETING and (lane := resolver.resolve(Person(event.wa_id, event.user_id))):
        at = event.at or item.received_at
        effects.consents.append(_consent(lane, "marketing", "opted_out", "131050", at, event.reason, event.id))
    return resolver.known(Person(event.wa_id, event.user_id)), "done", ""


def _take_consent(item: Item, resolver: Resolver, effects: Effects) -> Taken:
    event = item.event
    assert isinstance(event, events.ConsentUpdate)
    lane = resolver.resolve(Person(event.wa_id, event.user_id))
    if lane is None:
        return None, "dead", "WhatsApp did not say whose consent changed."
    at = event.at or item.received_at
    effects.consents.append(_consent(lane, event.category, event.state, event.how, at, event.evidence, event.id))
    return lane, "new", ""  # applied; the handler tells the CRMs that keep it on a field


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


def _take_noted(item: Item, resolver: Resolver, effects: Effects) -> Taken:
    """Somebody answered from the phone app: a person talks with them, and automation is silent."""
    event = item.event
    assert isinstance(event, events.Noted)
    if event.what != ECHO or not (event.wa_id or event.user_id):
        return _take_other(item, resolver, effects)
    lane = resolver.resolve(Person(event.wa_id, event.user_id))
    if lane is not None:
        effects.echoes.append({"contact": lane, "at": event.at or item.received_at, "text": clean(event.text, 500)})
    return lane, "done", ""


def _take_other(item: Item, resolver: Resolver, effects: Effects) -> Taken:  # noqa: ARG001
    known = people(item.event)
    return (resolver.known(known[0]) if known else None), "done", ""


TAKERS: dict[str, Callable[[Item, Resolver, Effects], Taken]] = {
    "InboundMessage": _take_message,
    "DeliveryStatus": _take_status,
    "ConsentUpdate": _take_consent,
    "IdentityChange": _take_identity,
    "TemplateUpdate": _take_template,
    "AccountAlert": _take_alert,
    "Noted": _take_noted,
}


def _consent(
    contact: str, category: str, state: str, how: str, at: datetime, evidence: str, event: str
) -> dict[str, Any]:
    return {
        "contact": contact, "category": category, "state": state, "how": how, "at": at,
        "evidence": clean(evidence, 500), "event": event,
    }  # fmt: skip
