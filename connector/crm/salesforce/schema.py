"""What an object's describe says, as our Fields; kept for ten minutes, as every call needs some of it."""

import re
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

from connector.crm.salesforce.client import Client
from connector.errors import GiveUp, NotFound
from connector.ports import Field

# The language's words; a custom object goes by its own name (Visit__c).
OBJECTS = {name.lower(): name for name in ("Contact", "Lead", "Opportunity", "Account", "Case", "Order", "Quote")}
WA_ID, USER_ID, REF = "WhatsApp_Id__c", "WhatsApp_User_Id__c", "WhatsApp_Ref__c"
MASTER_TYPE = "012000000000000AAA"  # the record type of an object that has none
FRESH = 600.0  # seconds a describe is believed
PATIENCE = 30.0  # seconds before a missing field is looked for again
_OBJECT = re.compile(r"[A-Za-z]\w{0,79}", re.ASCII)

# The field types of the enterprise WSDL v68; what is not here reads as text.
TYPES = {
    "string": "text",
    "textarea": "text",
    "encryptedstring": "text",
    "combobox": "text",
    "id": "text",
    "time": "text",
    "picklist": "choice",
    "multipicklist": "choices",
    "boolean": "boolean",
    "int": "integer",
    "long": "integer",
    "double": "number",
    "currency": "number",
    "percent": "number",
    "date": "date",
    "datetime": "datetime",
    "phone": "phone",
    "email": "email",
    "url": "url",
    "reference": "reference",
}
# Phones of somebody or something else: never proof of who writes to us.
_NOT_THEIRS = frozenset({"Fax", "AssistantPhone"})


def safe_object(name: str) -> str:
    """The name when it can be one of an object: it goes into paths and queries."""
    if not _OBJECT.fullmatch(name):
        raise NotFound(f"{name[:40]!r} cannot be the name of a Salesforce object.", code="bad_object")
    return name


