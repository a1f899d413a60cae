"""Whatever reads a customer's text (phones, numbers, dates, stop words) is done in time, however it repeats."""

import pytest

from connector.core import consent, phone, sheet
from connector.core.documents import coerce, comparing, conditions, numbers
from connector.core.documents.filters import FILTERS
from connector.core.text import words
from connector.web.showing import shown
from tests.core.documents.make import message, scope
from tests.depth import DEEP
from tests.hostile import meter

LONG = 65_536 if DEEP else 16_384  # characters; the most that is kept of a text
PIECES = (
    "a", "1", "1,", "1.", "1 ", "+1", " ", "\n", "\u00a0", "(1", "1-", "a@", "a.", "a@b.", "e\u0301", "\u0300", "ß",
    "ﷺ", "½", "²", "٣", "1/", ".", "!", "¿", "'", "no ", "stop ", "1:", "2026-01-", "1e",
    "x@x.x ", "\u200b", "🏳️‍🌈", "𝟙",
)  # fmt: skip
HERE = scope(message(text="x"))
KIND = coerce.Kind()
ARGUMENTS = {"default": ("x",), "shorten": (5,), "replace": ("a", "b"), "split": (",",), "time_zone": ("UTC",),
             "money": ("COP",)}  # fmt: skip
READERS = {
    "e164": lambda t: phone.e164(t, "CO"),
    "stop words": consent.stop_word,
    "words of a name": words,
    "fold": comparing.fold,
    "says": conditions.words_in,
    "number": lambda t: numbers.read_number(t, "es_CO"),
    "date": lambda t: numbers.read_date(t, "es_CO"),
    "shown": shown,
    "a phone in a list": sheet.phone_of,
    **{f"as: {name}": (lambda t, name=name: getattr(coerce, name)(HERE, t, KIND, "x"))
       for name in ("number", "integer", "day", "boolean", "email", "phone", "choice")},
    **{f"| {name}": (lambda t, name=name: FILTERS[name].run(HERE, t, *ARGUMENTS.get(name, ()))) for name in FILTERS},
}  # fmt: skip


@pytest.mark.parametrize("name", READERS)
def test_no_text_keeps_its_reader(name):
    for piece in PIECES:
        text = (piece * LONG)[:LONG]
        meter.cheap(lambda text=text: READERS[name](text))
