"""HubSpot's refusals as our errors: one table, one line each."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.hubspot.faults import Refusal, refusal, translate, until_midnight
from connector.errors import Busy, ConnectorError

CASES = json.loads((Path(__file__).parent / "payloads" / "errors.json").read_text("utf-8"))
NOW = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)  # 18:00 in Bogota, six hours to midnight


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_every_answer_has_its_error(case: dict[str, Any]) -> None:
    body = case["body"] if isinstance(case["body"], str) else json.dumps(case["body"])
    error = translate(case["status"], case.get("headers", {}), body.encode(), "America/Bogota", NOW)
    assert (type(error).__name__, error.code) == (case["error"], case["code"])
    assert case.get("says", "") in error.message
    if isinstance(error, Busy):
        assert error.after == case["after"]
    if isinstance(error, Refusal):
        assert [[p.name, p.code] for p in error.problems] == case.get("problems", [])
        assert error.existing == case.get("existing")


@pytest.mark.parametrize(
    "zone,seconds",
    [
        ("UTC", 3600),
        ("America/Bogota", 21_600),
        ("US/Eastern", 21_600),
        (None, 3600),
        ("Mars/Olympus", 3600),
        ("../etc", 3600),
    ],
)
def test_the_day_ends_at_the_accounts_midnight(zone: str | None, seconds: float) -> None:
    assert until_midnight(zone, NOW) == seconds


def test_a_day_may_have_23_hours() -> None:
    before = datetime(2026, 3, 8, 5, 30, tzinfo=UTC)  # 00:30 in New York, where the clocks go forward at 02:00
    assert until_midnight("America/New_York", before) == 22.5 * 3600


@given(st.integers(300, 599), st.binary(max_size=60) | st.sampled_from([b"[]", b"null", b'"x"', b'{"errors":[1,{}]}']))
def test_whatever_comes_is_a_typed_error(status: int, body: bytes) -> None:
    assert isinstance(translate(status, {}, body, None, NOW), ConnectorError)


def test_an_error_text_is_short_and_one_line() -> None:
    error = refusal({"message": "a\n" * 5000})
    assert len(error.message) <= 300
    assert "\n" not in error.message
