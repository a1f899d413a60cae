"""HubSpot's records in memory: values, unique properties, phones, merges. One lock, held by the service."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from typing import Any

from connector.sandbox.http import Record
from connector.sandbox.hubspot.associations import Associations
from connector.sandbox.hubspot.errors import Refused, contact_exists, invalid, locked, missing_properties, problem
from connector.sandbox.hubspot.phones import calculated
from connector.sandbox.hubspot.schema import KINDS, PHONES, STAGES, Kind, Schema
from connector.sandbox.hubspot.settings import PORTAL
from connector.sandbox.hubspot.values import check, iso
from connector.sandbox.hubspot.values import read as read_value

FIRST_NEW_ID = 151_000_000_001  # real ids outgrew 32 bits
INDEXED = {"contacts": (*PHONES, *(name for names in PHONES.values() for name in names)), "companies": ("domain",)}
Values = dict[str, str]


class Item:
    """One record. `before` is what search still shows while it lags behind."""

    __slots__ = ("archived", "before", "created", "id", "kind", "updated", "values")

    def __init__(self, kind: Kind, id: str, at: float) -> None:
        stamp = iso(at)
        self.kind, self.id, self.created, self.updated = kind, id, at, at
        self.archived = False
        self.values: Values = {"hs_object_id": id, kind.created: stamp, kind.modified: stamp}
        self.before: Values | None = None

    def shown(self, names: Iterable[str]) -> Record:
        """As the API answers, with these properties and the three every answer has; null where there is no value."""
        kind, values = self.kind, self.values
        wanted = dict.fromkeys((*names, kind.created, "hs_object_id", kind.modified))
        return {
            "id": self.id,
            "properties": {name: values.get(name) or None for name in wanted},
            "createdAt": values[kind.created],
            "updatedAt": values[kind.modified],
            "archived": self.archived,
        }


class Store:
    """All records of one portal. Every method expects the service's lock to be held."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.schema = Schema()
        self.associations = Associations()
        self.locked: frozenset[str] = frozenset()
        self.clock = now
        self._items: dict[str, dict[str, Item]] = {name: {} for name in KINDS}
        self._index: dict[str, dict[str, dict[str, dict[str, None]]]] = {name: {} for name in KINDS}
        self._merged: dict[str, str] = {}
        self._ids = itertools.count(FIRST_NEW_ID)
        self._undo: list[Callable[[], None]] | None = None

    # ---- reading ----
    def all(self, kind: str, archived: bool = False) -> Iterator[Item]:
        """Every record of a kind, oldest first."""
        return (item for item in self._items[kind].values() if item.archived == archived)

    def get(self, kind: str, id: str, id_property: str | None = None) -> Item | None:
        """The record by its id (a merged one: the record that goes on) or a unique property; never an archived one."""
        if id_property:
            found = next(iter(self.having(kind, id_property, id)), None)
            return self._items[kind].get(found) if found else None
        item = self._items[kind].get(self.survivor(id))
        return item if item and not item.archived else None

    def survivor(self, id: str) -> str:
        """Where merges led this id."""
        while id in self._merged:
            id = self._merged[id]
        return id

    def having(self, kind: str, name: str, value: str) -> Iterable[str]:
        """Ids of the records whose indexed property has this value (no difference between cases)."""
        return self._index[kind].get(name, {}).get(value.lower(), {})

    def is_indexed(self, kind: str, name: str) -> bool:
        """Whether `having` knows this property."""
        prop = self.schema.properties[kind].get(name)
        return name in INDEXED.get(kind, ()) or bool(prop and prop.unique)

    # ---- writing ----
    @contextmanager
    def together(self) -> Iterator[None]:
        """All of it or none of it: a Refused inside takes back what was done."""
        undo: list[Callable[[], None]] = []
        self._undo = undo
        try:
            yield
        except Refused:
            for step in reversed(undo):
                step()
            raise
        finally:
            self._undo = None

    def create(self, kind: str, given: Mapping[str, Any], links: Any = None, id: str | None = None) -> Item:
        """A new record with its associations; Refused with nothing done."""
        values = self.clean(kind, given)
        self._demand(KINDS[kind], values)
        self._unique(kind, values, None)
        id = id or str(next(self._ids))
        planned = self.associations.planned(kind, links, lambda to, other: self.get(to, other) is not None)
        item = Item(KINDS[kind], id, self.clock())
        self._items[kind][id] = item
        self._note(lambda: self._forget(kind, item))
        self._set(item, values)
        for to, other, types in planned:
            self.associations.put(kind, id, to, self.survivor(other), types)
        return item

    def update(self, kind: str, item: Item, given: Mapping[str, Any]) -> tuple[str, ...]:
        """Change a record; the names that were given. Refused with nothing done."""
        if item.id in self.locked:
            raise locked(item.id)
        values = self.clean(kind, given)
        self._unique(kind, values, item)
        choices = {name for name in values if self.schema.properties[kind][name].field_type == "checkbox"}
        self._set(item, _forward(item, values, choices))
        return tuple(values)

    def archive(self, item: Item) -> None:
        """To the recycle bin: unique values are free again."""
        if item.id in self.locked:
            raise locked(item.id)
        self._unindex(item)
        item.archived = True
        self._note(lambda: self._restore(item))

    def merge(self, kind: str, primary: Item, other: Item) -> Item:
        """A new record with the primary's values, the other's where it has none; both old ids lead to it."""
        combined = {**other.values, **{n: v for n, v in primary.values.items() if v}}
        self.archive(primary)
        self.archive(other)
        merged = Item(KINDS[kind], str(next(self._ids)), self.clock())
        self._items[kind][merged.id] = merged
        writable = self.schema.properties[kind]
        self._set(merged, {n: v for n, v in combined.items() if v and not writable[n].read_only})
        for old in (primary, other):
            self._merged[old.id] = merged.id
            self.associations.move(kind, old.id, merged.id)
        return merged

    def clean(self, kind: str, given: Any) -> Values:
        """The values as they are kept; Refused names every one that is not valid."""
        if not isinstance(given, Mapping):
            raise Refused("Invalid input JSON: properties must be an object")
        known, kept, problems = self.schema.properties[kind], {}, []
        for name, value in given.items():
            if isinstance(value, dict | list):
                raise Refused(f'Invalid input JSON: Cannot deserialize value of "{name}" from an object or an array')
            prop = known.get(name)
            if prop is None:
                problems.append(problem(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist'))
                continue
            kept[name], wrong = check(prop, value)
            if wrong:
                problems.append(wrong)
        if problems:
            raise invalid(problems)
        return kept

    def key(self, kind: str, id_property: str, value: str) -> str:
        """A unique value as it is kept, so that it can be compared."""
        return read_value(self.schema.properties[kind][id_property], value)

    # ---- inside ----
    def _demand(self, kind: Kind, values: Values) -> None:
        absent = [name for name in kind.needs if not values.get(name)]
        if absent:
            raise missing_properties(kind.one.upper(), absent)
        if kind.needs_one and not any(values.get(name) for name in kind.needs_one):
            raise missing_properties(kind.one.upper(), kind.needs_one)

    def _unique(self, kind: str, values: Values, item: Item | None) -> None:
        for name in self.schema.unique[kind]:
            value = values.get(name)
            taken = (
                next((id for id in self.having(kind, name, value) if not item or id != item.id), None)
                if value
                else None
            )
            if taken and name == "email":
                raise contact_exists(taken)
            if taken:
                where = f"portalId={PORTAL}, objectTypeId={KINDS[kind].type_id}, propertyName={name}, value={value}"
                whom = item.id if item else "a new record"
                message = f"Cannot set PropertyValueCoordinates{{{where}}} on {whom}. {taken} already has that value."
                raise invalid([problem(name, "CONFLICTING_UNIQUE_VALUE", message)])

    def _set(self, item: Item, values: Values) -> None:
        old, updated, before = item.values, item.updated, item.before
        self._unindex(item)
        now = self.clock()
        item.before, item.updated = old, now
        item.values = {**old, **values, item.kind.modified: iso(now)}
        for name in PHONES.keys() & values.keys() if item.kind.name == "contacts" else ():
            item.values |= calculated(name, values[name], item.values.get("country", ""))
        if "country" in values and item.kind.name == "contacts":
            for name in PHONES:
                item.values |= calculated(name, item.values.get(name, ""), values["country"])
        self._reindex(item)
        self._note(lambda: self._put_back(item, old, updated, before))

    def _put_back(self, item: Item, values: Values, updated: float, before: Values | None) -> None:
        self._unindex(item)
        item.values, item.updated, item.before = values, updated, before
        self._reindex(item)

    def _restore(self, item: Item) -> None:
        item.archived = False
        self._reindex(item)

    def _forget(self, kind: str, item: Item) -> None:
        self._unindex(item)
        del self._items[kind][item.id]
        self.associations.drop(kind, item.id)

    def _note(self, step: Callable[[], None]) -> None:
        if self._undo is not None:
            self._undo.append(step)

    def _indexed(self, item: Item) -> Iterator[tuple[str, str]]:
        kind = item.kind.name
        for name in (*INDEXED.get(kind, ()), *self.schema.unique[kind]):
            if value := item.values.get(name):
                yield name, value.lower()

    def _reindex(self, item: Item) -> None:
        index = self._index[item.kind.name]
        for name, value in self._indexed(item):
            index.setdefault(name, {}).setdefault(value, {})[item.id] = None

    def _unindex(self, item: Item) -> None:
        index = self._index[item.kind.name]
        for name, value in self._indexed(item):
            index.get(name, {}).get(value, {}).pop(item.id, None)


def _forward(item: Item, values: Values, choices: Set[str]) -> Values:
    """A lifecycle stage moves on only: a step back is dropped in silence, after "" any is taken (contacts guide)."""
    now, then = item.values.get("lifecyclestage"), values.get("lifecyclestage")
    if now in STAGES and then in STAGES and STAGES.index(then) < STAGES.index(now):
        values = {**values, "lifecyclestage": now}
    added = {name: value for name, value in values.items() if name in choices and value[:1] == ";"}  # appends
    return {**values, **{name: _appended(item.values.get(name, ""), value) for name, value in added.items()}}


def _appended(had: str, added: str) -> str:
    return ";".join(dict.fromkeys([*filter(None, had.split(";")), *filter(None, added.split(";"))]))
