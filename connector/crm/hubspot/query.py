"""Records by conditions: HubSpot's search, a page at a time, past its 10,000 results.

No page is asked for by its number: a record that changes meanwhile moves to the end and would push another over the
edge unseen. A page continues from the last value of what it is sorted by: the modification time, else the record id.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from connector.core.contact import Value
from connector.crm.hubspot import search
from connector.crm.hubspot.find import CONTACTS, Finder
from connector.crm.hubspot.properties import Properties, to_hubspot
from connector.errors import NotFound, Rejected
from connector.ports import Field, Page, Where

LIMIT = 200  # results of a page, the most a search gives
MOST = 4  # conditions; HubSpot takes six filters a group, two are ours
ROOM = search.BODY - 600  # characters for conditions and properties; the rest of a search is ours
ID = "hs_object_id"
OPERATORS = {"eq": "EQ", "ne": "NEQ", "ge": "GTE", "lt": "LT"}
EMPTY = {"eq": "NOT_HAS_PROPERTY", "ne": "HAS_PROPERTY"}
Filter = dict[str, Any]
Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Query:
    """`query` of the port. What changed in the last moments may be missing: the index lags (search the CRM guide)."""

    finder: Finder
    properties: Properties

    def run(self, name: str, where: Sequence[Where], fields: Sequence[str], after: str) -> Page:
        """One page. Raises NotFound for a property that is not there, Rejected for what no search can ask."""
        if len(where) > MOST:
            raise Rejected(f"HubSpot's search takes at most {MOST} conditions.", code="too_many_conditions")
        types, modified = self.properties.of(name), modified_of(name)
        timed = any(not one.field for one in where)
        filters = [_filter(name, types, one, modified) for one in where]
        wanted = self.finder.wanted(fields)
        fits = len(json.dumps([filters, wanted])) <= ROOM
        pages = _Search(self.finder, name, filters, wanted if fits else [modified])
        answer = pages.timed(modified, after) if timed else pages.by_id(after)
        items = answer.items if fits else self._whole(name, answer.items, fields)
        records = tuple(self.finder.record(name, item, fields) for item in items)
        return Page(records, after=answer.after, total=None if after else answer.total)

    def _whole(self, name: str, items: Sequence[Item], fields: Sequence[str]) -> list[Item]:
        """The same records with all their fields, which a search cannot always ask for."""
        ids = [str(item["id"]) for item in items]
        read = {str(item["id"]): item for item in self.finder.read(name, ids, fields)}
        return [read[id_] for id_ in ids if id_ in read]


def modified_of(name: str) -> str:
    """The property that holds when a record last changed."""
    return "lastmodifieddate" if name == CONTACTS else "hs_lastmodifieddate"


@dataclass(frozen=True, slots=True)
class _Answer:
    items: Sequence[Item]
    after: str = ""
    total: int | None = None


@dataclass(frozen=True, slots=True)
class _Search:
    """The pages of one query. `after` is `>id`, `~milliseconds` or `=milliseconds>id`."""

    finder: Finder
    name: str
    filters: list[Filter]
    properties: list[str]

    def by_id(self, after: str) -> _Answer:
        """In the order of ids, which grow."""
        last = _whole(after.removeprefix(">")) if after else None
        items, total, more = self._ask(ID, [_one(ID, "GT", last)] if last is not None else [])
        return _Answer(items, f">{items[-1]['id']}" if more else "", total)

    def timed(self, modified: str, after: str) -> _Answer:
        """In the order of modification. What shares the last time of a full page is left to the next one."""
        if after.startswith("="):
            stamp, _, last = after[1:].partition(">")
            return self._at(modified, _whole(stamp), _whole(last or "0"))
        start = [_one(modified, "GTE", _whole(after.removeprefix("~")))] if after else []
        items, total, more = self._ask(modified, start)
        if not more:
            return _Answer(items, "", total)
        edge = _stamp(items[-1], modified)
        whole = [item for item in items if _stamp(item, modified) < edge]
        if not whole:
            return self._at(modified, edge, 0, total)
        return _Answer(whole, f"~{edge}", total)

    def _at(self, modified: str, stamp: int, last: int, total: int | None = None) -> _Answer:
        """Those of one moment (an import changes more than a page of them at once), in the order of ids."""
        items, _, more = self._ask(ID, [_one(modified, "EQ", stamp), _one(ID, "GT", last)])
        return _Answer(items, f"={stamp}>{items[-1]['id']}" if more else f"~{stamp + 1}", total)

    def _ask(self, order: str, more: Sequence[Filter]) -> tuple[list[Item], int | None, bool]:
        body: dict[str, Any] = {"sorts": [{"propertyName": order, "direction": "ASCENDING"}], "limit": LIMIT}
        if self.filters or more:
            body["filterGroups"] = [{"filters": [*self.filters, *more]}]
        answer = self.finder.client.search(self.name, body | {"properties": self.properties})
        items, total = list(answer.get("results") or []), answer.get("total")
        return items, total if isinstance(total, int) else None, len(items) == LIMIT


def _filter(name: str, types: Mapping[str, Field], where: Where, modified: str) -> Filter:
    property_ = where.field or modified
    known = types.get(property_)
    if known is None:
        raise NotFound(
            f"HubSpot has no property {property_[:80]!r} on {name}.",
            hint="Settings, Properties lists them by their internal names.",
            code="no_field",
        )
    if where.value is None:
        return {"propertyName": property_, "operator": _operator(EMPTY, where.op)}
    if known.type == "choices" and where.op in ("eq", "ne"):  # one of several; EQ would ask for this one alone
        return {"propertyName": property_, "operator": "IN" if where.op == "eq" else "NOT_IN", "values": [where.value]}
    return _one(property_, _operator(OPERATORS, where.op), _LITERALS.get(known.type, _text)(where.value))


def _operator(table: Mapping[str, str], op: str) -> str:
    if op not in table:
        raise Rejected(f"A search cannot ask for {op!r} with this value.", code="bad_condition")
    return table[op]


def _one(name: str, operator: str, value: str | int) -> Filter:
    return {"propertyName": name, "operator": operator, "value": str(value)}


def _text(value: Value | datetime) -> str:
    return value.isoformat() if isinstance(value, datetime) else to_hubspot(value, "text")


def _moment(value: Value | datetime) -> str:
    """Milliseconds since 1970: the one form every date of a search takes."""
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise Rejected(f"{str(value)[:80]!r} is not a date or a time.", code="bad_value") from None
    return str(round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000))


def _day(value: Value | datetime) -> str:
    """A date property holds midnight UTC of its day, whatever the zone of who asks."""
    try:
        day = date.fromisoformat(_text(value)[:10])
    except ValueError:
        raise Rejected(f"{str(value)[:80]!r} is not a date.", code="bad_value") from None
    return _moment(day.isoformat())


_LITERALS: Mapping[str, Callable[[Value | datetime], str]] = {"datetime": _moment, "date": _day}


def _stamp(item: Item, modified: str) -> int:
    return int(_moment(str((item.get("properties") or {}).get(modified))))


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 25):
        raise Rejected("This is not a page of this query.", code="bad_page")
    return int(text)
