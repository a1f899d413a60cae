"""`write` over HTTP: what Salesforce refuses is mended row by row, and a race never makes two records."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connector.crm.salesforce import connect, problems
from connector.errors import Busy, NotAllowed, Unreachable
from connector.ports import ActivityChange, RecordChange
from connector.sandbox.http import Request, Response, answer
from tests.crm.salesforce.conftest import Org, Tokens, account
from tests.crm.salesforce.test_find import GONE, JUAN, MASTER, ROSA, WAFA, described, kept, queried, row

ERRORS = json.loads((Path(__file__).parent / "payloads" / "errors.json").read_text("utf-8"))
WA = "5215512345678"
UPSERT, UPDATE, CREATE = "PATCH /Contact/WhatsApp_Id__c", "PATCH /composite/sobjects", "POST /composite/sobjects"
Rows = list[dict[str, Any]]


def ok(id: str, created: bool | None = None) -> dict[str, Any]:
    more = {} if created is None else {"created": created}
    return {"id": id, "success": True, "errors": [], **more}


def no(*names: str) -> dict[str, Any]:
    return {"success": False, "errors": [ERRORS[n] for n in names]}


def collections(org: Org, script: list[tuple[str, Rows | Response]], object: str = "Contact") -> list[tuple[str, Any]]:
    """Plays the script, one entry a call, and keeps what was sent; any other call is refused."""
    heard: list[tuple[str, Any]] = []

    def play(end: str) -> Callable[[Request], Response]:
        def answerer(request: Request) -> Response:
            name = f"{request.method} {end}"
            expected, found = script[len(heard)] if len(heard) < len(script) else ("nothing", [])
            heard.append((name, request.json()["records"]))
            if name != expected:
                return answer([{"errorCode": "MALFORMED_QUERY", "message": f"{name} instead of {expected}"}], 400)
            return found if isinstance(found, Response) else answer(found)

        return answerer

    for end in (
        "/Contact/WhatsApp_Id__c",
        "/Contact/WhatsApp_User_Id__c",
        "/Task/WhatsApp_Ref__c",
        "/composite/sobjects",
    ):
        org.on(end, play(end))
    described(org, object)
    return heard


def change(id: str = "1", **more: Any) -> RecordChange:
    return RecordChange(**{"id": id, "object": "Contact", **more})


def write(org: Org, tokens: Tokens, *changes: Any) -> list[Any]:
    return connect(account(org.base), tokens).write(list(changes))


def names(heard: list[tuple[str, Any]]) -> list[str]:
    return [name for name, _ in heard]


# ---- known records -----------------------------------------------------------------------------------------------
def test_one_call_for_many_and_each_row_its_own_outcome(org: Org, tokens: Tokens) -> None:
    heard = collections(
        org, [(UPDATE, [ok(ROSA), no("picklist"), no("lock"), no("trigger")]), (UPDATE, [ok(MASTER)])]
    )  # fmt: skip
    outcomes = write(
        org, tokens,
        change("a", record=ROSA, fields={"Visit__c": "booked"}),
        change("b", record=MASTER, fields={"Visit__c": "perhaps", "NPS_Score__c": "9"}),
        change("c", record=JUAN, fields={"Visit__c": "booked"}),
        change("d", record=GONE, fields={"Visit__c": "booked"}),
    )  # fmt: skip
    assert [o.state for o in outcomes] == ["done", "done", "retry", "refused"]
    assert list(outcomes[1].refused) == ["Visit__c"]
    assert outcomes[2].after == problems.LOCKED_AFTER
    assert ERRORS["trigger"]["message"] in outcomes[3].text
    assert heard[1][1] == [{"attributes": {"type": "Contact"}, "id": MASTER, "NPS_Score__c": 9}]


def test_the_same_record_twice_goes_in_two_calls_in_order(org: Org, tokens: Tokens) -> None:
    heard = collections(org, [(UPDATE, [ok(ROSA)]), (UPDATE, [ok(ROSA)])])
    fields = [{"Visit__c": "booked"}, {"Visit__c": "confirmed"}]
    outcomes = write(org, tokens, *(change(str(i), record=ROSA, fields=f) for i, f in enumerate(fields)))
    assert [o.state for o in outcomes] == ["done", "done"]
    assert [rows[0]["Visit__c"] for _, rows in heard] == ["booked", "confirmed"]


def test_a_record_that_was_merged_is_written_under_its_master(org: Org, tokens: Tokens) -> None:
    collections(org, [(UPDATE, [no("deleted"), no("deleted")]), (UPDATE, [ok(MASTER)])])
    queried(org, "/queryAll/", (GONE, [{"Id": GONE, "MasterRecordId": MASTER}]))
    fields = {"Visit__c": "booked"}
    outcomes = write(org, tokens, change("a", record=GONE, fields=fields), change("b", record=JUAN, fields=fields))
    assert [(o.state, o.record) for o in outcomes] == [("done", MASTER), ("refused", JUAN)]
    assert "deleted" in outcomes[1].text


def test_a_call_refused_as_a_whole_is_halved_to_the_guilty_row(org: Org, tokens: Tokens) -> None:
    broken = answer([{"errorCode": "JSON_PARSER_ERROR", "message": "Cannot deserialize at [line:1, column:9]"}], 400)
    ids = [ROSA, JUAN, GONE, MASTER]
    rest = [(UPDATE, [ok(JUAN)]), (UPDATE, [ok(GONE), ok(MASTER)])]
    heard = collections(org, [*[(UPDATE, broken)] * 3, *rest])
    outcomes = write(org, tokens, *(change(i, record=i, fields={"Visit__c": "x"}) for i in ids))
    assert [o.state for o in outcomes] == ["refused", "done", "done", "done"]
    assert [len(rows) for _, rows in heard] == [4, 2, 1, 1, 2]


def test_a_limit_after_some_rows_were_written_brings_back_only_the_rest(org: Org, tokens: Tokens) -> None:
    limited = answer([{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}], 403)
    collections(org, [(UPDATE, [ok(ROSA), no("picklist")]), (UPDATE, limited)])
    outcomes = write(
        org, tokens,
        change("a", record=ROSA, fields={"Visit__c": "booked"}),
        change("b", record=JUAN, fields={"Visit__c": "perhaps", "NPS_Score__c": 9}),
    )  # fmt: skip
    assert [(o.state, o.after) for o in outcomes] == [("done", None), ("retry", problems.DAILY_AFTER)]


def test_a_limit_before_anything_was_written_parks_the_account(org: Org, tokens: Tokens) -> None:
    limited = answer([{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}], 403)
    collections(org, [(UPDATE, limited)])
    with pytest.raises(Busy):
        write(org, tokens, change(record=ROSA, fields={"Visit__c": "booked"}))


def test_nothing_to_write_is_no_call(org: Org, tokens: Tokens) -> None:
    heard = collections(org, [])
    assert [o.state for o in write(org, tokens, change(record=ROSA))] == ["done"]
    assert [o.state for o in write(org, tokens, change(record="x' OR", fields={"Visit__c": "a"}))] == ["refused"]
    assert heard == []


# ---- newcomers ---------------------------------------------------------------------------------------------------
def test_a_newcomer_is_upserted_nameless_and_then_created(org: Org, tokens: Tokens) -> None:
    heard = collections(org, [(UPSERT, [no("nameless")]), (CREATE, [ok(ROSA)])])
    newcomer = change(wa_id=WA, user_id="MX.1", name="Rosa Díaz", phone="+525512345678", fields={"Visit__c": "booked"})
    [outcome] = write(org, tokens, newcomer)
    assert (outcome.state, outcome.record, outcome.created) == ("done", ROSA, True)
    assert names(heard) == [UPSERT, CREATE]
    ids = {"WhatsApp_Id__c": WA, "WhatsApp_User_Id__c": "MX.1"}
    assert heard[0][1] == [{"attributes": {"type": "Contact"}, "Visit__c": "booked", **ids}]
    assert heard[1][1][0] == {
        **heard[0][1][0], "FirstName": "Rosa", "LastName": "Díaz", "MobilePhone": "+525512345678",
    }  # fmt: skip


def test_somebody_made_the_same_person_in_between_and_the_name_stays_theirs(org: Org, tokens: Tokens) -> None:
    heard = collections(org, [(UPSERT, [no("nameless")]), (CREATE, [no("taken_ours")]), (UPDATE, [ok(ROSA)])])
    queried(org, "/query/", (f"WhatsApp_Id__c IN&{WA}", [row("Contact", ROSA, WhatsApp_Id__c=WA)]))
    [outcome] = write(org, tokens, change(wa_id=WA, name="Rosa Díaz", fields={"Visit__c": "booked"}))
    assert (outcome.state, outcome.record, outcome.created) == ("done", ROSA, False)
    assert heard[2] == (UPDATE, [{"attributes": {"type": "Contact"}, "id": ROSA, "Visit__c": "booked"}])


def test_the_one_record_a_duplicate_rule_names_is_updated_and_gets_our_id(org: Org, tokens: Tokens) -> None:
    heard = collections(
        org, [(UPSERT, [no("nameless")]), (CREATE, [no("similar")]), (UPDATE, [ok(ROSA)])]
    )  # fmt: skip
    queried(org, "/query/")
    kept_too(org, row("Contact", ROSA, WhatsApp_Id__c=None))
    [outcome] = write(org, tokens, change(wa_id=WA, name="Rosa Díaz", fields={"Visit__c": "booked"}))
    assert (outcome.state, outcome.record, outcome.created) == ("done", ROSA, False)
    assert heard[2][1] == [{"attributes": {"type": "Contact"}, "id": ROSA, "Visit__c": "booked", "WhatsApp_Id__c": WA}]


def kept_too(org: Org, *rows: Any) -> None:
    """Reads by id beside the collections: their path ends in the object."""
    kept(org, "Contact", *rows)


def test_a_similar_record_of_another_whatsapp_user_is_never_taken(org: Org, tokens: Tokens) -> None:
    collections(org, [(UPSERT, [no("nameless")]), (CREATE, [no("similar")])])
    queried(org, "/query/")
    kept_too(org, row("Contact", ROSA, WhatsApp_Id__c="573001112222"))
    [outcome] = write(org, tokens, change(wa_id=WA, name="Rosa Díaz", fields={"Visit__c": "booked"}))
    assert (outcome.state, outcome.code) == ("refused", "other_person")
    assert ROSA in outcome.text


def test_a_duplicate_rule_without_details_is_asked_once_alone(org: Org, tokens: Tokens) -> None:
    plain = {"success": False, "errors": [{"statusCode": "DUPLICATES_DETECTED", "message": "Is it one?", "fields": []}]}
    collections(org, [(UPSERT, [no("nameless")]), (CREATE, [plain]), (UPDATE, [ok(ROSA)])])
    queried(org, "/query/")
    kept_too(org, row("Contact", ROSA))
    org.on("/sobjects/Contact", lambda r: answer([ERRORS["similar"]], 400))
    [outcome] = write(org, tokens, change(wa_id=WA, name="Rosa", fields={"Visit__c": "booked"}))
    assert (outcome.state, outcome.record) == ("done", ROSA)
    assert [r.path.rpartition("/v68.0")[2] for r in org.asked if r.path.endswith("/sobjects/Contact")] == [
        "/sobjects/Contact",
        "/composite/sobjects/Contact",
    ]


def test_several_similar_records_are_for_a_person(org: Org, tokens: Tokens) -> None:
    several = json.loads(json.dumps(ERRORS["similar"]).replace(WAFA, JUAN).replace('"Lead"', '"Contact"'))
    collections(org, [(UPSERT, [no("nameless")]), (CREATE, [{"success": False, "errors": [several]}])])
    queried(org, "/query/")
    kept_too(org, row("Contact", ROSA), row("Contact", JUAN))
    [outcome] = write(org, tokens, change(wa_id=WA, name="Rosa", fields={"Visit__c": "booked"}))
    assert (outcome.state, outcome.code) == ("refused", "several_records")
    assert ROSA in outcome.text
    assert JUAN in outcome.text


def test_two_records_with_the_persons_two_ids_are_for_a_person(org: Org, tokens: Tokens) -> None:
    collections(org, [(UPSERT, [no("taken_ours")])])
    queried(
        org, "/query/",
        (WA, [row("Contact", ROSA, WhatsApp_Id__c=WA)]),
        ("MX.1", [row("Contact", JUAN, WhatsApp_User_Id__c="MX.1")]),
    )  # fmt: skip
    [outcome] = write(org, tokens, change(wa_id=WA, user_id="MX.1", fields={"Visit__c": "booked"}))
    assert (outcome.state, outcome.code) == ("refused", "several_records")


def test_without_our_fields_the_account_waits_for_a_person(org: Org, tokens: Tokens) -> None:
    heard = collections(org, [])
    described(org, "Opportunity")
    bare = {"fields": [{"name": "Name", "type": "string", "updateable": True, "createable": True}]}
    org.on("/sobjects/Opportunity/describe", lambda r: answer(bare))
    with pytest.raises(NotAllowed) as missing:
        write(org, tokens, RecordChange(id="1", object="Opportunity", wa_id=WA))
    assert "check --fix" in missing.value.hint
    assert heard == []


def test_an_answer_of_another_length_is_not_guessed_about(org: Org, tokens: Tokens) -> None:
    collections(org, [(UPDATE, [ok(ROSA)])])
    fields = {"Visit__c": "booked"}
    with pytest.raises(Unreachable):
        write(org, tokens, change("a", record=ROSA, fields=fields), change("b", record=JUAN, fields=fields))


# ---- timeline ----------------------------------------------------------------------------------------------------
LOG = "PATCH /Task/WhatsApp_Ref__c"
OWNER, MINE = "005Hp00000OwnerIAJ", "005Hp00000MineeIAJ"


def entry(id: str = "1", **more: Any) -> ActivityChange:
    at = datetime(2026, 11, 21, 3, 30, tzinfo=UTC)
    given = {
        "kind": "message",
        "ref": f"ref-{id}",
        "object": "Contact",
        "record": ROSA,
        "at": at,
        "text": "Me interesa",
    }
    return ActivityChange(**{"id": id, **given, **more})


def test_a_message_is_a_completed_task_under_our_ref_on_the_day_it_was_there(org: Org, tokens: Tokens) -> None:
    heard = collections(org, [(LOG, [ok("00THp1", True), ok("00THp2", True)])], "Task")
    asked = [entry("1", title="T" * 300, text="x" * 40_000), entry("2", object="Opportunity", record=WAFA)]
    outcomes = connect(account(org.base, time_zone="America/Bogota"), tokens).write(asked)
    assert [(o.state, o.activity, o.record) for o in outcomes] == [("done", "00THp1", ROSA), ("done", "00THp2", WAFA)]
    first, second = heard[0][1]
    assert (first["WhoId"], first["Status"], first["ActivityDate"]) == (ROSA, "Completed", "2026-11-20")
    assert (len(first["Subject"]), len(first["Description"]), first["WhatsApp_Ref__c"]) == (255, 32_000, "ref-1")
    assert (second["WhatId"], "WhoId" in second) == (WAFA, False)


def test_tasks_go_to_their_owners_with_one_read_for_all(org: Org, tokens: Tokens) -> None:
    heard = collections(org, [(LOG, [ok(f"00THp{n}", True) for n in range(4)])], "Task")
    described(org, "Contact")
    kept(org, "Contact", row("Contact", ROSA, OwnerId=OWNER), row("Contact", JUAN, OwnerId="00GHp00000Queue1"))
    queried(org, "/query/", ("FROM User&mine@clinic.example", [{"Id": MINE, "Email": "Mine@clinic.example"}]))
    outcomes = write(
        org, tokens,
        entry("1", kind="task", owner="owner"), entry("2", kind="task", owner="owner", record=JUAN),
        entry("3", kind="task", owner="mine@clinic.example"), entry("4", kind="task", owner="left@clinic.example"),
    )  # fmt: skip
    assert [r.get("OwnerId") for r in heard[0][1]] == [OWNER, None, MINE, None]
    assert {r["Status"] for r in heard[0][1]} == {"Not Started"}
    assert [sorted(o.refused) for o in outcomes] == [[], ["owner"], [], ["owner"]]
    assert [o.state for o in outcomes] == ["done"] * 4
    assert len(org.calls("/composite/sobjects/Contact")) == 1


def test_a_task_that_is_there_is_left_as_its_owner_left_it(org: Org, tokens: Tokens) -> None:
    heard = collections(org, [], "Task")
    queried(org, "/query/", ("FROM Task&ref-1", [{"Id": "00THp1", "WhatsApp_Ref__c": "ref-1"}]))
    [outcome] = write(org, tokens, entry(kind="task", title="Call back"))
    assert (outcome.state, outcome.activity) == ("done", "00THp1")
    assert heard == []


def test_an_entry_never_loses_the_record_it_is_about(org: Org, tokens: Tokens) -> None:
    gone = {"statusCode": "INVALID_CROSS_REFERENCE_KEY", "message": "invalid cross reference id", "fields": ["WhoId"]}
    collections(org, [(LOG, [{"success": False, "errors": [gone]}])], "Task")
    [outcome] = write(org, tokens, entry())
    assert (outcome.state, outcome.activity) == ("refused", None)
