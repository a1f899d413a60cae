"""The components an org gets from us, as Metadata API files (v68): text in, text out, nothing is called."""

import json
from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from connector.crm.salesforce.client import VERSION
from connector.crm.salesforce.setup import FIELDS, OurField

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
SERVICE = "WhatsAppConnector"  # External Services take letters and digits only
CREDENTIAL, PRINCIPAL, SECRET = "WhatsApp_Connector", "Connector", "Secret"
OPERATION = "fireTrigger"
# What a message says of the record beside its field: who and when (outbound.py reads these).
FRAME = ("CreatedDate", "Id", "LastModifiedById", "LastModifiedDate", "SystemModstamp")
Part = tuple[str, "str | Sequence[Part]"]


def xml(root: str, parts: Sequence[Part]) -> str:
    """One metadata file."""
    top = Element(root, xmlns=NAMESPACE)
    _fill(top, parts)
    indent(top, "    ")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(top, "unicode")}\n'


def _fill(parent: Element, parts: Sequence[Part]) -> None:
    for name, value in parts:
        child = SubElement(parent, name)
        if isinstance(value, str):
            child.text = value
        else:
            _fill(child, value)


# ---- fields and access -------------------------------------------------------------------------------------------
def field(ours: OurField) -> Part:
    """One of our fields, in its object's file."""
    said: dict[str, Any] = ours.metadata()["Metadata"]
    parts = [(name, str(value).lower() if isinstance(value, bool) else str(value)) for name, value in said.items()]
    return "fields", [("fullName", ours.name), *sorted(parts)]


def permission_set() -> str:
    """Opens our fields to our user, and the credential to whoever's changes start the flows."""
    opened: list[Part] = [
        ("fieldPermissions", [("editable", "true"), ("field", f"{f.object}.{f.name}"), ("readable", "true")])
        for f in sorted(FIELDS, key=lambda f: (f.object, f.name))
    ]
    principal = f"{CREDENTIAL}-{PRINCIPAL}"
    access: Part = (
        "externalCredentialPrincipalAccesses",
        [("enabled", "true"), ("externalCredentialPrincipal", principal)],
    )
    label: Sequence[Part] = [("hasActivationRequired", "false"), ("label", "WhatsApp connector")]
    return xml("PermissionSet", [access, *opened, *label])


# ---- calling us --------------------------------------------------------------------------------------------------
def external_credential() -> str:
    """Sends the hook's secret as a bearer token; the secret itself is typed in Setup and is never in a file."""
    header = f"{{!'Bearer ' & $Credential.{CREDENTIAL}.{SECRET}}}"
    principal: Sequence[Part] = [
        ("parameterName", PRINCIPAL), ("parameterType", "NamedPrincipal"), ("sequenceNumber", "1"),
    ]  # fmt: skip
    sent: Sequence[Part] = [
        ("parameterName", "Authorization"), ("parameterType", "AuthHeader"), ("parameterValue", header),
        ("sequenceNumber", "1"),
    ]  # fmt: skip
    parameters: Sequence[Part] = [("externalCredentialParameters", p) for p in (principal, sent)]
    named: Sequence[Part] = [("authenticationProtocol", "Custom"), *parameters, ("label", "WhatsApp connector")]
    return xml("ExternalCredential", named)


def named_credential(url: str) -> str:
    """Our address, with that credential."""
    where: Sequence[Part] = [("parameterName", "Url"), ("parameterType", "Url"), ("parameterValue", url)]
    how: Sequence[Part] = [
        ("externalCredential", CREDENTIAL), ("parameterName", "ExternalCredential"),
        ("parameterType", "Authentication"),
    ]  # fmt: skip
    flags: Sequence[Part] = [
        ("allowMergeFieldsInBody", "false"), ("allowMergeFieldsInHeader", "true"), ("calloutStatus", "Enabled"),
        ("generateAuthorizationHeader", "false"), ("label", "WhatsApp connector"),
    ]  # fmt: skip
    parameters: Sequence[Part] = [("namedCredentialParameters", p) for p in (where, how)]
    return xml("NamedCredential", [*flags, *parameters, ("namedCredentialType", "SecuredEndpoint")])


def external_service(described: str) -> str:
    """The action flows find under External Services; `described` is its OpenAPI 3.0."""
    operation: Part = ("operations", [("active", "true"), ("name", OPERATION)])
    parts: Sequence[Part] = [
        ("description", "Sends a WhatsApp message by one of the connector's send documents."),
        ("label", SERVICE), ("namedCredentialReference", CREDENTIAL), operation,
        ("registrationProviderType", "Custom"), ("schema", described), ("schemaType", "OpenApi3"),
        ("schemaUploadFileExtension", "json"), ("schemaUploadFileName", SERVICE.lower()), ("status", "Complete"),
        ("systemVersion", "3"),
    ]  # fmt: skip
    return xml("ExternalServiceRegistration", parts)


