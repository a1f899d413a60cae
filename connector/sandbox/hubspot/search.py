"""HubSpot's search: filters, limits, and a view of the records that may lag behind (search the CRM guide, 2026)."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from connector.sandbox.http import Record
from connector.sandbox.hubspot.errors import Refused, bad_json, listed
from connector.sandbox.hubspot.schema import KINDS, Property
from connector.sandbox.hubspot.store import Item, Store, Values
from connector.sandbox.hubspot.values import instant

LONGEST_BODY = 3000  # characters
MOST = 200  # results of a page
SHOWN = 10  # results of a page when `limit` is not given
REACH = 10_000  # results in all
GROUPS, FILTERS, ALL_FILTERS = 5, 6, 18
WORD = re.compile(r"[\w*]+")
NUMERIC = frozenset({"number", "date", "datetime"})
NEGATIVE = frozenset({"NEQ", "NOT_IN", "NOT_CONTAINS_TOKEN", "NOT_HAS_PROPERTY"})
Test = Callable[[Item, Values], bool]


class Search:
    """`run(kind, body)` answers one search; `lag` is seconds until a write is seen."""

    def __init__(self, store: Store, now: float, lag: float) -> None:
        self._store, self._since = store, now - lag
        self._lag = lag

    def run(self, kind: str, body: Mapping[str, Any]) -> Record:
        """The page of results; Refused for what HubSpot refuses."""
        limit, after = _number(body, "limit", SHOWN), _number(body, "after", 0)
        if not 0 < limit <= MOST:
            raise Refused(f"limit must be between 1 and {MOST}")
        if after + limit > REACH:
            raise Refused(f"There was a problem with the request: only the first {REACH} results can be paged through.")
        groups = self._groups(kind, listed(body, "filterGroups", dict))
        found = self._sorted(kind, list(self._found(kind, groups, str(body.get("query") or ""))), listed(body, "sorts"))
        page = found[after : after + limit]
        names = listed(body, "properties", str) or KINDS[kind].shown
        answer: Record = {"total": len(found), "results": [item.shown(names) for item in page]}
        if after + limit < len(found):
            answer["paging"] = {"next": {"after": str(after + limit)}}
        return answer

    # ---- which ----
    def _found(self, kind: str, groups: Sequence[Sequence[Mapping[str, Any]]], query: str) -> Iterator[Item]:
        tests = [[self._test(kind, one) for one in group] for group in groups]
        words = [word.lower() for word in re.findall(r"\w+", query)]
        for item in self._candidates(kind, groups):
            values = self._seen(item)
            if values is None or (words and not self._has_words(item, values, words)):
                continue
            if not tests or any(all(test(item, values) for test in group) for group in tests):
                yield item

    def _seen(self, item: Item) -> Values | None:
        """The values search knows; None for a record it has not seen yet."""
        if not self._lag or item.updated <= self._since:
            return item.values
        return item.before if item.created <= self._since else None

    def _candidates(self, kind: str, groups: Sequence[Sequence[Mapping[str, Any]]]) -> Iterable[Item]:
        """The records an index names when every group has an EQ or IN on an indexed property, otherwise all."""
        ids: dict[str, None] = {}
        for group in groups:
            sharp = next((f for f in group if f["operator"] in ("EQ", "IN") and self._indexed(kind, f)), None)
            if sharp is None or self._lag:
                return self._store.all(kind)
            for value in sharp.get("values") or [sharp.get("value")]:
                ids |= dict.fromkeys(self._store.having(kind, sharp["propertyName"], str(value)))
        if not groups:
            return self._store.all(kind)
        return [item for id in ids if (item := self._store.get(kind, id))]

    def _indexed(self, kind: str, one: Mapping[str, Any]) -> bool:
        return self._store.is_indexed(kind, one["propertyName"])

    def _has_words(self, item: Item, values: Values, words: Sequence[str]) -> bool:
        text = " ".join(values.get(name, "") for name in item.kind.searched).lower()
        digits = re.sub(r"\D", "", text, flags=re.ASCII)
        return all(word in text or (word.isdigit() and word in digits) for word in words)

    # ---- filters ----
    def _groups(self, kind: str, given: Any) -> list[list[Mapping[str, Any]]]:
        groups = [listed(group, "filters", dict) for group in given]
        if len(groups) > GROUPS or max(map(len, groups), default=0) > FILTERS or sum(map(len, groups)) > ALL_FILTERS:
            raise Refused(f"At most {GROUPS} filterGroups, {FILTERS} filters each and {ALL_FILTERS} filters in all.")
        for one in (one for group in groups for one in group):
            name, operator = one.get("propertyName"), one.get("operator")
            if operator not in OPERATORS:
                raise Refused(f"Invalid input JSON: {operator} is not an operator")
            if not str(name).startswith("associations.") and name not in self._store.schema.properties[kind]:
                raise Refused(f"There was a problem with the request. The property {name} does not exist.")
            _demand_values(one)
        return groups

    def _test(self, kind: str, one: Mapping[str, Any]) -> Test:
        name, operator = one["propertyName"], OPERATORS[one["operator"]]
        if name.startswith("associations."):
            return self._associated(kind, name.partition(".")[2], one)
        prop = self._store.schema.properties[kind][name]

        def test(_item: Item, values: Values) -> bool:
            value = values.get(name, "")
            if not value:  # a record without the value is only found by the negative operators
                return one["operator"] in NEGATIVE
            return operator(prop, value, one)

        return test

    def _associated(self, kind: str, target: str, one: Mapping[str, Any]) -> Test:
        names = {"contact": "contacts", "company": "companies", "deal": "deals", "ticket": "tickets"}
        wanted = {self._store.survivor(str(v)) for v in one.get("values") or [one.get("value")]}
        to = names.get(target, target)

        def test(item: Item, _values: Values) -> bool:
            return any(id in wanted for id, _ in self._store.associations.of(kind, item.id, to))

        return test

    def _sorted(self, kind: str, items: list[Item], sorts: Any) -> list[Item]:
        if len(sorts) > 1:
            raise Refused("Only one sort is allowed.")
        one = sorts[0] if sorts else {}
        one = {"propertyName": one} if isinstance(one, str) else one
        if not isinstance(one, dict):
            raise bad_json("Invalid input JSON: a sort names a property")
        name = str(one.get("propertyName") or "hs_object_id")
        prop = self._store.schema.properties[kind].get(name)
        if prop is None:
            raise Refused(f"There was a problem with the request. The property {name} does not exist.")
        down = one.get("direction") == "DESCENDING"
        return sorted(items, key=lambda item: _order(prop, item.values.get(name, "")), reverse=down)


def _number(body: Mapping[str, Any], name: str, default: int) -> int:
    given = body.get(name, default)
    if isinstance(given, str) and given.isascii() and given.isdigit():
        given = int(given)
    if given is None:
        return default
    if not isinstance(given, int) or given < 0:
        raise Refused(f"Invalid input JSON: {name} must be a number")
    return given


def _demand_values(one: Mapping[str, Any]) -> None:
    operator = one["operator"]
    if operator in ("IN", "NOT_IN"):
        if not isinstance(one.get("values"), list) or not one["values"]:
            raise Refused(f"operator {operator} requires values")
    elif operator == "BETWEEN":
        if one.get("value") is None or one.get("highValue") is None:
            raise Refused("operator BETWEEN requires value and highValue")
    elif operator not in ("HAS_PROPERTY", "NOT_HAS_PROPERTY") and one.get("value") is None:
        raise Refused(f"operator {operator} requires a value")


# ---- comparing ----
def _order(prop: Property, text: str) -> tuple[float, str]:
    """What a value sorts by: numbers and times as numbers, the rest as text without case."""
    if prop.type == "number":
        try:
            return float(text), ""
        except ValueError:
            return float("-inf"), text
    if prop.type in NUMERIC:
        at = instant(text)
        return (float("-inf") if at is None else at), ""
    return 0.0, text.lower()


def _same(prop: Property, kept: str, asked: Any) -> bool:
    if prop.type == "enumeration":
        return str(asked) in kept.split(";")  # enumerations mind the case
    if prop.type in NUMERIC:
        return _order(prop, kept) == _order(prop, str(asked))
    return kept.lower() == str(asked).lower()


def _in(prop: Property, kept: str, one: Mapping[str, Any]) -> bool:
    """IN compares texts with the lower-case form the index has: the caller must lower them."""
    if prop.type in NUMERIC or prop.type == "enumeration":
        return any(_same(prop, kept, asked) for asked in one["values"])
    return kept.lower() in map(str, one["values"])


def _between(prop: Property, kept: str, one: Mapping[str, Any]) -> bool:
    return _order(prop, str(one["value"])) <= _order(prop, kept) <= _order(prop, str(one["highValue"]))


def _token(_prop: Property, kept: str, one: Mapping[str, Any]) -> bool:
    words = WORD.findall(kept.lower())
    asked = WORD.findall(str(one["value"]).lower())
    return bool(asked) and all(any(fnmatchcase(word, wanted) for word in words) for wanted in asked)


Operator = Callable[[Property, str, Mapping[str, Any]], bool]
OPERATORS: Mapping[str, Operator] = {
    "EQ": lambda prop, kept, one: _same(prop, kept, one["value"]),
    "NEQ": lambda prop, kept, one: not _same(prop, kept, one["value"]),
    "LT": lambda prop, kept, one: _order(prop, kept) < _order(prop, str(one["value"])),
    "LTE": lambda prop, kept, one: _order(prop, kept) <= _order(prop, str(one["value"])),
    "GT": lambda prop, kept, one: _order(prop, kept) > _order(prop, str(one["value"])),
    "GTE": lambda prop, kept, one: _order(prop, kept) >= _order(prop, str(one["value"])),
    "BETWEEN": _between,
    "IN": _in,
    "NOT_IN": lambda prop, kept, one: not _in(prop, kept, one),
    "HAS_PROPERTY": lambda _prop, _kept, _one: True,
    "NOT_HAS_PROPERTY": lambda _prop, _kept, _one: False,
    "CONTAINS_TOKEN": _token,
    "NOT_CONTAINS_TOKEN": lambda prop, kept, one: not _token(prop, kept, one),
}
