"""Whatever a caller sends, the stand-ins answer: no 500, no exception; what they store they find again."""

import json
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.sandbox.http import Request
from connector.sandbox.hubspot.service import HubSpot
from connector.sandbox.hubspot.settings import HubSpotOptions
from connector.sandbox.people import PEOPLE
from connector.sandbox.salesforce.service import Salesforce
from connector.sandbox.salesforce.settings import SalesforceOptions
from connector.sandbox.salesforce.values import long_id
from connector.sandbox.world import World
from tests.depth import examples

pytestmark = pytest.mark.long  # make test-long

WORDS = (
    "properties", "inputs", "id", "idProperty", "objectWriteTraceId", "associations", "to", "types", "filterGroups",
    "filters", "propertyName", "operator", "value", "values", "highValue", "sorts", "limit", "after", "query",
    "records", "attributes", "type", "ids", "fields", "allOrNone", "compositeRequest", "method", "url",
    "referenceId", "body", "FullName", "Metadata", "label", "name", "groupName", "from", "primaryObjectId",
    "objectIdToMerge", "sobjects", "q",
)  # fmt: skip
VALUES = (
    "1512", "email", "whatsapp_id", "firstname", "EQ", "IN", "BETWEEN", "Contact", "Id", "LastName", "GET", "POST", "",
    "hs_object_id", "createdate", "associations.contact", "string", "text", "number", "Contact.X__c", "@{a.b[9].c}",
    "WhatsApp_Id__c", "/services/data/v68.0/query?q=SELECT+Id+FROM+Contact", "/services/data/v68.0/composite",
)  # fmt: skip
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(VALUES)
NAMES = ("email", "phone", "country", "lifecyclestage", "interests", "nps_score", "delivery_date", "appointment_at",
         "newsletter", "hubspot_owner_id", "whatsapp_id", "zip", "firstname")  # fmt: skip
FIELDS = ("LastName", "Email", "NPS_Score__c", "NPS_Date__c", "AccountId", "WhatsApp_Id__c", "Preferred_Branch__c",
          "HasOptedOutOfEmail", "OwnerId", "id")  # fmt: skip
