"""What becomes of a batch, whatever way HubSpot chooses to answer it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.crm.hubspot.bearer import Static
from connector.crm.hubspot.client import Client
from connector.crm.hubspot.rows import Row, settle
from connector.errors import Busy
from connector.sandbox.http import Request, Response, answer
from tests.crm.hubspot.scripted import batch, invalid, scripted
from tests.depth import examples

PATH = "/crm/objects/2026-09/contacts/batch/update"


def rows(count: int) -> list[Row]:
    return [Row(trace=f"t{n}", properties={"a": "1", "b": "2"}, id=str(n)) for n in range(count)]


def inputs(request: Request) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(request.body)["inputs"]
    return found


def states(settled: list[Row]) -> list[str]:
    return [row.outcome.state if row.outcome else "?" for row in settled]


def test_results_are_matched_by_trace_not_by_order() -> None:
    def shuffled(request: Request) -> Response:
        return batch(
            *({"id": f"9{i['id']}", "objectWriteTraceId": i["objectWriteTraceId"]} for i in inputs(request)[::-1])
        )

    with scripted(shuffled) as server:
        settled = rows(5)
        settle(Client(server.url, Static("t")), PATH, settled)
    assert [row.outcome.record for row in settled if row.outcome] == ["90", "91", "92", "93", "94"]
    assert len(server.asked) == 1


def test_results_without_traces_are_matched_by_id() -> None:
    with scripted(lambda request: batch(*({"id": i["id"]} for i in inputs(request)[::-1]))) as server:
        settled = rows(3)
        settle(Client(server.url, Static("t")), PATH, settled)
    assert [row.outcome.record for row in settled if row.outcome] == ["0", "1", "2"]


def test_an_upsert_without_traces_is_matched_by_its_value() -> None:
    def created(request: Request) -> Response:
        return batch(*({"id": "7" + i["id"], "new": True, "properties": {"w": i["id"]}} for i in inputs(request)[::-1]))

    settled = [Row(trace=f"t{n}", properties={"a": "1"}, id=str(n), id_property="w") for n in range(3)]
    with scripted(created) as server:
        settle(Client(server.url, Static("t")), PATH, settled)
    assert [(row.outcome.record, row.outcome.created) for row in settled if row.outcome] == [
        ("70", True), ("71", True), ("72", True),
    ]  # fmt: skip


@pytest.mark.parametrize("status", [200, 201, 207])
def test_any_2xx_may_carry_errors(status: int) -> None:
    def partial(request: Request) -> Response:
        good = [{"id": i["id"]} for i in inputs(request) if "b" not in i["properties"] or i["id"] != "1"]
        bad = [i for i in inputs(request) if i["id"] not in [g["id"] for g in good]]
        errors = [invalid("b") | {"context": {"objectWriteTraceId": [i["objectWriteTraceId"]]}} for i in bad]
        return batch(*good, errors=errors, status=status)

    with scripted(partial) as server:
        settled = rows(3)
        settle(Client(server.url, Static("t")), PATH, settled)
    assert states(settled) == ["done"] * 3
    assert [set(row.refused) for row in settled] == [set(), {"b"}, set()]
    assert [len(body["inputs"]) for body in server.bodies()] == [3, 1]


def test_a_batch_refused_whole_is_halved_down_to_the_bad_row() -> None:
    def strict(request: Request) -> Response:
        if any(i["id"] == "37" and "b" in i["properties"] for i in inputs(request)):
            return answer(invalid("b"), 400)
        return batch(*({"id": i["id"]} for i in inputs(request)))

    with scripted(strict) as server:
        settled = rows(100)
        settle(Client(server.url, Static("t")), PATH, settled)
    assert states(settled) == ["done"] * 100
    assert [row.trace for row in settled if row.refused] == ["t37"]
    assert len(server.asked) <= 16


def test_a_property_hubspot_lost_is_dropped_everywhere_at_once() -> None:
    def strict(request: Request) -> Response:
        lost = any("b" in i["properties"] for i in inputs(request))
        return (
            answer(invalid("b", code="PROPERTY_DOESNT_EXIST"), 400)
            if lost
            else batch(*({"id": i["id"]} for i in inputs(request)))
        )

    with scripted(strict) as server:
        settled = rows(100)
        settle(Client(server.url, Static("t")), PATH, settled)
    assert states(settled) == ["done"] * 100
    assert all(set(row.refused) == {"b"} for row in settled)
    assert len(server.asked) == 2


def test_an_error_that_names_nobody_is_found_by_asking_one_by_one() -> None:
    def vague(request: Request) -> Response:
        bad = [i for i in inputs(request) if i["id"] == "1"]
        good = [{"id": i["id"]} for i in inputs(request) if i["id"] != "1"] if len(inputs(request)) == 1 else []
        return batch(*good, errors=[{"message": "No.", "category": "VALIDATION_ERROR"}] if bad else None)

    with scripted(vague) as server:
        settled = rows(3)
        settle(Client(server.url, Static("t")), PATH, settled)
    assert states(settled) == ["done", "refused", "done"]
    assert settled[1].outcome is not None
    assert settled[1].outcome.text == "No."


def test_an_email_somebody_else_has_is_left_out() -> None:
    def taken(request: Request) -> Response:
        if any("email" in i["properties"] for i in inputs(request)):
            return answer({"message": "Contact already exists. Existing ID: 555", "category": "CONFLICT"}, 409)
        return batch(*({"id": i["id"]} for i in inputs(request)))

    row = Row(trace="t", properties={"whatsapp_id": "57", "email": "ana@example.org", "a": "1"}, id="1")
    with scripted(taken) as server:
        settle(Client(server.url, Static("t")), PATH, [row], unique=["whatsapp_id", "email"])
    assert row.outcome is not None
    assert (row.outcome.state, list(row.refused)) == ("done", ["email"])
    assert "555" in row.refused["email"]


def test_a_locked_row_comes_again_and_a_gone_one_does_not() -> None:
    def mixed(request: Request) -> Response:
        errors = [
            {"message": "locked", "category": "LOCKED", "context": {"objectWriteTraceId": ["t0"]}},
            {"message": "resource not found", "category": "OBJECT_NOT_FOUND", "context": {"id": ["1"]}},
        ]
        return batch({"id": "2"}, errors=errors, status=207)

    with scripted(mixed) as server:
        settled = rows(3)
        settle(Client(server.url, Static("t")), PATH, settled)
    assert [(row.outcome.state, row.outcome.code, row.outcome.after) for row in settled if row.outcome] == [
        ("retry", "locked", 2.0), ("refused", "not_found", None), ("done", "", None),
    ]  # fmt: skip


def test_silence_is_no_success() -> None:
    with scripted(lambda request: batch()) as server:
        settled = rows(2)
        settle(Client(server.url, Static("t")), PATH, settled)
    assert states(settled) == ["retry", "retry"]


def test_a_limit_in_the_middle_keeps_what_was_settled() -> None:
    def half(request: Request) -> Response:
        if len(inputs(request)) == 4:
            return answer(invalid("b"), 400)
        if inputs(request)[0]["id"] == "0":
            return batch(*({"id": i["id"]} for i in inputs(request)))
        return answer({"policyName": "SECONDLY"}, 429)

    with scripted(half) as server:
        settled = rows(4)
        with pytest.raises(Busy):
            settle(Client(server.url, Static("t")), PATH, settled)
    assert states(settled) == ["done", "done", "?", "?"]


@given(st.lists(st.sets(st.sampled_from("abc")), min_size=1, max_size=12), st.booleans())
@settings(max_examples=examples(40), deadline=None)
def test_every_row_ends_and_only_bad_fields_are_missing(bad: list[set[str]], traced: bool) -> None:
    """A HubSpot that refuses some fields of some rows, row by row (207) or the whole batch (400)."""
    wrong = {str(n): names for n, names in enumerate(bad)}

    def refuses(request: Request) -> Response:
        problems = {i["id"]: sorted(wrong[i["id"]] & i["properties"].keys()) for i in inputs(request)}
        blamed = [i for i in inputs(request) if problems[i["id"]]]
        if blamed and not traced:
            return answer(invalid(*problems[blamed[0]["id"]]), 400)
        errors = [
            invalid(*problems[i["id"]]) | {"context": {"objectWriteTraceId": [i["objectWriteTraceId"]]}} for i in blamed
        ]
        return batch(*({"id": i["id"]} for i in inputs(request) if i not in blamed), errors=errors)

    settled = [Row(trace=f"t{n}", properties=dict.fromkeys("abc", "1"), id=str(n)) for n in range(len(bad))]
    with scripted(refuses) as server:
        client = Client(server.url, Static("t"))
        client._window.limit = 10_000
        settle(client, PATH, settled)
    assert [set(row.refused) for row in settled] == bad
    assert states(settled) == ["refused" if names == set("abc") else "done" for names in bad]
