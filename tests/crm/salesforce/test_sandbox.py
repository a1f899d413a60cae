"""What only Salesforce has, against its stand-in: converted leads, duplicate rules, locks, Outbound Messages."""

import queue
from typing import Any

import httpx
import pytest

from connector.core.events import RecordChanged
from connector.crm.salesforce import connect, problems
from connector.crm.salesforce.webhook import SalesforceWebhook
from connector.errors import NotAuthentic
from connector.ports import CRM, Account, ContactKey, RawRequest, RecordChange
from connector.sandbox.control import Control
from connector.sandbox.front import Front
from connector.sandbox.graph.service import Graph
from connector.sandbox.http import Request, Response
from connector.sandbox.salesforce.service import Salesforce
from connector.sandbox.server import Reply, Server
from connector.sandbox.world import World
from tests.crm.salesforce.conftest import ORG, Tokens, account
from tests.crm.salesforce.test_contract import API, headers
from tests.town import Sandbox

WA = "5215519370264"


@pytest.fixture
def crm(sandbox: Sandbox) -> CRM:
    return connect(account(f"{sandbox.url}/salesforce"), Tokens())


def add(sandbox: Sandbox, object: str, **fields: Any) -> str:
    answer = sandbox.http.post(f"{API}/sobjects/{object}", json=fields, headers=headers(sandbox))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def change(**more: Any) -> RecordChange:
    return RecordChange(**{"id": "1", "object": "Contact", **more})


def test_a_converted_lead_is_found_as_its_contact(sandbox: Sandbox, crm: CRM) -> None:
    lead = add(sandbox, "Lead", LastName="Paz", Company="Bota", Title="Florist", WhatsApp_Id__c=WA)
    assert sandbox.http.patch(f"/_records/salesforce/Lead/{lead}", json={"IsConverted": True}).is_success
    contact = sandbox.record("salesforce", "Lead", lead)["ConvertedContactId"]
    linked = ContactKey(contact="a", objects=("Contact", "Lead"), record=("Lead", lead))
    by_id = ContactKey(contact="b", objects=("Lead",), find_by=("whatsapp",), wa_id=WA)
    found = crm.find([linked, by_id], ["Title"])
    assert [(r.object, r.id, r.was, r.fields["Title"]) for r in found[linked]] == [
        ("Contact", contact, lead, "Florist")
    ]
    assert [(r.object, r.id) for r in found[by_id]] == [("Contact", contact)]


def test_a_deleted_record_is_refused_and_a_merged_one_written_under_its_master(sandbox: Sandbox, crm: CRM) -> None:
    kept, merged, gone = (add(sandbox, "Contact", LastName=n) for n in ("Uno", "Dos", "Tres"))
    assert sandbox.http.patch(f"/_records/salesforce/Contact/{merged}", json={"MasterRecordId": kept}).is_success
    assert sandbox.http.patch(f"/_records/salesforce/Contact/{gone}", json={"IsDeleted": True}).is_success
    changes = [change(id=i, record=i, fields={"Title": "Florist"}) for i in (merged, gone)]
    outcomes = crm.write(changes)
    assert [(o.state, o.record) for o in outcomes] == [("done", kept), ("refused", gone)]
    assert sandbox.record("salesforce", "Contact", kept)["Title"] == "Florist"


def test_a_newcomer_whom_a_duplicate_rule_knows_is_that_record(sandbox: Sandbox, crm: CRM) -> None:
    known = add(sandbox, "Contact", FirstName="Eva", LastName="Paz", Email="eva@bota.example")
    fields = {"Email": "eva@bota.example", "Title": "Florist"}
    [outcome] = crm.write([change(wa_id=WA, name="evita", fields=fields)])
    assert (outcome.state, outcome.record, outcome.created) == ("done", known, False)
    record = sandbox.record("salesforce", "Contact", known)
    assert (record["WhatsApp_Id__c"], record["FirstName"], record["Title"]) == (WA, "Eva", "Florist")


def test_a_duplicate_of_another_whatsapp_user_is_for_a_person(sandbox: Sandbox, crm: CRM) -> None:
    add(sandbox, "Contact", LastName="Paz", Email="eva@bota.example", WhatsApp_Id__c="573009990000")
    [outcome] = crm.write([change(wa_id=WA, name="evita", fields={"Email": "eva@bota.example"})])
    assert (outcome.state, outcome.code) == ("refused", "other_person")


