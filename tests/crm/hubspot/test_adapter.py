"""What only HubSpot does: its scopes, lifecycle stages, search limits, lost merges, unique e-mails."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.core import phone
from connector.crm import connect
from connector.crm.hubspot.activities import body_of
from connector.errors import Busy, NotAllowed
from connector.ports import CRM, ActivityChange, ContactKey, RecordChange
from connector.sandbox.http import Request, Response, answer
from tests.crm.hubspot.ground import API, PORTAL, NoTokens, account, headers
from tests.crm.hubspot.scripted import batch, scripted
from tests.town import Sandbox

CONTACTS = f"{API}/contacts"
AT = datetime(2026, 11, 20, 15, 48, 22, tzinfo=UTC)


@pytest.fixture
def crm(sandbox: Sandbox) -> CRM:
    return connect(account(sandbox.url, country="CO"), NoTokens())


def switch(sandbox: Sandbox, **options: Any) -> None:
    """The stand-in's own switches."""
    answered = sandbox.http.patch("/hubspot/_options", json=options, headers=headers())
    assert answered.is_success, answered.text


def add(sandbox: Sandbox, **fields: str) -> str:
    answered = sandbox.http.post(CONTACTS, json={"properties": {"lastname": "Luna"} | fields}, headers=headers())
    assert answered.status_code == 201, answered.text
    return str(answered.json()["id"])


