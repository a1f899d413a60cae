"""`find` over HTTP: few calls, hits verified, merged and converted records followed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from connector.core import phone
from connector.crm.salesforce import connect
from connector.ports import ContactKey
from connector.sandbox.http import Request, answer
from tests.crm.salesforce.conftest import Org, Tokens, account

PAYLOADS = Path(__file__).parent / "payloads"
ROSA, JUAN, GONE, MASTER = "003Hp00002Rosa1IAC", "003Hp00002Juan2IAC", "003Hp00002Gone3IAC", "003Hp00002Mstr4IAC"
WAFA, NEWC = "00QHp00001Wafa3MAC", "003Hp00002Newc5IAC"


def describe(name: str) -> Any:
    return json.loads((PAYLOADS / f"describe_{name.lower()}.json").read_text("utf-8"))


def described(org: Org, *names: str) -> None:
    for name in names:
        org.on(f"/sobjects/{name}/describe", lambda r, n=name: answer(describe(n)))


def row(object: str, id: str, **fields: Any) -> dict[str, Any]:
    return {"attributes": {"type": object}, "Id": id, **fields}


def kept(org: Org, object: str, *rows: Mapping[str, Any]) -> None:
    """Answers batch reads by id from these rows; who is not among them is null, as Salesforce does."""

    def answerer(request: Request) -> Any:
        by_id = {str(r["Id"])[:15]: r for r in rows}
        return answer([by_id.get(i[:15]) for i in request.json()["ids"]])

    org.on(f"/composite/sobjects/{object}", answerer)


def queried(org: Org, path: str, *answers: tuple[str, list[dict[str, Any]]]) -> None:
    """Answers queries: the rows of the first entry whose words, parted by `&`, all stand in the query."""

    def answerer(request: Request) -> Any:
        text = request.query["q"]
        found = next((rows for words, rows in answers if all(w in text for w in words.split("&"))), [])
        return answer({"done": True, "records": found, "searchRecords": found})

    org.on(path, answerer)


def key(name: str, **more: Any) -> ContactKey:
    return ContactKey(**{"contact": name, "objects": ("Contact", "Lead"), **more})


def test_linked_contacts_are_one_read_per_object(org: Org, tokens: Tokens) -> None:
    described(org, "Contact")
    when = "2026-11-20T10:00:00.000+0000"
    rosa = row("Contact", ROSA, OwnerId="005Hp1", LastModifiedDate=when, Visit__c="booked")
    kept(org, "Contact", rosa, row("Contact", JUAN))
    keys = [key("rosa", record=("Contact", ROSA)), key("juan", record=("Contact", JUAN[:15]))]
    found = connect(account(org.base), tokens).find(keys, ["Visit__c", "Unknown__c"])
    first = found[keys[0]][0]
    assert (first.id, first.owner, first.fields["Visit__c"], first.found_by) == (ROSA, "005Hp1", "booked", "id")
    assert first.modified is not None
    assert first.modified.isoformat() == "2026-11-20T10:00:00+00:00"
    assert found[keys[1]][0].id == JUAN
    reads = org.calls("/composite/sobjects/Contact")
    assert [r.json() for r in reads] == [
        {"ids": [ROSA, JUAN[:15]], "fields": ["Id", "OwnerId", "LastModifiedDate", "Visit__c"]}
    ]


def test_a_merged_record_is_followed_to_its_master_and_says_what_it_was(org: Org, tokens: Tokens) -> None:
    described(org, "Contact")
    kept(org, "Contact", row("Contact", MASTER, Visit__c="confirmed"))
    queried(org, "/queryAll/", (f"IsDeleted&{GONE}", [{"Id": GONE, "MasterRecordId": MASTER}]))
    asked = key("rosa", record=("Contact", GONE))
    record = connect(account(org.base), tokens).find([asked], ["Visit__c"])[asked][0]
    assert (record.id, record.was, record.fields["Visit__c"]) == (MASTER, GONE, "confirmed")


def test_a_merge_of_a_merge_is_followed(org: Org, tokens: Tokens) -> None:
    described(org, "Contact")
    kept(org, "Contact", row("Contact", MASTER))
    first, second = {"Id": GONE, "MasterRecordId": JUAN}, {"Id": JUAN, "MasterRecordId": MASTER}
    queried(org, "/queryAll/", (GONE, [first]), (JUAN, [second]))
    asked = key("rosa", record=("Contact", GONE))
    record = connect(account(org.base), tokens).find([asked], [])[asked][0]
    assert (record.id, record.was) == (MASTER, GONE)


def test_a_deleted_record_is_searched_for_anew(org: Org, tokens: Tokens) -> None:
    described(org, "Contact", "Lead")
    kept(org, "Contact")
    queried(org, "/queryAll/", (GONE, [{"Id": GONE, "MasterRecordId": None}]))
    rosa = row("Contact", ROSA, WhatsApp_Id__c="5215512345678")
    queried(org, "/query/", ("FROM Contact&WhatsApp_Id__c&5215512345678", [rosa]))
    asked = key("rosa", record=("Contact", GONE), wa_id="5215512345678", find_by=("whatsapp",))
    found = connect(account(org.base), tokens).find([asked], [])[asked]
    assert [(r.id, r.found_by) for r in found] == [(ROSA, "whatsapp")]


def test_a_converted_lead_is_its_contact(org: Org, tokens: Tokens) -> None:
    described(org, "Contact", "Lead")
    kept(org, "Lead", row("Lead", WAFA, IsConverted=True, ConvertedContactId=NEWC))
    kept(org, "Contact", row("Contact", NEWC, Visit__c="booked"))
    asked = key("wafa", record=("Lead", WAFA))
    record = connect(account(org.base), tokens).find([asked], ["Visit__c"])[asked][0]
    assert (record.object, record.id, record.was, record.fields["Visit__c"]) == ("Contact", NEWC, WAFA, "booked")


def test_our_ids_are_looked_for_contact_first_then_lead_in_one_query_each(org: Org, tokens: Tokens) -> None:
    described(org, "Contact", "Lead")
    queried(
        org, "/query/",
        ("FROM Contact&WhatsApp_Id__c", [row("Contact", ROSA, WhatsApp_Id__c="5211")]),
        ("FROM Contact&WhatsApp_User_Id__c", [row("Contact", JUAN, WhatsApp_User_Id__c="MX.b")]),
        ("FROM Lead&WhatsApp_Id__c", [row("Lead", WAFA, WhatsApp_Id__c="5213", IsConverted=False)]),
    )  # fmt: skip
    keys = [key("a", wa_id="5211"), key("b", user_id="MX.b"), key("c", wa_id="5213"), key("d", wa_id="5214")]
    found = connect(account(org.base), tokens).find(keys, [])
    assert [[r.id for r in found[k]] for k in keys] == [[ROSA], [JUAN], [WAFA], []]
    asked = [r.query["q"].partition("FROM ")[2] for r in org.calls("/query/")]
    assert asked == [
        "Contact WHERE WhatsApp_Id__c IN ('5211','5213','5214')",
        "Contact WHERE WhatsApp_User_Id__c IN ('MX.b')",
        "Lead WHERE WhatsApp_Id__c IN ('5213','5214')",
    ]


def test_two_records_with_our_two_ids_are_both_told(org: Org, tokens: Tokens) -> None:
    described(org, "Contact", "Lead")
    queried(
        org, "/query/",
        ("WhatsApp_Id__c&5211", [row("Contact", ROSA, WhatsApp_Id__c="5211")]),
        ("WhatsApp_User_Id__c&MX.b", [row("Contact", JUAN, WhatsApp_User_Id__c="MX.b")]),
    )  # fmt: skip
    asked = key("a", wa_id="5211", user_id="MX.b")
    assert [r.id for r in connect(account(org.base), tokens).find([asked], [])[asked]] == [ROSA, JUAN]


@pytest.mark.parametrize(
    "written, hit",
    [
        ("+52 55 1234 5678", True), ("(55) 1234-5678", True), ("044 55 1234 5678", True), ("5215512345678", True),
        ("+1 551 234 5678", False), ("55 1234 5679", False), ("", False), ("n/a", False),
    ],
)  # fmt: skip
def test_a_phone_hit_counts_only_when_it_is_the_same_subscriber(
    org: Org, tokens: Tokens, written: str, hit: bool
) -> None:
    described(org, "Contact", "Lead")
    queried(org, "/search/", ("FIND", [row("Contact", ROSA, MobilePhone=written)]))
    asked = key("rosa", find_by=("phone",), phones=phone.spellings("5215512345678"))
    found = connect(account(org.base), tokens).find([asked], [])[asked]
    assert [(r.id, r.found_by) for r in found] == ([(ROSA, "phone")] if hit else [])


def test_the_assistants_phone_is_not_the_persons(org: Org, tokens: Tokens) -> None:
    described(org, "Contact", "Lead")
    queried(org, "/search/", ("FIND", [row("Contact", ROSA, AssistantPhone="+52 55 1234 5678")]))
    asked = key("rosa", find_by=("phone",), phones=phone.spellings("5215512345678"))
    assert connect(account(org.base), tokens).find([asked], [])[asked] == []


def test_strangers_share_one_search_and_a_contact_goes_before_a_lead(org: Org, tokens: Tokens) -> None:
    described(org, "Contact", "Lead")
    numbers = ["5215512345678", "5215587654321", "5215500000000"]
    queried(
        org, "/search/",
        ("FIND", [
            row("Lead", WAFA, Phone="+525512345678"), row("Contact", ROSA, Phone="55 1234 5678"),
            row("Contact", JUAN, MobilePhone="(55) 8765 4321"), row("Contact", MASTER, Phone="+52 1 55 8765 4321"),
        ]),
    )  # fmt: skip
    keys = [key(n, find_by=("phone",), phones=phone.spellings(n)) for n in numbers]
    found = connect(account(org.base), tokens).find(keys, [])
    assert [[r.id for r in found[k]] for k in keys] == [[ROSA], [JUAN, MASTER], []]
    assert len(org.calls("/search/")) == 1
    text = org.calls("/search/")[0].query["q"]
    assert "IN PHONE FIELDS RETURNING Contact(Id, " in text
    assert "WHERE IsConverted = false" in text


def test_an_email_is_found_whatever_its_case(org: Org, tokens: Tokens) -> None:
    described(org, "Contact", "Lead")
    queried(org, "/query/", ("FROM Contact&Email", [row("Contact", ROSA, Email="Rosa@Clinic.example")]))
    asked = key("rosa", find_by=("email",), email="rosa@clinic.EXAMPLE")
    assert [r.id for r in connect(account(org.base), tokens).find([asked], [])[asked]] == [ROSA]


def test_an_org_without_leads_still_finds_contacts(org: Org, tokens: Tokens) -> None:
    described(org, "Contact")
    queried(org, "/query/")
    queried(org, "/search/", ("FIND", [row("Contact", ROSA, Phone="55 1234 5678")]))
    asked = key("rosa", wa_id="5215512345678", phones=phone.spellings("5215512345678"))
    assert [r.id for r in connect(account(org.base), tokens).find([asked], [])[asked]] == [ROSA]


def test_quotes_in_a_key_stay_inside_their_literal(org: Org, tokens: Tokens) -> None:
    described(org, "Contact", "Lead")
    queried(org, "/query/")
    connect(account(org.base), tokens).find([key("x", find_by=("email",), email="o'x@a.b") ], [])  # fmt: skip
    assert org.calls("/query/")[0].query["q"].endswith(r"Email IN ('o\'x@a.b')")


def test_no_keys_are_no_calls(org: Org, tokens: Tokens) -> None:
    assert connect(account(org.base), tokens).find([], ["Visit__c"]) == {}
    assert org.asked == []
