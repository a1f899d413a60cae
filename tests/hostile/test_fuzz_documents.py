"""Documents and expressions that nobody would write: refused with a place and a reason, or they never raise again."""

import json
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from connector.core.documents import check, expressions, kind_and_name, read, run_tests
from connector.core.documents.comparing import shown
from connector.core.documents.expressions import BadExpression
from connector.core.documents.filters import FILTERS
from connector.core.documents.reading import read_tree
from connector.core.events import RecordChanged, TriggerCalled
from connector.errors import BadDocument
from tests.core.documents.make import NOW, message, scope
from tests.hostile import meter
from tests.hostile.test_fuzz_deliveries import judged
from tests.hostile.texts import ALL

ROOT = Path(__file__).parents[2]
TEXTS = [path.read_text("utf-8") for path in sorted((ROOT / "mappings").glob("*.yaml"))]
LINES = (
    "a: &a [x, x]", "b: *a", "<<: *a", "<<: {a: b}", "c: !!python/object/apply:os.system ['id']", "d: !!binary aGk=",
    "? [a, b]\n: c", "--- ", "...", "%YAML 1.1", "%TAG ! tag:x,2000:", "e: |\n  text", "f: >-\n", "\tg: tab", "h: {",
    "i: " + "[" * 100, "j: " + "{a: " * 61, "k: 'open", 'l: "open', "m: \"\\ud800\"", "- item", ": x", "set: {}",
    "set:\n  firstname: {from: answer.text, map: {a: b}}", "when: {matches: '(a+)+$'}", "when: {matches: '(?<=a)b'}",
    "when: {matches: '" + "(a|" * 300 + "'}", "when: {matches: 'a{1000}{1000}'}", "only_if: [answer.text == 'x']",
    'set: {a: "{{ ' + "(" * 200 + '"}',
    'set: {a: "{{ answer.text }}' * 50, "crm: hubspot", "mapping: x", "send: y", "flow: z",
    "steps: {a: {ask: b, go: a}}", "go: {a: a}", "tests: [{when: {}, then: {}}]", "within: 99999999999999999999 days",
    "about: " + "x" * 5000, "z: " + "y " * 3000, "#" * 3000, "n: 0x1F", "o: 1e999", "p: .nan", "q: 2026-13-45", "r: ~",
)  # fmt: skip


@st.composite
def texts(draw):
    """A shipped document with up to four things wrong in its lines."""
    lines = draw(st.sampled_from(TEXTS)).split("\n")
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        act = draw(st.sampled_from(("odd", "odd", "double", "drop", "indent", "value", "swap")))
        line = lines[at]
        indent = line[: len(line) - len(line.lstrip())]
        if act == "odd":
            lines.insert(at, indent + draw(st.sampled_from(LINES)))
        elif act == "double":
            lines[at:at] = [line] * draw(st.integers(1, 40))
        elif act == "drop" and len(lines) > 1:
            del lines[at]
        elif act == "indent":
            lines[at] = draw(st.sampled_from(["", " ", "   ", "\t", " " * 60])) + line.strip()
        elif act == "value":
            key, colon, _ = line.partition(":")
            odd = draw(st.sampled_from(ALL))
            lines[at] = f"{key}{colon} " + draw(st.sampled_from([odd, json.dumps(odd), f"'{odd}'"]))
        else:
            other = draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
    return "\n".join(lines)


def told(text):
    """What an admin hears of it; the document, where it is one."""
    found = check(text, schema=None)
    for one in found:
        assert one.message
        assert one.line >= 1
    kind_and_name(text)
    try:
        return read(text)
    except BadDocument as error:
        meter.says(error.message)
        return None


EVENTS = (
    message(text="hello"), message("button", id="accept", text="Accept"), message("list", id="1", text="One"),
    message("media", text=""), message(text="stop"), message("location", text="", answer={"latitude": 1e300}),
    RecordChanged(id="e", at=NOW, object="deals", record="7", what="changed", field="dealstage", value="won"),
    RecordChanged(id="f", at=NOW, object="Opportunity", record="006", what="created"),
    TriggerCalled(id="g", at=NOW, trigger="visit-reminder", object="contacts", record="1", values={"day": None}),
)  # fmt: skip