def held(sandbox: Sandbox, id: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = sandbox.record("hubspot", "contacts", id)["properties"]
    return found


def paths(sandbox: Sandbox) -> list[str]:
    return [call["path"].partition("?")[0].removeprefix(f"{API}/") for call in sandbox.ledger("hubspot")]


def linked(id: str) -> ContactKey:
    return ContactKey(contact=id, objects=("contacts",), record=("contacts", id), wa_id="1", phones=("+1",))


def stranger(n: int) -> ContactKey:
    wa_id = f"57320{n:07}"
    return ContactKey(contact=wa_id, objects=("contacts",), wa_id=wa_id, phones=phone.spellings(wa_id))


def change(record: str | None = None, **given: Any) -> RecordChange:
    return RecordChange(**{"id": "1", "object": "contacts", "record": record} | given)


# ---- set-up ----------------------------------------------------------------------------------------------------------
def test_a_missing_scope_is_named(sandbox: Sandbox, crm: CRM) -> None:
    switch(sandbox, scopes=["crm.objects.contacts.read", "crm.schemas.contacts.read", "crm.objects.owners.read"])
    issues = crm.check()
    assert any("crm.objects.contacts.write" in issue.message and issue.hint for issue in issues)
    assert crm.find([linked("1")], []) == {linked("1"): []}
    with pytest.raises(NotAllowed, match=r"crm\.objects\.contacts\.write"):
        crm.write([change("1", fields={"jobtitle": "x"})])


def test_a_token_of_another_account_is_found_out(sandbox: Sandbox) -> None:
    issues = connect(account(sandbox.url, **{"portal-id": "999"}), NoTokens()).check()
    assert [(issue.code, PORTAL in issue.message) for issue in issues] == [("wrong_portal", True)]


def test_an_account_in_order_has_no_issues(crm: CRM) -> None:
    assert crm.check() == []


def test_the_token_goes_nowhere_else() -> None:
    with pytest.raises(NotAllowed):
        connect(account("https://evil.example"), NoTokens())


def test_validation_rules_are_part_of_the_field(crm: CRM) -> None:
    fields = {field.name: field for field in crm.fields("contacts")}
    assert (fields["nps_score"].minimum, fields["nps_score"].maximum) == (0, 10)
    assert fields["zip"].rules
    assert [value for value, _ in fields["lifecyclestage"].options][:2] == ["subscriber", "lead"]
    assert {field.name for field in crm.fields("deals")} >= {"dealstage", "amount"}


# ---- find ------------------------------------------------------------------------------------------------------------
def test_linked_contacts_cost_no_search(sandbox: Sandbox, crm: CRM) -> None:
    ids = [add(sandbox) for _ in range(3)]
    crm.find([linked(ids[0])], [])  # the properties are read once
    before = len(paths(sandbox))
    found = crm.find([linked(id) for id in ids], ["firstname"])
    assert [records[0].id for records in found.values()] == ids
    assert paths(sandbox)[before:] == ["contacts/batch/read"]


def test_strangers_share_searches(sandbox: Sandbox, crm: CRM) -> None:
    found = crm.find([stranger(n) for n in range(100)], ["firstname"])
    assert all(records == [] for records in found.values())
    assert paths(sandbox).count("contacts/search") <= 4


def test_searches_keep_to_five_a_second(sandbox: Sandbox, crm: CRM) -> None:
    crm.find([stranger(n) for n in range(200)], [])
    assert [call["status"] for call in sandbox.ledger("hubspot") if call["path"].endswith("/search")].count(429) == 0


def test_a_body_of_three_thousand_characters_is_never_passed(sandbox: Sandbox, crm: CRM) -> None:
    many = [f"a_property_with_a_rather_long_name_{n}" for n in range(200)]
    id = add(sandbox, phone="+573201234567")
    key = stranger(1234567)
    assert [record.id for record in crm.find([key], many)[key]] == [id]


def test_an_email_finds_its_contact_and_a_broken_one_nobody(sandbox: Sandbox, crm: CRM) -> None:
    id = add(sandbox, email="ana.luna@example.org")
    keys = [
        ContactKey(contact=mail, objects=("contacts",), find_by=("email",), email=mail)
        for mail in ("Ana.Luna@Example.org", "not an address", "nobody@example.org")
    ]
    found = crm.find(keys, ["email"])
    assert [[(record.id, record.found_by) for record in found[key]] for key in keys] == [[(id, "email")], [], []]


def test_types_of_values_are_hubspots(sandbox: Sandbox, crm: CRM) -> None:
    id = add(sandbox, newsletter="true", nps_score="9", delivery_date="2026-11-22", jobtitle="007")
    names = ["newsletter", "nps_score", "delivery_date", "jobtitle", "city"]
    [record] = crm.find([linked(id)], names)[linked(id)]
    assert [record.fields[name] for name in names] == [True, 9, "2026-11-22", "007", None]
    assert record.modified is not None
    assert record.modified.tzinfo is not None


def test_a_merge_that_the_batch_answers_is_followed_too() -> None:
    def merged(request: Request) -> Response:
        if request.path.endswith("/batch/read"):
            return batch({"id": "900", "properties": {"hs_merged_object_ids": "31;32", "firstname": "Ana"}})
        return answer({"results": []})

    with scripted(merged) as server:
        crm = connect(account(server.url), NoTokens())
        found = crm.find([linked("31"), linked("900")], ["firstname"])
    assert [(r[0].id, r[0].was) for r in found.values()] == [("900", "31"), ("900", None)]


def test_an_account_without_our_fields_is_told_what_to_do(sandbox: Sandbox, crm: CRM) -> None:
    for name in ("whatsapp_id", "whatsapp_user_id"):
        sandbox.http.delete(f"/hubspot/crm/properties/2026-09/contacts/{name}", headers=headers())
    with pytest.raises(NotAllowed) as refused:
        crm.find([stranger(1)], [])
    assert "--fix" in refused.value.hint


# ---- write -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("before,after", [("customer", "lead"), ("lead", "customer"), ("", "lead")])
def test_a_lifecycle_stage_goes_both_ways(sandbox: Sandbox, crm: CRM, before: str, after: str) -> None:
    id = add(sandbox, lifecyclestage=before)
    [outcome] = crm.write([change(id, fields={"lifecyclestage": after, "jobtitle": "x"})])
    assert (outcome.state, dict(outcome.refused)) == ("done", {})
    assert (held(sandbox, id)["lifecyclestage"], held(sandbox, id)["jobtitle"]) == (after, "x")


def test_a_stage_hubspot_does_not_have_leaves_the_old_one(sandbox: Sandbox, crm: CRM) -> None:
    id = add(sandbox, lifecyclestage="customer")
    [outcome] = crm.write([change(id, fields={"lifecyclestage": "vip", "jobtitle": "x"})])
    assert set(outcome.refused) == {"lifecyclestage"}
    assert held(sandbox, id)["lifecyclestage"] == "customer"


def test_values_go_out_as_hubspot_takes_them(sandbox: Sandbox, crm: CRM) -> None:
    id = add(sandbox)
    fields = {
        "newsletter": True,
        "nps_score": 9.0,
        "delivery_date": "2026-11-22T23:30:00-05:00",
        "appointment_at": "2026-11-22T23:30:00-05:00",
        "interests": "demo;pricing",
    }
    [outcome] = crm.write([change(id, fields=fields)])
    assert dict(outcome.refused) == {}
    assert {name: held(sandbox, id)[name] for name in fields} == {
        "newsletter": "true",
        "nps_score": "9",
        "delivery_date": "2026-11-22",
        "appointment_at": "2026-11-23T04:30:00.000Z",
        "interests": "demo;pricing",
    }


def test_the_admins_own_rule_holds_back_only_its_field(sandbox: Sandbox, crm: CRM) -> None:
    id = add(sandbox)
    [outcome] = crm.write([change(id, fields={"nps_score": 11, "jobtitle": "x"})])
    assert (outcome.state, set(outcome.refused)) == ("done", {"nps_score"})
    assert "10" in outcome.refused["nps_score"]


def test_an_email_of_somebody_else_is_not_taken_over(sandbox: Sandbox, crm: CRM) -> None:
    other = add(sandbox, email="ana@example.org", firstname="Ana")
    newcomer = change(wa_id="573209998877", name="Eva", fields={"email": "ana@example.org", "jobtitle": "x"})
    [outcome] = crm.write([newcomer])
    assert (outcome.state, outcome.created, set(outcome.refused)) == ("done", True, {"email"})
    assert other in outcome.refused["email"]
    assert outcome.record != other
    assert held(sandbox, other)["firstname"] == "Ana"


def test_a_person_known_by_bsuid_gets_the_number_filled_in(sandbox: Sandbox, crm: CRM) -> None:
    id = add(sandbox, whatsapp_user_id="CO.77")
    [outcome] = crm.write([change(wa_id="573209998877", user_id="CO.77", fields={"jobtitle": "x"})])
    assert (outcome.record, outcome.created) == (id, False)
    assert held(sandbox, id)["whatsapp_id"] == "573209998877"


def test_a_record_named_twice_gets_the_last_value(sandbox: Sandbox, crm: CRM) -> None:
    id = add(sandbox)
    outcomes = crm.write([change(id, id=str(n), fields={"jobtitle": str(n)}) for n in range(3)])
    assert [outcome.state for outcome in outcomes] == ["done"] * 3
    assert held(sandbox, id)["jobtitle"] == "2"


def test_a_locked_record_comes_again(sandbox: Sandbox, crm: CRM) -> None:
    locked, free = add(sandbox), add(sandbox)
    switch(sandbox, locked=[locked])
    outcomes = crm.write([change(id, id=id, fields={"jobtitle": "x"}) for id in (locked, free)])
    assert [(outcome.state, outcome.after) for outcome in outcomes] == [("retry", 2.0), ("done", None)]


def test_other_objects_are_written_too(sandbox: Sandbox, crm: CRM) -> None:
    deal = sandbox.records("hubspot", "deals")[0]["id"]
    [outcome] = crm.write([change(deal, object="deals", fields={"dealstage": "closedwon", "amount": 1250.5})])
    assert outcome.state == "done"
    found = sandbox.record("hubspot", "deals", deal)["properties"]
    assert (found["dealstage"], found["amount"]) == ("closedwon", "1250.5")
    [refused] = crm.write([change(None, object="deals", wa_id="573209998877", fields={"amount": 1})])
    assert (refused.state, refused.code) == ("refused", "no_identity")


# ---- timeline --------------------------------------------------------------------------------------------------------
def entry(record: str, **given: Any) -> ActivityChange:
    words = {"id": "1", "ref": "01a2056f8120", "kind": "message", "object": "contacts", "at": AT, "text": "Hola"}
    return ActivityChange(**words | {"record": record} | given)


def test_a_message_is_a_whatsapp_communication(sandbox: Sandbox, crm: CRM) -> None:
    id = add(sandbox)
    [outcome] = crm.write([entry(id, title="Ana", text="a < b\n& c")])
    assert outcome.activity is not None
    properties = sandbox.record("hubspot", "communications", outcome.activity)["properties"]
    expected = {
        "hs_communication_channel_type": "WHATS_APP",
        "hs_communication_logged_from": "CRM",
        "hs_communication_body": "<p><strong>Ana</strong></p><p>a &lt; b<br>&amp; c</p><p>ref 01a2056f8120</p>",
        "hs_timestamp": "2026-11-20T15:48:22.000Z",
    }
    assert {name: properties[name] for name in expected} == expected


def test_a_task_may_go_to_a_person_by_email(sandbox: Sandbox, crm: CRM) -> None:
    id = add(sandbox)
    owners = sandbox.http.get("/hubspot/crm/owners/2026-09", headers=headers()).json()["results"]
    tasks = [
        entry(id, id=str(n), kind="task", title="Call", owner=to)
        for n, to in enumerate([owners[1]["email"], "x@y.zz", "owner"])
    ]
    outcomes = crm.write(tasks)
    given = [
        sandbox.record("hubspot", "tasks", o.activity or "")["properties"].get("hubspot_owner_id") for o in outcomes
    ]
    assert [owner or None for owner in given] == [owners[1]["id"], None, None]


def test_an_entry_for_a_record_that_is_gone_is_refused(crm: CRM) -> None:
    [outcome] = crm.write([entry("999999999")])
    assert outcome.state == "refused"


def test_entries_on_deals_have_their_own_association(sandbox: Sandbox, crm: CRM) -> None:
    deal = sandbox.records("hubspot", "deals")[0]["id"]
    outcomes = [crm.write([entry(deal, object="deals", kind=kind)])[0] for kind in ("message", "note", "task")]
    assert [outcome.state for outcome in outcomes] == ["done"] * 3
    [refused] = crm.write([entry(deal, object="line_items")])
    assert (refused.state, refused.code) == ("refused", "no_such_activity")


@pytest.mark.parametrize("text", ["&" * 70_000, "x" * 70_000, ""])
def test_a_text_is_cut_to_what_hubspot_takes_and_keeps_its_ref(text: str) -> None:
    body = body_of(entry("1", text=text, title="<Ana>"))
    assert len(body) <= 65_536
    assert body.endswith("<p>ref 01a2056f8120</p>")
    assert body.startswith("<p><strong>&lt;Ana&gt;</strong></p>")


# ---- limits ----------------------------------------------------------------------------------------------------------
def test_one_process_alone_never_meets_a_429(sandbox: Sandbox) -> None:
    switch(sandbox, limit=40)
    crm = connect(account(sandbox.url), NoTokens())
    ids = [add(sandbox) for _ in range(2)]
    with pytest.raises(Busy) as busy:
        [crm.find([linked(ids[0])], []) for _ in range(100)]
    assert busy.value.after is not None
    assert 2 < busy.value.after <= 11
    assert 429 not in [call["status"] for call in sandbox.ledger("hubspot")]
