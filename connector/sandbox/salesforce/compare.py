"""Columns of a row and how SOQL compares them: texts without case, ids by 18 characters, related records by name."""

import re
from collections.abc import Callable, Sequence
from fnmatch import translate
from typing import Any

from connector.sandbox.salesforce.errors import Refused, refuse
from connector.sandbox.salesforce.field import Field
from connector.sandbox.salesforce.schema import Schema
from connector.sandbox.salesforce.store import Row, Store
from connector.sandbox.salesforce.values import ID, long_id

Test = Callable[[Row], bool]
Read = Callable[[Row], Any]


def malformed(message: str) -> Refused:
    """A query that cannot be read."""
    return refuse("MALFORMED_QUERY", message)


def checked_column(schema: Schema, object: str, name: str) -> str:
    """A column by its right name; Account.Name follows a reference. INVALID_FIELD when there is none."""
    known = schema.get(object, name)
    if known:
        return known.name
    relation, dot, rest = name.partition(".")
    reference = related(schema, object, relation) if dot else None
    if reference is None:
        message = f"No such column '{name}' on entity '{object}'. If you are attempting to use a custom field, be sure"
        raise refuse("INVALID_FIELD", f"{message} to append the '__c' after the custom field name.")
    return f"{reference.relationship}.{checked_column(schema, reference.to[0], rest)}"


def related(schema: Schema, object: str, relation: str) -> Field | None:
    """The reference a relationship's name stands for."""
    return next((f for f in schema.seen(object) if f.relationship and f.relationship.lower() == relation.lower()), None)


def reader(store: Store, object: str, name: str) -> Callable[[Row], Any]:
    """How to get a column of a row."""
    relation, dot, rest = name.partition(".")
    if not dot or store.schema.get(object, name):
        return lambda row: row.values.get(name)
    reference = related(store.schema, object, relation)
    if reference is None:
        return lambda _row: None
    target, column = reference.to[0], reference.name
    inner = reader(store, target, rest)

    def follow(row: Row) -> Any:
        other = store.get(target, str(row.values.get(column) or ""))
        return inner(other) if other else None

    return follow


def joined(word: str, tests: Sequence[Test]) -> Test:
    """Several conditions, all with AND or all with OR."""
    return (lambda row: all(t(row) for t in tests)) if word == "AND" else (lambda row: any(t(row) for t in tests))


def _plain(value: Any) -> Any:
    """Values as they compare: texts without case, ids by 18 characters, moments as instants."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return float(value)
    return value.lower()


def among(listed: list[Any]) -> Callable[[Any], bool]:
    """IN, and = with a list of one: an id of 15 characters is that of 18."""
    plain = {_plain(asked) for asked in listed}
    plain |= {
        long_id(asked).lower()
        for asked in listed
        if isinstance(asked, str) and len(asked) == 15 and ID.fullmatch(asked)
    }
    return lambda kept: _plain(kept) in plain


def like(read: Callable[[Row], Any], pattern: str) -> Test:
    """LIKE: % and _ as wildcards, no difference between cases."""
    glob = re.compile(translate(re.sub(r"[\[\]*?]", "[\\g<0>]", pattern).replace("%", "*").replace("_", "?")), re.I)
    return lambda row: glob.match(str(read(row) or "")) is not None


def compared(read: Callable[[Row], Any], sign: str, value: Any) -> Test:
    """A comparison with one value."""
    if sign in ("=", "!=", "<>"):
        wanted, same = sign == "=", among([_moment(value)])
        return lambda row: same(read(row)) is wanted
    if sign not in ("<", ">", "<=", ">="):
        raise malformed(f"unexpected token: '{sign}'")

    def test(row: Row) -> bool:
        kept = _plain(read(row))
        asked = _plain(_moment(value))
        if kept is None or type(kept) is not type(asked):
            return False
        return bool({"<": kept < asked, ">": kept > asked, "<=": kept <= asked, ">=": kept >= asked}[sign])

    return test


def _moment(value: Any) -> Any:
    """A literal's Z as the +0000 the values have."""
    if isinstance(value, str) and (found := re.fullmatch(r"([\d-]{10}T[\d:]{8})(\.\d{3})?Z", value)):
        return f"{found[1]}{found[2] or '.000'}+0000"
    return value
