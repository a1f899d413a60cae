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

Keep = Callable[[Scope, str, Value, Value, Record | None, Sequence[str]], str | None]


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


def if_empty(
    scope: Scope, name: str, value: Value, before: Value, record: Record | None, order: Sequence[str]
) -> str | None:
    """Only where nothing stands."""
    del scope, name, value, record, order
    return f'"{shown(before)}" stands there already'


def if_further(
    scope: Scope, name: str, value: Value, before: Value, record: Record | None, order: Sequence[str]
) -> str | None:
    """Only forward in `order`, else in the CRM's order of the options."""
    del record
    steps = order or [shown(o) for o in scope.setting.schema.get(name, {}).get("options", ())]
    places = {step: n for n, step in enumerate(steps)}
    old, new = places.get(shown(before)), places.get(shown(value))
    if not steps:
        return f'the order of the values of {name} is not known, so "{shown(before)}" stays'
    if old is None or new is None:
        return f'"{shown(before if old is None else value)}" has no place in the order, so "{shown(before)}" stays'
    return None if new > old else f'"{shown(before)}" is further along than "{shown(value)}"'


def _moment(value: Any) -> datetime | None:
    """A date or time as a CRM writes it, in UTC; None for any other text or number."""
    if not isinstance(value, str) or len(value) < 10 or value[4:5] != "-":
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def if_newer(
    scope: Scope, name: str, value: Value, before: Value, record: Record | None, order: Sequence[str]
) -> str | None:
    """Two dates: the later one wins. Any other field: the message must be younger than the record's last change."""
    del name, order
    old, new = _moment(before), _moment(value)
    if old and new:
        return None if new > old else f'"{shown(before)}" is not older'
    changed, sent = record.modified if record else None, scope.event.at or scope.now
    if changed is None:
        return "the CRM does not say when the record was last changed"
    return None if sent > changed else "the record was changed after this message was sent"


def unless_human(
    scope: Scope, name: str, value: Value, before: Value, record: Record | None, order: Sequence[str]
) -> str | None:
    """Only what no person wrote; where the CRM does not say who wrote it, it is taken for a person's."""
    del scope, value, order
    human = record.humans.get(name) if record else None
    if human is None:
        return f'the CRM does not say who wrote "{shown(before)}"'
    return f'a person wrote "{shown(before)}"' if human else None


POLICIES: dict[str, Keep | None] = {
    "always": None, "if_empty": if_empty, "if_newer": if_newer, "if_further": if_further, "unless_human": unless_human,
}  # fmt: skip
