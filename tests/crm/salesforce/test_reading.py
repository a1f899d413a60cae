"""What a send needs to know: records by id, the people a record is about, records that changed."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.crm import connect
from connector.crm.salesforce.reading import literal
from connector.crm.salesforce.values import MisfitError
from connector.errors import NotFound, Rejected
from connector.ports import CRM, ActionDone, ActivityChange, Related, Where
from connector.sandbox.http import Request, answer
from tests.crm.salesforce.conftest import Org, Tokens, account
from tests.crm.salesforce.test_contract import API, headers
from tests.town import Sandbox

Add = Callable[..., str]


@pytest.fixture
def crm(sandbox: Sandbox) -> CRM:
    return connect(account(f"{sandbox.url}/salesforce"), Tokens())


@pytest.fixture
def add(sandbox: Sandbox) -> Add:
    """A record of the admin's."""
    token = headers(sandbox)

    def made(object: str, **fields: Any) -> str:
        given = sandbox.http.post(f"{API}/sobjects/{object}", json=fields, headers=token)
        assert given.status_code == 201, given.text
        return str(given.json()["id"])

    return made


def person(sandbox: Sandbox, last: str, object: str = "Contact") -> str:
    return next(str(r["Id"]) for r in sandbox.records("salesforce", object) if r["LastName"] == last)


def deal(sandbox: Sandbox, name: str) -> str:
    return next(str(r["Id"]) for r in sandbox.records("salesforce", "Opportunity") if str(r["Name"]).startswith(name))


def change(sandbox: Sandbox, object: str, id: str, **fields: Any) -> None:
    assert sandbox.http.patch(f"/_records/salesforce/{object}/{id}", json=fields).is_success


# ---- by id -------------------------------------------------------------------------------------------------------
def test_records_are_read_by_id_and_those_that_are_gone_are_absent(sandbox: Sandbox, crm: CRM, add: Add) -> None:
    kept, gone = (add("Contact", LastName=n) for n in ("Uno", "Dos"))
    change(sandbox, "Contact", gone, IsDeleted=True)
    found = crm.read("Contact", [kept, kept[:15], gone, "0035e0000099999AAA", "no id", "', '"], ["LastName", "No__c"])
    assert set(found) == {kept, kept[:15]}
    assert (found[kept].id, found[kept].fields["LastName"], found[kept].was) == (kept, "Uno", None)
    assert found[kept].modified is not None
    assert crm.read("Contact", [], ["LastName"]) == crm.read("Planet__c", [kept], ["Name"]) == {}


def test_a_converted_lead_and_a_merged_contact_say_what_they_were(sandbox: Sandbox, crm: CRM, add: Add) -> None:
    lead = add("Lead", LastName="Paz", Company="Bota", Title="Florist")
    kept, merged = (add("Contact", LastName=n) for n in ("Uno", "Dos"))
    change(sandbox, "Lead", lead, IsConverted=True)
    change(sandbox, "Contact", merged, MasterRecordId=kept)
    contact = sandbox.record("salesforce", "Lead", lead)["ConvertedContactId"]
    found = crm.read("Lead", [lead], ["Title"])[lead]
    assert (found.object, found.id, found.was, found.fields["Title"]) == ("Contact", contact, lead, "Florist")
    assert (crm.read("Contact", [merged], [])[merged].id, crm.read("Contact", [merged], [])[merged].was) == (
        kept,
        merged,
    )


def test_two_thousand_ids_are_one_call_each(org: Org) -> None:
    described = [{"name": n, "type": "id"} for n in ("Id",)]
    org.on("/sobjects/Contact/describe", lambda _: answer({"fields": described}))
    org.on("/composite/sobjects/Contact", lambda r: answer([{"Id": i} for i in r.json()["ids"]]))
    ids = [f"0035e{n:010}" for n in range(2500)]
    found = connect(account(org.base), Tokens()).read("Contact", ids, ["Title"])
    assert list(found) == ids
    assert [len(r.json()["ids"]) for r in org.calls("/composite/sobjects/Contact")] == [2000, 500]