RECORD = st.dictionaries(st.sampled_from(FIELDS), scalars).map(lambda one: {"attributes": {"type": "Contact"}, **one})
bodies = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6),
    max_leaves=20,
)
several = st.lists(bodies, max_size=3)
bodies = (
    bodies
    | st.fixed_dictionaries({"inputs": several}, optional={"idProperty": bodies, "properties": bodies})
    | st.fixed_dictionaries({"filterGroups": st.lists(st.fixed_dictionaries({"filters": several}), max_size=2)})
    | st.fixed_dictionaries({"properties": st.dictionaries(st.sampled_from(NAMES), scalars), "associations": several})
    | st.fixed_dictionaries(
        {"inputs": st.lists(st.fixed_dictionaries({"id": scalars, "properties": bodies}), max_size=2)}
    )
    | st.fixed_dictionaries({"records": st.lists(RECORD, max_size=3)}, optional={"allOrNone": bodies})
    | st.dictionaries(st.sampled_from(FIELDS), bodies)
    | st.fixed_dictionaries({"compositeRequest": several}, optional={"allOrNone": bodies})
    | st.fixed_dictionaries({"sobjects": several, "q": bodies, "fields": bodies})
    | st.fixed_dictionaries({"ids": several, "fields": several})
    | st.fixed_dictionaries({"FullName": st.just("Contact.New__c"), "Metadata": bodies})
    | st.fixed_dictionaries(
        {name: st.sampled_from(VALUES) for name in ("groupName", "name", "label", "type", "fieldType")}
    )
)
HUBSPOT = [
    ("POST", "/crm/objects/2026-09/contacts"), ("PATCH", "/crm/objects/2026-09/contacts/1512"),
    ("POST", "/crm/objects/2026-09/contacts/search"), ("POST", "/crm/objects/2026-09/contacts/merge"),
    ("POST", "/crm/objects/2026-09/contacts/gdpr-delete"), ("POST", "/crm/objects/2026-09/0-1/batch/upsert"),
    ("POST", "/crm/objects/2026-09/contacts/batch/create"), ("POST", "/crm/objects/2026-09/contacts/batch/read"),
    ("POST", "/crm/objects/2026-09/contacts/batch/update"), ("POST", "/crm/objects/2026-09/contacts/batch/archive"),
    ("POST", "/crm/objects/2026-09/planets/batch/archive"), ("POST", "/crm/properties/2026-09/contacts"),
    ("POST", "/crm/properties/2026-09/contacts/groups"), ("POST", "/crm/objects/2026-09/communications"),
    ("POST", "/crm/associations/2026-09/deals/contacts/batch/read"),
    ("POST", "/crm/associations/2026-09/deals/contacts/batch/associate/default"),
    ("PUT", "/crm/objects/2026-09/deals/3001/associations/contacts/1513"),
    ("POST", "/automation/actions/callbacks/2026-09/complete"), ("PATCH", "/_options"),
]  # fmt: skip
SALESFORCE = [
    ("POST", "/sobjects/Contact"), ("PATCH", "/sobjects/Contact/WhatsApp_Id__c/1"), ("POST", "/composite/sobjects"),
    ("PATCH", "/composite/sobjects"), ("PATCH", "/composite/sobjects/Contact/WhatsApp_Id__c"),
    ("POST", "/composite/sobjects/Contact"), ("POST", "/composite"), ("POST", "/parameterizedSearch"),
    ("POST", "/tooling/sobjects/CustomField"), ("PATCH", "/_options"),
]  # fmt: skip
fuzzed = settings(max_examples=examples(50), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def hubspot() -> HubSpot:
    return HubSpot(World(), HubSpotOptions(limit=0, search_limit=0))


@pytest.fixture
def salesforce() -> Salesforce:
    return Salesforce(World(), SalesforceOptions(daily=10**9))


def token(salesforce: Salesforce) -> dict[str, str]:
    form = b"grant_type=client_credentials&client_id=sandbox-salesforce-client&client_secret=sandbox-salesforce-secret"
    given = salesforce.handle(Request("POST", "/services/oauth2/token", body=form))
    return {"authorization": f"Bearer {json.loads(given.body)['access_token']}"}


@pytest.mark.parametrize("method, path", HUBSPOT)
@given(body=bodies)
@fuzzed
def test_hubspot_answers_any_body(hubspot, method, path, body) -> None:
    headers = {"authorization": "Bearer pat-na1-sandbox-hubspot"}
    response = hubspot.handle(Request(method, path, {}, headers, json.dumps(body).encode()))
    assert response.status in {200, 201, 204, 207, 400, 404, 409, 423}
    hubspot.reset()


@pytest.mark.parametrize("method, path", SALESFORCE)
@given(body=bodies)
@fuzzed
def test_salesforce_answers_any_body(salesforce, method, path, body) -> None:
    under = path if path.startswith("/_") else f"/services/data/v68.0{path}"
    response = salesforce.handle(Request(method, under, {}, token(salesforce), json.dumps(body).encode()))
    assert response.status in {200, 201, 204, 300, 400, 404}
    salesforce.reset()


SOQL = st.lists(
    st.sampled_from((
        "SELECT", "Id", "FROM", "Contact", "WHERE", "(", ")", "AND", "OR", "NOT", "IN", "LIKE", "'a%'", "=", "<", ",",
        "LastName", "IsDeleted", "true", "null", "5", "2026-11-22", "ORDER", "BY", "LIMIT", "OFFSET", "'", "\\", "-1",
    ))
    | st.text(max_size=4),
    max_size=14,
).map(" ".join)  # fmt: skip


@given(text=SOQL, conditions=SOQL)
@fuzzed
def test_salesforce_answers_any_query(salesforce, text, conditions) -> None:
    asked = token(salesforce)
    for soql in (text, f"SELECT Id FROM Contact WHERE {conditions}", f"SELECT Id FROM Contact LIMIT {conditions}"):
        response = salesforce.handle(Request("GET", "/services/data/v68.0/query", {"q": soql}, asked))
        assert response.status in {200, 400}


@given(text=st.text(alphabet="?&|!{}[]()^~*:\\\"'+- ab1", max_size=20), more=SOQL)
@fuzzed
def test_salesforce_answers_any_search(salesforce, text, more) -> None:
    asked = token(salesforce)
    for sosl in (text, f"FIND {{{text}}} IN PHONE FIELDS RETURNING Contact(Id WHERE {more})", f"FIND {{ab}} {more}"):
        response = salesforce.handle(Request("GET", "/services/data/v68.0/search", {"q": sosl}, asked))
        assert response.status in {200, 400}


@given(name=st.text(min_size=1, max_size=40).filter(lambda t: t.strip() == t and t.isprintable()))
@fuzzed
def test_a_quoted_text_finds_what_has_it(salesforce, name) -> None:
    asked = token(salesforce)
    body = json.dumps({"LastName": name}).encode()
    made = json.loads(salesforce.handle(Request("POST", "/services/data/v68.0/sobjects/Contact", {}, asked, body)).body)
    literal = name.replace("\\", "\\\\").replace("'", "\\'")
    soql = {"q": f"SELECT Id FROM Contact WHERE LastName = '{literal}'"}
    found = json.loads(salesforce.handle(Request("GET", "/services/data/v68.0/query", soql, asked)).body)
    assert made["id"] in [row["Id"] for row in found["records"]]


@given(short=st.text(alphabet=string.ascii_letters + string.digits, min_size=15, max_size=15))
def test_ids_of_18_characters_differ_even_without_case(short) -> None:
    assert long_id(short)[:15] == short
    if short.swapcase() != short:
        assert long_id(short).lower() != long_id(short.swapcase()).lower()


def test_the_people_are_told_apart() -> None:
    assert len({person.number for person in PEOPLE}) == len(PEOPLE) >= 40
    homes = "".join(person.home for person in PEOPLE)
    assert all(homes.count(home) >= 7 for home in "hcl")
