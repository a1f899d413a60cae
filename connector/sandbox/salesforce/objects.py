"""The objects and fields every org of the stand-in has: standard ones and those of its admin."""

from collections.abc import Mapping
from typing import Any

from connector.sandbox.salesforce.field import Field

PREFIXES = {
    "Contact": "003", "Lead": "00Q", "Account": "001", "Opportunity": "006", "OpportunityContactRole": "00K",
    "Case": "500", "Order": "801", "Quote": "0Q0", "Visit__c": "a00", "Task": "00T", "User": "005",
    "PermissionSet": "0PS", "PermissionSetAssignment": "0Pa", "FieldPermissions": "01k", "CustomField": "00N",
    "ValidationRule": "03d", "Campaign": "701", "CampaignMember": "00v",
    "ContentVersion": "068", "ContentDocument": "069", "ContentDocumentLink": "06A",
}  # fmt: skip


def _text(name: str, label: str, length: int = 255, **more: Any) -> Field:
    return Field(name, label, "string", length, **more)


def _area(name: str, label: str, length: int) -> Field:
    return Field(name, label, "textarea", length)


def _phone(name: str, label: str) -> Field:
    return Field(name, label, "phone", 40)


def _pick(name: str, label: str, *options: str, restricted: bool = False) -> Field:
    return Field(name, label, "picklist", 255, options, restricted)


def _reference(name: str, label: str, *to: str, required: bool = False) -> Field:
    return Field(name, label, "reference", 18, to=to, required=required)


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
STAGES = (
    "Prospecting", "Qualification", "Needs Analysis", "Value Proposition", "Proposal/Price Quote", "Negotiation/Review",
    "Closed Won", "Closed Lost",
)  # fmt: skip
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
        _text("Legacy_Code__c", "Legacy Code", 20, external=True), Field("Renewal_Date__c", "Renewal Date", "date"),
        *WHATSAPP, *REPLIES,
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
        _area("Description", "Description", 32000), _text("NextStep", "Next Step"),
        _text("WhatsApp_Quote__c", "Quote on WhatsApp"),
        Field("Quote_Pdf_Url__c", "Quote (PDF)", "url", 255),
    ),
    "OpportunityContactRole": (
        *SYSTEM, _reference("OpportunityId", "Opportunity ID", "Opportunity", required=True),
        _reference("ContactId", "Contact ID", "Contact", required=True),
        _pick("Role", "Role", "Decision Maker", "Economic Buyer", "Influencer", "Other"),
        Field("IsPrimary", "Primary", "boolean"),
    ),
    "Case": (
        *SYSTEM, OWNER, _text("Subject", "Subject"), _area("Description", "Description", 32000),
        _pick("Status", "Status", "New", "Working", "Escalated", "Closed"),
        _reference("ContactId", "Contact ID", "Contact"),
        _reference("AccountId", "Account ID", "Account"), _pick("Priority", "Priority", "High", "Medium", "Low"),
        _text("WhatsApp_Status__c", "WhatsApp Status"),
    ),
    "Order": (
        *SYSTEM, OWNER, _reference("AccountId", "Account ID", "Account"),
        _pick("Status", "Status", "Draft", "Activated"), Field("EffectiveDate", "Order Start Date", "date"),
        _reference("BillToContactId", "Bill To Contact ID", "Contact"),
        _reference("ShipToContactId", "Ship To Contact ID", "Contact"), _text("WhatsApp_Status__c", "WhatsApp Status"),
    ),
    "Quote": (
        *SYSTEM, OWNER, _text("Name", "Quote Name", required=True),
        _reference("OpportunityId", "Opportunity ID", "Opportunity"), _reference("ContactId", "Contact ID", "Contact"),
        _pick("Status", "Status", "Draft", "Presented", "Accepted", "Denied"),
    ),
    "Visit__c": (
        *SYSTEM, OWNER, _text("Name", "Visit", 80), _reference("Patient__c", "Patient", "Contact"),
        Field("Starts_At__c", "Starts at", "datetime"), _pick("Status__c", "Status", "Booked", "Confirmed", "Missed"),
    ),
    "Task": (
        *SYSTEM, OWNER, _reference("WhoId", "Name ID", "Contact", "Lead"),
        _reference("WhatId", "Related To ID", "Account", "Opportunity", "Case", "Order", "Quote", "Visit__c"),
        _text("Subject", "Subject"),
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
    "Campaign": (*SYSTEM, OWNER, _text("Name", "Name", 80, required=True), Field("IsActive", "Active", "boolean")),
    "CampaignMember": (
        *SYSTEM, _reference("CampaignId", "Campaign ID", "Campaign", required=True),
        _reference("ContactId", "Contact ID", "Contact"), _reference("LeadId", "Lead ID", "Lead"),
        _pick("Status", "Status", "Sent", "Responded"),
    ),
    "ContentVersion": (
        *SYSTEM, OWNER, _text("Title", "Title"), _text("PathOnClient", "Path On Client", 500),
        _area("Description", "Description", 1000), _text("Origin", "Content Origin", 1),
        _read_only("ContentDocumentId", "ContentDocument ID", "reference", length=18, to=("ContentDocument",)),
        _read_only("FirstPublishLocationId", "First Publish Location ID", "string", length=18),
        _read_only("IsLatest", "Is Latest", "boolean"), _read_only("ContentSize", "Size", "int"),
        _read_only("FileExtension", "File Extension", "string", length=40),
        _read_only("Checksum", "Checksum", "string", length=50),
    ),
    "ContentDocument": (
        *SYSTEM, OWNER, _text("Title", "Title", required=True),
        _read_only("LatestPublishedVersionId", "Latest Published Version ID", "reference", length=18,
                   to=("ContentVersion",)),
        _read_only("ContentSize", "Size", "int"),
    ),
    "ContentDocumentLink": (
        *SYSTEM, _reference("ContentDocumentId", "ContentDocument ID", "ContentDocument", required=True),
        _reference("LinkedEntityId", "Linked Entity ID", "Contact", "Lead", "Account", "Opportunity", "Case", "Order",
                   "Quote", "Visit__c", "User", required=True),
        _pick("ShareType", "Share Type", "V", "C", "I"), _pick("Visibility", "Visibility", "AllUsers", "InternalUsers"),
    ),
    "CustomField": (*SYSTEM, _text("DeveloperName", "Developer Name"), _text("TableEnumOrId", "Entity")),
    "ValidationRule": (
        *SYSTEM, _text("ValidationName", "Rule Name"), Field("Active", "Active", "boolean"),
        _text("ErrorDisplayField", "Error Location"), _text("ErrorMessage", "Error Message"),
        _text("EntityDefinition.QualifiedApiName", "Entity"),
    ),
}  # fmt: skip
