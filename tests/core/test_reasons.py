"""The words for why a send waits or stopped."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.reasons import REASONS, reason
from connector.core.sending import Prepared

FACTS = sorted({name for words in REASONS.values() for name in re.findall(r"\{(\w+)\}", words.text)})


def test_it_says_what_it_knows_and_leaves_out_the_rest():
    assert reason("at_most").text == "The person has had this message often enough."
    assert reason("at_most", limit="1 per 7 days").text == (
        "The person has had this message often enough: at most 1 per 7 days."
    )
    assert reason("template", template="quote", language="").text == (
        "The template `quote` does not exist or is not approved."
    )
    assert reason("no_phone", fields=["contact.phone", "contact.mobilephone"]).text == (
        "There is no phone number in contact.phone, contact.mobilephone."
    )


def test_a_moment_is_said_in_utc():
    night = datetime.fromisoformat("2026-11-23T08:00:00-05:00")
    assert reason("quiet_hours", until=night).text.endswith("it goes out at 2026-11-23 13:00 UTC.")
    assert reason("pair", until=datetime(2026, 11, 23, 13, 0, 6, tzinfo=UTC)).text.endswith("13:00 UTC.")


def test_who_can_mend_it():
    assert {code: reason(code).who for code in ("opted_out", "clock", "record_gone", "parked", "quiet_hours")} == {
        "opted_out": "customer", "clock": "you", "record_gone": "CRM", "parked": "Meta", "quiet_hours": "",
    }  # fmt: skip


def test_every_code_of_prepared_has_words():
    codes = Prepared.__doc__.split("Codes:")[1].strip(" .\n").split()
    assert len(codes) > 9
    assert set(codes) <= set(REASONS)


def test_a_code_without_words_is_said_as_it_is():
    assert reason("something_new") == ("It stopped with the code something_new.", "you")


@pytest.mark.parametrize("code", REASONS)
def test_each_is_a_sentence_with_and_without_its_facts(code):
    full = dict.fromkeys(FACTS, "x")
    for text in (reason(code).text, reason(code, **full).text):
        assert re.fullmatch(r"[A-Z][^\[\]{}]*[.!?]", text)
        assert "  " not in text
    assert reason(code).who in ("you", "Meta", "CRM", "customer", "")


@given(st.sampled_from(sorted(REASONS)), st.text(min_size=1))
def test_a_fact_of_any_text_is_said_as_it_is(code, fact):
    names = re.findall(r"\{(\w+)\}", REASONS[code].text)
    assert reason(code, **dict.fromkeys(names, fact)).text.count(fact) >= len(names)
