"""Bodies no vendor should send: broken, huge, deep, doubled; one bad item never harms another."""

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.events import InboundMessage, Unrecognised, dump
from tests.depth import examples
from tests.whatsapp.reading import NUMBER, PAYLOADS, WABA, WEBHOOK, routed


def parse(body):
    return WEBHOOK.parse(body if isinstance(body, bytes) else json.dumps(body).encode(), {})


def storable(items):
    """As the database will take it."""
    for item in items:
        json.dumps(dump(item.event), allow_nan=False).encode()
        item.event.id.encode()
        item.owner.encode()
        assert item.event.id
        assert "\x00" not in item.event.id + item.owner
        assert len(item.event.id) <= 1000


def message(n, **parts):
    return {
        "id": f"wamid.{n}",
        "from": "573001112222",
        "timestamp": "1795442531",
        "type": "text",
        "text": {"body": f"n{n}"},
    } | parts


def body(*messages, **value):
    metadata = {"phone_number_id": NUMBER}
    change = {"field": "messages", "value": {"metadata": metadata, "messages": list(messages), **value}}
    return {"object": "whatsapp_business_account", "entry": [{"id": WABA, "changes": [change]}]}


def kinds(items):
    return [item.event.kind for item in items]


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"nonsense", b'{"entry": [}', b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe\x00", b"{}{}"]
)
def test_only_a_body_that_is_no_json_is_refused_as_a_whole(raw):
    with pytest.raises(ValueError):
        parse(raw)


@pytest.mark.parametrize(
    "value",
    [None, 1, "text", [], {}, [1], {"entry": None}, {"entry": {}}, {"entry": 7}, {"entry": [1]}, {"entry": [None]},
     {"entry": [{}]}, {"entry": [{"changes": 1}]}, {"entry": [{"changes": [1]}]}, {"entry": [{"changes": [{}]}]},
     {"entry": [{"changes": [{"value": []}]}]}, {"entry": [{"changes": [{"value": {}}]}]}],
)  # fmt: skip
def test_json_of_another_shape_is_kept_as_one_unknown_item(value):
    items = parse(value)
    assert kinds(items) == ["Unrecognised"]
    storable(items)


def test_nine_hundred_and_ninety_nine_go_through():
    messages = [message(n) for n in range(1000)]
    messages[500] = {"id": [], "type": {}, "text": 5}
    items = parse(body(*messages))
    assert kinds(items) == ["InboundMessage"] * 500 + ["Unrecognised"] + ["InboundMessage"] * 499
    assert len({item.event.id for item in items}) == 1000


@pytest.mark.parametrize("bad", [None, 1, 1.5, True, "x", [], [1], {}, {"id": "wamid.1"}, {"type": "text"}])
def test_an_item_of_the_wrong_type_is_kept_and_shown(bad):
    items = parse(body(message(1), bad, message(2)))
    assert kinds(items) == ["InboundMessage", "Unrecognised", "InboundMessage"]
    assert items[1].event.what == "messages.messages"
    assert items[1].event.text
    storable(items)


@pytest.mark.parametrize(
    "literal", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5000, "-" + "9" * 5000, "0.1e-9999"]
)
def test_numbers_no_database_can_hold_do_no_harm(literal):
    raw = json.dumps(body(message(1), message(2, extra="@"), message(3))).replace('"@"', literal)
    items = parse(raw.encode())
    assert kinds(items) == ["InboundMessage"] * 3
    storable(items)


@pytest.mark.parametrize("literal", ["NaN", "9" * 5000, "1e999", '"1e999"'])
def test_such_a_number_is_no_latitude(literal):
    place = message(1, type="location", location={"latitude": "@", "longitude": 1})
    items = parse(json.dumps(body(place)).replace('"@"', literal).encode())
    assert kinds(items) == ["Unrecognised"]
    storable(items)


def nested(levels):
    return json.loads("[" * levels + "]" * levels)


