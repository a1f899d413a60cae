"""One HubSpot portal: its records, switches, limits and tokens, and what every endpoint needs to answer."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any

from connector.sandbox.http import Record, Request
from connector.sandbox.hubspot.errors import bad_json, non_unique, not_found
from connector.sandbox.hubspot.limits import Limits
from connector.sandbox.hubspot.schema import KINDS
from connector.sandbox.hubspot.seed import sow
from connector.sandbox.hubspot.settings import APP, REFRESH_TOKEN, HubSpotOptions
from connector.sandbox.hubspot.store import Item, Store
from connector.sandbox.hubspot.webhooks import USER, Webhooks
from connector.sandbox.hubspot.workflows import Workflows
from connector.sandbox.oauth import Grants
from connector.sandbox.world import World

SEEDED = 1_772_460_000.0  # 2026-03-02: the first records are not of today
API = f"appId:{APP}"


class Portal:
    """All state of the stand-in, behind `lock`."""

    def __init__(self, world: World, options: HubSpotOptions) -> None:
        self.world, self._start = world, options
        self.lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """Back to the seed and the switches it was started with."""
        with self.lock:
            self.options = replace(self._start)
            self.limits = Limits(self.options)
            self.webhooks = Webhooks(self.world, self.options)
            self.store = Store(lambda: SEEDED)
            self.store.locked = self.options.locked
            self.files: dict[str, dict[str, Any]] = {}
            self.tokens: dict[str, float] = {}  # OAuth access token -> when it ends
            self.grants = Grants(self.world.now, REFRESH_TOKEN, "na1-", lambda: self.options.rotate)
            self.workflows = Workflows(self.world, self.options, self.store)
            self.lists: dict[str, dict[str, Any]] = {}
            sow(self.store)
            self.store.clock = self.world.now

    def switch(self, given: Any) -> Record:
        """Change switches while it runs; ValueError names what cannot be."""
        known = {f.name: f for f in fields(HubSpotOptions)}
        if not isinstance(given, Mapping) or not known.keys() >= given.keys():
            raise ValueError(f"switches are {', '.join(known)}")
        with self.lock:
            for name, value in given.items():
                kept = frozenset(map(str, value)) if name in ("scopes", "locked") else value
                if not isinstance(kept, type(getattr(self._start, name))) and not isinstance(kept, int):
                    raise ValueError(f"{name} is a {type(getattr(self._start, name)).__name__}")
                setattr(self.options, name, kept)
            self.store.locked = self.options.locked
        return self.switches()

    def switches(self) -> Record:
        """The switches as JSON."""
        return {
            f.name: sorted(v) if isinstance(v := getattr(self.options, f.name), frozenset) else v
            for f in fields(HubSpotOptions)
        }

    # ---- writes, with the webhooks they raise ----
    def create(self, kind: str, properties: Any, links: Any, by: str = API) -> Item:
        """A new record."""
        item = self.store.create(kind, properties, links)
        if self._tells(by):
            self.webhooks.created(KINDS[kind], item.id, {name: item.values[name] for name in properties}, by)
        return item

    def update(self, kind: str, item: Item, properties: Any, by: str = API) -> tuple[str, ...]:
        """Changed values; only those that differ raise webhooks."""
        before = item.values
        names = self.store.update(kind, item, properties)
        if self._tells(by):
            moved = {n: item.values[n] for n in names if item.values[n] != before.get(n, "")}
            self.webhooks.changed(KINDS[kind], item.id, moved, by)
        return names

    def archive(self, kind: str, item: Item, by: str = API) -> None:
        """To the recycle bin."""
        self.store.archive(item)
        if self._tells(by):
            self.webhooks.deleted(KINDS[kind], item.id, by)

    def merge(self, kind: str, primary: Item, other: Item, by: str = API) -> Item:
        """Two records become a third."""
        moved = sum(1 for name, value in other.values.items() if value and not primary.values.get(name))
        merged = self.store.merge(kind, primary, other)
        if self._tells(by):
            self.webhooks.merged(KINDS[kind], primary.id, other.id, merged.id, moved, by)
        return merged

    def _tells(self, by: str) -> bool:
        return by == USER or self.options.echo


def document(request: Request) -> dict[str, Any]:
    """The body, which must be an object."""
    try:
        found = request.json()
    except ValueError:
        raise bad_json() from None
    if not isinstance(found, dict):
        raise bad_json()
    return found


def find(portal: Portal, kind: str, id: str, id_property: str | None) -> Item:
    """The record a path or an input names; Refused when there is none or its property is not unique."""
    item = portal.store.get(kind, id, checked(portal, kind, id_property))
    if item is None:
        raise not_found(id)
    return item


def checked(portal: Portal, kind: str, id_property: Any) -> str | None:
    """The idProperty when it is a unique one."""
    if id_property and id_property not in portal.store.schema.unique[kind]:
        raise non_unique(str(id_property))
    return str(id_property) if id_property else None


def names(given: Any) -> Iterable[str]:
    """Property names from a query's list or an array."""
    if isinstance(given, str):
        return [name for name in given.split(",") if name]
    return [str(name) for name in given or ()]
