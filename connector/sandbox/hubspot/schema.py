"""HubSpot's object types and their properties: the standard ones this stand-in knows, and those an admin adds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.sandbox.hubspot.errors import Refused
from connector.sandbox.people import OWNERS

TYPES = {"bool", "date", "datetime", "enumeration", "number", "phone_number", "string"}
FIELD_TYPES = {
    "booleancheckbox", "calculation_equation", "checkbox", "date", "file", "html", "number", "phonenumber", "radio",
    "select", "text", "textarea",
}  # fmt: skip
MOST_UNIQUE = 10  # per object (properties docs)
NEEDED = ("groupName", "name", "label", "type", "fieldType")
Options = tuple[tuple[str, str], ...]  # (value, label)


@dataclass(frozen=True, slots=True)
class Kind:
    """An object type: its id, what a search and a read show by default, and what a create must have."""

    name: str
    type_id: str
    one: str  # in webhooks and messages
    group: str
    shown: tuple[str, ...]
    needs: tuple[str, ...] = ()  # all of them
    needs_one: tuple[str, ...] = ()  # at least one
    searched: tuple[str, ...] = ()  # by `query`
    modified: str = "hs_lastmodifieddate"
    created: str = "hs_createdate"


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("contacts", "0-1", "contact", "contactinformation", ("email", "firstname", "lastname"),
             needs_one=("email", "firstname", "lastname"),
             searched=("firstname", "lastname", "email", "phone", "mobilephone", "company"),
             modified="lastmodifieddate", created="createdate"),
        Kind("companies", "0-2", "company", "companyinformation", ("name", "domain"), needs_one=("name", "domain"),
             searched=("name", "domain", "phone"), created="createdate"),
        Kind("deals", "0-3", "deal", "dealinformation", ("amount", "closedate", "dealname", "dealstage", "pipeline"),
             needs=("dealname", "dealstage"), searched=("dealname",), created="createdate"),
        Kind("tickets", "0-5", "ticket", "ticketinformation", ("content", "subject", "hs_pipeline_stage"),
             needs=("subject", "hs_pipeline_stage"), searched=("subject",), created="createdate"),
        Kind("communications", "0-18", "communication", "communication",
             ("hs_communication_channel_type", "hs_communication_body"),
             needs=("hs_timestamp", "hs_communication_logged_from"), searched=("hs_communication_body",)),
        Kind("notes", "0-46", "note", "note", ("hs_note_body",), needs=("hs_timestamp",), searched=("hs_note_body",)),
        Kind("tasks", "0-27", "task", "task", ("hs_task_subject", "hs_task_status"), needs=("hs_timestamp",),
             searched=("hs_task_subject",)),
    )
}  # fmt: skip
BY_TYPE_ID = {kind.type_id: kind for kind in KINDS.values()}


def kind_of(name: str) -> str:
    """An object's name from a path: contacts, contact or 0-1; Refused when there is none."""
    if name in KINDS:
        return name
    if name in BY_TYPE_ID:
        return BY_TYPE_ID[name].name
    one = next((kind.name for kind in KINDS.values() if kind.one == name.lower()), None)
    if one is None:
        raise Refused(f"Unable to infer object type from: {name}", status=400)
    return one


@dataclass(frozen=True, slots=True)
class Property:
    """One property. `read_only` is HubSpot's own; `owner` values are ids of owners."""

    name: str
    label: str
    type: str = "string"
    field_type: str = "text"
    options: Options = ()
    group: str = ""
    unique: bool = False
    read_only: bool = False
    calculated: bool = False
    owner: bool = False
    custom: bool = False
    description: str = ""
    rules: tuple[tuple[str, tuple[str, ...]], ...] = ()  # the admin's validation rules

    def shown(self) -> dict[str, Any]:
        """As the properties API answers."""
        return {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "description": self.description,
            "groupName": self.group,
            "options": _options(self),
            "displayOrder": -1,
            "dataSensitivity": "non_sensitive",
            "calculated": self.calculated,
            "externalOptions": self.owner,
            **({"referencedObjectType": "OWNER"} if self.owner else {}),
            "archived": False,
            "hasUniqueValue": self.unique,
            "hidden": False,
            "hubspotDefined": not self.custom,
            "modificationMetadata": {
                "archivable": self.custom,
                "readOnlyDefinition": not self.custom,
                "readOnlyOptions": not self.custom and self.name != "lifecyclestage",
                "readOnlyValue": self.read_only,
            },
            "formField": not self.read_only,
        }


