"""The org's first records, from the people everybody agrees on."""

from collections.abc import Mapping
from typing import Any

from connector.sandbox.people import COMPANIES, CONVERTED, OWNERS, Person, deals_in, people_in
from connector.sandbox.salesforce.objects import PREFIXES
from connector.sandbox.salesforce.rules import RULES
from connector.sandbox.salesforce.settings import USER, USERNAME
from connector.sandbox.salesforce.store import Row, Store
from connector.sandbox.salesforce.values import make_id

LEGACY = {1603: "CDV-77", 1607: "VDS-12", 1613: "DUP-1", 1614: "DUP-1"}  # an External ID that is not unique
CLOSE_DATE = "2026-12-18"
FLEET = (4002, 1601)  # an opportunity that has a second contact


def sow(store: Store) -> None:
    """Users, accounts, contacts, leads, opportunities with their contact roles, cases."""
    us = {"LastName": "Connector", "Username": USERNAME, "Email": USERNAME, "IsActive": True}
    _user(store, USER, us)
    for owner in OWNERS:
        names = {"FirstName": owner.first, "LastName": owner.last, "Username": owner.email, "Email": owner.email}
        _user(store, make_id(PREFIXES["User"], owner.number), {**names, "IsActive": True})
    accounts = {company.name: make_id(PREFIXES["Account"], company.number) for company in COMPANIES}
    for company in COMPANIES:
        where = {"BillingCity": company.city, "BillingCountry": company.country}
        store.create("Account", {"Name": company.name, "Website": company.domain, **where}, number=company.number)
    for person in people_in("c"):
        more: dict[str, Any] = {
            "AccountId": accounts.get(person.company),
            "MailingCity": person.city,
            "MailingCountry": person.country,
        }
        store.create("Contact", _known(store, "Contact", {**_person(person), **more}), number=person.number)
    for person in people_in("l"):
        more = {"Company": person.company, "City": person.city, "Country": person.country}
        fields = {**_person(person), **more, "Status": "Open - Not Contacted"}
        lead = store.create("Lead", _known(store, "Lead", fields), number=person.number)
        if person.number in CONVERTED:
            contact = make_id(PREFIXES["Contact"], CONVERTED[person.number])
            store.put(lead, {"IsConverted": True, "ConvertedContactId": contact, "Status": "Closed - Converted"})
    for deal in deals_in("s"):
        contact = make_id(PREFIXES["Contact"], deal.person)
        fields = {"Name": deal.name, "StageName": deal.stage, "Amount": deal.amount, "ContactId": contact}
        made = store.create("Opportunity", {**fields, "CloseDate": CLOSE_DATE}, number=deal.number)
        _role(store, made.id, deal.person, deal.number, primary=True)
        _case(store, deal.number, contact)
    fleet = make_id(PREFIXES["Opportunity"], FLEET[0])
    _role(store, fleet, FLEET[1], FLEET[0] + 1000, primary=False)
    for number, rule in enumerate(RULES, start=1):
        row = Row("ValidationRule", make_id(PREFIXES["ValidationRule"], number), store.clock())
        row.values |= {"ValidationName": rule.name, "Active": True, "ErrorDisplayField": rule.field}
        row.values |= {"ErrorMessage": rule.message, "EntityDefinition.QualifiedApiName": rule.object}
        store.adopt(row)


def _role(store: Store, opportunity: str, person: int, number: int, *, primary: bool) -> None:
    """Who of its contacts an opportunity is about."""
    contact = make_id(PREFIXES["Contact"], person)
    role = "Decision Maker" if primary else "Influencer"
    fields = {"OpportunityId": opportunity, "ContactId": contact, "IsPrimary": primary, "Role": role}
    store.create("OpportunityContactRole", fields, number=number)


def _case(store: Store, number: int, contact: str) -> None:
    """A question somebody asked."""
    fields = {"Subject": "Delivery", "Status": "New", "Priority": "Medium", "ContactId": contact}
    store.create("Case", fields, number=number)


def _user(store: Store, id: str, fields: Mapping[str, Any]) -> None:
    row = Row("User", id, store.clock())
    row.values |= fields
    store.adopt(row)


def _person(person: Person) -> dict[str, Any]:
    return {
        "FirstName": person.first,
        "LastName": person.last,
        "Email": person.email,
        "Phone": person.phone,
        "MobilePhone": person.mobile,
        "OwnerId": make_id(PREFIXES["User"], OWNERS[person.owner].number),
        "LeadSource": "Web",
        "WhatsApp_Id__c": person.wa_id,
        "Legacy_Code__c": LEGACY.get(person.number),
    }


def _known(store: Store, object: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Without the fields this org does not have (yet)."""
    return {name: value for name, value in fields.items() if store.schema.get(object, name)}
