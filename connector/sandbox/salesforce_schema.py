"""Salesforce's objects and fields: standard ones, those of the connector, and what the Tooling API adds."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from connector.sandbox.salesforce_errors import Refused, refuse

MASTER_TYPE = "012000000000000AAA"
PREFIXES = {
    "Contact": "003", "Lead": "00Q", "Account": "001", "Opportunity": "006", "Task": "00T", "User": "005",
    "PermissionSet": "0PS", "PermissionSetAssignment": "0Pa", "FieldPermissions": "01k", "CustomField": "00N",
    "ValidationRule": "03d",
}  # fmt: skip
TOOLING = frozenset({"CustomField", "ValidationRule"})
MERGEABLE = ("Contact", "Lead", "Account")


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `hidden`: it exists, but no permission set has opened it to our user yet."""

    name: str
    label: str
    type: str = "string"
    length: int = 0
    options: tuple[str, ...] = ()
    restricted: bool = False
    digits: tuple[int, int] = (0, 0)  # before the point, after it
    to: tuple[str, ...] = ()  # objects a reference may point at
    required: bool = False
    read_only: bool = False
    external: bool = False
    unique: bool = False
    hidden: bool = False

    @property
    def indexed(self) -> bool:
        """Whether records can be found by it at once."""
        return self.external or self.unique or self.type == "email"

    @property
    def custom(self) -> bool:
        """Whether an admin made it."""
        return self.name.endswith("__c")

    @property
    def relationship(self) -> str | None:
        """The name a query follows a reference by: Account for AccountId."""
        if not self.to:
            return None
        return self.name.removesuffix("Id") if not self.custom else self.name.removesuffix("c") + "r"

    def shown(self) -> dict[str, Any]:
        """As describe answers."""
        whole, scale = self.digits
        return {
            "name": self.name, "label": self.label, "type": self.type, "length": self.length,
            "precision": whole + scale, "scale": scale, "digits": whole if self.type == "int" else 0,
            "createable": not self.read_only, "updateable": not self.read_only,
            "nillable": not self.required and self.type not in ("id", "boolean"),
            "defaultedOnCreate": self.type == "boolean" or self.name == "OwnerId", "custom": self.custom,
            "restrictedPicklist": self.restricted, "externalId": self.external, "unique": self.unique,
            "calculated": False, "caseSensitive": False, "idLookup": self.external or self.type == "id",
            "filterable": self.type != "textarea", "referenceTo": list(self.to), "relationshipName": self.relationship,
            "dependentPicklist": False, "controllerName": None,
            "picklistValues": [
                {"value": value, "label": value, "active": True, "defaultValue": False, "validFor": None}
                for value in self.options
            ],
        }  # fmt: skip


def _text(name: str, label: str, length: int = 255, **more: Any) -> Field:
    return Field(name, label, "string", length, **more)


def _area(name: str, label: str, length: int) -> Field:
    return Field(name, label, "textarea", length)


def _phone(name: str, label: str) -> Field:
    return Field(name, label, "phone", 40)


def _pick(name: str, label: str, *options: str, restricted: bool = False) -> Field:
    return Field(name, label, "picklist", 255, options, restricted)


def _reference(name: str, label: str, *to: str) -> Field:
    return Field(name, label, "reference", 18, to=to)


def _read_only(name: str, label: str, type: str, **more: Any) -> Field:
    return Field(name, label, type, read_only=True, **more)