# ---- who it is about ---------------------------------------------------------------------------------------------
def test_an_opportunity_is_about_its_contact_roles_the_primary_first(sandbox: Sandbox, crm: CRM, add: Add) -> None:
    fleet, oven = deal(sandbox, "Estancia"), deal(sandbox, "Padaria")
    lonely = add("Opportunity", Name="x", StageName="Prospecting", CloseDate="2026-12-01")
    ibarra, souza = person(sandbox, "Ibarra"), person(sandbox, "Souza")
    found = crm.related("Opportunity", [fleet, oven, lonely, "nonsense"], "Contact")
    assert found == {
        fleet: [Related("Contact", ibarra, primary=True), Related("Contact", souza)],
        oven: [Related("Contact", souza, primary=True)],
        lonely: [],
        "nonsense": [],
    }


def test_people_are_their_own_contacts(sandbox: Sandbox, crm: CRM) -> None:
    for object, last in (("Contact", "Souza"), ("Lead", "Lee")):
        id = person(sandbox, last, object)
        assert crm.related(object, [id], "Contact") == {id: [Related(object, id, primary=True)]}


def test_a_lookup_to_contact_names_the_person(sandbox: Sandbox, crm: CRM, add: Add) -> None:
    souza, ibarra = person(sandbox, "Souza"), person(sandbox, "Ibarra")
    case = add("Case", Subject="x", ContactId=souza)
    visit = add("Visit__c", Name="x", Patient__c=ibarra)
    order = add("Order", BillToContactId=souza, ShipToContactId=ibarra)
    empty = add("Case", Subject="y")
    assert crm.related("Case", [case, empty], "Contact") == {
        case: [Related("Contact", souza, primary=True)],
        empty: [],
    }
    assert crm.related("Visit__c", [visit], "Contact") == {visit: [Related("Contact", ibarra)]}
    assert {r.id for r in crm.related("Order", [order], "Contact")[order]} == {souza, ibarra}
    assert not any(r.primary for r in crm.related("Order", [order], "Contact")[order])


def test_an_account_has_its_contacts_and_a_contact_its_account(sandbox: Sandbox, crm: CRM, add: Add) -> None:
    firm = add("Account", Name="Bota")
    people = {add("Contact", LastName=n, AccountId=firm) for n in ("Uno", "Dos")}
    assert {r.id for r in crm.related("Account", [firm], "Contact")[firm]} == people
    one = next(iter(people))
    assert crm.related("Contact", [one], "Account") == {one: [Related("Account", firm, primary=True)]}
    assert crm.related("Planet__c", [one], "Contact") == {one: []}


# ---- queries -----------------------------------------------------------------------------------------------------
def test_what_changed_since_comes_oldest_first(sandbox: Sandbox, crm: CRM) -> None:
    ids = [deal(sandbox, n) for n in ("Lone Star", "Padaria", "Estancia")]
    since = datetime.now(UTC)
    for id in ids:
        sandbox.http.post("/_clock", json={"advance": 60})
        change(sandbox, "Opportunity", id, StageName="Negotiation/Review")
    page = crm.query("Opportunity", [Where("", "ge", since)], ["StageName"])
    assert [r.id for r in page.records] == ids
    assert (page.total, page.after) == (3, "")
    times = [r.modified for r in page.records]
    assert times == sorted(t for t in times if t)
    last = times[-1]
    assert last
    assert [r.id for r in crm.query("Opportunity", [Where("", "ge", last)], []).records] == ids[2:]
    assert [r.id for r in crm.query("Opportunity", [Where("", "ge", since), Where("", "lt", last)], []).records] == (
        ids[:2]
    )


