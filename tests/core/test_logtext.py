"""What a log may say: no phone, e-mail, user id, message id or secret, and nothing that moves a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.logtext import hushed, line, unquoted

UUID = "0193a7c2-1234-7abc-8def-0123456789ab"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("+573017778899 wrote", "***8899 wrote"),
        ("call +57 301 777-8899 now", "call ***8899 now"),
        ("(301) 777 8899", "***8899"),
        ("lane_573017778899", "lane_***8899"),
        ("number 106540352242922 rests", "number ***2922 rests"),
        ("ana.perez+x@example.com", "a***@example.com"),
        ("CO.9988776655443322 left", "***3322 left"),
        ("wamid.HBgMNTczMDE3Nzc4ODk5FQIAERgSABCD== failed", "wamid.*** failed"),
        (f"event {UUID} of 2026-11-24T10:00:00.123", f"event {UUID} of 2026-11-24T10:00:00.123"),
        ("2026-11-24 10:00:00 42 rows in 1234 ms", "2026-11-24 10:00:00 42 rows in 1234 ms"),
        ("answered 131047", "answered 131047"),
        ("from 192.168.100.100", "from 192.168.100.100"),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("bearer EAAGm0PX4ZCps", "bearer ***"),
        ("token=pat-na1-1234-5678", "token=***"),
        ("https://x/?access_token=abcdefgh&a=1", "https://x/?access_token=***&a=1"),
        ("postgresql://user:secret@host/db", "postgresql://***@host/db"),
        ("POST /hooks/crm/salesforce/SeCrEt_Of_It?x=1", "POST /hooks/crm/salesforce/***?x=1"),
        ("whsec_bm90aGluZw==", "***"),
        ("wcc_AbCdEf1234", "***"),
        ("00D5e000000SBOX!AQ8AQFoo.bar", "***"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.sig", "***"),
        ("gAAAAABmX1234", "***"),
        ("q7Wc2Xr9Lm4Np8Tv1Zb6Yd3Fg5Hj0KsQ", "***"),
        ("connector.pipeline.judging.handle", "connector.pipeline.judging.handle"),
        ("a_very_long_name_of_a_function_that_does_things", "a_very_long_name_of_a_function_that_does_things"),
    ],
)
def test_what_is_hidden_and_what_stays(text, said):
    assert hushed(text) == said


def test_for_debugging_phones_stay_and_nothing_else():
    text = "+573017778899 ana@example.com token=abcdefgh wamid.HBgMNTcz CO.9988776655443322"
    assert hushed(text, people=True) == "+573017778899 a***@example.com token=*** wamid.HBgMNTcz CO.9988776655443322"


def test_a_line_stays_one_line():
    assert line("a\r\nb\tc\x1b[31m\x9b1m\u202eevil\u2028\u200b\x00") == (
        "a\\r\\nb\\tc\\x1b[31m\\x9b1m\\u202eevil\\u2028\\u200b\\x00"
    )
    assert line("ñ 😀 漢") == "ñ 😀 漢"


def test_words_of_others_stand_in_quotes_and_go():
    assert unquoted("HubSpot refused 'hola mundo' and \"x\" for “y”.") == "HubSpot refused '…' and '…' for '…'."


@given(st.text(max_size=80), st.integers(10**9, 10**14), st.text(max_size=80))
def test_a_phone_is_hidden_wherever_it_stands_alone(before, phone, after):
    found = line(hushed(f"{before} +{phone} {after}"))
    assert str(phone) not in found or str(phone) in before + after


@given(st.text(max_size=300))
def test_any_text_becomes_one_printable_line(text):
    found = line(hushed(text))
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c in "\u2028\u2029\u202e" for c in found)
    found.encode()