class Schema:
    """Describes of one org, fetched once each."""

    def __init__(self, client: Client) -> None:
        self._client, self._lock = client, threading.Lock()
        self._kept: dict[str, tuple[float, Mapping[str, Any]]] = {}
        self._missed: dict[str, float] = {}  # objects that were not there, and when

    def describe(self, object: str, *, fresh: bool = False) -> Mapping[str, Any]:
        """The describe; raises NotFound when the object does not exist for our user."""
        with self._lock:
            at, body = self._kept.get(object, (0.0, None))
        if body is not None and not fresh and time.monotonic() - at < FRESH:
            return body
        body = self._client.call("GET", f"sobjects/{safe_object(object)}/describe") or {}
        with self._lock:
            self._kept[object] = (time.monotonic(), body)
        return body

    def columns(self, object: str) -> dict[str, Mapping[str, Any]]:
        """Field name -> its describe."""
        return {f["name"]: f for f in self.describe(object).get("fields") or ()}

    def known(self, object: str) -> dict[str, Mapping[str, Any]]:
        """`columns`; none when our user cannot see the object: an org without leads still has contacts."""
        with self._lock:
            missed = self._missed.get(object)
        if missed is not None and time.monotonic() - missed < PATIENCE:
            return {}
        try:
            return self.columns(object)
        except NotFound:
            with self._lock:
                self._missed[object] = time.monotonic()
            return {}

    def needing(self, object: str, names: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """`columns`, read again when one of `names` is not there: it may have been made a moment ago."""
        known = self.columns(object)
        with self._lock:
            age = time.monotonic() - self._kept[object][0]
        if age > PATIENCE and not known.keys() >= set(names):
            self.describe(object, fresh=True)
            known = self.columns(object)
        return known

    def phones(self, object: str) -> tuple[str, ...]:
        """The fields that hold a phone of the person itself."""
        return tuple(n for n, f in self.columns(object).items() if f["type"] == "phone" and n not in _NOT_THEIRS)

    def fields(self, object: str) -> list[Field]:
        """Every field for the editor and for lint, freshly read."""
        body = self.describe(object, fresh=True)
        by_type = self._picklists(object, body)
        rules = self._rules(object)
        return [_field(f, by_type, rules.get(f["name"], ())) for f in body.get("fields") or ()]

    def _picklists(self, object: str, body: Mapping[str, Any]) -> dict[str, dict[str, list[tuple[str, str]]]]:
        """Record type label -> field -> options, when the object has several record types in use."""
        types = [
            (str(t["recordTypeId"]), str(t.get("name") or t["recordTypeId"]))
            for t in body.get("recordTypeInfos") or ()
            if t.get("active", True) and t.get("available", True) and not t.get("master")
            if t.get("recordTypeId") not in (None, MASTER_TYPE)
        ]
        if len(types) < 2:
            return {}
        return {label: self._picklist(object, type_id) for type_id, label in types}

    def _picklist(self, object: str, type_id: str) -> dict[str, list[tuple[str, str]]]:
        body = self._client.call("GET", f"ui-api/object-info/{object}/picklist-values/{type_id}") or {}
        return {
            name: [(str(v["value"]), str(v.get("label") or v["value"])) for v in f.get("values") or ()]
            for name, f in (body.get("picklistFieldValues") or {}).items()
        }

    def _rules(self, object: str) -> dict[str, tuple[str, ...]]:
        """Field -> the admin's own words of the active validation rules that point at it."""
        soql = (
            "SELECT ErrorDisplayField, ErrorMessage FROM ValidationRule"  # noqa: S608 - the name is checked
            f" WHERE Active = true AND EntityDefinition.QualifiedApiName = '{safe_object(object)}'"
        )
        try:
            rows = (self._client.call("GET", "tooling/query/", params={"q": soql}) or {}).get("records") or []
        except GiveUp:  # needs "View Setup and Configuration": a help, not a must
            return {}
        found: dict[str, tuple[str, ...]] = {}
        for row in rows:
            name = str(row.get("ErrorDisplayField") or "")
            found[name] = (*found.get(name, ()), str(row.get("ErrorMessage") or ""))
        return found


def _field(
    f: Mapping[str, Any],
    by_type: Mapping[str, Mapping[str, list[tuple[str, str]]]],
    said: tuple[str, ...],
) -> Field:
    options = [(str(v["value"]), str(v.get("label") or v["value"])) for v in _active(f)]
    options, notes = _united(f["name"], options, by_type)
    lowest, highest = _bounds(f)
    return Field(
        name=f["name"],
        label=str(f.get("label") or f["name"]),
        type=TYPES.get(f["type"], "text"),
        writable=bool(f.get("updateable")),
        required=bool(f.get("createable") and not f.get("nillable", True) and not f.get("defaultedOnCreate")),
        options=tuple(options),
        open_options=bool(options) and not f.get("restrictedPicklist"),
        max_length=f.get("length") or None,
        minimum=lowest,
        maximum=highest,
        rules=(*said, *notes, *_depends(f)),
        unique=bool(f.get("unique")),
    )


def _active(f: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    return (v for v in f.get("picklistValues") or () if v.get("active", True))


def _united(
    name: str, options: list[tuple[str, str]], by_type: Mapping[str, Mapping[str, list[tuple[str, str]]]]
) -> tuple[list[tuple[str, str]], list[str]]:
    """The union over the record types in the object's own order, and a note for each type that takes fewer."""
    offered = {label: fields[name] for label, fields in by_type.items() if name in fields}
    if not offered:
        return options, []
    every = {value: text for values in offered.values() for value, text in values}
    union = [(v, text) for v, text in options if v in every]
    union += [(v, text) for v, text in every.items() if (v, text) not in union and v not in dict(union)]
    notes = []
    for label, values in offered.items():
        if len(values) < len(union):
            notes.append(f"Record type {label} takes only: {', '.join(v for v, _ in values) or 'nothing'}.")
    return union, notes


def _bounds(f: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Smallest and largest number that fits the digits the admin allowed."""
    digits, scale = int(f.get("precision") or f.get("digits") or 0), int(f.get("scale") or 0)
    if f["type"] not in ("int", "double", "currency", "percent") or not 0 < digits <= 18:
        return None, None
    highest = (10**digits - 1) / 10**scale
    return -highest, highest


def _depends(f: Mapping[str, Any]) -> list[str]:
    if f.get("dependentPicklist") and f.get("controllerName"):
        return [f"Which options fit depends on {f['controllerName']}."]
    if f.get("calculated"):
        return ["Salesforce calculates it: it cannot be written."]
    return []