def test_pages_go_on_behind_the_last_row_even_within_one_second(sandbox: Sandbox, crm: CRM) -> None:
    records = [{"attributes": {"type": "Visit__c"}, "Name": f"v{n}"} for n in range(2300)]
    for start in range(0, 2300, 200):
        body = {"allOrNone": True, "records": records[start : start + 200]}
        assert sandbox.http.post(f"{API}/composite/sobjects", json=body, headers=headers(sandbox)).is_success
    for where in ([], [Where("", "ge", datetime.now(UTC) - timedelta(hours=1))]):
        first = crm.query("Visit__c", where, ["Name"])
        second = crm.query("Visit__c", where, ["Name"], after=first.after)
        assert (len(first.records), first.total, bool(first.after)) == (2000, 2300, True)
        assert (len(second.records), second.total, second.after) == (300, None, "")
        assert len({r.id for r in (*first.records, *second.records)}) == 2300


@pytest.mark.parametrize(
    "where, names",
    [
        ([Where("StageName", "eq", "Closed Won")], {"Clínica San Borja - reminders"}),
        ([Where("Amount", "ge", "15000"), Where("Amount", "lt", 45000.0)], {"Clínica San Borja - reminders"}),
        ([Where("CloseDate", "eq", "2026-12-18"), Where("StageName", "ne", "Closed Won")], 3),
        ([Where("CloseDate", "lt", "2026-12-18")], set()),
        ([Where("Quote_Pdf_Url__c", "eq", None)], 4),
        ([Where("Name", "eq", "x' OR Name != '")], set()),
        ([Where("Name", "eq", "back\\slash'")], set()),
    ],
)
def test_conditions_are_asked_as_the_fields_are(crm: CRM, where: list[Where], names: Any) -> None:
    found = {str(r.fields["Name"]) for r in crm.query("Opportunity", where, ["Name"]).records}
    assert (len(found) if isinstance(names, int) else found) == names


@pytest.mark.parametrize(
    "object, where, error",
    [
        ("Planet__c", [], NotFound),
        ("Opportunity WHERE Id != ''", [], NotFound),
        ("Opportunity", [Where("Stage", "eq", "x")], NotFound),
        ("Opportunity", [Where("Amount", "eq", "much")], Rejected),
        ("Opportunity", [Where("", "ge", "yesterday")], Rejected),
    ],
)
def test_what_the_org_cannot_be_asked_is_said_in_plain_words(
    crm: CRM, object: str, where: list[Where], error: type[Exception]
) -> None:
    with pytest.raises(error) as said:
        crm.query(object, where, [])
    assert "Opportunity" in str(said.value) or "Planet" in str(said.value) or "object" in str(said.value)


def test_a_page_that_is_none_is_refused(crm: CRM) -> None:
    for after in ("x", "2026-11-22T10:00:00Z", " ' OR Id != '"):
        with pytest.raises(Rejected):
            crm.query("Contact", [Where("", "ge", datetime.now(UTC))], [], after=after)


def test_a_query_is_never_half_read(org: Org) -> None:
    """Salesforce may cut a page short of 2,000 when rows are wide: `done` decides, not the number of rows."""
    described = [{"name": "Id", "type": "id"}, {"name": "SystemModstamp", "type": "datetime"}]
    org.on("/sobjects/Contact/describe", lambda _: answer({"fields": described}))
    row = {"Id": "0035e0000000001AAA", "SystemModstamp": "2026-11-22T10:00:00.000+0000"}

    def pages(request: Request) -> Any:
        first = "AND Id >" not in request.query["q"]
        more = {"nextRecordsUrl": "/services/data/v68.0/query/01g-200"} if first else {}
        return answer({"totalSize": 2, "done": not first, "records": [row], **more})

    org.on("/query/", pages)
    crm = connect(account(org.base), Tokens())
    page = crm.query("Contact", [Where("", "ge", datetime(2026, 11, 22, tzinfo=UTC))], [])
    assert page.after == "2026-11-22T10:00:00.000+0000 0035e0000000001AAA"
    assert crm.query("Contact", [Where("", "ge", datetime(2026, 11, 22, tzinfo=UTC))], [], after=page.after).after == ""
    asked = org.calls("/query/")[1].query["q"]
    same = "SystemModstamp = 2026-11-22T10:00:00.000Z AND Id > '0035e0000000001AAA'"
    assert f"(SystemModstamp > 2026-11-22T10:00:00.000Z OR ({same}))" in asked
    assert asked.endswith(" ORDER BY SystemModstamp, Id")


