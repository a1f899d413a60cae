"""One value, however it is spelled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.canonical import canonical, digest


@pytest.mark.parametrize(
    "one, other",
    [
        (5, "5.0"),
        (1.5, "1.50"),
        (True, "True"),
        (None, ""),
        (0, "-0"),
        ("2026-11-23", "1795392000000"),
        ("2026-11-23T10:00:00Z", "2026-11-23T05:00:00-05:00"),
        ("2026-11-23T10:00:00.000+0000", "1795428000000"),
        (" lead ", "lead"),
    ],
)
def test_spellings_of_one_value_are_one(one: object, other: object) -> None:
    assert canonical(one) == canonical(other)  # type: ignore[arg-type]
    assert digest(one) == digest(other)  # type: ignore[arg-type]


@pytest.mark.parametrize("one, other", [("007", "7"), ("+573001112222", "573001112222"), ("a", "A"), ("1.5", "15")])
def test_what_differs_stays_different(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()))
def test_any_value_has_one_text_and_it_is_stable(value: object) -> None:
    text = canonical(value)  # type: ignore[arg-type]
    assert canonical(text) == text
    assert len(digest(value)) == 64  # type: ignore[arg-type]


@given(st.integers(-(10**14), 10**14))
def test_a_whole_number_is_itself_as_a_decimal(number: int) -> None:
    assert canonical(number) == canonical(f"{number}.0") == canonical(float(number))
