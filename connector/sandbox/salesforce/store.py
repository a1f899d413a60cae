"""Salesforce's records in memory: values, unique fields, words of the search index, the recycle bin."""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from connector.sandbox.http import Record
from connector.sandbox.salesforce.errors import Refused, refuse, row_locked
from connector.sandbox.salesforce.field import Field
from connector.sandbox.salesforce.objects import PREFIXES
from connector.sandbox.salesforce.rules import DUPLICATE_RULES, RULES, check_all
from connector.sandbox.salesforce.schema import MERGEABLE, Schema
from connector.sandbox.salesforce.settings import API, USER
from connector.sandbox.salesforce.values import Value, make_id, stamp

FIRST_NEW = 20_000_000
WORD = re.compile(r"[^\W_]+")
Values = dict[str, Value]


class Row:
    """One record."""

    __slots__ = ("created", "id", "object", "values")

    def __init__(self, object: str, id: str, at: float) -> None:
        self.object, self.id, self.created = object, id, at
        moment = stamp(at)
        self.values: Values = {
            "Id": id, "IsDeleted": False, "CreatedDate": moment, "LastModifiedDate": moment,
            "LastModifiedById": USER, "SystemModstamp": moment,
        }  # fmt: skip

    @property
    def deleted(self) -> bool:
        """Whether it is in the recycle bin."""
        return self.values["IsDeleted"] is True

    def attributes(self) -> Record:
        """The type and address every answer carries."""
        return {"type": self.object, "url": f"/services/data/v{API}/sobjects/{self.object}/{self.id}"}


