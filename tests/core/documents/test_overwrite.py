"""`overwrite:`: when a value that stands there may be replaced."""

from datetime import timedelta
from typing import Any

import pytest

from tests.core.documents.make import NOW, contact, message, plan, reason, record, setting, written

STEPS = {"x": {"options": ["lead", "sql", "customer"]}}


def outcome(
    policy: str, before: Any, value: str = "new", /, how: Any = None, event: Any = None, **own: Any
) -> tuple[str, str]:
    """(outcome, because) of setting x under `policy`."""
    fields = {} if before is None else {"x": before}
    made = plan(f"set: {{x: {{value: {value}, {policy}}}}}\n", event, contact(record(**fields, **own)), how)
    found = reason(made, "x")
    assert (written(made) == {"x": value}) is (found.outcome == "write")
    return found.outcome, found.because


@pytest.mark.parametrize("policy", ["always", "if_empty", "if_newer", "if_further", "unless_human"])
def test_an_empty_field_may_always_be_written(policy: str) -> None:
    for before in (None, ""):
        assert outcome(f"overwrite: {policy}", before)[0] == "write"


def test_always_and_if_empty() -> None:
    assert outcome("overwrite: always", "old")[0] == "write"
    assert outcome("overwrite: if_empty", "old") == ("keep", 'kept: "old" stands there already')
    assert outcome("overwrite: if_empty", 0)[0] == "keep"
    assert outcome("overwrite: if_empty", False)[0] == "keep"


@pytest.mark.parametrize(
    ("before", "value", "kept"),
    [
        ("lead", "sql", ""),
        ("customer", "sql", '"customer" is further along than "sql"'),
        ("evangelist", "sql", '"evangelist" has no place in the order'),
        ("lead", "other", '"other" has no place in the order'),
    ],
)
def test_if_further(before: str, value: str, kept: str) -> None:
    by_crm = outcome("overwrite: if_further", before, value, how=setting(schema=STEPS))
    by_document = outcome("overwrite: if_further, order: [lead, sql, customer]", before, value)
    assert by_crm == by_document
    assert by_crm[0] == ("keep" if kept else "write")
    assert kept in by_crm[1]


def test_if_further_without_an_order_keeps() -> None:
    found = outcome("overwrite: if_further", "lead", "sql")
    assert found[0] == "keep"
    assert "order of the values of x is not known" in found[1]


def test_the_documents_order_goes_before_the_crms() -> None:
    assert outcome("overwrite: if_further, order: [sql, lead]", "lead", "sql", how=setting(schema=STEPS))[0] == "keep"


@pytest.mark.parametrize(
    ("before", "value", "expected"),
    [
        ("2026-11-20", "2026-11-21", "write"),
        ("2026-11-22", "2026-11-21", "keep"),
        ("2026-11-20T10:00:00Z", "2026-11-21", "write"),
        ("2026-11-21T00:00:00Z", "'2026-11-20T23:59:00-05:00'", "write"),
    ],
)
def test_if_newer_compares_two_dates(before: str, value: str, expected: str) -> None:
    made = plan(f"set: {{x: {{value: {value}, overwrite: if_newer}}}}\n", person=contact(record(x=before)))
    assert reason(made, "x").outcome == expected


def test_if_newer_compares_the_message_with_the_records_last_change() -> None:
    assert outcome("overwrite: if_newer", "old", modified=NOW - timedelta(minutes=1))[0] == "write"
    assert outcome("overwrite: if_newer", "old", modified=NOW + timedelta(minutes=1))[0] == "keep"
    late = message(text="x", at=NOW - timedelta(days=2))
    assert outcome("overwrite: if_newer", "old", event=late, modified=NOW - timedelta(days=1))[0] == "keep"
    assert "does not say when" in outcome("overwrite: if_newer", "old")[1]


def test_unless_human() -> None:
    assert outcome("overwrite: unless_human", "old", humans={"x": True}) == ("keep", 'kept: a person wrote "old"')
    assert outcome("overwrite: unless_human", "old", humans={"x": False})[0] == "write"
    assert outcome("overwrite: unless_human", "old", humans={"y": False}) == (
        "keep",
        'kept: the CRM does not say who wrote "old"',
    )


def test_else_and_clear_go_through_the_same_gate() -> None:
    rest = "set: {x: {from: answer.text, as: integer, else: none given, overwrite: if_empty}}\n"
    assert reason(plan(rest, message(text="a"), contact(record(x="5"))), "x").outcome == "keep"
    rest = "set: {x: {from: contact.no, clear: yes, overwrite: if_empty}}\n"
    assert reason(plan(rest, person=contact(record(x="5"))), "x").outcome == "keep"
