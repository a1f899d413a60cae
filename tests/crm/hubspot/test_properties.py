"""Properties as fields, and values in both directions."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.contact import Value
from connector.crm.hubspot.properties import Rules, from_hubspot, read_field, read_rules, to_hubspot

CASES = json.loads((Path(__file__).parent / "payloads" / "properties.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_property_is_a_field(case: dict[str, Any]) -> None:
    field = read_field(case, Rules())
    expected = {name: tuple(map(tuple, v)) if name == "options" else v for name, v in case["expect"].items()}
    assert {name: getattr(field, name) for name in expected} == expected


def test_validation_rules_are_said_in_words() -> None:
    rules = read_rules([
        {"ruleType": "REGEX", "ruleArguments": ["^[A-Z]{2,3}$"]},
        {"ruleType": "MAX_LENGTH", "ruleArguments": ["12"]},
        {"ruleType": "MIN_NUMBER", "ruleArguments": ["1.5"]},
        {"ruleType": "MAX_NUMBER", "ruleArguments": ["not a number"]},
        {"ruleType": "SOMETHING_NEW", "ruleArguments": None},
    ])  # fmt: skip
    assert rules == Rules(
        words=(
            "must match ^[A-Z]{2,3}$",
            "at most 12 characters",
            "at least 1.5",
            "at most not a number",
            "something new",
        ),
        pattern="^[A-Z]{2,3}$",
        max_length=12,
        minimum=1.5,
    )


@pytest.mark.parametrize(
    "value,kind,text",
    [
        (None, "text", ""),
        (True, "boolean", "true"),
        (False, "boolean", "false"),
        (12, "number", "12"),
        (1250.5, "number", "1250.5"),
        (1e21, "number", "1000000000000000000000"),
        (0.0000001, "number", "0.0000001"),
        (3.0, "number", "3"),
        (0.0, "number", "0"),
        ("007", "text", "007"),
        ("2026-11-22", "date", "2026-11-22"),
        ("2026-11-22T23:30:00-05:00", "date", "2026-11-22"),
        ("someday", "date", "someday"),
        ("2026-11-22T23:30:00Z", "datetime", "1795390200000"),
        ("2026-11-22T23:30:00", "datetime", "1795390200000"),
        ("2026-11-22", "datetime", "1795305600000"),
        ("someday", "datetime", "someday"),
        (1795390200000, "datetime", "1795390200000"),
        ("a;b", "choices", "a;b"),
    ],
)
def test_a_value_goes_out_by_its_type(value: Value, kind: str, text: str) -> None:
    assert to_hubspot(value, kind) == text


@pytest.mark.parametrize(
    "text,kind,value",
    [
        (None, "text", None),
        ("", "number", None),
        ("true", "boolean", True),
        ("FALSE", "boolean", False),
        ("maybe", "boolean", "maybe"),
        ("12", "number", 12),
        ("-3", "number", -3),
        ("12.50", "number", 12.5),
        ("²", "number", "²"),
        ("007", "text", "007"),
        ("2026-11-22", "date", "2026-11-22"),
    ],
)
def test_a_value_comes_in_by_its_type(text: str | None, kind: str, value: Value) -> None:
    assert from_hubspot(text, kind) == value


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**18), 10**18))
def test_numbers_survive_the_way_there_and_back(number: float) -> None:
    text = to_hubspot(number, "number")
    assert "e" not in text.lower()
    assert float(str(from_hubspot(text, "number"))) == float(number)
