"""JSON of a Flow's HTTP callout: `{event_id, trigger | field, object, record, ...}`, one event each.

A callout that names a `trigger` fires it, with `values`; one that names a `field` says that it has a new `value`, and
with `was` what it had before. `"what": "created"` tells of a new record. `event_id` makes it count once, e.g. the
flow's {!$Flow.InterviewGuid}.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connector.core.events import Event, RecordChanged, TriggerCalled, Unrecognised

WHAT = ("changed", "created")
# `object` and `trigger` are words of Apex, and External Services make Apex of every name: each has another one.
NAMES = {
    "trigger": ("trigger", "document"),
    "object": ("object", "object_name"),
    "record": ("record", "record_id"),
}


def read(item: Mapping[str, Any], fallback: str, user: str = "") -> Event:
    """One event; `fallback` is the id the call's own headers give it, `user` our own user in this org."""
    name = _text(item.get("event_id")) or fallback
    object, record, trigger = (_named(item, word) for word in ("object", "record", "trigger"))
    at = _at(item.get("at"))
    if not name:
        return _unrecognised(item, "There is no event_id: without one a repeated call would count twice.")
    if trigger:
        given = _values(item.get("values"))
        return TriggerCalled(id=name, at=at, trigger=trigger, object=object, record=record, values=given, raw=item)
    field, what = _text(item.get("field")), _text(item.get("what")) or "changed"
    if not (object and record) or what not in WHAT or not (field or what == "created"):
        return _unrecognised(item, "It names neither a trigger nor a field of a record.")
    value = _value(item["value"]) if "value" in item else None
    by = _text(item.get("by"))
    return RecordChanged(
        id=f"{name}:{record}:{field}",
        at=at,
        object=object,
        record=record,
        what=what,
        field=field or None,
        value=value,
        source=by,
        ours=bool(user) and by[:15] == user[:15],
        snapshot="was" in item and _value(item["was"]) == value,  # the flow ran, but not for this field
        raw=item,
    )


def _named(item: Mapping[str, Any], word: str) -> str:
    return next((text for name in NAMES[word] if (text := _text(item.get(name)))), "")


def _values(given: Any) -> dict[str, Any]:
    """An object, or a list of {name, value}: a flow can make only the latter."""
    if isinstance(given, list):
        return {n: pair.get("value") for pair in given if isinstance(pair, Mapping) and (n := _text(pair.get("name")))}
    return dict(given) if isinstance(given, Mapping) else {}


def _unrecognised(item: Mapping[str, Any], why: str) -> Unrecognised:
    digest = hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()
    return Unrecognised(id=digest, what="callout", text=why, raw=item)


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)


def _at(value: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(_text(value))
    except ValueError:
        return None
    return at if at.tzinfo else None
