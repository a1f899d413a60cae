"""Webhooks that speak of somebody who was erased: what is old stays unknown, what is new is a new contact's.

Old is what was stored before and is delivered again, and what happened before the erasure and comes only now.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connector.core import events, redact
from connector.core.redact import Traces
from connector.pipeline.intake.taking import STOPPED_MARKETING, Item, people
from connector.store import blanking, deliveries, veil
from connector.store import events as event_rows
from connector.store.engine import Store
from connector.store.tables import to_ms
from connector.store.veil import Key, Veil

_PHONE, _USER = re.compile(r"\+?[0-9]{7,15}"), re.compile(r"[A-Z]{2}\.[A-Za-z0-9.]{5,}")
LOOKED_AT = ("Noted", "Unrecognised")  # kinds whose person may stand anywhere in them
WIDEST = 500  # phones and user ids of one such item


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database says of a batch."""

    veil: Veil
    owners: Mapping[Key, Any]  # key -> its erased owner
    events: set[str]  # veiled keys of erased events
    sends: set[str]  # veiled message ids of messages to erased people
    stored: set[tuple[str, str]]  # (account, dedupe key) of what is stored as it is

    def owner(self, item: Item) -> tuple[Any, list[Key]]:
        """(the newest erasure of somebody this item speaks of, their keys); (None, []) when there is none."""
        keys = [key for key in keys_of(item.event) if key in self.owners]
        rows = [self.owners[key] for key in keys]
        return (max(rows, key=lambda row: row.at), keys) if rows else (None, [])


def without_erased(store: Store, conn: Any, items: Sequence[Item]) -> list[Item]:
    """The items as they may be stored. Bodies lose what is old, in the same transaction."""
    veiled = veil.of(store, conn) if items else None
    if veiled is None:
        return list(items)
    known = _look(conn, veiled, items)
    out: list[Item] = []
    gone: dict[str, Traces] = {}
    fresh: dict[str, set[str]] = {}  # delivery -> ids that something new in it speaks of
    for item in items:
        kept, keys = _judge(conn, item, known)
        if kept is item:
            fresh.setdefault(item.delivery, set()).update(value.lstrip("+") for _, value in keys)
        else:
            gone[item.delivery] = gone.get(item.delivery, Traces()) | _traces(item, keys, known)
        if kept is not None:
            out.append(kept)
    for delivery, traces in gone.items():
        left = replace(traces, ids=traces.ids - fresh.get(delivery, set()))
        for row in deliveries.bodies(conn, delivery):
            blanking.redact_delivery(conn, row, left)
    return out


def _traces(item: Item, keys: Sequence[Key], known: _Known) -> Traces:
    """What to take out of the body. An item that may speak of many people is not theirs as a whole."""
    whole = item.event.kind not in LOOKED_AT or known.veil.key(item.event.id) in known.events
    named = Traces(ids=frozenset(value.lstrip("+") for _, value in keys))
    return redact.of_items([item.event.raw]) | named if whole and item.event.raw else named


def keys_of(event: events.Event) -> list[Key]:
    """Whom it speaks of."""
    found = [key for person in people(event) for key in person.keys]
    if event.kind in LOOKED_AT:
        found += list(_inside(event.raw))[:WIDEST]
    return list(dict.fromkeys(found))


def _inside(value: Any) -> Iterator[Key]:
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _inside(one)
    elif isinstance(value, list):
        for one in value:
            yield from _inside(one)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        text = str(value)
        if _PHONE.fullmatch(text):
            yield ("wa_id", text.lstrip("+"))
        elif _USER.fullmatch(text):
            yield ("bsuid", text)


def _look(conn: Any, veiled: Veil, items: Sequence[Item]) -> _Known:
    keys = {key for item in items for key in keys_of(item.event)}
    wamids = {e.wamid for item in items if isinstance(e := item.event, events.DeliveryStatus)}
    wamids |= {e.evidence for item in items if isinstance(e := item.event, events.ConsentUpdate) and e.evidence}
    return _Known(
        veiled,
        veil.known(conn, veiled, keys),
        veil.veiled_events(conn, [veiled.key(item.event.id) for item in items]),
        veil.veiled_sends(conn, [veiled.key(wamid) for wamid in wamids]),
        event_rows.known_keys(conn, [(i.account, i.event.id) for i in items if i.event.kind in LOOKED_AT]),
    )


def _judge(conn: Any, item: Item, known: _Known) -> tuple[Item | None, list[Key]]:
    """(the item itself, another one without the person, or None: it is known; the keys it speaks of)."""
    event, key = item.event, known.veil.key(item.event.id)
    owner, keys = known.owner(item)
    if key in known.events:
        return None, keys
    old = owner is not None and (event.at or item.received_at) <= owner.at
    if isinstance(event, events.DeliveryStatus):
        wamid = known.veil.key(event.wamid)
        if wamid in known.sends:
            _stop(conn, event, owner)
            blank = replace(event, id=key, wamid=wamid, wa_id=None, user_id=None, raw={}, reason="", code=None)
            return replace(item, event=blank), keys
    elif isinstance(event, events.ConsentUpdate) and known.veil.key(event.evidence) in known.sends:
        return replace(item, event=events.Noted(id=key, at=event.at, what="erased")), keys
    if owner is not None and (item.account, event.id) in known.stored:
        return None, keys
    if not old:
        return item, keys
    return replace(item, event=events.Noted(id=key, at=event.at, what="erased", text="the person was erased")), keys


def _stop(conn: Any, event: events.DeliveryStatus, owner: Any) -> None:
    """The status of an old message tells that they stopped marketing: their hashes remember it."""
    if owner is not None and event.code == STOPPED_MARKETING:
        at = to_ms(event.at) if event.at else to_ms(owner.at)
        veil.stopped(conn, [owner.hash], "marketing", str(STOPPED_MARKETING), at)
