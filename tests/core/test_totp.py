"""Codes of an authenticator app, against the numbers of the RFCs."""

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core import totp

SEED = b"12345678901234567890"  # of both RFCs
AT = datetime(2026, 11, 24, 15, 0, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(59, "94287082"), (1111111109, "07081804"), (1111111111, "14050471"), (1234567890, "89005924"),
     (2000000000, "69279037"), (20000000000, "65353130")],
)  # fmt: skip
def test_the_vectors_of_rfc_6238(seconds, shown):
    step = totp.step_of(datetime.fromtimestamp(seconds, UTC))
    assert totp.code(SEED, step, 8) == shown
    assert totp.code(SEED, step) == shown[2:]


HOTP = (755224, 287082, 359152, 969429, 338314, 254676, 287922, 162583, 399871, 520489)


@pytest.mark.parametrize(("count", "shown"), list(enumerate(HOTP)))
def test_the_vectors_of_rfc_4226(count, shown):
    assert totp.code(SEED, count) == str(shown)


@pytest.mark.parametrize(("off", "taken"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_clock_may_be_off_by_one_step(off, taken):
    there = AT + timedelta(seconds=off)
    found = totp.matching(SEED, totp.code(SEED, totp.step_of(there)), AT)
    assert found == (totp.step_of(there) if taken else None)


@given(st.text(max_size=12))
def test_nothing_but_a_code_matches(text):
    codes = [totp.code(SEED, totp.step_of(AT) + n) for n in (-1, 0, 1)]
    assert (totp.matching(SEED, text, AT) is not None) == (text in codes)


def test_the_address_is_what_apps_read():
    parts = urlsplit(totp.address(SEED, "WhatsApp-CRM connector", "ana+x@example.com"))
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == "/WhatsApp-CRM connector:ana+x@example.com"
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert base64.b32decode(asked.pop("secret")) == SEED
    assert asked == {"issuer": "WhatsApp-CRM connector", "algorithm": "SHA1", "digits": "6", "period": "30"}