def openapi(hook: str) -> str:
    """The call of the account's hook. `object` and `trigger` are words of Apex, so both have another name here."""
    text = {"type": "string"}
    call = {
        "type": "object",
        "required": ["event_id", "document"],
        "properties": {"event_id": text, "document": text, "object_name": text, "record_id": text},
    }
    took = {"description": "Stored.", "content": _json({"type": "object", "properties": {"ok": {"type": "boolean"}}})}
    operation = {
        "operationId": OPERATION,
        "summary": "Send the message of a send document",
        "requestBody": {"required": True, "content": _json({"$ref": "#/components/schemas/Call"})},
        "responses": {"200": took},
    }
    return json.dumps(
        {
            "openapi": "3.0.3",
            "info": {"title": SERVICE, "version": "1"},
            "paths": {hook: {"post": operation}},
            "components": {"schemas": {"Call": call}},
        },
        indent=1,
    )


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


# ---- being told --------------------------------------------------------------------------------------------------
def message_name(field: str) -> str:
    """The name of the message of one field, within its object."""
    return f"WhatsApp_{field}"


def outbound_messages(fields: Sequence[str], endpoint: str, user: str) -> str:
    """The messages of one object: each sends one field, so that it says which one changed."""
    return xml("Workflow", [("outboundMessages", _message(name, endpoint, user)) for name in sorted(fields)])


def _message(name: str, endpoint: str, user: str) -> Sequence[Part]:
    sent: Sequence[Part] = [("fields", n) for n in sorted({name, *FRAME})]
    return [
        ("fullName", message_name(name)), ("apiVersion", VERSION),
        ("description", "Tells the WhatsApp connector. Its URL ends in a secret: treat it like a password."),
        ("endpointUrl", endpoint), *sent, ("includeSessionId", "false"), ("integrationUser", user),
        ("name", f"WhatsApp: {name}"), ("protected", "false"), ("useDeadLetterQueue", "false"),
    ]  # fmt: skip


# ---- flows -------------------------------------------------------------------------------------------------------
def telling_flow(object: str, field: str) -> str:
    """Sends the message when the field changes, or the record is new."""
    call: Sequence[Part] = [
        ("name", "Tell"), ("label", "Tell the WhatsApp connector"), ("locationX", "176"), ("locationY", "323"),
        ("actionName", f"{object}.{message_name(field)}"), ("actionType", "outboundMessage"),
        _given("SObjectRowId", "$Record.Id"),
    ]  # fmt: skip
    return _flow(f"WhatsApp: {object} {field}", object, field, [("actionCalls", call)], [_to("Tell")])


def sample_flow(object: str, field: str, document: str, names: Sequence[str]) -> str:
    """Calls a send document by the External Service; `names` are the call's fields in the order of `values`."""
    values = ("$Flow.InterviewGuid", "$Record.Id", object, document)
    items: Sequence[Part] = [
        ("assignmentItems", [("assignToReference", f"call.{name}"), ("operator", "Assign"), ("value", [_value(value)])])
        for name, value in zip(names, values, strict=False)
    ]
    fill: Sequence[Part] = [
        ("name", "Fill"), ("label", "What to send, about what"), ("locationX", "176"), ("locationY", "323"), *items,
        _to("Send"),
    ]  # fmt: skip
    send: Sequence[Part] = [
        ("name", "Send"), ("label", "Send on WhatsApp"), ("locationX", "176"), ("locationY", "431"),
        ("actionName", f"{SERVICE}.{OPERATION}"), ("actionType", "externalService"), _given("body", "call"),
    ]  # fmt: skip
    variable: Sequence[Part] = [
        ("name", "call"), ("apexClass", f"ExternalService__{SERVICE}_Call"), ("dataType", "Apex"),
        ("isCollection", "false"), ("isInput", "false"), ("isOutput", "false"),
    ]  # fmt: skip
    # A callout is only allowed once the record is committed.
    later: Part = ("scheduledPaths", [("name", "After_Commit"), _to("Fill"), ("pathType", "AsyncAfterCommit")])
    parts: Sequence[Part] = [("actionCalls", send), ("assignments", fill), ("variables", variable)]
    return _flow(f"WhatsApp: sample of a call on {object}", object, field, parts, [later])


def _flow(label: str, object: str, field: str, parts: Sequence[Part], ways: Sequence[Part]) -> str:
    start: Sequence[Part] = [
        ("locationX", "50"), ("locationY", "0"), *(w for w in ways if w[0] == "connector"),
        ("filterFormula", f"OR(ISNEW(), ISCHANGED({{!$Record.{field}}}))"), ("object", object),
        ("recordTriggerType", "CreateAndUpdate"), *(w for w in ways if w[0] != "connector"),
        ("triggerType", "RecordAfterSave"),
    ]  # fmt: skip
    head: Sequence[Part] = [("apiVersion", VERSION), ("label", label), ("processType", "AutoLaunchedFlow")]
    # As a draft: who deploys looks at it first, and production orgs refuse active flows by default.
    ends: Sequence[Part] = [("start", start), ("status", "Draft")]
    return xml("Flow", sorted([*parts, *head, *ends], key=lambda part: part[0]))


def _to(name: str) -> Part:
    return "connector", [("targetReference", name)]


def _given(name: str, reference: str) -> Part:
    return "inputParameters", [("name", name), ("value", [("elementReference", reference)])]


def _value(value: str) -> Part:
    return ("elementReference" if value.startswith("$") else "stringValue", value)
