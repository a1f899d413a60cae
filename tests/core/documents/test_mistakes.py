"""What admins write, and what they are told: the line rewritten, and the rewriting is right."""

import pytest

from connector.core.documents import check
from connector.core.documents.mistakes import quote
from tests.core.documents.make import HEAD

SET = HEAD + "set:\n"


def findings(text: str) -> list[tuple[str, int, str]]:
    return [(f.code, f.line, f.hint.removeprefix("Write: ")) for f in check(text, schema=None)]


# (what was written, the code, the line as it should be)
YAML = [
    ("  firstname: {{ answer.text }}", "unquoted", 'firstname: "{{ answer.text }}"'),
    ("  firstname: {{ answer.text }}   # the name", "unquoted", 'firstname: "{{ answer.text }}"   # the name'),
    (
        "  firstname: {{ answer.text | default('you') }}",
        "unquoted",
        "firstname: \"{{ answer.text | default('you') }}\"",
    ),
    (
        '  firstname: {{ answer.text | default("you") }}',
        "unquoted",
        "firstname: '{{ answer.text | default(\"you\") }}'",
    ),
    ("  firstname: {value: {{ answer.text }}}", "unquoted", 'firstname: {value: "{{ answer.text }}"}'),
    ("  firstname: *Ana*", "start", 'firstname: "*Ana*"'),
    ("  firstname: @ana", "start", 'firstname: "@ana"'),
    ("  firstname: %20", "start", 'firstname: "%20"'),
    ("  firstname: > 5 people", "start", 'firstname: "> 5 people"'),
    ("  firstname: [VIP] Ana", "start", 'firstname: "[VIP] Ana"'),
    ("  firstname: !important", "start", 'firstname: "!important"'),
    ("  firstname: `Ana`", "start", 'firstname: "`Ana`"'),
    ("  firstname: &ana", "start", 'firstname: "&ana"'),
    ("  firstname: Hello: Ana", "colon", 'firstname: "Hello: Ana"'),
    ("  firstname: Hello: Ana   # remark", "colon", 'firstname: "Hello: Ana"   # remark'),
    ("  firstname: 'it's Ana'", "quotes", 'firstname: "it\'s Ana"'),
    ('  firstname: "Ana" Ruiz', "quotes", "firstname: '\"Ana\" Ruiz'"),
    ("  firstname: “Ana, Ruiz”", "curly_quotes", 'firstname: "Ana, Ruiz"'),
    ("  firstname: [Ana]", "not_text", 'firstname: "[Ana]"'),
]


@pytest.mark.parametrize(("line", "code", "mended"), YAML)
def test_the_line_is_rewritten(line: str, code: str, mended: str) -> None:
    found = findings(SET + line + "\n")
    assert found == [(code, 5, mended)]


@pytest.mark.parametrize(("line", "code", "mended"), YAML)
def test_the_rewritten_line_is_right(line: str, code: str, mended: str) -> None:
    assert findings(f"{SET}  {mended}\n") == []


def test_a_text_that_a_remark_cuts_is_a_warning() -> None:
    text = SET + "  firstname: Call about order #12\n"
    (found,) = check(text, schema=None)
    assert (found.code, found.severity, found.line) == ("cut", "warning", 5)
    assert found.hint == 'Write: firstname: "Call about order #12"'
    assert findings(SET + "  firstname: Apartment # 5\n")[0][2] == 'firstname: "Apartment # 5"'


@pytest.mark.parametrize(
    "line", ["  firstname: Ana   # her name", "  firstname: Ana # her name", '  firstname: "a #1"', "  firstname: a#1"]
)
def test_a_remark_is_a_remark(line: str) -> None:
    assert findings(SET + line + "\n") == []


def test_a_comma_inside_braces_that_makes_a_button_without_a_title() -> None:
    line = "    map: {yes: Yes, please, no: No}\n"
    found = findings(f"{SET}  answer:\n    from: answer.id\n{line}    else: skip\n")
    assert found == [("comma", 7, 'map: {yes: "Yes, please", no: No}')]


@pytest.mark.parametrize("space", ["\u00a0", "\u2003", "\u3000", "\u200b", " \u00a0"])
def test_no_break_spaces_in_the_indentation(space: str) -> None:
    (found,) = check(f"{SET}{space} firstname: Ana\n", schema=None)
    assert (found.code, found.line) == ("no_break_space", 5)
    assert "Write: firstname: Ana" in found.hint


