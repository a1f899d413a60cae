"""The portal's first records, from the people everybody agrees on."""

from connector.sandbox.hubspot_store import Store
from connector.sandbox.people import COMPANIES, OWNERS, Person, deals_in, people_in

LEAD_STATUS = {
    "lead": "NEW",
    "marketingqualifiedlead": "OPEN",
    "salesqualifiedlead": "IN_PROGRESS",
    "opportunity": "OPEN_DEAL",
}


def sow(store: Store) -> None:
    """Companies, contacts at their companies, and the contacts' deals."""
    company_ids = {company.name: str(company.number) for company in COMPANIES}
    for company in COMPANIES:
        fields = {name: getattr(company, name) for name in ("name", "domain", "city", "country", "industry")}
        store.create("companies", fields, id=str(company.number))
    for person in people_in("h"):
        at = company_ids.get(person.company)
        links = [{"to": {"id": at}, "types": [{"associationTypeId": 279}, {"associationTypeId": 1}]}] if at else []
        store.create("contacts", _contact(person), links, id=str(person.number))
    for deal in deals_in("h"):
        fields = {
            "dealname": deal.name,
            "dealstage": deal.stage,
            "pipeline": "default",
            "amount": deal.amount,
            "deal_currency_code": deal.currency,
            "quote_pdf_url": deal.quote,
            "hubspot_owner_id": str(OWNERS[0].number),
        }
        links = [{"to": {"id": str(deal.person)}, "types": [{"associationTypeId": 3}]}]
        store.create("deals", fields, links, id=str(deal.number))


def _contact(person: Person) -> dict[str, str]:
    return {
        "firstname": person.first,
        "lastname": person.last,
        "email": person.email,
        "phone": person.phone,
        "mobilephone": person.mobile,
        "company": person.company,
        "city": person.city,
        "country": person.country,
        "lifecyclestage": person.stage,
        "hs_lead_status": LEAD_STATUS.get(person.stage, ""),
        "hubspot_owner_id": str(OWNERS[person.owner].number),
        "whatsapp_id": person.wa_id,
    }