def test_a_validation_rule_holds_back_its_field_in_the_admins_words(sandbox: Sandbox, crm: CRM) -> None:
    id = add(sandbox, "Contact", LastName="Paz")
    [outcome] = crm.write([change(record=id, fields={"NPS_Score__c": 11, "Title": "Florist"})])
    assert (outcome.state, list(outcome.refused)) == ("done", ["NPS_Score__c"])
    assert "a number from 0 to 10" in outcome.refused["NPS_Score__c"]
    assert sandbox.record("salesforce", "Contact", id)["Title"] == "Florist"


def test_a_locked_row_waits_and_the_others_are_written(sandbox: Sandbox, crm: CRM) -> None:
    locked, free = (add(sandbox, "Contact", LastName=n) for n in ("Uno", "Dos"))
    assert sandbox.http.patch("/salesforce/_options", json={"locked": [locked]}).is_success
    outcomes = crm.write([change(id=i, record=i, fields={"Title": "x"}) for i in (locked, free)])
    assert [(o.state, o.after) for o in outcomes] == [("retry", problems.LOCKED_AFTER), ("done", None)]


def test_someone_known_by_user_id_gets_the_number_too(sandbox: Sandbox, crm: CRM) -> None:
    known = add(sandbox, "Contact", LastName="Paz", WhatsApp_User_Id__c="MX.77")
    [outcome] = crm.write([change(wa_id=WA, user_id="MX.77", name="evita", fields={"Title": "x"})])
    assert (outcome.state, outcome.record, outcome.created) == ("done", known, False)
    record = sandbox.record("salesforce", "Contact", known)
    assert (record["WhatsApp_Id__c"], record["LastName"]) == (WA, "Paz")


def test_a_new_lead_gets_its_company(sandbox: Sandbox, crm: CRM) -> None:
    [outcome] = crm.write([change(object="Lead", wa_id=WA, name="Eva Paz", fields={"Title": "x"})])
    assert outcome.created
    assert sandbox.record("salesforce", "Lead", str(outcome.record))["Company"] == "[not provided]"


def test_the_rules_of_the_org_are_told_with_their_fields(crm: CRM) -> None:
    score = next(f for f in crm.fields("Contact") if f.name == "NPS_Score__c")
    assert score.rules == ("The NPS score is a number from 0 to 10.",)


def test_an_outbound_message_of_the_stand_in_is_believed_read_and_answered() -> None:
    """From a person's change in Salesforce to our events, through both ends of the wire."""
    secret, heard = "hook-secret-of-the-test", queue.Queue[RawRequest]()
    settings = Account(id="a", kind="salesforce", name="a", settings={"org_id": ORG}, secrets={"hook_secret": secret})
    ours = SalesforceWebhook(settings)

    def receive(request: Request) -> Reply:
        raw = RawRequest(request.method, request.path, "", request.headers, request.body)
        said = ours.answer(raw)
        heard.put(raw)
        return Reply(Response(said.status, said.body, {"Content-Type": said.content_type}))

    world = World()
    world.add(Salesforce(world))
    receiver, server = Server(receive), Server(Front(world, Control(world, Graph(world))))
    world.subscribe("salesforce", f"http://127.0.0.1:{receiver.port}/hooks/crm/a/{secret}")
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}") as http:
        id = http.get("/_records/salesforce/Contact").json()[0]["Id"]
        assert http.patch(f"/_records/salesforce/Contact/{id}", json={"LeadSource": "Partner Referral"}).is_success
    raw = heard.get(timeout=20)
    server.close()
    receiver.close()
    ours.verify(raw)
    with pytest.raises(NotAuthentic):
        ours.verify(RawRequest(raw.method, "/hooks/crm/a", "", raw.headers, raw.body))
    changed = {r.event.field: r.event for r in ours.parse(raw.body, {}) if isinstance(r.event, RecordChanged)}
    [source] = changed.values()
    assert (source.object, source.record, source.value) == ("Contact", id, "Partner Referral")
    assert (source.field, source.snapshot, source.ours) == ("LeadSource", False, False)
    assert source.at
