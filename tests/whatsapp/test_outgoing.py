"""Each kind of neutral message as the Graph API wants it; a file each in messages/."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core import message
from connector.ports import OutboundMessage
from connector.sandbox.graph.errors import GraphError
from connector.sandbox.graph.messages import CHECKS
from connector.sandbox.graph.messages import check as meta_would_take
from connector.whatsapp import outgoing
from connector.whatsapp.sending import content

FILES = {"0198c0de-0000-7000-8000-000000000001": "1234567890"}
CASES = {one.stem: json.loads(one.read_text("utf-8")) for one in Path(__file__).with_name("messages").glob("*.json")}


@pytest.mark.parametrize("name", CASES)
def test_a_message_as_graph_wants_it(name: str) -> None:
    case = CASES[name]
    assert message.check(case["message"]) == ()
    assert outgoing.graph({"message": case["message"]}, FILES) == case["graph"]
    assert message.preview(case["message"])


def test_every_kind_has_a_payload() -> None:
    assert {case["message"]["type"] for case in CASES.values()} == set(message.KINDS) == set(outgoing.MAKERS)


def test_graphs_own_body_goes_as_it_stands() -> None:
    body = {"type": "text", "text": {"body": "hello"}}
    assert outgoing.graph(body, {}) == body


def test_the_message_it_answers_is_named() -> None:
    sent = OutboundMessage(to="+573001112222", user_id=None, body={"message": CASES["text_reply"]["message"]})
    document = json.loads(content(sent, "s1"))
    assert document["context"] == {"message_id": "wamid.A"}
    assert document["biz_opaque_callback_data"] == "s1"


@pytest.mark.parametrize(
    "wrong", [{"type": "text", "text": ""}, {"type": "nothing"}, {"type": "image", "media": "0198c0de-unknown-key"}]
)
def test_what_does_not_fit_never_leaves(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        outgoing.graph({"message": wrong}, {})


# ---- whatever is in it ----------------------------------------------------------------------------------------------
WORDS = st.one_of(
    st.text(max_size=30), st.sampled_from(["x" * 21, "😀" * 11, "y" * 1025, "z" * 4097, "", " ", "\ud800", "a\0b"])
)
ADDRESS = st.one_of(WORDS, st.sampled_from(["https://shop.example/a.png", "http://10.0.0.1/x", "https://[::1", "x"]))
CHOICE = st.fixed_dictionaries({"id": WORDS, "title": WORDS}, optional={"description": WORDS})
SECTION = st.fixed_dictionaries({"rows": st.lists(CHOICE, max_size=12)}, optional={"title": WORDS})
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = {
    "text": WORDS, "header": WORDS | st.fixed_dictionaries({"type": WORDS, "url": ADDRESS}), "footer": WORDS,
    "buttons": st.lists(CHOICE, max_size=5), "button": WORDS, "sections": st.lists(SECTION, max_size=11),
    "title": WORDS, "url": ADDRESS, "id": WORDS, "media": WORDS, "caption": WORDS, "filename": WORDS,
    "voice": st.booleans(), "latitude": st.floats() | WORDS | st.integers(), "longitude": st.floats() | WORDS,
    "name": WORDS, "address": WORDS, "message_id": WORDS, "emoji": WORDS, "flow_id": WORDS, "screen": WORDS,
    "data": ANY, "reply_to": WORDS, "payload": ANY, "template": ANY,
    "contacts": st.lists(st.fixed_dictionaries({"name": WORDS, "phones": st.lists(WORDS, max_size=3)}), max_size=3),
}  # fmt: skip
MESSAGES = st.fixed_dictionaries(
    {"type": st.sampled_from(message.KINDS)}, optional={name: st.one_of(kind, ANY) for name, kind in FIELDS.items()}
)


@given(ANY | MESSAGES)
def test_check_and_preview_never_raise(any_: Any) -> None:
    assert isinstance(message.check(any_), tuple)
    assert isinstance(message.preview(any_), str)
    assert isinstance(message.said({"message": any_}), str)


@given(MESSAGES)
def test_what_passes_the_check_is_within_metas_limits(found: dict[str, Any]) -> None:
    """The sandbox has Meta's limits from a table of its own; what our check lets through, it takes."""
    if message.check(found):
        return
    files = dict.fromkeys(message.files({"message": found}), "12345")
    document = outgoing.graph({"message": found}, files)
    json.dumps(document, allow_nan=False)
    if found["type"] in ("raw", "template") or document["type"] not in CHECKS:
        return
    try:
        meta_would_take(document)
    except GraphError as refused:
        pytest.fail(f"{refused}: {document}")


@given(MESSAGES)
def test_a_bubble_is_always_drawn(found: dict[str, Any]) -> None:
    assert message.draw(found) is not None
