"""A flow laid out as a tree, and played on a phone: every step drawn once, nothing sent, a test that passes."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.core.documents import FlowDocument, read, run_tests
from connector.core.documents.flow_drawing import Drawing, draw
from connector.core.documents.flow_graph import ways
from connector.core.documents.flow_phone import play, with_test
from connector.errors import GiveUp
from tests.core.documents.make_flow import ASK, flow
from tests.core.test_flow_drawn import flows
from tests.depth import examples

SLOW = settings(max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.too_slow])
FOLDER = Path(__file__).parents[3] / "mappings"
EXAMPLES = sorted(path for path in FOLDER.glob("*.yaml") if path.read_text("utf-8").startswith("flow:"))


def told(drawing: Drawing) -> list[str]:
    """The rows, indented; > leads down, < leads up."""
    found = []
    for row in drawing.rows:
        label = f"[{', '.join(row.labels)}] " if row.labels else f"({row.by}) " if row.by else ""
        what = f"{'<' if row.up else '>'} {row.to}" if row.to else row.step.name if row.step else ""
        found.append("  " * row.depth + label + what)
    return found


def test_branches_stand_under_their_step_and_joins_behind_them() -> None:
    made = draw(flow())
    assert told(made) == ["size", "  [Small] email", "  bye", "  [Large] human"]
    assert [(one.by, one.to, one.label) for one in made.anywhere] == [
        ("word", "human", "agent"), ("not_understood", "human", "1"), ("no_answer", "always.no_answer", "2 hours"),
    ]  # fmt: skip
    assert [row.step.name for row in made.loose if row.step] == ["always.no_answer"]
    box = made.rows[0].step
    assert box is not None
    assert (box.kind, box.says, box.keeps, box.line) == ("buttons", "How large?", ("size",), 5)
    joined = flow(ASK.replace("go: bye}", "go: human}"))
    assert told(draw(joined))[:4] == ["size", "  [Small] email", "  > human", "  [Large] > human"]


def test_a_way_back_leads_up_and_a_circle_is_drawn() -> None:
    back = flow(ASK.replace('bye: {say: "Bye, {{ flow.email }}", end: done}', "bye: {say: Once more, go: size}"))
    assert "  < size" in told(draw(back))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_drawn_whole(path: Path) -> None:
    whole(read(path.read_text("utf-8")))


@SLOW
@given(flows())
def test_every_step_is_drawn_once_and_every_way_leads_to_one(document: FlowDocument) -> None:
    whole(document)


def whole(document: FlowDocument) -> None:
    made = draw(document)
    names = [box.name for box in made.steps]
    assert sorted(names) == sorted(document.steps)
    assert {row.to for row in (*made.rows, *made.loose)} <= {"", *names}
    rows = [*made.rows, *made.loose]
    assert all(b.depth <= a.depth + 1 for a, b in pairwise(rows) if b not in made.loose[:1])
    led = {way.to for way in ways(document)} & set(names)
    shown = {row.to for row in rows if row.to} | {row.step.name for row in rows if row.step} | {
        one.to for one in made.anywhere
    }  # fmt: skip
    assert led <= shown


def test_a_chain_of_a_thousand_steps_is_drawn() -> None:
    steps = "".join(f"  s{n}: {{say: Hello, go: s{n + 1}}}\n" for n in range(1000))
    made = draw(flow(f"steps:\n{steps}  s1000: {{end: done}}\n"))
    assert len(made.rows) == 1001
    assert {row.depth for row in made.rows} == {0}


# ---- the phone -----------------------------------------------------------------------------------------------------
def test_the_phone_shows_both_sides_and_what_the_crm_gets() -> None:
    found = play(flow(), ["go", {"tap": "small"}, {"text": "ana@example.com"}], {})
    assert [(line.who, line.text or line.message.get("text")) for line in found.lines] == [
        ("customer", "go"), ("flow", "How large?"), ("customer", "Small"), ("note", "size: small"),
        ("flow", "Your e-mail?"), ("customer", "ana@example.com"), ("note", "email: ana@example.com"),
        ("flow", "Bye, ana@example.com"),
    ]  # fmt: skip
    assert (found.walked, found.end, found.waits) == (("size", "email", "bye"), "done", "")


def test_what_may_come_next() -> None:
    start = play(flow(), [], {})
    assert (start.starters, start.waits, start.lines) == (("go",), "", ())
    asked = play(flow(), ["go"], {})
    assert (asked.taps, asked.wants, asked.later) == (
        (("small", "Small"), ("large", "Large")),
        "choice",
        "2 hours pass",
    )
    assert play(flow(), ["no such word"], {}).stray
    by_hand = play(flow(), [{"begin": ""}], {})
    assert by_hand.step == "size"
    held = flow(ASK.replace("end: handed_over}", "go: bye}"))
    person = play(held, ["go", {"tap": "large"}], {})
    assert (person.waits, person.step) == ("person", "human")
    assert play(held, ["go", {"tap": "large"}, {"give_back": ""}], {}).end == "done"


def test_a_conversation_becomes_a_test_that_passes_and_comments_survive() -> None:
    document = flow(ASK + "tests:  # ours\n  - {name: go, say: [go], expect: {step: size}}  # first\n")
    made = with_test(document, ["go", {"tap": "small"}, "3 hours pass", {"text": "small"}, {"media": "image"}], {})
    assert made.startswith(document.text.rstrip("\n"))
    assert "say: [go, small, 3 hours pass, {text: small}, {media: image}]" in made
    results = run_tests(read(made))
    assert [one.passed for one in results] == [True, True], results


@pytest.mark.parametrize(
    ("said", "why"), [([], "Nothing"), ([{"begin": ""}], "only what a customer"), (["no such word"], "never began")]
)
def test_what_can_be_no_test(said: list, why: str) -> None:
    with pytest.raises(GiveUp, match=why):
        with_test(flow(), said, {})


SAID = st.one_of(
    st.sampled_from(["go", "2 hours pass", "40 days pass", "STOP", "agent"]), st.text(min_size=1, max_size=20),
    st.sampled_from([{"tap": "small"}, {"tap": "yes"}, {"media": "audio"}, {"location": ""}, {"contact": ""},
                     {"give_back": ""}, {"begin": ""}, {"reaction": "👍"}]),
    st.builds(lambda text: {"text": text}, st.text(max_size=20)),
)  # fmt: skip


@SLOW
@given(flows(), st.lists(SAID, max_size=8))
def test_the_phone_never_breaks_and_its_tests_pass(document: FlowDocument, said: list) -> None:
    found = play(document, said, {})
    assert set(found.walked) <= set(document.steps)
    try:
        made = with_test(document, said, {})
    except GiveUp:
        return
    assert run_tests(read(made))[-1].passed, made
