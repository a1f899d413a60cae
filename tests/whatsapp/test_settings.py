"""What an account may look like before its token is sent anywhere."""

import pytest

from connector import whatsapp
from connector.errors import NotAllowed
from connector.ports import Account

GOOD = {"phone_number_id": "301122334455667", "waba_id": "201122334455667"}


@pytest.mark.parametrize(
    "address",
    ["", "https://graph.facebook.com", "https://graph.facebook.com/", "http://127.0.0.1:8010/graph", "http://localhost:8010/graph",
     "http://[::1]:8010/graph", "https://facebook.com"],
)  # fmt: skip
def test_meta_and_a_sandbox_on_this_computer_are_allowed(address):
    whatsapp.validate(GOOD | {"base_url": address})
    whatsapp.validate(GOOD | {"base-url": address})


@pytest.mark.parametrize(
    "address",
    ["http://graph.facebook.com", "https://graph.facebook.com/v26.0", "https://graph.facebook.com/26.0/x", "https://evil.example",
     "https://graph.facebook.com.evil.example", "https://notfacebook.com", "https://graph.facebook.com@evil.example",
     "https://user:pw@graph.facebook.com", "http://10.0.0.1:8010", "ftp://127.0.0.1", "graph.facebook.com", "https://",
     "https://graph.facebook.com?x=1", "https://graph.facebook.com#x", "https://evil.example\\.facebook.com", "https://[::1",
     "https://graph.facebook.com:99999", "http://2130706433"],
)  # fmt: skip
def test_any_other_address_is_refused_before_a_token_goes_there(address):
    with pytest.raises(NotAllowed) as refusal:
        whatsapp.validate(GOOD | {"base_url": address})
    assert refusal.value.hint
    with pytest.raises(NotAllowed):
        whatsapp.connect(Account(id="a", kind="whatsapp", name="n", settings=GOOD | {"base_url": address}))


@pytest.mark.parametrize("name", ["phone_number_id", "waba_id"])
@pytest.mark.parametrize("value", ["", "../me", "1/2", "1?fields=x", "1 2", "x" * 65, "１２３"])
def test_an_id_that_is_none_is_refused(name, value):
    with pytest.raises(NotAllowed):
        whatsapp.validate(GOOD | {name: value})


@pytest.mark.parametrize("given", [{"read_marks": "perhaps"}, {"keep_media": "typing"}])
def test_a_word_that_is_none_is_refused(given):
    with pytest.raises(NotAllowed) as refusal:
        whatsapp.validate(GOOD | given)
    assert "yes" in refusal.value.hint


def test_the_manifest_names_every_flag():
    flags = {flag.name: flag for flag in whatsapp.MANIFEST.flags}
    assert list(flags) == [
        "phone-number-id", "waba-id", "token", "app-secret", "app-secret-old", "verify-token", "base-url",
        "read-marks", "keep-media",
    ]  # fmt: skip
    assert {name for name, flag in flags.items() if flag.secret} == {
        "token",
        "app-secret",
        "app-secret-old",
        "verify-token",
    }
    assert {name for name, flag in flags.items() if not flag.required} == {
        "app-secret-old", "base-url", "read-marks", "keep-media",
    }  # fmt: skip
    assert flags["base-url"].default == "https://graph.facebook.com"
    assert whatsapp.MANIFEST.crm is False
