"""The portal's first records, from the people everybody agrees on."""

from connector.sandbox.hubspot.store import Store
from connector.sandbox.people import COMPANIES, OWNERS, QUOTES, Person, deals_in, people_in

LEAD_STATUS = {
    "lead": "NEW",
    "marketingqualifiedlead": "OPEN",
    "salesqualifiedlead": "IN_PROGRESS",
    "opportunity": "OPEN_DEAL",
}


# id, name, (contact, association types): 3 deal to contact, 71 the label "Primary contact"
SHARED = (
    ("3007", "Luna - solar roof", (("1533", (3,)), ("1534", (3,)))),
    ("3008", "Lone Star Solar - second site", (("1530", (3,)), ("1531", (3, 71)))),
)


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
    _shared(store)


def _shared(store: Store) -> None:
    """Two deals of several people: a couple, where nobody comes first, and a company whose admin labelled one."""
    for id, name, links in SHARED:
        fields = {
            "dealname": name,
            "dealstage": "qualifiedtobuy",
            "pipeline": "default",
            "amount": "1900",
            "deal_currency_code": "USD",
            "quote_pdf_url": f"{QUOTES}/{id}.pdf",
            "hubspot_owner_id": str(OWNERS[0].number),
        }
        store.create("deals", fields, [{"to": {"id": to}, "types": _types(*types)} for to, types in links], id=id)


def _types(*ids: int) -> list[dict[str, int]]:
    return [{"associationTypeId": id} for id in ids]


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
