"""HubSpot's properties as our fields, and values in both directions by a property's type."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from connector.core.contact import Value
from connector.crm.hubspot import client as hubspot
from connector.errors import GiveUp
from connector.ports import Field

TEXT = 65_536  # characters of a string property
FRESH = 600.0  # seconds a process trusts what it read of an object's properties
NEVER = 3650  # a displayOrder of -1 means "after the rest"
TYPE_IDS = {"contacts": "0-1", "companies": "0-2", "deals": "0-3", "tickets": "0-5", "leads": "0-136"}
# (type, fieldType) -> ours; the second line is looked at when the pair is not listed.
PAIRS = {
    ("enumeration", "checkbox"): "choices",
    ("enumeration", "booleancheckbox"): "boolean",
    ("string", "phonenumber"): "phone",
}
TYPES = {
    "string": "text", "phone_number": "phone", "enumeration": "choice", "number": "number",
    "bool": "boolean", "date": "date", "datetime": "datetime",
}  # fmt: skip
NAMES = {"email": "email", "work_email": "email", "website": "url", "hs_email_domain": "text"}
RULES = {
    "REGEX": "must match {0}",
    "MIN_LENGTH": "at least {0} characters",
    "MAX_LENGTH": "at most {0} characters",
    "MIN_NUMBER": "at least {0}",
    "MAX_NUMBER": "at most {0}",
    "ALPHANUMERIC": "letters and digits only ({0})",
    "PHONE_NUMBER_WITH_EXPLICIT_COUNTRY_CODE": "a phone number with + and its country code",
    "EMAIL": "an e-mail address",
    "START_DATE": "not before {0}",
    "END_DATE": "not after {0}",
    "WHITESPACE": "no spaces at its ends",
}


@dataclass(frozen=True, slots=True)
class Rules:
    """The admin's validation rules of one property."""

    words: tuple[str, ...] = ()
    pattern: str | None = None
    max_length: int | None = None
    minimum: float | None = None
    maximum: float | None = None


class Properties:
    """The properties of each object, read at most every FRESH seconds. Thread-safe."""

    def __init__(self, client: hubspot.Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._client, self._clock = client, clock
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, dict[str, Field]]] = {}

    def of(self, name: str, *, fresh: bool = False) -> Mapping[str, Field]:
        """Field by name; `fresh` reads them again."""
        with self._lock:
            kept = self._kept.get(name)
            if kept and not fresh and self._clock() - kept[0] < FRESH:
                return kept[1]
            answer = self._client.get(hubspot.properties(name))
            rules = self._rules(name)
            items = {str(item["name"]): item for item in answer.get("results") or []}
            found = {name_: read_field(item, rules.get(name_, Rules())) for name_, item in items.items()}
            self._kept[name] = (self._clock(), found)
            return found

    def _rules(self, name: str) -> dict[str, Rules]:
        """Validation rules are an extra: an account or key without them still has fields."""
        try:
            answer = self._client.get(hubspot.validations(TYPE_IDS.get(name, name)))
        except GiveUp:
            return {}
        items = answer.get("results") or []
        return {str(i.get("propertyName")): read_rules(i.get("propertyValidationRules") or []) for i in items}


def read_field(item: Mapping[str, Any], rules: Rules) -> Field:
    """One property of HubSpot's answer."""
    name, options = str(item["name"]), list(item.get("options") or [])
    changes = item.get("modificationMetadata") or {}
    closed = item.get("calculated") or changes.get("readOnlyValue") or item.get("archived")
    refers = bool(item.get("referencedObjectType") or item.get("externalOptions"))
    kind = type_of(name, str(item.get("type", "")), str(item.get("fieldType", "")))
    options.sort(key=lambda option: option.get("displayOrder", 0) if option.get("displayOrder", 0) >= 0 else NEVER)
    return Field(
        name=name,
        label=str(item.get("label") or name),
        type="reference" if refers else kind,
        writable=not closed,
        options=tuple((str(o["value"]), str(o.get("label") or o["value"])) for o in options),
        open_options=refers,
        max_length=rules.max_length or (TEXT if kind in ("text", "phone", "email", "url") else None),
        minimum=rules.minimum,
        maximum=rules.maximum,
        rules=rules.words,
        pattern=rules.pattern,
        unique=bool(item.get("hasUniqueValue")) or name == "email",
    )


def type_of(name: str, type_: str, field_type: str) -> str:
    """Our word for a property's type; text for one we do not know."""
    kind = PAIRS.get((type_, field_type)) or TYPES.get(type_, "text")
    return NAMES.get(name, kind) if kind == "text" else kind


def read_rules(items: list[Mapping[str, Any]]) -> Rules:
    """The rules in plain words, and the ones that can be checked before a write."""
    arguments = {str(i.get("ruleType")): [str(a) for a in i.get("ruleArguments") or []] for i in items}
    first = {kind: values[0] for kind, values in arguments.items() if values}
    return Rules(
        words=tuple(_in_words(kind, values) for kind, values in arguments.items()),
        pattern=first.get("REGEX"),
        max_length=_whole(first.get("MAX_LENGTH")),
        minimum=_number(first.get("MIN_NUMBER")),
        maximum=_number(first.get("MAX_NUMBER")),
    )


def _in_words(kind: str, values: list[str]) -> str:
    return RULES.get(kind, kind.lower().replace("_", " ")).replace("{0}", ", ".join(values))


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _whole(text: str | None) -> int | None:
    number = _number(text)
    return int(number) if number is not None else None


def to_hubspot(value: Value, type_: str) -> str:
    """A value as HubSpot takes it: "" empties, "true"/"false", dates without time, everything else as plain text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format(Decimal(repr(value)).normalize(), "f")
    text = str(value)
    if type_ == "date":
        return _as_date(text)
    return _as_milliseconds(text) if type_ == "datetime" else text


def _as_date(text: str) -> str:
    """2026-11-23 of an ISO date or time; anything else as it stands, for HubSpot to judge."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        moment = _moment(text)
        return moment.date().isoformat() if moment else text


def _as_milliseconds(text: str) -> str:
    moment = _moment(text)
    return str(round(moment.timestamp() * 1000)) if moment else text


def _moment(text: str) -> datetime | None:
    """An ISO time; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def from_hubspot(text: Any, type_: str) -> Value:
    """A value as evaluation reads it: None when empty, booleans and numbers by the property's type."""
    if text is None or text == "":
        return None
    word = str(text)
    if type_ == "boolean":
        return {"true": True, "false": False}.get(word.lower(), word)
    if type_ == "number":
        try:
            return int(word) if word.lstrip("-").isdecimal() and word.isascii() else float(word)
        except ValueError:
            return word
    return word