@pytest.mark.parametrize("levels", [90, 200, 800])
def test_deep_nesting_is_cut_and_the_others_go_through(levels):
    items = parse(body(message(1), message(2, extra=nested(levels)), message(3)))
    middle = "InboundMessage" if levels < 100 else "Unrecognised"
    assert kinds(items) == ["InboundMessage", middle, "InboundMessage"]
    storable(items)


@pytest.mark.parametrize("deep", ["[" * 100_000 + "]" * 100_000, '{"]\\"[": [' * 50_000 + "]}" * 50_000])
def test_what_is_deeper_than_python_reads_takes_nothing_along(deep):
    raw = json.dumps(body(message(1), message(2, extra="HERE"), message(3, text={"body": '[[ "{'})))
    items = parse(raw.replace('"HERE"', deep).encode())
    assert kinds(items) == ["InboundMessage", "Unrecognised", "InboundMessage"]
    assert items[2].event.text == '[[ "{'
    storable(items)


def test_very_deep_items_keep_keys_of_their_own():
    one, two = parse(body(message(1, extra=nested(150)), message(2, extra=nested(151))))
    assert one.event.id != two.event.id


@pytest.mark.parametrize("where", ["metadata", "contacts", "entry"])
def test_deep_nesting_elsewhere_harms_nothing(where):
    whole = body(message(1))
    if where == "entry":
        whole["entry"].append(nested(300))
    else:
        whole["entry"][0]["changes"][0]["value"][f"more_{where}"] = nested(300)
    items = parse(whole)
    assert items[0].event.kind == "InboundMessage"
    storable(items)


def test_a_form_that_is_nested_too_deep_is_no_form():
    form = {"type": "nfm_reply", "nfm_reply": {"response_json": "[" * 50_000}}
    assert kinds(parse(body(message(1, type="interactive", interactive=form)))) == ["Unrecognised"]


def test_a_doubled_key_keeps_its_last_value():
    raw = json.dumps(body(message(1))).replace('"type": "text"', '"type": "image", "type": "text"')
    assert kinds(parse(raw.encode())) == ["InboundMessage"]


def test_bytes_that_are_no_utf8_spoil_only_their_own_text():
    raw = json.dumps(body(message(1), message(2))).encode().replace(b"n2", b"n\xff2")
    items = parse(raw)
    assert [item.event.text for item in items] == ["n1", "n\ufffd2"]


def test_a_byte_order_mark_is_no_harm():
    assert kinds(parse(b"\xef\xbb\xbf" + json.dumps(body(message(1))).encode())) == ["InboundMessage"]


def test_a_message_that_names_no_number_or_no_sender_is_shown_not_guessed():
    lost = body(message(1))
    del lost["entry"][0]["changes"][0]["value"]["metadata"]
    assert kinds(parse(lost)) == ["Unrecognised"]
    assert kinds(parse(body(message(1, **{"from": ""})))) == ["Unrecognised"]


def test_contacts_are_matched_by_id_not_by_position():
    bruno, ana = (
        {"wa_id": "553188887777", "profile": {"name": "Bruno"}},
        {"wa_id": "573001112222", "profile": {"name": "Ana"}},
    )
    items = parse(
        body(message(1), message(2, **{"from": "553188887777"}), contacts=[bruno, {"profile": {"name": "?"}}, ana])
    )
    assert [item.event.name for item in items] == ["Ana", "Bruno"]


@pytest.mark.parametrize("stamp", ["", "soon", "-5", "0", 0, -1, None, [], "9" * 14, 10**17, "²", "١٢٣", 1.5, True])
def test_a_time_that_is_none_leaves_the_message(stamp):
    (item,) = parse(body(message(1, timestamp=stamp)))
    assert item.event.kind == "InboundMessage"
    assert item.event.at is None


def test_seconds_and_milliseconds_are_told_apart():
    (seconds,) = parse(body(message(1, timestamp=1795442531)))
    (millis,) = parse(body(message(1, timestamp="1795442531000")))
    assert seconds.event.at == millis.event.at


# ---- keys --------------------------------------------------------------------------------------------------------
FILES = sorted(path.stem for path in PAYLOADS.glob("*.json"))