@meter.tries(300)
@given(texts())
def test_a_spoilt_document_is_refused_in_words_or_never_raises(text):
    note(text[:3000])
    document = meter.cheap(lambda: told(text), lambda _: 1 + len(text) // 1000)
    if document is None:
        return
    for event in EVENTS:
        meter.cheap(lambda event=event: judged(event, [document]), lambda _: 2)
    results = meter.cheap(lambda: run_tests(document), lambda found: 2 + len(found))
    assert all(one.passed or one.message for one in results)


@meter.tries(200)
@given(st.one_of(st.text(max_size=300), st.lists(st.sampled_from(LINES), max_size=12).map("\n".join)))
def test_any_text_is_read_or_refused(text):
    note(text)
    meter.cheap(lambda: told(text), lambda _: 1 + len(text) // 1000)


YAML_BOMBS = {  # each below a first line that a document has
    "aliases": "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"{b}: &{b} [*{a},*{a},*{a},*{a},*{a},*{a}]\n"
                                                     for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
    "merge": "a: &a {x: y}\nb: {<<: *a}\n",
    "tag": "a: !!python/object/apply:os.system ['touch /tmp/owned']\n",
    "doubled": "mapping: x\nmapping: y\n",
    "deep flow": "a: " + "[" * 5000 + "]" * 5000,
    "deep block": "\n".join(" " * n + "a:" for n in range(500)),
    "deep lists": "- " * 5000,
    "huge scalar": "a: " + "x" * 250_000,
    "too large": "a: " + "x" * 300_000,
    "many keys": "\n".join(f"k{n}: v" for n in range(5000)),
    "quotes": "a: " + "'" * 20_001,
    "escapes": 'a: "' + "\\x41" * 20_000 + '"',
    "several": "---\na: b\n" * 500,
    "colons": "a" + ": b" * 5000,
    "folded": "a: >\n" + "  x\n" * 20_000,
}  # fmt: skip
REFUSED_AS = {"aliases": "anchor", "merge": "anchor", "tag": "tag", "doubled": "doubled", "deep flow": "too_deep",
              "deep block": "too_deep", "too large": "too_large", "several": "several"}  # fmt: skip


@pytest.mark.parametrize("name", YAML_BOMBS)
def test_yaml_made_to_hurt_is_refused_soon(name):
    text = "mapping: bomb\n" + YAML_BOMBS[name]
    (root, findings), seconds = meter.timed(lambda: read_tree(text))
    assert seconds < meter.ITEM * meter.SLACK * (1 + len(text) // 20_000)
    codes = {one.code for one in findings if one.severity == "error"}
    if name in REFUSED_AS:
        assert root is None
        assert codes & {REFUSED_AS[name], "start"}  # told as what it would be taken for: a text without its quotes


def test_a_bomb_of_aliases_needs_no_memory():
    assert meter.memory(lambda: read_tree("mapping: x\n" + YAML_BOMBS["aliases"])) < 4 * meter.MB
    assert meter.memory(lambda: read_tree("mapping: x\n" + YAML_BOMBS["deep flow"])) < 4 * meter.MB


# ---- expressions --------------------------------------------------------------------------------------------------
LEAVES = st.one_of(
    st.sampled_from(["answer.text", "message.text", "contact.name", "contact.lifecyclestage", "now", "answer.id",
                     "answer.items.0", "number.phone", "message.at", "none", "true", "false", "deal.amount"]),
    st.sampled_from(["0", "-1", "9" * 400, "1.5e300", "1e999", "0.1", "1_000", "'a'", "''", "'\\ud800'",
    "'" + "x" * 300 + "'",
                     "[]", "['a', 'b']", "{}", "()", "x", "config", "self", "request", "cycler", "_", "__import__"]),
)  # fmt: skip


def wider(inner):
    name = st.sampled_from([*FILTERS, "attr", "map", "format", "tojson", "no_such"])
    arguments = st.lists(inner, max_size=3).map(", ".join)
    return st.one_of(
        st.tuples(inner, name).map(lambda p: f"{p[0]} | {p[1]}"),
        st.tuples(inner, name, arguments).map(lambda p: f"({p[0]} | {p[1]}({p[2]}))"),
        st.tuples(inner, st.sampled_from(["~", "==", "!=", "<", ">=", "and", "or", "in", "not in", "*", "+", "**",
        "%", "//"]),
                  inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} if {p[1]} else {p[2]})"),
        st.tuples(inner, st.sampled_from(["()", ".__class__", ".__class__.__mro__", "[0]", "[1:2]", "['a']", ".0",
        " is defined"]))
        .map("".join),
        inner.map(lambda e: f"not {e}"),
        inner.map(lambda e: f"({e})"),
        inner.map(lambda e: f"-{e}"),
        st.lists(inner, max_size=4).map(lambda e: f"[{', '.join(e)}]"),
    )  # fmt: skip


EXPRESSIONS = st.recursive(LEAVES, wider, max_leaves=25)
ANSWERS = ("", "a", "Sí, ¡mañana!", "1.234,56", "a,b;c" * 50, "=1+1\r\n", "\u202eabc\x00", "x" * 20_000, "a " * 10_000)


def given_scope(text):
    return scope(message(text=text), lifecyclestage=text[:50], amount="1e999")


@meter.tries(700)
@given(EXPRESSIONS, st.sampled_from(ANSWERS))
def test_an_expression_is_refused_when_it_is_read_or_never_raises(text, answer):
    note(text)
    for make, source in ((expressions.bare, text), (expressions.value, f"a {{{{ {text} }}}} b")):
        try:
            made = meter.cheap(partial(make, source), partial(lambda n, _: n, 1 + len(source) // 500))
        except BadExpression as error:
            meter.says(str(error))
            continue
        found = meter.cheap(lambda made=made: made.run(given_scope(answer)), lambda _: 2)
        assert len(shown(found)) < 1_000_000


@meter.tries(400)
@given(st.one_of(st.text(max_size=80), st.text("{}%#|~()[].'\"\\ _a0=<>*-", max_size=120)))
def test_any_text_is_an_expression_or_none(text):
    for make in (expressions.bare, expressions.value):
        try:
            made = meter.cheap(lambda make=make: make(text))
        except BadExpression:
            continue
        meter.cheap(lambda made=made: made.run(given_scope("hello")))


ESCAPES = (
    "''.__class__", "answer.__class__", "answer.text.__class__.__mro__", "config", "self", "request.application",
    "cycler.__init__", "lipsum()", "range(10**9)", "'a' * 10**9", "9**9**9", "answer['__class__']", "answer|attr('x')",
    "namespace()", "dict()", "open('/etc/passwd')", "answer.text.format(1)", "'%s' % answer",
    "contact._sa_instance_state",
)  # fmt: skip


@pytest.mark.parametrize("text", ESCAPES)
def test_no_expression_leaves_its_language(text):
    with pytest.raises(BadExpression):
        expressions.bare(text)


@pytest.mark.parametrize(
    "text",
    ["answer.text | split('a') | join(answer.text)",
    "answer.text | split('a') | join(answer.text) | split('a') | join(answer.text)",
     "answer.text | replace('a', answer.text)", "answer.text | replace('a', answer.text) | replace('a', answer.text)",
     " ~ ".join(["answer.text"] * 40)],
)  # fmt: skip
def test_a_text_multiplied_with_itself_stays_small(text):
    made, at = expressions.bare(text), given_scope("a " * 20_000)
    assert len(shown(made.run(at))) < 2_000_000
    assert meter.memory(lambda: made.run(at)) < 40 * meter.MB
    assert meter.timed(lambda: made.run(at))[1] < meter.ITEM * meter.SLACK


REGEXES = (
    "(a+)+$",
    "(a|aa)+$",
    "(.*a){20}",
    "^(([a-z])+.)+[A-Z]([a-z])+$",
    "(a|b|ab)*c",
    r"(\w+\s?)+$",
    "(x+x+)+y",
    ".*.*.*.*=",
)


@pytest.mark.parametrize("pattern", REGEXES)
def test_no_pattern_of_an_admin_waits_for_a_customers_text(pattern):
    made = read(f"mapping: x\ncrm: hubspot\nwhen: {{answer_to: anything, matches: '{pattern}'}}\nset: {{a: b}}\n")
    for text in ("a" * 4096 + "!", "x" * 4096, "ab" * 2000, "aA " * 1300):
        meter.cheap(lambda text=text: [test(scope(message(text=text))) for test in made.early])