@given(st.text(max_size=40), st.sampled_from(["string", "email", "phone", "picklist", "reference"]))
def test_no_text_leaves_its_quotes(text: str, kind: str) -> None:
    said = literal({"type": kind}, text)
    assert said == "null" if not text else re.fullmatch(r"'(?:[^'\\\x00-\x1f]|\\['\\])*'", said)


@given(st.text(max_size=30), st.sampled_from(["double", "date", "datetime", "boolean", "int"]))
def test_what_stands_bare_is_never_the_callers_own_text(text: str, kind: str) -> None:
    try:
        said = literal({"type": kind}, text)
    except MisfitError:
        return
    assert re.fullmatch(r"null|true|false|-?[\d.e+-]+|\d{4}-\d\d-\d\d(T[\d:.]+Z)?", said)


@given(st.datetimes(timezones=st.timezones()))
def test_a_moment_is_asked_in_utc(at: datetime) -> None:
    try:
        there = at.astimezone(UTC)
    except OverflowError:
        return
    said = literal({"type": "datetime"}, at)
    assert abs(datetime.fromisoformat(said) - there.replace(microsecond=0)) < timedelta(seconds=1)


# ---- the rest ----------------------------------------------------------------------------------------------------
def test_no_flow_of_salesforce_waits_for_us(crm: CRM) -> None:
    [outcome] = crm.complete([ActionDone(id="1", callback="c", ok=True)])
    assert (outcome.state, outcome.code) == ("refused", "nothing_waits")
    assert crm.complete([]) == []


def test_the_words_of_the_language_are_objects_here(crm: CRM) -> None:
    assert {crm.can.objects[w] for w in ("contact", "lead", "opportunity", "case")} == {
        "Contact",
        "Lead",
        "Opportunity",
        "Case",
    }


@pytest.mark.parametrize("object", ["Opportunity", "Case", "Account", "Visit__c", "OpportunityContactRole"])
def test_tasks_of_other_records_stand_under_them_and_with_their_owner(
    sandbox: Sandbox, crm: CRM, add: Add, object: str
) -> None:
    contact = person(sandbox, "Souza")
    given = {
        "Opportunity": {"Name": "x", "StageName": "Prospecting", "CloseDate": "2026-12-01"},
        "Account": {"Name": "x"},
        "OpportunityContactRole": {"OpportunityId": deal(sandbox, "Padaria"), "ContactId": contact},
    }
    id = add(object, **given.get(object, {}))
    owner = next(u["Id"] for u in sandbox.records("salesforce", "User") if u["LastName"] == "Walsh")
    owned = object != "OpportunityContactRole"
    if owned:
        change(sandbox, object, id, OwnerId=owner)
    task = ActivityChange(
        id="t", ref="r1", kind="task", object=object, record=id, at=datetime.now(UTC), title="Call", owner="owner"
    )
    [outcome] = crm.write([task])
    tasks = sandbox.records("salesforce", "Task")
    if owned:
        assert (outcome.state, [(t["WhatId"], t["OwnerId"]) for t in tasks]) == ("done", [(id, owner)])
    else:  # a record nobody owns and no task can stand under: refused by itself, not with its batch
        assert (outcome.state, outcome.refused, tasks) == (
            "refused",
            {"owner": "The record's owner is unknown: the task is with our own user."},
            [],
        )