def _options(prop: Property) -> list[dict[str, Any]]:
    if prop.owner:
        return []
    return [
        {"label": label, "value": value, "displayOrder": n, "hidden": False}
        for n, (value, label) in enumerate(prop.options)
    ]


def pick(*values: str) -> Options:
    """Options whose labels are their values in words."""
    return tuple((value, WORDS.get(value) or value.replace("_", " ").capitalize()) for value in values)


# HubSpot's own labels where the value is several words run together.
WORDS: Mapping[str, str] = {
    "marketingqualifiedlead": "Marketing Qualified Lead", "salesqualifiedlead": "Sales Qualified Lead",
    "appointmentscheduled": "Appointment Scheduled", "qualifiedtobuy": "Qualified To Buy",
    "presentationscheduled": "Presentation Scheduled", "decisionmakerboughtin": "Decision Maker Bought-In",
    "contractsent": "Contract Sent", "closedwon": "Closed Won", "closedlost": "Closed Lost",
}  # fmt: skip


def _text(name: str, label: str, **more: Any) -> Property:
    return Property(name, label, **more)


def _choice(name: str, label: str, *values: str, **more: Any) -> Property:
    return Property(name, label, "enumeration", more.pop("field_type", "select"), pick(*values), **more)


def _phone(name: str, label: str) -> Property:
    return Property(name, label, "string", "phonenumber")


def _calculated(name: str, label: str) -> Property:
    return Property(name, label, "string", "calculation_equation", read_only=True, calculated=True)


OWNER = Property("hubspot_owner_id", "Owner", "enumeration", "select", owner=True)
STAGES = ("subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist",
          "other")  # fmt: skip
LEAD_STATUSES = ("NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED", "ATTEMPTED_TO_CONTACT", "CONNECTED",
                 "BAD_TIMING")  # fmt: skip
DEAL_STAGES = ("appointmentscheduled", "qualifiedtobuy", "presentationscheduled", "decisionmakerboughtin",
               "contractsent", "closedwon", "closedlost")  # fmt: skip
PHONES = {
    "phone": ("hs_calculated_phone_number", "hs_searchable_calculated_phone_number",
              "hs_searchable_calculated_international_phone_number"),
    "mobilephone": ("hs_calculated_mobile_number", "hs_searchable_calculated_mobile_number",
                    "hs_searchable_calculated_international_mobile_number"),
}  # fmt: skip

