"""Taking one person out of a body: their items go, everybody else's stay as they were."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connector.core import changes, redact
from connector.core.redact import Traces

PHONE, USER = "573017778899", "CO.9988776655"
WHO = Traces(ids=frozenset({PHONE, USER, "z@x.co"}), records=frozenset({"1512"}))


def cut(body: Any, traces: Traces = WHO) -> Any:
    found = redact.body(json.dumps(body).encode(), traces)
    return None if found is None else json.loads(found)


def test_an_object_that_names_the_person_goes() -> None:
    mine = [{"from": PHONE, "text": "a"}, {"from": f"+{PHONE}"}, {"from": int(PHONE)}, {"user": USER}, {"m": "Z@x.co"}]
    theirs = {"from": "57301", "text": "b"}
    assert cut({"messages": [*mine, theirs]}) == {"messages": [theirs]}
    assert cut({"contact": mine[0], "n": 1}) == {"contact": {}, "n": 1}
    assert cut(mine[0]) == {}
    assert cut([{"objectId": 1512, "v": "x"}, {"n": 1512}, {"objectId": 15}]) == [{"n": 1512}, {"objectId": 15}]


def test_elsewhere_only_the_name_goes() -> None:
    assert cut({"text": {"body": f"call +{PHONE}, or {USER} z@x.co"}}) == {
        "text": {"body": "call [erased], or [erased] [erased]"}
    }
    assert cut({f"k{PHONE}": 1, "list": [PHONE]}) == {"k[erased]": 1, "list": ["[erased]"]}
    for other in (f"1{PHONE}", f"{PHONE}0", f"a{USER}", "az@x.co", "z@x.com"):
        assert cut({"text": {"body": f"see {other}"}}) is None


def test_items_that_are_known_to_be_theirs_go_whatever_they_say() -> None:
    mine = {"id": 5, "x": 1.5, "big": 10**30, "yes": True, "none": None, "text": "secret words"}
    stored = json.loads(json.dumps(mine)) | {"big": str(10**30)}  # as the reader keeps long numbers
    assert cut([mine, {"id": 6}], redact.of_items([stored])) == [{"id": 6}]


def test_others_numbers_keep_their_digits() -> None:
    raw = b'[{"from":"%s"},{"a":1.10,"b":1e999,"c":123456789012345678901234567890,"d":-0.0,"e":NaN,"f":"\\ud800"}]'
    assert redact.body(raw % PHONE.encode(), WHO) == (
        b'[{"a":1.10,"b":1e999,"c":123456789012345678901234567890,"d":-0.0,"e":NaN,"f":"\\ud800"}]'
    )


def test_what_is_no_json_loses_the_words_between_tags() -> None:
    items = redact.of_items([{"Name": "Zoe & Co", "Phone": PHONE}])
    soap = f"<a><n>Zoe &amp; Co</n><p>+{PHONE}</p><n>Zoe</n></a>".encode()
    assert redact.body(soap, items | WHO) == b"<a><n>[erased]</n><p>[erased]</p><n>Zoe</n></a>"
    assert redact.body(b'{"from": "573017778899', WHO) == b'{"from": "[erased]'
    assert redact.body(b"\xff\xfe 573017778899", WHO) == b"\xff\xfe [erased]"


def test_very_deep_bodies_are_scrubbed_too() -> None:
    deep = b'{"a":' * 100_000 + b'"573017778899"'
    assert PHONE.encode() not in (redact.body(deep, WHO) or deep)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(_JSON)
def test_whatever_else_is_in_it_stays(value: Any) -> None:
    found = cut({"all": [{"from": PHONE}, {"kept": value}]})
    expected = redact.scrub(value, redact.pattern(WHO.ids))  # type: ignore[arg-type]
    if expected == value and PHONE not in json.dumps(value):
        assert found == {"all": [{"kept": value}]}


def test_emptied_changes_can_still_be_loaded() -> None:
    made = [
        changes.SetField(field="a", value="x"), changes.LogActivity(text="x"), changes.CreateTask(title="x", text="x"),
        changes.SetConsent(category="all", state="opted_out", evidence="x"), changes.SendMessage(text="x"),
        changes.StartFlow(flow="f"), changes.Handoff(text="x"), changes.Ask(why="w", text="x", choices=("x",)),
        changes.CompleteAction(callback="c", values={"x": "x"}), changes.Notify(webhook="w", values={"x": "x"}),
        changes.AttachFile(file="1", name="x", text="x"), changes.SendMessage(body={"type": "text", "text": "x"}),
        changes.SendTemplate(template="t", values={"x": "x"}),
    ]  # fmt: skip
    for change in made:
        body = redact.change(changes.dump(change))
        assert '"x"' not in json.dumps(body)
        assert changes.load(body).kind == change.kind
    assert list(redact.change(changes.dump(made[0])))[-1] == "value"
