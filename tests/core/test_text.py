from hypothesis import given
from hypothesis import strategies as st

from connector.core.text import clean

ANY = st.text(alphabet=st.characters(codec=None), max_size=60)


def test_plain_text_is_left_alone():
    assert clean("¿Qué tal? 👋🏽", 100) == "¿Qué tal? 👋🏽"


def test_nul_and_lone_surrogates_become_the_replacement_character():
    assert clean("a\x00b\ud83dc", 100) == "a\ufffdb\ufffdc"


def test_it_is_bounded():
    assert clean("abcdef", 3) == "abc"


@given(ANY, st.integers(0, 80))
def test_every_result_fits_any_database(text, limit):
    result = clean(text, limit)
    result.encode()
    assert "\x00" not in result
    assert len(result) == min(len(text), limit)
    assert clean(result, limit) == result
