"""Whatever stands in a name, a text or an address: a record of the log is one line, and its making does not wait."""

import io
import json
import logging

import pytest

from connector import logs
from connector.core.logtext import LONGEST, hushed, line
from connector.errors import Rejected
from tests.hostile import meter
from tests.hostile.texts import ALL


def record(text):
    """As a careless call would make it."""
    try:
        raise Rejected(text)
    except Rejected as error:
        info = (type(error), error, error.__traceback__)
    made = logging.LogRecord("connector.web", logging.WARNING, "x.py", 1, "page %s failed: " + text, (text,), info)
    made.event = text
    return made


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("text", ALL)
def test_a_record_stays_one_line_whatever_is_put_into_it(form, text):
    said = meter.cheap(lambda: logs.Formatter(form).format(record(text)), lambda _: 4)
    assert said.isprintable()
    assert len(said.splitlines()) == 1
    if form == "json":
        found = json.loads(said)
        assert (found["level"], found["logger"]) == ("WARNING", "connector.web")


def test_a_forged_line_is_part_of_the_one_that_it_stands_in():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.Formatter("text"))
    forged = "x\n2026-11-24T10:00:00.000Z ERROR web[1] connector: forged\r\n\x1b[2Jgone\u2028more"
    handler.emit(logging.LogRecord("connector", logging.ERROR, "x.py", 1, "sign-in of %s", (forged,), None))
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()


WAITS = ("a", "a.", "1", "1-", "1 ", "a@", "b.", "'", '"', "token=", "bearer ", "a://", "0123abcd-", "A1", "eyJ", "(1",
         "+", "x/", "/hooks/crm/", "!#$%&*+/=?^`{|}~-", "2026-01-01", " ")  # fmt: skip


@pytest.mark.parametrize("piece", WAITS)
@pytest.mark.parametrize("end", ["", "@", "@a.b", "://x@"])
def test_no_text_makes_the_search_for_secrets_wait(piece, end):
    text = (piece * LONGEST)[: LONGEST - len(end)] + end
    meter.cheap(lambda: line(hushed(text)), lambda _: 4)
