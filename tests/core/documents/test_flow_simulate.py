"""A flow walked by machine: every path, its coverage, and the places where it goes wrong."""

import json
from datetime import timedelta

from connector.core.documents import make_test, read, run_tests
from connector.core.documents.editing import add_test
from connector.core.documents.flow_graph import ways
from connector.core.documents.flow_simulate import as_json, drawn, simulate
from tests.core.documents.make import NOW, message
from tests.core.documents.make_flow import ASK, HEAD, flow


def test_every_path_is_walked() -> None:
    done = simulate(flow())
    assert list(drawn(done)) == [
        '"go" -> size',
        "  [Small] (small) -> email",
        '    "ana@example.com" -> bye (ends: done)',
        "    not understood -> human (ends: handed_over)",
        "    no answer -> always.no_answer (ends: silent)",
        "  [Large] (large) -> human (ends: handed_over)",
        "  not understood -> human (ends: handed_over)",
        "  no answer -> always.no_answer (ends: silent)",
        '  the word "agent" -> human (ends: handed_over)',
    ]
    assert done.coverage == {"size": 7, "email": 3, "bye": 1, "human": 4, "always.no_answer": 2}
    assert (done.paths, done.whole, done.findings) == (7, True, ())
    assert json.loads(json.dumps(as_json(done)))["coverage"]["size"] == 7


def test_numbers_on_both_sides_of_a_condition_however_far_away() -> None:
    done = simulate(flow(
        "steps:\n  a: {ask: x, as: integer, remember: n, go: b}\n  b: {ask: y, go: c}\n"
        "  c: {go: [{if: flow.n > 100, to: big}, {else: small}]}\n  big: {end: big}\n  small: {end: small}\n"
    ))  # fmt: skip
    assert done.findings == ()
    assert done.coverage["big"] >= 1
    assert done.coverage["small"] >= 1


def test_a_customer_whom_a_condition_asks_for() -> None:
    done = simulate(flow(
        "steps:\n  a: {go: [{if: contact.country == 'CO', to: b}, {else: c}]}\n  b: {end: b}\n  c: {end: c}\n"
    ))  # fmt: skip
    assert [leg.said for leg in done.legs] == ['"go"', "contact.country is CO"]
    assert done.findings == ()


def test_a_loop_is_walked_once() -> None:
    done = simulate(flow("steps:\n  a: {ask: x, buttons: {again: A, on: B}, go: {again: a, on: b}}\n  b: {end: b}\n"))
    assert "  [A] (again) -> a (as above)" in list(drawn(done))


def test_what_it_finds() -> None:
    text = (
        "steps:\n  a: {ask: x, as: integer, min: 5, remember: n, go: [{if: flow.n < 3, to: b}, {else: c}]}\n"
        "  b: {end: b}\n  c: {handoff: x, go: d}\n  d: {wait: 20 hours, go: e}\n  e: {wait: 20 hours, go: f}\n"
        "  f: {say: late, end: done}\ntests:\n  - {say: [go], expect: {end: done}}\n"
    )
    done = simulate(flow(text, HEAD + "expires: 3 days\n"))
    codes = {(f.path, f.code) for f in done.findings}
    assert ("expires", "window") in codes  # told by the text
    assert ("steps.f", "window") in codes  # and by the machine
    assert ("tests", "test") in codes
    assert ("steps.b", "uncovered") in codes  # 5 is the least, and 5 is no less than 3


def test_the_ways_to_draw() -> None:
    found = {(way.start, way.to, way.by, way.label) for way in ways(flow())}
    assert ("size", "human", "answer", "large") in found
    assert ("size", "always.no_answer", "no_answer", "") in found
    assert ("", "human", "word", "agent") in found
    assert ("", "human", "not_understood", "") in found


def test_too_many_paths_are_cut() -> None:
    asks = "".join(f"  q{n}: {{ask: x, as: number, remember: n{n}, go: q{n + 1}}}\n" for n in range(8))
    tail = " or ".join(f"flow.n{n} > {n * 10 + 7}" for n in range(8))
    done = simulate(
        flow(f"steps:\n{asks}  q8: {{go: [{{if: {tail}, to: x}}, {{else: y}}]}}\n  x: {{end: x}}\n  y: {{end: y}}\n")
    )
    assert not done.whole
    assert done.moves < 10_000


def test_the_default_is_the_same_flow() -> None:
    assert simulate(flow(ASK)).flow == "trial"


def test_a_conversation_becomes_a_test() -> None:
    document = flow()
    heard = [
        message("text", "go on"),
        message("button", "Small", id="small", at=NOW + timedelta(minutes=1)),
        message("media", answer={"kind": "image", "id": "m1", "caption": "a: #1"}, at=NOW + timedelta(minutes=2)),
        message("text", "ana@example.com", at=NOW + timedelta(hours=1)),
    ]
    say, given, expect = make_test(document, heard)
    assert say == [
        "go on",
        {"tap": "small"},
        {"media": {"kind": "image", "caption": "a: #1"}},
        "58 minutes pass",
        heard[3].text,
    ]
    assert expect == {"end": "done", "size": "small", "email": "ana@example.com", "reply": "Bye, ana@example.com"}
    made = add_test(document.text, "what happened", given, expect, say)
    assert [r.passed for r in run_tests(read(made))] == [True]
    say, _, expect = make_test(document, heard[:1], NOW + timedelta(hours=5))
    assert (say[-1], expect) == ("5 hours pass", {"end": "silent", "reply": "How large?"})
