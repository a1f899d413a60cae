import subprocess
import sys
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core import phone

ANY = st.text(alphabet=st.characters(codec=None), max_size=40)
NUMBERS = st.from_regex(r"\+?[0-9]{0,18}", fullmatch=True)


@pytest.mark.parametrize(
    "number, expected",
    [
        ("573001112222", ("+573001112222",)),
        ("5215512345678", ("+525512345678", "+5215512345678")),
        ("+525512345678", ("+525512345678", "+5215512345678")),
        ("553188887777", ("+5531988887777", "+553188887777")),
        ("+5511987654321", ("+5511987654321", "+551187654321")),
        ("551133334444", ("+551133334444",)),  # a fixed line never gets a 9
        ("5511943334444", ("+5511943334444",)),  # without its 9 it would be a fixed line of somebody else
        ("5491112345678", ("+5491112345678", "+541112345678")),
        ("541112345678", ("+541112345678", "+5491112345678")),
        ("22507080910", ("+2250707080910", "+22507080910")),
        ("22544080910", ("+2250544080910", "+22544080910")),
        ("22541080910", ("+2250141080910", "+22541080910")),
        ("2250708091011", ("+2250708091011", "+22508091011")),
        ("2252722334455", ("+2252722334455",)),
        ("22990112233", ("+2290190112233", "+22990112233")),
        ("2290190112233", ("+2290190112233", "+22990112233")),
        ("+1 (650) 555-1234", ("+16505551234",)),
        ("+５７３００１１１２２２２", ("+573001112222",)),  # full-width digits
        ("", ()),
        ("hello", ()),
        ("12345", ()),
        ("0573001112222", ()),
        ("1234567890123456", ()),
    ],
)
def test_spellings(number, expected):
    assert phone.spellings(number) == expected


@pytest.mark.parametrize(
    "text, country, expected",
    [
        ("+57 300 111 2222", None, "+573001112222"),
        ("0057 300 111 2222", None, "+573001112222"),
        ("300 111 2222", "CO", "+573001112222"),
        ("300 111 2222", "co", "+573001112222"),
        ("573001112222", "CO", "+573001112222"),
        ("16505551234", "CO", "+16505551234"),
        ("044 55 1234 5678", "MX", "+525512345678"),
        ("01 55 1234 5678", "MX", "+525512345678"),
        ("+52 1 55 1234 5678", None, "+525512345678"),
        ("011 15 1234 5678", "AR", "+5491112345678"),
        ("(31) 8888-7777", "BR", "+5531988887777"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("300 111 2222", None, None),
        ("12345", "CO", None),
        ("ask my boss", "CO", None),
        ("", "CO", None),
    ],
)
def test_e164(text, country, expected):
    assert phone.e164(text, country) == expected


@pytest.mark.parametrize(
    "one, other, country, expected",
    [
        ("5215512345678", "55 1234 5678", "MX", True),
        ("553188887777", "(31) 98888-7777", "BR", True),
        ("5491112345678", "+54 11 1234 5678", None, True),
        ("573001112222", "+57 300 111 2222", None, True),
        ("22990112233", "+229 01 90 11 22 33", None, True),
        ("573001112222", "300 111 2223", "CO", False),
        ("573001112222", "3001112222", "US", False),
        ("", "", "CO", False),
    ],
)
def test_same_subscriber(one, other, country, expected):
    assert phone.same(one, other, country) is expected
    assert phone.same(other, one, country) is expected


def test_national_digits_are_what_a_crm_search_wants():
    assert phone.national("+573001112222") == "3001112222"
    assert phone.national("+39 06 1234 5678") == "0612345678"
    assert phone.national("nobody") == ""


def test_the_country_of_a_whatsapp_id():
    assert phone.country("573001112222") == "CO"
    assert phone.country("5215512345678") == "MX"
    assert phone.country("14165550123") == "CA"
    assert phone.country("77011234567") == "KZ"
    assert phone.country("not a number") is None


def test_the_zones_of_a_country_are_all_of_them():
    assert phone.zones("+573001112222") == ("America/Bogota",)
    assert {"America/New_York", "America/Los_Angeles", "Pacific/Honolulu"} <= set(phone.zones("+16505551234"))
    assert phone.zones("") == ()


def test_every_zone_of_the_table_exists_and_sixty_countries_have_one():
    table = phone._zone_table()
    assert len(table) >= 60
    for names in table.values():
        for name in names:
            ZoneInfo(name)


def test_the_library_is_loaded_only_when_needed():
    code = "import sys, connector.core.phone as p; p.spellings('5215512345678'); print('phonenumbers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


@given(ANY | NUMBERS, st.sampled_from([None, "", "CO", "MX", "BR", "AR", "US", "XX", "not a country"]))
def test_nothing_here_raises(text, country):
    found = phone.e164(text, country)
    assert found is None or phone.spellings(found)[0] == found
    phone.same(text, text[::-1], country)
    phone.national(text)
    phone.country(text)
    phone.zones(text)


@given(NUMBERS)
def test_a_spelling_of_a_spelling_is_one_of_the_set(number):
    found = phone.spellings(number)
    assert len(set(found)) == len(found)
    for spelling in found:
        assert spelling[1:].isdigit()
        assert phone.spellings(spelling)[0] in found