class Store:
    """All records of one org. Every method expects the org's lock to be held."""

    def __init__(self, clock: Callable[[], float], schema: Schema) -> None:
        self.schema, self.clock = schema, clock
        self.locked: frozenset[str] = frozenset()
        self.duplicate_rule = False
        self._rows: dict[str, dict[str, Row]] = {object: {} for object in PREFIXES}
        self._index: dict[tuple[str, str], dict[str, dict[str, None]]] = {}
        self._words: dict[tuple[str, str], dict[str, dict[str, None]]] = {}
        self._numbers = itertools.count(FIRST_NEW)
        self._undo: list[Callable[[], None]] | None = None

    # ---- reading ----
    def all(self, object: str) -> Iterable[Row]:
        """Every row, deleted ones too, oldest first."""
        return self._rows[object].values()

    def get(self, object: str, id: str) -> Row | None:
        """A row by its 15 or 18 characters, deleted or not."""
        return self._rows.get(object, {}).get(id[:15]) if len(id) in (15, 18) else None

    def having(self, object: str, name: str, value: Value) -> list[Row]:
        """Rows that are not deleted whose indexed field has this value (no difference between cases)."""
        found = self._index.get((object, name), {}).get(_key(value), {})
        return [row for id in found if not (row := self._rows[object][id]).deleted]

    def words(self, object: str, group: str) -> Mapping[str, Iterable[str]]:
        """The search index: word -> ids, of the PHONE, EMAIL or NAME fields of an object."""
        return self._words.get((object, group), {})

    # ---- writing ----
    @contextmanager
    def together(self) -> Iterator[None]:
        """All of it or none of it: a Refused inside takes back what was done."""
        outer, undo = self._undo, list[Callable[[], None]]()
        self._undo = undo
        try:
            yield
        except Refused:
            for step in reversed(undo):
                step()
            undo.clear()
            raise
        finally:
            self._undo = outer
            if outer is not None:
                outer.extend(undo)

    def create(self, object: str, given: Mapping[str, Any], allow: bool = True, number: int = 0) -> Row:
        """A new record; Refused with nothing done. `allow` passes the duplicate rule."""
        values = self._checked(object, given, None)
        values.setdefault("OwnerId", USER)
        self._rules(object, values, None)
        if self.duplicate_rule and not allow:
            self._duplicates(object, values)
        row = Row(object, make_id(PREFIXES[object], number or next(self._numbers)), self.clock())
        self._rows[object][row.id[:15]] = row
        self._note(lambda: self._forget(row))
        row.values |= dict.fromkeys(self.schema.shape(object).booleans, False) | values
        self._settle(row)
        return row

    def adopt(self, row: Row) -> None:
        """A record that has its id already."""
        self._rows[row.object][row.id[:15]] = row
        self._settle(row)

    def update(self, row: Row, given: Mapping[str, Any]) -> Values:
        """Change a record; the values as they are kept. Refused with nothing done."""
        if row.deleted:
            raise refuse("ENTITY_IS_DELETED", "entity is deleted")
        self._free(row)
        if row.values.get("IsConverted"):
            raise refuse("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
        values = self._checked(row.object, given, row)
        self._rules(row.object, {**row.values, **values}, row)
        self.put(row, values)
        return values

    def put(self, row: Row, values: Mapping[str, Value]) -> None:
        """Set values without looking at them: what the platform itself does."""
        before = row.values
        self._unindex(row)
        now = stamp(self.clock())
        row.values = {**before, **values, "LastModifiedDate": now, "SystemModstamp": now}
        self._settle(row)
        self._note(lambda: self._put_back(row, before))

    def delete(self, row: Row) -> None:
        """To the recycle bin."""
        if row.deleted:
            raise refuse("ENTITY_IS_DELETED", "entity is deleted")
        self._free(row)
        self.put(row, {"IsDeleted": True})

    def merge(self, master: Row, other: Row) -> None:
        """The other record is deleted and leads to the master."""
        if master.object not in MERGEABLE or master.object != other.object:
            raise refuse("INVALID_OPERATION", "these records cannot be merged")
        self.delete(other)
        self.put(other, {"MasterRecordId": master.id})

    # ---- inside ----
    def _free(self, row: Row) -> None:
        if row.id in self.locked or row.id[:15] in self.locked:
            raise row_locked(row.id)

    def _checked(self, object: str, given: Mapping[str, Any], row: Row | None) -> Values:
        values = check_all(self.schema, object, given, creating=row is None)
        for name, value in values.items():
            field = self.schema.get(object, name)
            if field and field.type == "reference" and value is not None:
                self._exists(field, str(value))
            if field and field.unique and value is not None:
                taken = next((r for r in self.having(object, name, value) if r is not row), None)
                if taken:
                    message = f"duplicate value found: {name} duplicates value on record with id: {taken.id}"
                    raise refuse("DUPLICATE_VALUE", message)
        return values

    def _exists(self, field: Field, id: str) -> None:
        object = next((o for o in field.to if PREFIXES[o] == id[:3]), None)
        if object is None:
            raise refuse("MALFORMED_ID", f"{field.label}: id value of incorrect type: {id}", [field.name])
        row = self.get(object, id)
        if row is None:
            raise refuse("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if row.deleted:
            raise refuse("ENTITY_IS_DELETED", "entity is deleted", [field.name])

    def _rules(self, object: str, values: Values, row: Row | None) -> None:
        for rule in RULES:
            if rule.object == object and rule.broken(values, row is None):
                raise refuse("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, [rule.field])

    def _duplicates(self, object: str, values: Values) -> None:
        rule = DUPLICATE_RULES.get(object)
        alike = rule.matches(self, values) if rule else []
        if rule and alike:
            raise rule.refusal([(row.id, row.attributes()) for row in alike])

    def _settle(self, row: Row) -> None:
        if "LastName" in row.values:
            parts = (row.values.get("FirstName"), row.values.get("LastName"))
            row.values["Name"] = " ".join(str(part) for part in parts if part)
        for table, key in self._entries(row):
            table.setdefault(key, {})[row.id[:15]] = None

    def _unindex(self, row: Row) -> None:
        for table, key in self._entries(row):
            table.get(key, {}).pop(row.id[:15], None)

    def _entries(self, row: Row) -> Iterator[tuple[dict[str, dict[str, None]], str]]:
        """Where a row stands in the indexes; a deleted one stands in none."""
        if row.deleted:
            return
        object, values, shape = row.object, row.values, self.schema.shape(row.object)
        for name in shape.indexed:
            if values.get(name) is not None:
                yield self._index.setdefault((object, name), {}), _key(values[name])
        for name, group in shape.searched:
            if values.get(name) is not None:
                table = self._words.setdefault((object, group), {})
                for word in WORD.findall(str(values[name]).lower()):
                    yield table, word

    def _put_back(self, row: Row, values: Values) -> None:
        self._unindex(row)
        row.values = values
        self._settle(row)

    def _forget(self, row: Row) -> None:
        self._unindex(row)
        del self._rows[row.object][row.id[:15]]

    def _note(self, step: Callable[[], None]) -> None:
        if self._undo is not None:
            self._undo.append(step)


def _key(value: Value) -> str:
    return str(value).lower()
