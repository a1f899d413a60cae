"""`as:` reads answers as people write them, and never guesses."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.documents.coerce import TYPES, Kind
from tests.core.documents.make import message, scope, setting


def read(kind: str, text: Any, locale: str | None = None, /, **rest: Any) -> Any:
    how = setting(locale=locale, country="CO", schema={"slot": {"options": ["morning", "afternoon"]}})
    return TYPES[kind](scope(message(text="x"), how), text, Kind(**rest), "slot")[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9", 9),
        (" 9 ", 9),
        ("9/10", 9),
        ("9 / 10!", 9),
        ("9!!", 9),
        ("9.", 9),
        ("９", 9),
        ("9.0", 9),
        ("+9", 9),
        (9.0, 9),
        ("10/10", 10),
    ]
    + [
        (t, None)
        for t in (
            "nine",
            "9²",
            "٩",
            "9.5",
            "9 or 8",
            "9/5",
            "3/4",
            "11",
            "-1",
            "",
            "9/10/2026",
            "1e1",
            "0x9",
            "nan",
            "inf",
            True,
        )
    ],
)
def test_a_score_from_0_to_10(text: str, value: int | None) -> None:
    found = read("integer", text, minimum=0, maximum=10)
    assert found == value
    assert type(found) in (int, type(None))


@pytest.mark.parametrize(
    ("text", "none", "es_co", "en_us", "es_mx"),
    [
        ("1250", 1250, 1250, 1250, 1250),
        ("1,250.50", 1250.5, 1250.5, 1250.5, 1250.5),
        ("1.250,50", 1250.5, 1250.5, 1250.5, 1250.5),
        ("1.500", None, 1500, 1.5, 1.5),
        ("1,500", None, 1.5, 1500, 1500),
        ("1.250.000", 1250000, 1250000, 1250000, 1250000),
        ("1 250 000", 1250000, 1250000, 1250000, 1250000),
        ("1'250", 1250, 1250, 1250, 1250),
        ("12.5", 12.5, 12.5, 12.5, 12.5),
        ("0.500", 0.5, 0.5, 0.5, 0.5),
        ("$ 30", 30, 30, 30, 30),
        ("30 USD", 30, 30, 30, 30),
        ("-4,5", -4.5, -4.5, -4.5, -4.5),
        ("1,2,3", None, None, None, None),
        ("15%", None, None, None, None),
        ("12k", None, None, None, None),
        ("1.2.3,4", None, None, None, None),
        ("9" * 40, None, None, None, None),
    ],
)
def test_numbers_by_locale(text: str, none: Any, es_co: Any, en_us: Any, es_mx: Any) -> None:
    assert [read("number", text, locale) for locale in (None, "es_CO", "en_US", "es-MX")] == [none, es_co, en_us, es_mx]


@pytest.mark.parametrize(
    ("text", "none", "es_co", "en_us", "en"),
    [
        ("2026-11-23", "2026-11-23", "2026-11-23", "2026-11-23", "2026-11-23"),
        ("23/11/2026", "2026-11-23", "2026-11-23", "2026-11-23", "2026-11-23"),
        ("11/23/2026", "2026-11-23", "2026-11-23", "2026-11-23", "2026-11-23"),
        ("03/04/2026", None, "2026-04-03", "2026-03-04", None),
        ("3.4.2026", None, "2026-04-03", "2026-03-04", None),
        ("04/04/2026", "2026-04-04", "2026-04-04", "2026-04-04", "2026-04-04"),
        ("2026/4/3", "2026-04-03", "2026-04-03", "2026-04-03", "2026-04-03"),
        ("23 de noviembre de 2026", "2026-11-23", "2026-11-23", "2026-11-23", "2026-11-23"),
        ("November 23rd, 2026", "2026-11-23", "2026-11-23", "2026-11-23", "2026-11-23"),
        ("03/04", None, None, None, None),
        ("23/11/26", None, None, None, None),
        ("31/02/2026", None, None, None, None),
        ("tomorrow", None, None, None, None),
        ("2026-13-01", None, None, None, None),
    ],
)
def test_dates_by_locale(text: str, none: Any, es_co: Any, en_us: Any, en: Any) -> None:
    assert [read("date", text, locale) for locale in (None, "es_CO", "en_US", "en")] == [none, es_co, en_us, en]


def test_a_moment_becomes_the_day_it_is_there() -> None:
    night = "2026-11-24T03:10:00Z"
    assert read("date", night, time_zone="contact") == "2026-11-23"  # +57 has one zone
    assert read("date", night, time_zone="account") == "2026-11-24"
    assert read("date", night, time_zone="Asia/Tokyo") == "2026-11-24"
    assert read("date", "0001-01-01T00:00:00Z", time_zone="America/Bogota") is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Sí!", True),
        ("yes", True),
        ("TRUE", True),
        (True, True),
        ("não", False),
        ("No.", False),
        ("0", False),
        ("maybe", None),
        ("yes no", None),
    ],
)
def test_yes_and_no(text: Any, value: bool | None) -> None:
    assert read("yes_no", text) is value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ana@example.com", "ana@example.com"),
        (" Ana@Example.COM. ", "Ana@example.com"),
        ("it is <ana.ruiz+x@mail.example.co>, thanks", "ana.ruiz+x@mail.example.co"),
        ("mailto:ana@example.com", "ana@example.com"),
        ("a@b.co or c@d.co", None),
        ("ana@example", None),
        ("ana.@example.com", None),
        ("a..b@example.com", None),
        ("@example.com", None),
        ("no", None),
        ("a@b@c.com", None),
    ],
)
def test_emails(text: str, value: str | None) -> None:
    assert read("email", text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("300 111 2222", "+573001112222"), ("+52 1 55 1234 5678", "+525512345678"), ("12", None), ("call me", None)],
)
def test_phones_in_the_accounts_country(text: str, value: str | None) -> None:
    assert read("phone", text) == value


def test_choices_of_the_document_or_of_the_crm() -> None:
    assert read("choice", " MORNING!") == "morning"
    assert read("choice", "night") is None
    assert read("choice", "bogotá", options=["Bogota", "Lima"]) == "Bogota"
    assert read("choice", ["lima", "bogota", "Lima"], options=["Bogota", "Lima"]) == "Lima;Bogota"
    assert read("choice", ["lima", "quito"], options=["Bogota", "Lima"]) is None


@settings(deadline=None)
@given(st.text(max_size=40) | st.integers() | st.floats() | st.booleans(), st.sampled_from(sorted(TYPES)))
def test_nothing_breaks_a_reader_and_refusals_are_explained(value: Any, kind: str) -> None:
    at = scope(message(text="x"), setting(locale="es_CO", country="CO"))
    found, why = TYPES[kind](at, value, Kind(), "slot")
    assert (found is None) == bool(why)


@settings(deadline=None)
@given(st.integers(-(10**15), 10**15))
def test_every_whole_number_is_read_as_itself(number: int) -> None:
    assert read("integer", str(number)) == number
    assert read("number", f"{number:,}", "en_US") == number
    assert read("number", f"{number:,}".replace(",", "."), "es_CO") == number


@settings(deadline=None)
@given(st.dates())
def test_every_iso_date_is_read_as_itself(day: Any) -> None:
    assert read("date", day.isoformat()) == day.isoformat()
    assert read("date", f"{day.day}/{day.month}/{day.year:04}", "es_CO") == day.isoformat()
