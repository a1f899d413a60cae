"""Lists of people and of sends as nobody should save them: row by row, each accounted for, or refused in words."""

import json

from hypothesis import given, note
from hypothesis import strategies as st

from connector.core import sheet
from connector.errors import Rejected
from connector.pipeline.intake.imports import read_rows
from tests.hostile import meter
from tests.hostile.texts import ALL

SHEET = 'name,phone,city\r\nAna,573001112222,Bogotá\r\n"Zoé; ""Z""","+57 300 111 2223","Cali\nValle"\r\n'
CELLS = st.one_of(
    st.sampled_from(ALL),
    st.sampled_from(['"', '""', ",", ";", "\t", "\r", "\n", 'sep="', "sep=;", "\x1c", "\u2028", "\0"]),
)


@st.composite
def sheets(draw):
    """A list of people with odd things in it, in some encoding."""
    text = SHEET
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(CELLS) + text[at + draw(st.integers(0, 6)) :]
    raw = text.encode(draw(st.sampled_from(["utf-8", "utf-16", "utf-16-le", "cp1252"])), "replace")
    at = draw(st.integers(0, len(raw)))
    return raw[:at] + draw(st.binary(max_size=4)) + raw[at:] if draw(st.booleans()) else raw


@meter.tries(500)
@given(st.one_of(sheets(), st.binary(max_size=300)), st.integers(1, 4000))
def test_any_file_is_a_list_of_people_row_by_row_or_refused_in_words(raw, size):
    note(repr(raw[:500]))
    parts = [raw[n : n + size] for n in range(0, len(raw), size)]

    def rows():
        try:
            return list(sheet.rows(sheet.lines_of(parts, sheet.encoding_of(parts))))
        except sheet.Unreadable as error:
            meter.says(str(error))
            return []

    for one in meter.cheap(rows, len)[1:]:
        assert one.phone or one.problem or one.code
        json.dumps(dict(one.values)).encode()


@meter.tries(300)
@given(st.one_of(sheets().map(lambda raw: raw.decode("utf-8", "replace")), st.text(max_size=200)), st.booleans())
def test_any_file_of_sends_is_read_or_refused_in_words(text, csv_):
    try:
        assert isinstance(meter.cheap(lambda: read_rows(text, csv_=csv_), len), list)
    except Rejected as error:
        meter.says(error.message)


def test_a_line_without_end_and_a_quote_without_end_are_refused_before_they_fill_the_memory():
    for raw in (b"a" * 3_000_000, b"phone\n" + b'"' + b"x,\n" * 1_000_000):
        parts = [raw[n : n + 65_536] for n in range(0, len(raw), 65_536)]

        def rows(parts=parts):
            try:
                for _ in sheet.rows(sheet.lines_of(parts, sheet.encoding_of(parts))):
                    pass
            except sheet.Unreadable:
                pass

        assert meter.memory(rows) < 16 * meter.MB