_STANDARD: Mapping[str, tuple[Property, ...]] = {
    "contacts": (
        _text("firstname", "First Name"), _text("lastname", "Last Name"),
        Property("email", "Email", unique=True), _phone("phone", "Phone Number"),
        _phone("mobilephone", "Mobile Phone Number"), _phone("hs_whatsapp_phone_number", "WhatsApp Phone Number"),
        _text("company", "Company Name"), _text("jobtitle", "Job Title"), _text("city", "City"),
        _text("country", "Country/Region"), _text("address", "Street Address"), _text("website", "Website URL"),
        _text("zip", "Postal Code", rules=(("ALPHANUMERIC", ("NUMERIC_ONLY",)),)),
        _text("hs_language", "Preferred language"), _text("message", "Message", field_type="textarea"),
        _choice("lifecyclestage", "Lifecycle Stage", *STAGES, field_type="radio"),
        _choice("hs_lead_status", "Lead Status", *LEAD_STATUSES, field_type="radio"),
        _choice("numemployees_range", "Number of employees", "small", "medium", "large", custom=True),
        _choice("budget_range", "Budget", "under_1000", "1000_to_5000", "over_5000", custom=True),
        _choice("interests", "Interests", "demo", "pricing", "support", field_type="checkbox", custom=True),
        _choice("delivery_slot", "Delivery slot", "morning", "afternoon", "evening", custom=True),
        Property("delivery_date", "Delivery date", "date", "date", custom=True),
        Property("appointment_at", "Appointment", "datetime", "date", custom=True),
        Property("nps_score", "NPS score", "number", "number", custom=True,
                 rules=(("MIN_NUMBER", ("0",)), ("MAX_NUMBER", ("10",)))),
        Property("newsletter", "Newsletter", "bool", "booleancheckbox", custom=True),
        _text("whatsapp_id", "WhatsApp id", unique=True, custom=True),
        _text("whatsapp_user_id", "WhatsApp user id", unique=True, custom=True),
        _text("whatsapp_last_answer", "Last WhatsApp answer", custom=True),
        *(_calculated(name, name.replace("_", " ").removeprefix("hs ").capitalize())
          for names in PHONES.values() for name in names),
    ),
    "companies": (
        _text("name", "Company name"), _text("domain", "Company Domain Name"), _phone("phone", "Phone Number"),
        _text("city", "City"), _text("country", "Country/Region"), _text("industry", "Industry"),
    ),
    "deals": (
        _text("dealname", "Deal Name"), Property("amount", "Amount", "number", "number"),
        _choice("dealstage", "Deal Stage", *DEAL_STAGES, field_type="radio"),
        _choice("pipeline", "Pipeline", "default"),
        Property("closedate", "Close Date", "datetime", "date"),
        Property("deal_currency_code", "Currency", "enumeration", "select",
                 tuple((c, c) for c in ("USD", "EUR", "COP", "MXN", "BRL", "ARS", "PEN", "CLP"))),
        _text("quote_pdf_url", "Quote (PDF)", custom=True), _text("whatsapp_quote", "Quote on WhatsApp", custom=True),
    ),
    "tickets": (
        _text("subject", "Ticket name"), _text("content", "Ticket description", field_type="textarea"),
        _choice("hs_pipeline", "Pipeline", "0"), _choice("hs_pipeline_stage", "Ticket status", "1", "2", "3", "4"),
        _choice("hs_ticket_priority", "Priority", "LOW", "MEDIUM", "HIGH", "URGENT"),
    ),
    "communications": (
        _choice("hs_communication_channel_type", "Channel Type", "WHATS_APP", "SMS", "LINKEDIN_MESSAGE"),
        _choice("hs_communication_logged_from", "Logged From", "CRM"),
        _text("hs_communication_body", "Communication Body", field_type="html"),
    ),
    "notes": (
        _text("hs_note_body", "Note body", field_type="html"), _text("hs_attachment_ids", "Attached file IDs"),
    ),
    "tasks": (
        _text("hs_task_subject", "Task Title"), _text("hs_task_body", "Notes", field_type="html"),
        _choice("hs_task_status", "Task Status", "NOT_STARTED", "IN_PROGRESS", "WAITING", "COMPLETED", "DEFERRED"),
        _choice("hs_task_priority", "Priority", "NONE", "LOW", "MEDIUM", "HIGH"),
        _choice("hs_task_type", "Task Type", "TODO", "CALL", "EMAIL"),
    ),
}  # fmt: skip
_TIMED = ("communications", "notes", "tasks")


def _standard(kind: Kind) -> Iterable[Property]:
    yield Property("hs_object_id", "Record ID", "number", "number", read_only=True, unique=False)
    yield Property(kind.created, "Create Date", "datetime", "date", read_only=True)
    yield Property(kind.modified, "Last Modified Date", "datetime", "date", read_only=True)
    yield OWNER
    if kind.name in _TIMED:
        yield Property("hs_timestamp", "Activity date", "datetime", "date")
    yield from _STANDARD[kind.name]


