"""`overwrite:` decides whether a value that stands in the CRM may be replaced. Each answers None, or why it is kept.

Only asked where something stands: an empty field may always be written.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from connector.core.contact import Record, Value
from connector.core.documents.comparing import is_number, shown
from connector.core.documents.numbers import plain_number
from connector.core.documents.words import Scope

Gate = Callable[[Scope, Value, Value, Record | None], str | None]  # scope, value, before, record


def equal(value: Value, before: Value) -> bool:
    """Is this what stands there already? CRMs give many numbers and yes/no as text."""
    if value is None or before is None:
        return value is before
    if type(value) is type(before):
        return value == before
    if is_number(value) or is_number(before):
        a, b = plain_number(shown(value)), plain_number(shown(before))
        return a is not None and a == b
    return shown(value) == shown(before)


def _if_empty(name: str, order: Sequence[str]) -> Gate:
    """Only where nothing stands."""
    del name, order

    def gate(scope: Scope, value: Value, before: Value, record: Record | None) -> str | None:
        del scope, value, record
        return f'"{shown(before)}" stands there already'

    return gate


def _if_further(name: str, order: Sequence[str]) -> Gate:
    """Only forward in `order`, else in the CRM's order of the options."""
    ours = {step: n for n, step in enumerate(order)}

    def gate(scope: Scope, value: Value, before: Value, record: Record | None) -> str | None:
        del record
        places = ours or {shown(o): n for n, o in enumerate(scope.setting.schema.get(name, {}).get("options", ()))}
        old, new = places.get(shown(before)), places.get(shown(value))
        if old is not None and new is not None:
            return None if new > old else f'"{shown(before)}" is further along than "{shown(value)}"'
        if not places:
            return f'the order of the values of {name} is not known, so "{shown(before)}" stays'
        return f'"{shown(before if old is None else value)}" has no place in the order, so "{shown(before)}" stays'

    return gate


def _moment(value: Any) -> datetime | None:
    """A date or time as a CRM writes it, in UTC; None for any other text or number."""
    if not isinstance(value, str) or len(value) < 10 or value[4:5] != "-":
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _if_newer(name: str, order: Sequence[str]) -> Gate:
    """Two dates: the later one wins. Any other field: the message must be younger than the record's last change."""
    del name, order

    def gate(scope: Scope, value: Value, before: Value, record: Record | None) -> str | None:
        old, new = _moment(before), _moment(value)
        if old and new:
            return None if new > old else f'"{shown(before)}" is not older'
        changed, sent = record.modified if record else None, scope.event.at or scope.now
        if changed is None:
            return "the CRM does not say when the record was last changed"
        return None if sent > changed else "the record was changed after this message was sent"

    return gate


def _unless_human(name: str, order: Sequence[str]) -> Gate:
    """Only what no person wrote; where the CRM does not say who wrote it, it is taken for a person's."""
    del order

    def gate(scope: Scope, value: Value, before: Value, record: Record | None) -> str | None:
        del scope, value
        human = record.humans.get(name) if record else None
        if human is None:
            return f'the CRM does not say who wrote "{shown(before)}"'
        return f'a person wrote "{shown(before)}"' if human else None

    return gate


_POLICIES: dict[str, Callable[[str, Sequence[str]], Gate]] = {
    "if_empty": _if_empty, "if_newer": _if_newer, "if_further": _if_further, "unless_human": _unless_human,
}  # fmt: skip


def gate_of(policy: str, name: str, order: Sequence[str]) -> Gate | None:
    """The gate of one field; None = always."""
    return _POLICIES[policy](name, order) if policy in _POLICIES else None
