"""YAML as text with places: rule 3 of the language."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.documents import check, read
from connector.core.documents.findings import Finding
from connector.core.documents.reading import MAX_BYTES, read_tree
from connector.core.documents.tree import Map, Text, place, plain
from connector.errors import BadDocument

MAP_CHARS = st.text(
    alphabet=st.sampled_from(list("abc:{}[]-#|>&*!%@`'\"?,. \n\t\r=\u00a0\ufeff\x00\x85é“✓")), max_size=60
)


def tree(text: str) -> Map:
    found, findings = read_tree(text)
    assert found is not None, findings
    return found


def only(text: str) -> Finding:
    found = check(text, schema=None)
    assert found, "nothing was found"
    return found[0]


@pytest.mark.parametrize(
    "scalar",
    ["no", "on", "007", "12:30", "+573001112222", "1e3", "0x1F", "null", "~", "2026-11-23", "1_000", ".inf", "true"],
)
def test_text_stays_text(scalar: str) -> None:
    assert plain(tree(f"a: {scalar}\nb: [{scalar}]\nc: {{d: {scalar}}}")) == {
        "a": scalar,
        "b": [scalar],
        "c": {"d": scalar},
    }


def test_every_node_knows_its_place() -> None:
    root = tree("a: 1\nset:\n  city:\n    from: answer.id\n    map: {x: y}\n")
    assert (place(root, ("set", "city", "from")).line, place(root, ("set", "city", "from")).column) == (4, 11)
    assert isinstance(place(root, ("set", "city", "map", "x")), Text)
    assert place(root, ("set", "city", "nothing")) is place(root, ("set", "city"))


def test_a_value_that_was_left_out_is_not_an_empty_text() -> None:
    assert plain(tree('a:\nb: ""\n')) == {"a": None, "b": ""}


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("a: 1\nb: 2\na: 3", "doubled", 3, 1),
        ("set:\n  x: 1\n  y: {a: 1, a: 2}", "doubled", 3, 13),
        ("&x a: 1", "anchor", 1, 1),
        ("a: !!python/object:os.system x", "start", 1, 1),
        ("<<: {a: 1}", "merge", 1, 1),
        ("a: 1\n---\nb: 2", "several", 2, 1),
        ("- a\n- b", "not_a_map", 1, 1),
        ("", "empty", 1, 1),
        ("# only a remark", "empty", 1, 1),
        ("? [a, b]\n: c", "key", 1, 3),
        ("a: 'x\x00y'", "character", 1, 6),
        ("a: \ud800", "character", 1, 4),
        ("a: \x1b[31m", "character", 1, 4),
    ],
)
def test_what_yaml_takes_and_we_do_not(text: str, code: str, line: int, column: int) -> None:
    found = only(text)
    assert (found.code, found.line, found.column) == (code, line, column)


def test_too_large_and_too_deep() -> None:
    assert only("a: " + "x" * MAX_BYTES).code == "too_large"
    assert only("a: " + "[" * 25 + "]" * 25).code == "too_deep"
    assert only("a: " + "[" * 100_000).code == "too_deep"
    assert only("a:\n  b: " + "[x, {y: " * 20_000).line == 2
    assert only("a: é" + "é" * (MAX_BYTES // 2)).code == "too_large"


def test_twenty_levels_are_read() -> None:
    assert read_tree("a: " + "[" * 18 + "x" + "]" * 18)[0] is not None


def test_windows_line_ends_and_a_byte_order_mark() -> None:
    assert plain(tree("\ufeffa: 1\r\nb: two words\r\n")) == {"a": "1", "b": "two words"}


def test_a_misspelt_kind() -> None:
    assert only("maping: x\ncrm: y").hint == "Did you mean 'mapping'?"


def test_all_findings_come_with_the_first() -> None:
    with pytest.raises(BadDocument) as caught:
        read("mapping: x\nwhn: {}\nset: {a: '{{ b }}', c: }\n")
    error = caught.value
    codes = {f.code for f in error.facts["findings"]}
    assert {"missing", "unknown", "bare_word"} <= codes
    assert error.line == 1
    assert error.hint == error.facts["findings"][0].hint


@settings(deadline=None)
@given(MAP_CHARS)
def test_any_text_is_a_document_or_a_finding(text: str) -> None:
    for whole in (text, f"mapping: x\ncrm: y\nwhen: {{answer_to: t}}\nset:\n  a: {text}\n", f"mapping: x\nset: {text}"):
        found = check(whole, schema=None)
        assert all(f.line >= 1 and f.column >= 1 and f.message and f.code for f in found)
        if any(f.severity == "error" for f in found):
            with pytest.raises(BadDocument):
                read(whole)
        else:
            assert read(whole).text == whole


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_unicode_is_a_document_or_a_finding(text: str) -> None:
    assert all(f.line >= 1 and f.column >= 1 and f.message for f in check(text, schema=None))


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_read_as_text(raw: bytes) -> None:
    for text in (raw.decode("latin-1"), raw.decode("utf-8", "surrogateescape")):
        found = check(text, schema=None)
        assert found, "no random bytes are a mapping"