@dataclass
class Schema:
    """The properties and groups of one portal; adding one is seen at once."""

    properties: dict[str, dict[str, Property]] = field(default_factory=dict)
    groups: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    unique: dict[str, list[str]] = field(default_factory=dict)  # the properties no two records share

    def __post_init__(self) -> None:
        for name, kind in KINDS.items():
            found = {p.name: _in_group(p, kind.group) for p in _standard(kind)}
            self.properties[name] = found
            self.unique[name] = [p.name for p in found.values() if p.unique]
            self.groups[name] = {kind.group: _group(kind.group, kind.group.replace("information", " information"), 0)}

    def add(self, kind: str, body: Mapping[str, Any]) -> Property:
        """A new property; Refused when it cannot be one."""
        absent = [key for key in NEEDED if not isinstance(body.get(key), str) or not body[key]]
        if absent:
            raise Refused(f"Some required fields were not set: [{', '.join(absent)}]")
        name, known = body["name"], self.properties[kind]
        if name in known:
            raise Refused(f"A property named '{name}' already exists.", "CONFLICT", subCategory="PropertyAlreadyExists")
        if body["groupName"] not in self.groups[kind]:
            raise Refused(f"Property group '{body['groupName']}' does not exist.")
        if body["type"] not in TYPES or body["fieldType"] not in FIELD_TYPES:
            raise Refused(f"Invalid property type: {body['type']} with field type {body['fieldType']}")
        if name != name.lower() or not name.replace("_", "a").isalnum() or not name[0].isalpha():
            raise Refused(
                f"Property name '{name}' may hold lower-case letters, digits and underscores, a letter first."
            )
        if body.get("hasUniqueValue") and sum(p.custom for p in known.values() if p.unique) >= MOST_UNIQUE:
            raise Refused(f"The maximum of {MOST_UNIQUE} unique properties was reached for this object.")
        known[name] = _made(body)
        self.unique[kind] = [p.name for p in known.values() if p.unique]
        return known[name]

    def remove(self, kind: str, name: str) -> None:
        """Archive an admin's property; HubSpot's own stay."""
        prop = self.properties[kind].get(name)
        if prop is None or not prop.custom:
            raise Refused(f"Property {name} does not exist or cannot be archived", "OBJECT_NOT_FOUND")
        del self.properties[kind][name]
        self.unique[kind] = [p.name for p in self.properties[kind].values() if p.unique]

    def add_group(self, kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A new group; Refused when there is one of that name."""
        name = str(body.get("name") or "")
        if not name or not body.get("label"):
            raise Refused("Some required fields were not set: [name, label]")
        if name in self.groups[kind]:
            raise Refused(f"A property group named '{name}' already exists.", "CONFLICT")
        self.groups[kind][name] = _group(name, str(body["label"]), int(body.get("displayOrder", -1)))
        return self.groups[kind][name]


def _made(body: Mapping[str, Any]) -> Property:
    options = tuple(_option(one) for one in body.get("options") or ())
    if body["type"] == "enumeration" and not options and body.get("referencedObjectType") != "OWNER":
        raise Refused("An enumeration property needs at least one option.")
    return Property(
        body["name"], body["label"], body["type"], body["fieldType"], options, body["groupName"],
        unique=body.get("hasUniqueValue") is True, owner=body.get("referencedObjectType") == "OWNER", custom=True,
        description=str(body.get("description") or ""),
    )  # fmt: skip


def _option(one: Mapping[str, Any]) -> tuple[str, str]:
    absent = [key for key in ("label", "value", "displayOrder", "hidden") if key not in one]
    if absent:
        raise Refused(f"An option needs label, value, displayOrder and hidden; missing: [{', '.join(absent)}]")
    return str(one["value"]), str(one["label"])


def _in_group(prop: Property, group: str) -> Property:
    return Property(**{**{n: getattr(prop, n) for n in Property.__slots__}, "group": group})


def _group(name: str, label: str, order: int) -> dict[str, Any]:
    return {"name": name, "label": label, "displayOrder": order, "archived": False}


OWNER_IDS = {str(owner.number) for owner in OWNERS}
