"""Salesforce's objects and fields: standard ones, those of the connector, and what the Tooling API adds."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from connector.sandbox.salesforce.errors import Refused, refuse
from connector.sandbox.salesforce.field import Field
from connector.sandbox.salesforce.objects import OBJECTS

MASTER_TYPE = "012000000000000AAA"
TOOLING = frozenset({"CustomField", "ValidationRule"})
MERGEABLE = ("Contact", "Lead", "Account")


NEW = frozenset({"WhatsApp_Id__c", "WhatsApp_User_Id__c", "WhatsApp_Ref__c"})  # absent until made, without fields_ready

# The Tooling API's words for a field's type.
KINDS = {
    "Text": "string", "TextArea": "textarea", "LongTextArea": "textarea", "Number": "double", "Currency": "currency",
    "Checkbox": "boolean", "Date": "date", "DateTime": "datetime", "Email": "email", "Phone": "phone", "Url": "url",
    "Picklist": "picklist", "MultiselectPicklist": "multipicklist",
}  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """What every write asks of an object's fields, worked out once."""

    required: tuple[str, ...]
    booleans: tuple[str, ...]
    indexed: tuple[str, ...]
    searched: tuple[tuple[str, str], ...]  # (field, PHONE | EMAIL | NAME)


GROUPS = {"phone": "PHONE", "email": "EMAIL"}  # what SOSL searches, by a field's type


def group_of(one: Field) -> str | None:
    """The fields SOSL searches this one among; None for none."""
    return "NAME" if one.name == "Name" else GROUPS.get(one.type)


@dataclass
class Schema:
    """The fields of one org by object and lower-case name; what is hidden is not among `seen`."""

    ready: bool = True
    objects: dict[str, dict[str, Field]] = field(default_factory=dict)
    _shapes: dict[str, Shape] = field(default_factory=dict)

    def __post_init__(self) -> None:
        absent = frozenset() if self.ready else NEW
        for object, fields in OBJECTS.items():
            self.objects[object] = {f.name.lower(): f for f in fields if f.name not in absent}

    def seen(self, object: str) -> Iterator[Field]:
        """The fields our user may see; NOT_FOUND for an unknown object."""
        if object not in self.objects:
            raise refuse("NOT_FOUND", "The requested resource does not exist")
        return (f for f in self.objects[object].values() if not f.hidden)

    def shape(self, object: str) -> Shape:
        """What writes and indexes need; hidden fields are indexed too."""
        if object not in self._shapes:
            fields = list(self.objects[object].values())
            self._shapes[object] = Shape(
                tuple(f.name for f in fields if f.required),
                tuple(f.name for f in fields if f.type == "boolean"),
                tuple(f.name for f in fields if f.indexed),
                tuple((f.name, group) for f in fields if (group := group_of(f))),
            )
        return self._shapes[object]

    def get(self, object: str, name: str) -> Field | None:
        """A field our user may see, whatever the case of its name."""
        found = self.objects.get(object, {}).get(name.lower())
        return None if found is None or found.hidden else found

    def add(self, body: Mapping[str, Any]) -> str:
        """A custom field as the Tooling API makes it: there, unique perhaps, and hidden. Its full name."""
        full, metadata = str(body.get("FullName") or ""), body.get("Metadata")
        object, _, name = full.partition(".")
        target = "Task" if object == "Activity" else object  # activity fields show on Task
        if target not in OBJECTS or not name.endswith("__c") or not isinstance(metadata, Mapping):
            raise refuse("FIELD_INTEGRITY_EXCEPTION", f"The field {full} cannot be made", ["FullName"])
        if name.lower() in self.objects[target]:
            raise _taken(target, name)
        self.objects[target][name.lower()] = _made(name, metadata)
        self._shapes.clear()
        return full

    def grant(self, fields: Iterable[str]) -> None:
        """Open hidden fields, named Object.Field."""
        for full in fields:
            object, _, name = full.partition(".")
            hidden = self.objects.get(object, {}).get(name.lower())
            if hidden:
                self.objects[object][name.lower()] = replace(hidden, hidden=False)


def _taken(object: str, name: str) -> Refused:
    return refuse("DUPLICATE_DEVELOPER_NAME", f"There is already a field named {name} on {object}.", ["DeveloperName"])


def _made(name: str, metadata: Mapping[str, Any]) -> Field:
    kind = KINDS.get(str(metadata.get("type")))
    if kind is None or not metadata.get("label"):
        raise refuse("FIELD_INTEGRITY_EXCEPTION", "A field needs a label and a type", ["Metadata"])
    values = metadata.get("valueSet") or {}
    listed = (values.get("valueSetDefinition") or {}).get("value") or ()
    scale = int(metadata.get("scale") or 0)
    return Field(
        name, str(metadata["label"]), kind, int(metadata.get("length") or 0),
        tuple(str(v["valueName"]) for v in listed), values.get("restricted") is True,
        (int(metadata.get("precision") or 0) - scale, scale),
        external=metadata.get("externalId") is True, unique=metadata.get("unique") is True, hidden=True,
    )  # fmt: skip
