"""A webhook body, item by item: entries, changes, and every list inside them; one bad item never harms another."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from connector.core.events import Event, Unrecognised
from connector.core.nested import too_deep
from connector.ports import Routed
from connector.whatsapp import alerts, noted, templates
from connector.whatsapp.alerts import read_account_field, read_error
from connector.whatsapp.messages import read_message
from connector.whatsapp.noted import read_noted
from connector.whatsapp.preferences import read_preference, read_user_id_update
from connector.whatsapp.scope import Scope
from connector.whatsapp.statuses import read_status
from connector.whatsapp.templates import read_template
from connector.whatsapp.values import Json, ShapeError, fingerprint, text, tidy, time

DEEPEST = (
    100  # levels of nesting in one item; Meta's deepest has about 10, the database writes far fewer than Python reads
)
OBJECT = "whatsapp_business_account"

Reader = Callable[[Json, Scope], list[Event]]

# field -> list inside its value -> reader of one element; "" = the value itself is the only item
_NOTED: Reader = read_noted
FIELDS: dict[str, dict[str, Reader]] = {
    "messages": {"messages": read_message, "statuses": read_status, "errors": read_error, "user_actions": read_noted},
    "user_preferences": {"user_preferences": read_preference},
    "user_id_update": {"user_id_update": read_user_id_update},
    **{field: {"": read_template} for field in templates.READERS},
    **{field: {"": read_account_field} for field in alerts.READERS},
    **{field: dict.fromkeys((*names, ""), _NOTED) for field, names in noted.LISTS.items()},
}


def read_body(data: Any, *, deep: bool) -> list[Routed]:
    """Every item of a decoded body. `deep` False promises that nothing in it is nested over DEEPEST levels."""
    entries = data.get("entry") if type(data) is dict else None
    if type(entries) is not list:
        return [Routed(_unrecognised(data, "body", "it has no entry list", deep=deep), "")]
    known = text(data, "object") in (OBJECT, "")
    return list(chain.from_iterable(_read_entry(entry, deep, known) for entry in entries))


def _read_entry(entry: Any, deep: bool, known: bool) -> Iterator[Routed]:
    changes = entry.get("changes") if type(entry) is dict else None
    if type(changes) is not list:
        owner = text(entry, "id") if type(entry) is dict else ""
        yield Routed(_unrecognised(entry, "entry", "it has no changes list", deep=deep), owner)
        return
    for change in changes:
        value = change.get("value") if type(change) is dict else None
        if type(value) is not dict:
            event = _unrecognised(change, "changes", "it has no value object", entry, deep)
            yield Routed(event, text(entry, "id"))
            continue
        # Some of Meta's examples put `field` beside `changes`
        field = text(change, "field") or text(entry, "field")
        scope = Scope(field, value, entry, deep)
        lists = FIELDS.get(field) if known else None
        events: Iterable[Event] = _read_lists(scope, lists) if lists else _unknown_field(scope)
        yield from (Routed(event, scope.owner) for event in events)


def _read_lists(scope: Scope, lists: dict[str, Reader]) -> Iterator[Event]:
    """The items of every list we know in this field; with none of them there, the value itself."""
    found = False
    for name, reader in lists.items():
        items = scope.value.get(name)
        if not name or items is None:  # "" is the whole value, below
            continue
        found = True
        if type(items) is not list:
            yield _odd(items, scope, name, "it is not a list")
            continue
        for item in items:
            yield from _read_item(item, scope, name, reader)
    if not found:
        yield from _read_item(scope.value, scope, "", lists.get("", _no_list))


def _read_item(item: Any, scope: Scope, name: str, reader: Reader) -> list[Event]:
    if type(item) is not dict:
        return [_odd(item, scope, name, "it is not an object")]
    if scope.deep and too_deep(item, DEEPEST):
        return [_odd(item, scope, name, f"it is nested over {DEEPEST} levels deep")]
    try:
        return reader(item, scope)
    except ShapeError as error:
        return [_odd(item, scope, name, str(error))]


def _no_list(value: Json, scope: Scope) -> list[Event]:  # noqa: ARG001 - one signature for all readers
    raise ShapeError("it holds no list that we know")


def _unknown_field(scope: Scope) -> list[Event]:
    return [_odd(scope.value, scope, "", f"unknown field '{scope.field}'")]


def _odd(item: Any, scope: Scope, name: str, why: str) -> Unrecognised:
    where = f"{scope.field}.{name}" if name else scope.field
    return _unrecognised(item, where or "changes", why, scope.entry, scope.deep)


def _unrecognised(item: Any, what: str, why: str, entry: Json | None = None, deep: bool = True) -> Unrecognised:
    """Kept whole (very deep nesting aside); its key is its content, so that a reader of the future may use its ids."""
    entry = entry or {}
    raw = item if type(item) is dict else {"value": item}
    return Unrecognised(
        id=f"unrecognised:{fingerprint(what, item, entry.get('id'), entry.get('time'))}",
        at=time(raw, "timestamp") or time(entry, "time"),
        raw=tidy(raw, DEEPEST) if deep and too_deep(raw, DEEPEST) else raw,
        what=what,
        text=why,
    )
