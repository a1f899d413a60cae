"""The log of a process: one safe line for each record, text or JSON."""

import io
import json
import logging
import sys
import threading

import pytest

from connector import logs
from connector.errors import Rejected

PHONE = "573017778899"


@pytest.fixture
def written():
    """What a fresh log writes; whatever stood before stands again."""
    root, kept = logging.getLogger(), (logging.getLogger().handlers[:], logging.getLogger().level, sys.excepthook)
    ours, hook = logging.getLogger("connector").level, threading.excepthook

    def start(form="json", level="DEBUG", **more):
        stream = io.StringIO()
        logs.set_up(level, form, process="worker", stream=stream, **more)
        return stream

    yield start
    for handler in root.handlers[:]:
        root.removeHandler(handler)
    for handler in kept[0]:
        root.addHandler(handler)
    root.setLevel(kept[1])
    logging.getLogger("connector").setLevel(ours)
    logging.captureWarnings(False)
    sys.excepthook, threading.excepthook = kept[2], hook


def lines(stream):
    return [json.loads(one) for one in stream.getvalue().splitlines()]


def test_a_record_is_one_json_object_with_its_ids(written):
    stream = written()
    with logs.within(bell="write:a1", account="a1"):
        logging.getLogger("connector.pipeline").error("dead after %d", 3, extra={"event": "e1"})
    (found,) = lines(stream)
    assert list(found)[:6] == ["time", "level", "logger", "process", "pid", "message"]
    assert found["time"].endswith("Z")
    assert (found["level"], found["process"], found["message"]) == ("ERROR", "worker", "dead after 3")
    assert (found["account"], found["event"], found["bell"]) == ("a1", "e1", "write:a1")


def test_ids_of_a_bell_end_with_it(written):
    stream = written()
    with logs.within(account="a1"):
        pass
    logging.getLogger("connector").warning("later")
    assert "account" not in lines(stream)[0]


def test_an_exception_is_one_line_without_what_it_quotes(written):
    stream = written()
    try:
        try:
            int(f"hola {PHONE}")
        except ValueError as error:
            raise Rejected("HubSpot refused 'hola mundo' of +573017778899.", hint="Mend it.") from error
    except Rejected:
        logging.getLogger("connector").exception("writing failed")
    (found,) = lines(stream)
    assert "hola" not in stream.getvalue()
    assert PHONE not in stream.getvalue()
    assert found["exception"].startswith("connector.errors.Rejected: HubSpot refused '…' of ***8899. Mend it. at ")
    assert "| from builtins.ValueError at test_logs.py:" in found["exception"]


def test_an_exception_as_an_argument_is_told_by_its_kind(written):
    stream = written()
    log = logging.getLogger("connector")
    log.warning("%s: %s", "crm", ValueError("hola"))
    log.warning("%s: %s", "crm", Rejected("It said 'hola'.", hint="Ask."))
    assert [one["message"] for one in lines(stream)] == ["crm: ValueError", "crm: It said '…'. Ask."]


def test_no_line_can_be_forged(written):
    for form in ("json", "text"):
        stream = written(form)
        logging.getLogger("connector").error("said %s", "x\r\n2026 ERROR forged\x1b[2J\u202e")
        assert len(stream.getvalue().splitlines()) == 1
        assert "\\x1b[2J\\u202e" in stream.getvalue().replace("\\\\", "\\")


def test_text_is_for_people(written):
    stream = written("text")
    logging.getLogger("connector.request").info("request", extra={"path": "/health/", "status": 200, "ms": 1.5})
    assert stream.getvalue().rstrip().endswith("connector.request: request path=/health/ status=200 ms=1.5")


def test_other_libraries_say_warnings_only(written):
    stream = written()
    for name in ("urllib3.connectionpool", "httpcore.http11", "hubspot.rest", "sqlalchemy.engine.Engine"):
        logging.getLogger(name).debug("a body: hola")
        logging.getLogger(name).warning("careful %s", PHONE)
    assert [one["message"] for one in lines(stream)] == ["careful ***8899"] * 4


def test_phones_can_be_shown_for_debugging(written):
    stream = written(people=True)
    logging.getLogger("connector").warning("from %s and %s", PHONE, "ana@example.com")
    assert lines(stream)[0]["message"] == f"from {PHONE} and a***@example.com"


def test_a_call_with_the_wrong_arguments_is_not_lost(written):
    stream = written()
    logging.getLogger("connector").warning("%d of %d", "one")
    assert lines(stream)[0]["message"] == "%d of %d"


def test_what_nobody_caught_is_a_line_too(written):
    stream = written()
    thread = threading.Thread(target=lambda: int("hola"), name="bell")
    thread.start()
    thread.join()
    sys.excepthook(ValueError, ValueError("hola"), None)
    assert [one["message"] for one in lines(stream)] == ["the thread bell ends", "the process ends"]
    assert "hola" not in stream.getvalue()
