import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.consent import WORDS, stop_word

ANY = st.text(alphabet=st.characters(codec=None), max_size=90)
STOPS = [(language, word) for language, (stops, _) in WORDS.items() for word in stops]
STARTS = [(language, word) for language, (_, starts) in WORDS.items() for word in starts]


def test_it_knows_many_languages():
    assert len(WORDS) >= 12
    assert all(stops and starts for stops, starts in WORDS.values())


@pytest.mark.parametrize("language, word", STOPS)
def test_every_stop_word_in_any_dress(language, word):
    for text in (word, word.upper(), f"  {word}!! ", f"{word} 🙏", f"«{word}»."):
        assert stop_word(text) == "opted_out", text


@pytest.mark.parametrize("language, word", STARTS)
def test_every_start_word(language, word):
    assert stop_word(word) == stop_word(f" {word.upper()}. ") == "opted_in"


@pytest.mark.parametrize(
    "text", ["no mas mensajes", "NO MÁS MENSAJES", "arret", "Désinscription", "ABONELIKTEN ÇIK", "الغاء الاشتراك"]
)
def test_accents_and_case_do_not_matter(text):
    assert stop_word(text) == "opted_out"


@pytest.mark.parametrize(
    "text",
    [
        "please stop by at 5",
        "don't stop",
        "Start now",
        "nonstop",
        "baja el precio",
        "no",
        "cancel",
        "dur",
        "acha",
        "alto",
        "",
        "   ",
        "🛑",
        "stop " * 40,
    ],
)
def test_it_does_not_fire_on_ordinary_sentences(text):
    assert stop_word(text) is None


@given(ANY)
def test_it_never_raises(text):
    assert stop_word(text) in (None, "opted_out", "opted_in")
