"""The words of a document, the table of limits, and what each limit says."""

from typing import Any

import pytest

from connector.core import message
from connector.core.message import sniff

YES = {"id": "yes", "title": "Yes"}


@pytest.mark.parametrize(
    ("words", "made"),
    [
        ({"text": "Hello"}, {"type": "text", "text": "Hello"}),
        ({"ask": "Call?", "buttons": {"yes": "Yes"}}, {"type": "buttons", "text": "Call?", "buttons": [YES]}),
        (
            {"ask": "Where?", "list": {"Peru": {"lim": "Lima | South"}}, "button": "Cities"},
            {
                "type": "list", "text": "Where?", "button": "Cities",
                "sections": [{"title": "Peru", "rows": [{"id": "lim", "title": "Lima", "description": "South"}]}],
            },
        ),
        (
            {"ask": "Where?", "list": {"lim": "Lima"}},
            {"type": "list", "text": "Where?", "button": "Choose",
             "sections": [{"rows": [{"id": "lim", "title": "Lima"}]}]},
        ),
        (
            {"say": "Pay", "link": {"text": "Pay now", "url": "https://a.example"}},
            {"type": "link", "text": "Pay", "title": "Pay now", "url": "https://a.example"},
        ),
        ({"say": "Here", "media": "https://a.example/x.JPG"},
         {"type": "image", "url": "https://a.example/x.JPG", "caption": "Here"}),
        ({"media": "https://a.example/x.pdf"}, {"type": "document", "url": "https://a.example/x.pdf"}),
        (
            {"ask": "This?", "media": {"url": "https://a.example/x.png", "kind": "image"}, "buttons": {"yes": "Yes"}},
            {"type": "buttons", "text": "This?", "header": {"type": "image", "url": "https://a.example/x.png"},
             "buttons": [YES]},
        ),
        ({"ask": "Where?", "location": "ask"}, {"type": "location_request", "text": "Where?"}),
        ({"ask": "Phone?", "contact": "ask"}, {"type": "contact_request", "text": "Phone?"}),
        ({"location": {"latitude": 1, "longitude": 2}}, {"type": "location", "latitude": 1, "longitude": 2}),
        ({"say": "Book", "form": {"text": "Open", "flow_id": "1"}},
         {"type": "form", "text": "Book", "title": "Open", "flow_id": "1"}),
    ],
)  # fmt: skip
def test_the_words_of_a_document(words: dict[str, Any], made: dict[str, Any]) -> None:
    assert message.build(words) == made
    assert message.check(made) == ()


def test_every_limit_has_a_source_and_a_date() -> None:
    for name, row in message.LIMITS.items():
        assert row.most > 0, name
        assert "/" in row.source, name
        assert row.checked.startswith("202"), name


@pytest.mark.parametrize(
    ("wrong", "code", "says"),
    [
        ({"type": "buttons", "text": "x", "buttons": [YES, {"id": "no", "title": "n" * 21}]}, "too_long", "21"),
        ({"type": "buttons", "text": "x", "buttons": [YES] * 2}, "doubled", "same"),
        ({"type": "buttons", "text": "x", "buttons": [{"id": str(n), "title": str(n)} for n in range(4)]},
         "too_many", "4 buttons"),
        ({"type": "list", "text": "x", "button": "b", "sections": [{"rows": [YES]}, {"rows": [YES | {"id": "n"}]}]},
         "missing", "title"),
        ({"type": "image", "url": "https://192.168.0.1/x"}, "address", "private"),
        ({"type": "image", "url": "https://a.example/x", "id": "12345"}, "media", "several"),
        ({"type": "audio", "id": "12345", "caption": "x"}, "together", "caption"),
        ({"type": "location", "latitude": 91, "longitude": 0}, "location", "90"),
        ({"type": "location_request", "text": "x", "header": "h"}, "together", "header"),
        ({"type": "reaction", "message_id": "m", "emoji": "ok"}, "emoji", "emoji"),
        ({"type": "raw", "payload": {"type": "text", "to": "1"}}, "raw", "ours"),
        ({"type": "text", "text": "a\ud800"}, "character", "character"),
        ({"type": "buton"}, "type", "buton"),
        ("hello", "shape", "no message"),
    ],
)  # fmt: skip
def test_a_fault_says_what_and_where(wrong: Any, code: str, says: str) -> None:
    found = message.check(wrong)
    assert code in {fault.code for fault in found}
    assert any(says in fault.text for fault in found)


@pytest.mark.parametrize(
    ("declared", "head", "fits"),
    [
        ("image/jpeg", b"\xff\xd8\xff\xe0", True),
        ("image/jpeg", b"\x89PNG\r\n\x1a\n", False),
        ("image/jpeg", b"<html>", False),
        ("audio/ogg; codecs=opus", b"OggS", True),
        ("audio/mp4", b"\0\0\0\x18ftypmp42", True),
        ("video/3gpp", b"\0\0\0\x18ftypisom", True),
        ("application/pdf", b"anything", True),
        ("application/pdf", b"MZ\x90\0", False),
        ("text/plain", b"#!/bin/sh", False),
    ],
)
def test_what_a_file_is_by_its_first_bytes(declared: str, head: bytes, fits: bool) -> None:
    assert (sniff.mismatch(declared, head) == "") is fits
