"""The judge alone: a small ledger, spoilt in every way that it must see."""

import copy

import pytest

from tests.chaos.judge import Verdict, judge

ANA = "573015550001"
CONTACTS, ENTRIES = "/hubspot/crm/objects/2026-09/contacts/batch", "/hubspot/crm/objects/2026-09/communications/batch"


def line(path, inputs, record, status=200):
    return {"method": "POST", "path": path, "body": {"inputs": inputs}, "record": record, "status": status}


def value(n, **more):
    return {"properties": {"whatsapp_last_answer": str(n)}, **more}


def entry(n, ref):
    body = f"<p>{n}</p><p>ref {ref}-99</p>"
    return {"properties": {"hs_communication_body": body}, "associations": [{"to": {"id": "71"}}]}


def ledger():
    return [
        {"method": "GET", "path": "/hubspot/crm/owners/2026-09", "body": None, "record": None, "status": 200},
        line(f"{CONTACTS}/upsert", [value(1, id=ANA, idProperty="whatsapp_id")], ["71"]),
        line(f"{CONTACTS}/update", [value(3, id="71")], ["71"]),
        line(f"{ENTRIES}/create", [entry(1, "a"), entry(3, "c")], ["90", "91"], 201),
        line(f"{ENTRIES}/create", [entry(2, "b")], None, 503),
        line(f"{ENTRIES}/create", [entry(2, "b")], ["92"], 201),
        line("/hubspot/crm/objects/2026-09/tasks/batch/create", [TASK], ["93"], 201),
    ]


TASK = {"properties": {"hs_task_subject": "Answer 2"}, "associations": [{"to": {"id": "71"}}]}


def verdict(lines) -> Verdict:
    return judge({"hubspot": lines}, {ANA: 3})


def test_all_is_well():
    assert verdict(ledger()).good


@pytest.mark.parametrize("at, found", [(5, (1, 0, 0)), (6, (1, 0, 0))])
def test_what_is_missing_is_lost(at, found):
    lines = ledger()
    del lines[at]
    seen = verdict(lines)
    assert (seen.lost, seen.doubled, seen.out_of_order) == found


@pytest.mark.parametrize("at", [3, 5, 6])
def test_what_was_made_twice_is_doubled(at):
    again = copy.deepcopy(ledger()[at])
    again["record"] = [f"1{id}" for id in again["record"]]
    assert verdict([*ledger(), again]).doubled == len(again["record"])


def test_a_second_record_of_one_person_is_a_double():
    again = line(f"{CONTACTS}/upsert", [value(3, id=ANA, idProperty="whatsapp_id")], ["72"])
    assert verdict([*ledger(), again]).doubled == 1


def test_an_older_value_after_a_newer_one_is_out_of_order():
    seen = verdict([*ledger(), line(f"{CONTACTS}/update", [value(2, id="71")], ["71"])])
    assert seen.out_of_order == 1
    assert seen.wrong == [f"hubspot: {ANA} ends at [2], not 3"]


def test_the_last_value_must_have_arrived():
    lines = ledger()
    del lines[2]
    assert verdict(lines).wrong == [f"hubspot: {ANA} ends at [1], not 3"]


def test_salesforce_refuses_some_rows_and_takes_others():
    """A newcomer's upsert is refused, its create is taken; a task upserted twice is one task."""
    base = "/salesforce/services/data/v68.0/composite/sobjects"
    row = {"WhatsApp_Id__c": ANA, "NPS_Comment__c": "1"}
    task = {"WhatsApp_Ref__c": "a-1", "WhoId": "003A", "Description": "1"}

    def call(method, path, row, ids):
        return {"method": method, "path": base + path, "body": {"records": [row]}, "record": ids, "status": 200}

    lines = [
        call("PATCH", "/Contact/WhatsApp_Id__c", row, []),
        call("POST", "", row, ["003A"]),
        call("PATCH", "/Task/WhatsApp_Ref__c", task, ["00T1"]),
        call("PATCH", "/Task/WhatsApp_Ref__c", task, ["00T1"]),
    ]
    assert judge({"salesforce": lines}, {ANA: 1}).good