@pytest.mark.parametrize("name", FILES)
def test_a_redelivery_has_the_same_keys_however_it_is_written(name):
    first = [item.event.id for item in routed(name)]
    again = json.loads((PAYLOADS / f"{name}.json").read_bytes())
    assert [item.event.id for item in parse(again)] == first
    assert [item.event.id for item in parse(json.dumps(again, sort_keys=True).encode())] == first


def test_a_rebatched_item_keeps_its_key():
    alone = {item.event.id for name in ("text", "status_read", "call_connect", "history") for item in routed(name)}
    together = {"object": "whatsapp_business_account", "entry": []}
    for name in ("history", "call_connect", "status_read", "text"):
        together["entry"] += json.loads((PAYLOADS / f"{name}.json").read_bytes())["entry"]
    assert {item.event.id for item in parse(together)} == alone


def test_different_items_of_all_payloads_have_different_keys():
    seen = {}
    for name in FILES:
        for item in routed(name):
            seen.setdefault(item.event.id, []).append((name, json.dumps(item.event.raw, sort_keys=True)))
    doubled = {key: {raw for _, raw in found} for key, found in seen.items() if len({raw for _, raw in found}) > 1}
    # several payloads tell the same fact in other words; the fact is the key: it was read, this person said stop
    assert all(key.startswith(("status:wamid.OUT.invite:", "consent:")) for key in doubled), doubled


def test_the_same_template_change_at_another_time_is_news():
    first = json.loads((PAYLOADS / "template_paused.json").read_bytes())
    later = copy.deepcopy(first)
    later["entry"][0]["time"] += 60
    assert parse(first)[0].event.id != parse(later)[0].event.id


def test_statuses_differ_by_word_participant_and_code():
    status = {"id": "wamid.X", "status": "failed", "timestamp": "1795442531"}
    group = {"recipient_type": "group"}
    variants = [
        status,
        status | {"status": "read"},
        status | {"errors": [{"code": 131026}]},
        status | {"errors": [{"code": 131047}]},
        status | group | {"recipient_participant_id": "1"},
        status | group | {"recipient_participant_id": "2"},
    ]
    items = parse(body(statuses=variants))
    assert len({item.event.id for item in items}) == len(variants)


def test_endless_ids_do_not_break_the_index():
    long = [message("x" * 900 + str(n)) for n in range(3)]
    items = parse(body(*long))
    assert len({item.event.id for item in items}) == 3
    storable(items)


# ---- anything at all ---------------------------------------------------------------------------------------------
def keys_of(name):
    return {key for _, key in places(json.loads((PAYLOADS / f"{name}.json").read_bytes())) if isinstance(key, str)}


def places(value):
    """Every (container, key) below a value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in pairs:
        yield value, key
        if isinstance(inner, dict | list):
            yield from places(inner)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(st.characters(codec=None), max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEYS = sorted({key for name in ("form", "order", "text_from_ad", "contact", "system_user_id") for key in keys_of(name)})
SHAPED = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["text", "image", "system", "interactive", "order", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=25,
)


@given(JSON)
def test_any_json_value_is_kept(value):
    items = parse(json.dumps(value).encode())
    storable(items)


@settings(max_examples=examples(300))
@given(st.lists(SHAPED, max_size=6))
def test_every_message_is_accounted_for_in_order(messages):
    items = parse(body(*messages))
    assert len(items) == len(messages) or not messages
    assert all(
        isinstance(item.event, InboundMessage | Unrecognised) or item.event.kind == "IdentityChange" for item in items
    )
    storable(items)


@settings(max_examples=examples(300))
@given(st.sampled_from(FILES), st.data())
def test_a_real_payload_with_one_wrong_value_is_still_accounted_for(name, data):
    whole = json.loads((PAYLOADS / f"{name}.json").read_bytes())
    spots = list(places(whole["entry"]))
    if spots:
        holder, key = data.draw(st.sampled_from(spots))
        holder[key] = data.draw(JSON)
    storable(parse(json.dumps(whole).encode()))


@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_refused(raw):
    try:
        storable(parse(raw))
    except ValueError:
        return