def test_a_no_break_space_after_the_colon_and_tabs() -> None:
    assert findings(f"{SET}  firstname:\u00a0Ana\n") == [("no_break_space", 5, "firstname: Ana")]
    assert findings(f"{SET}\tfirstname: Ana\n")[0][:2] == ("tab", 5)


def test_a_block_of_text_may_hold_anything() -> None:
    text = f"{HEAD}reply: |\n  Hello: {{{{ contact.name }}}} # {{ }}\n  \u00a0indented\n  * star\n"
    assert findings(text) == []


def test_an_unclosed_bracket_is_found_where_it_opens() -> None:
    found = findings(SET + "  firstname: [Ana\n  lastname: Ruiz\n")
    assert found == [("start", 5, 'firstname: "[Ana"')]


def test_conditions_with_lists_are_quoted() -> None:
    text = (
        "mapping: a\ncrm: b\nwhen:\n  answer_to: anything\n"
        "  only_if: [contact.a >= 500, contact.b in ['CO', 'MX']]\nclear: x\n"
    )
    assert findings(text) == [("start", 5, "only_if: [\"contact.a >= 500\", \"contact.b in ['CO', 'MX']\"]")]


# (expression, code, the expression as it should be)
EXPRESSIONS = [
    ("answer.text == yes", "bare_word", "answer.text == 'yes'"),
    ("answer.text == I agree", "bare_word", "answer.text == 'I agree'"),
    ("answer.text == sign-up", "bare_word", "answer.text == 'sign-up'"),
    ("answer.text = 'yes'", "equals", "answer.text == 'yes'"),
    ("answer.text = yes", "expression", "answer.text == 'yes'"),
    ("answer.text === 'yes'", "equals", "answer.text == 'yes'"),
    ("answer.text <> 'yes'", "equals", "answer.text != 'yes'"),
    ("answer.text == 'a' AND contact.x == 'b'", "and_or", "answer.text == 'a' and contact.x == 'b'"),
    ("answer.text == 'a' && contact.x == 'b'", "and_or", "answer.text == 'a' and contact.x == 'b'"),
    ("answer.text == 'a' || contact.x == 'b'", "and_or", "answer.text == 'a' or contact.x == 'b'"),
    ("NOT contact.x", "and_or", "not contact.x"),
    ("answer.text contains 'demo'", "contains", "'demo' in answer.text"),
    ("answer.text contains demo", "contains", "'demo' in answer.text"),
    ("answer.text does not contain 'demo'", "contains", "'demo' not in answer.text"),
    ("answer.text == “yes”", "curly_quotes", 'answer.text == "yes"'),
    ("answer.text == null", "none", "answer.text == none"),
    ("answer.text.lower() == 'yes'", "call", "answer.text | lower == 'yes'"),
    ("anwser.text == 'yes'", "word", "answer.text == 'yes'"),
    ("answer.text = yes AND contact.x contains demo", "expression", "answer.text == 'yes' and 'demo' in contact.x"),
]


@pytest.mark.parametrize(("wrong", "code", "right"), EXPRESSIONS)
def test_slips_in_expressions_are_mended_in_their_line(wrong: str, code: str, right: str) -> None:
    text = "mapping: a\ncrm: b\nwhen:\n  answer_to: anything\n  only_if:\n    - {}\nclear: x\n"
    (found,) = check(text.replace("{}", wrong), schema=None)
    assert (found.code, found.line, found.path) == (code, 6, "when.only_if.0")
    mended = found.hint.partition("Write: - ")[2]
    assert mended in (right, quote(right))
    assert check(text.replace("{}", mended), schema=None) == []


def test_a_bare_word_is_asked_about() -> None:
    (found,) = check(SET + "  x: {from: answer.text == yes}\n", schema=None)
    assert found.hint == "Did you mean 'yes' in quotes? Write: x: {from: answer.text == 'yes'}"


@pytest.mark.parametrize(
    "text", ["contact.amount * 2", "contact.amount + 1", "contact.a / contact.b", "contact.a ** 2", "-contact.a"]
)
def test_arithmetic_belongs_into_the_crm(text: str) -> None:
    (found,) = check(f"{SET}  x: '{{{{ {text} }}}}'\n", schema=None)
    assert found.code == "arithmetic"
    assert "make a calculated field in the CRM" in found.hint


def test_only_the_expression_in_a_text_is_mended() -> None:
    (found,) = check(SET + "  x: \"a = b and {{ 'yes' if answer.text = 'y' else 'no' }}\"\n", schema=None)
    assert found.hint == "Write: x: \"a = b and {{ 'yes' if answer.text == 'y' else 'no' }}\""