SYSTEM = (
    _read_only("Id", "Record ID", "id", length=18),
    _read_only("IsDeleted", "Deleted", "boolean"),
    _read_only("CreatedDate", "Created Date", "datetime"),
    _read_only("LastModifiedDate", "Last Modified Date", "datetime"),
    _read_only("LastModifiedById", "Last Modified By ID", "reference", length=18, to=("User",)),
    _read_only("SystemModstamp", "System Modstamp", "datetime"),
)
OWNER = _reference("OwnerId", "Owner ID", "User")
SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "WhatsApp", "Purchased List", "Other")
BRANCHES = ("Bogota", "Mexico City", "Lima")
STAGES = ("Prospecting", "Qualification", "Proposal/Price Quote", "Negotiation/Review", "Closed Won", "Closed Lost")
WHATSAPP = (
    _text("WhatsApp_Id__c", "WhatsApp Id", 32, external=True, unique=True),
    _text("WhatsApp_User_Id__c", "WhatsApp User Id", 255, external=True, unique=True),
)
REPLIES = (
    Field("NPS_Score__c", "NPS Score", "double", digits=(2, 0)),
    _area("NPS_Comment__c", "NPS Comment", 255),
    Field("NPS_Date__c", "NPS Date", "date"),
    _pick("Preferred_Branch__c", "Preferred Branch", *BRANCHES, restricted=True),
    Field("Appointment_Date__c", "Appointment Date", "date"),
    _area("Appointment_Notes__c", "Appointment Notes", 1000),
)
PERSON = (
    _text("FirstName", "First Name", 40),
    _text("LastName", "Last Name", 80, required=True),
    _read_only("Name", "Full Name", "string", length=121),
    Field("Email", "Email", "email", 80),
    _phone("Phone", "Phone"),
    _phone("MobilePhone", "Mobile Phone"),
    _phone("Fax", "Fax"),
    _text("Title", "Title", 128),
    _pick("LeadSource", "Lead Source", *SOURCES, restricted=True),
    _area("Description", "Description", 32000),
    Field("HasOptedOutOfEmail", "Email Opt Out", "boolean", read_only=True),
)
OBJECTS: Mapping[str, tuple[Field, ...]] = {
    "Contact": (
        *SYSTEM, OWNER, *PERSON, _phone("HomePhone", "Home Phone"), _phone("AssistantPhone", "Asst. Phone"),
        _text("MailingCity", "Mailing City", 40), _text("MailingCountry", "Mailing Country", 80),
        Field("Birthdate", "Birthdate", "date"), _reference("AccountId", "Account ID", "Account"),
        _read_only("MasterRecordId", "Master Record ID", "reference", length=18, to=("Contact",)),
        _text("Legacy_Code__c", "Legacy Code", 20, external=True), *WHATSAPP, *REPLIES,
    ),
    "Lead": (
        *SYSTEM, OWNER, *PERSON, _text("Company", "Company", 255, required=True), _text("City", "City", 40),
        _text("Country", "Country", 80),
        _pick("Status", "Lead Status", "Open - Not Contacted", "Working - Contacted", "Closed - Converted",
              "Closed - Not Converted"),
        _read_only("IsConverted", "Converted", "boolean"),
        _read_only("ConvertedContactId", "Converted Contact ID", "reference", length=18, to=("Contact",)),
        _read_only("ConvertedAccountId", "Converted Account ID", "reference", length=18, to=("Account",)),
        _read_only("MasterRecordId", "Master Record ID", "reference", length=18, to=("Lead",)), *WHATSAPP, *REPLIES,
    ),
    "Account": (
        *SYSTEM, OWNER, _text("Name", "Account Name", 255, required=True), _phone("Phone", "Account Phone"),
        Field("Website", "Website", "url", 255), _text("BillingCity", "Billing City", 40),
        _text("BillingCountry", "Billing Country", 80), _text("Industry", "Industry"),
        _read_only("MasterRecordId", "Master Record ID", "reference", length=18, to=("Account",)),
    ),
    "Opportunity": (
        *SYSTEM, OWNER, _text("Name", "Name", 120, required=True), _reference("AccountId", "Account ID", "Account"),
        _reference("ContactId", "Contact ID", "Contact"),
        Field("StageName", "Stage", "picklist", 255, STAGES, required=True),
        Field("CloseDate", "Close Date", "date", required=True), Field("Amount", "Amount", "currency", digits=(16, 2)),
        _area("Description", "Description", 32000), _text("WhatsApp_Quote__c", "Quote on WhatsApp"),
        Field("Quote_Pdf_Url__c", "Quote (PDF)", "url", 255),
    ),
    "Task": (
        *SYSTEM, OWNER, _reference("WhoId", "Name ID", "Contact", "Lead"),
        _reference("WhatId", "Related To ID", "Account", "Opportunity"), _text("Subject", "Subject"),
        _area("Description", "Description", 32000), Field("ActivityDate", "Due Date Only", "date"),
        _pick("Status", "Status", "Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred"),
        _pick("Priority", "Priority", "High", "Normal", "Low"),
        _pick("Type", "Type", "Call", "Email", "Meeting", "Other"), _text("CallObject", "Call Object"),
        _pick("TaskSubtype", "Task Subtype", "Task", "Email", "Call", restricted=True),
        _text("WhatsApp_Ref__c", "WhatsApp Ref", 100, external=True, unique=True),
    ),
    "User": (
        *SYSTEM, _text("FirstName", "First Name", 40), _text("LastName", "Last Name", 80, required=True),
        _read_only("Name", "Full Name", "string", length=121), _text("Username", "Username", 80),
        Field("Email", "Email", "email", 128), Field("IsActive", "Active", "boolean"),
    ),
    "PermissionSet": (*SYSTEM, _text("Name", "Name", 80, required=True), _text("Label", "Label", 80, required=True)),
    "PermissionSetAssignment": (
        *SYSTEM, _reference("AssigneeId", "Assignee ID", "User"),
        _reference("PermissionSetId", "Permission Set ID", "PermissionSet"),
    ),
    "FieldPermissions": (
        *SYSTEM, _reference("ParentId", "Parent ID", "PermissionSet"),
        _text("SobjectType", "Sobject Type", required=True), _text("Field", "Field Name", required=True),
        Field("PermissionsRead", "Read", "boolean"), Field("PermissionsEdit", "Edit", "boolean"),
    ),
    "CustomField": (*SYSTEM, _text("DeveloperName", "Developer Name"), _text("TableEnumOrId", "Entity")),
    "ValidationRule": (
        *SYSTEM, _text("ValidationName", "Rule Name"), Field("Active", "Active", "boolean"),
        _text("ErrorDisplayField", "Error Location"), _text("ErrorMessage", "Error Message"),
        _text("EntityDefinition.QualifiedApiName", "Entity"),
    ),
}  # fmt: skip
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
