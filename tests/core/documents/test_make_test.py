"""Additions to a text: it always reads again, says what was added, and keeps every other character."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core import documents as language
from connector.core.documents import MappingDocument
from connector.core.documents.editing import add_test, add_to_map, scalar
from connector.core.documents.reading import read_tree
from connector.core.documents.tree import plain
from connector.errors import GiveUp
from tests.depth import examples

EXAMPLES = sorted((Path(__file__).parents[3] / "mappings").glob("*.yaml"))
MAPPED = """# at the top
mapping: webinar-interest
crm: hubspot
when: {answer_to: webinar_invite_v2, type: button}   # the invitation
set:
  lifecyclestage:
    from: answer.id
    MAP
    else: review   # a person looks
  # between
  whatsapp_last_answer: "{{ answer.title }}"
TESTS
# at the end
"""
MAPS = (
    "map: {interested: salesqualifiedlead, later: lead}   # flow",
    "map:\n      interested: salesqualifiedlead   # one\n      # two\n      later: lead\n      # three",
    "map: {\n      interested: salesqualifiedlead,   # one\n      later: lead,\n    }",
    "map: {later: lead,\n      'no': \"x, y\"}",
)
TESTS = (
    "",
    "tests: []   # none yet",
    "tests:\n  - {name: one, given: {answer.id: later}, expect: {lifecyclestage: lead}}   # remark",
    "tests:\n- name: one\n  given: {answer.id: later}\n  # inside\n  expect:\n    lifecyclestage: lead   # remark\n\n",
    "tests: [{name: one, given: {answer.id: later}, expect: {lifecyclestage: lead}}]",
    "tests:\n    - name: >\n        folded\n        name\n      given: {answer.id: later}\n"
    "      expect: {lifecyclestage: lead}",
)
TEXTS = [MAPPED.replace("MAP", m).replace("TESTS", t) for m in MAPS for t in TESTS]
words = st.one_of(
    st.sampled_from(
        ["yes", "no", "~", "null", "", " a ", "a: b", "#x", "x #y", "{{ a }}", "- x", "'", '"', "\\", "a,b", "[x]",
         "é\u0301", "👍🏽", "a\nb", "tab\there", "\u2028", "“x”", "!tag", "&a", "*a", "%", "@", "`", "?", "x:", "0x1F",
         "=", "<<", "|", ">", "\u00a0x"]
    ),
    st.text(max_size=40),
)  # fmt: skip


def kept(before: str, after: str) -> bool:
    """`after` is `before` with something put in at one place."""
    n = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after)))
    return after.endswith(before[n:]) and len(after) > len(before)


def items(text: str) -> Any:
    tree, _ = read_tree(text)
    assert tree is not None
    return plain(tree)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_every_example_takes_another_test(path: Path) -> None:
    text = path.read_text()
    known = language.read(text).tests[0]
    given = {"answer.id": "x"} if "mapping:" in text else {"now": "2026-11-24"}
    say, expect = (["hi", {"tap": "x"}], {"end": "done"}) if "\nsteps:" in text else ([], {"outcome": "review"})
    made = add_test(text, "one more: #1", given, expect, say)
    assert kept(text, made)
    document = language.read(made)
    assert document.tests[0].name == known.name
    assert document.tests[-1].name == "one more: #1"


@pytest.mark.parametrize("text", TEXTS)
def test_wherever_tests_and_map_stand(text: str) -> None:
    made = add_test(
        add_to_map(text, "lifecyclestage", "maybe", "other"), "new", {"answer.id": "maybe"}, {"lifecyclestage": "other"}
    )
    document = language.read(made)
    assert isinstance(document, MappingDocument)
    assert [t.passed for t in language.run_tests(document)] == [True] * len(document.tests)
    assert all(
        remark in made
        for remark in ("# at the top", "# the invitation", "# a person looks", "# between", "# at the end")
    )


@settings(max_examples=examples(300), deadline=None)
@given(
    text=st.sampled_from(TEXTS),
    name=words,
    values=st.dictionaries(words.map(lambda w: f"answer.{w}x"), words, max_size=4),
)
def test_a_test_of_anything_reads_again(text: str, name: str, values: dict[str, str]) -> None:
    try:
        made = add_test(text, name, values, {"outcome": "review"})
    except GiveUp:
        assert any("\ud800" <= c <= "\udfff" for c in name + "".join([*values, *values.values()]))
        return
    assert kept(text, made)
    assert items(made)["tests"][-1] == {"name": name or None, "given": values, "expect": {"outcome": "review"}} | (
        {"name": name}
    )


@settings(max_examples=examples(300), deadline=None)
@given(text=st.sampled_from(TEXTS), answer=words, value=words)
def test_an_entry_of_anything_reads_again(text: str, answer: str, value: str) -> None:
    try:
        made = add_to_map(text, "lifecyclestage", answer, value)
    except GiveUp as error:
        why = error.message
    else:
        why = ""
    if why:
        unusable = answer == "<<" or any("\ud800" <= c <= "\udfff" for c in answer + value)
        assert "already" in why or unusable
        return
    assert kept(text, made)
    assert items(made)["set"]["lifecyclestage"]["map"][answer] == value


@given(text=st.text(max_size=60))
def test_a_scalar_says_the_same_in_a_list(text: str) -> None:
    if not any("\ud800" <= c <= "\udfff" for c in text):
        assert items(f"a: [{scalar(text)}, {{{scalar(text)}: x}}]") == {"a": [text, {text: "x"}]}


def test_line_ends_and_documents_in_braces() -> None:
    windows = TEXTS[0].replace("\n", "\r\n")
    assert add_to_map(windows, "lifecyclestage", "maybe", "other").count("\r\n") == windows.count("\r\n")
    rule = '{"from": "answer.id", "map": {}, "else": "review"}'
    braces = f'{{"mapping": "m", "crm": "hubspot", "when": {{"answer_to": "t"}}, "set": {{"a": {rule}}}}}'
    made = add_test(add_to_map(braces, "a", "x", "1"), "n", {"answer.id": "x"}, {"a": "1"})
    assert [t.passed for t in language.run_tests(language.read(made))] == [True]


@pytest.mark.parametrize(
    "text, field, why",
    [
        ("mapping: m\nset: {a: {from: answer.id, map: {x: y}}}\n", "b", "no `map:`"),
        ("mapping: m\nset: {a: {from: answer.id, map: {Sí: y}}}\n", "a", "already"),
        ("mapping: [\n", "a", "cannot be read"),
    ],
)
def test_what_cannot_be_added_says_why(text: str, field: str, why: str) -> None:
    with pytest.raises(GiveUp, match=why):
        add_to_map(text, field, "si", "1")
