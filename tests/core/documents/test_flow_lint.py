"""What is told of a `flow:` at save: in the admin's words, at the line, with what to do."""

from dataclasses import replace
from typing import Any

import pytest

from connector.core.documents import check, check_together, run_tests
from connector.core.documents.findings import Finding
from tests.core.documents.make import Field
from tests.core.documents.make_flow import ASK, HEAD, flow
from tests.core.template_parts import REPLY, body, buttons, made

END = "  z: {end: done}\n"
ROWS = ", ".join(f"r{n}: R{n}" for n in range(11))


def found(steps: str, head: str = HEAD, **known: Any) -> list[Finding]:
    return check(f"{head}steps:\n{steps}", **known)


def only(steps: str, head: str = HEAD, **known: Any) -> Finding:
    (one,) = found(steps, head, **known)
    return one


def test_a_good_flow_has_no_findings() -> None:
    assert check(HEAD + ASK) == []


@pytest.mark.parametrize(
    ("steps", "code", "says", "hint"),
    [
        ("  a: {say: x, go: nowhere}\n" + END, "unknown_step", "no step 'nowhere'", "The steps are a, z."),
        ("  one: {say: x, go: secnd}\n  second: {end: done}\n", "unknown_step", "no step 'secnd'", "mean 'second'"),
        ("  a: {say: x}\n" + END, "together", "dead end", "go: name-of-a-step"),
        ("  a: {ask: x, buttons: {y: Y, n: N}, go: {y: z}}\n" + END, "dead_end", "`n` leads nowhere", "else:"),
        ("  a: {ask: x, buttons: {yes: Y}, go: {yes: z, yess: z}}\n" + END, "go", "none of the answers", "'yes'"),
        ("  a: {ask: x, go: [{if: answer.text == 'y', to: z}]}\n" + END, "dead_end", "no condition holds", "else"),
        ("  a: {ask: x, go: {y: z}}\n" + END, "dead_end", "Any other answer leads nowhere", "else:"),
        ("  a: {say: x, go: {y: z}}\n" + END, "go", "asks nothing", "ask a question"),
        ("  a: {say: x, ask: y, go: z}\n" + END, "together", "cannot stand together", "`ask`"),
        ("  a: {say: x, buttons: {y: Y}, go: z}\n" + END, "together", "belong to a question", "`ask:`"),
        ("  a: {say: x, save: email, go: z}\n" + END, "together", "need a question", "`ask:`"),
        ("  a: {say: x, link: {text: y}, go: z}\n" + END, "missing", "`url` is missing", ""),
        ("  a: {say: '{{ flow.sise }}', go: b}\n  b: {ask: x, remember: size, end: z}\n", "unsaved", "sise", "'size'"),
        ("  a: {say: x, go: a.b}\n  a.b: {end: done}\n", "name", "cannot be the name", "Letters"),
        ("  a: {ask: x, buttons: {y: Yes, n: Yes}, go: z}\n" + END, "doubled", "called 'Yes'", "another label"),
        ("  a: {say: x, end: All done}\n", "end", "not one word", "qualified"),
        ("  a: {say: x, set: {contact.x: y}, end: z}\n", "field", "without `contact.`", "Write x"),
        ("  a: {say: x, buton: y, end: z}\n", "unknown", "'buton'", "'button'"),
    ],
)  # fmt: skip
def test_what_cannot_be_read(steps: str, code: str, says: str, hint: str) -> None:
    one = found(steps)[0]
    assert (one.code, one.severity) == (code, "error")
    assert says in one.message
    assert hint in one.hint
    assert one.line >= 5


@pytest.mark.parametrize(
    ("steps", "code", "says", "hint"),
    [
        ("  a: {end: done}\n  b: {end: done}\n", "unreachable", "No way leads to the step 'b'", "go: b"),
        ("  a: {say: x, go: b}\n  b: {say: y, go: a}\n", "loop", "go round for ever", "Ask something"),
        ("  a: {ask: x, go: b}\n  b: {ask: y, go: a}\n", "loop", "without an exit", "`end:`"),
        ("  a: {ask: x, buttons: {y: A label that is too long}, go: z}\n" + END, "too_long", "24 char", "Shorten"),
        ("  a: {ask: x, buttons: {a: A, b: B, c: C, d: D}, go: z}\n" + END, "buttons", "4 buttons", "list: {a: A"),
        ("  a: {ask: x, list: {S: {" + ROWS + "}}, go: z}\n" + END, "rows", "11 rows", "two steps"),
        ("  a: {ask: x, list: {r: " + "t" * 25 + "}, go: z}\n" + END, "too_long", "takes 24", ""),
        ("  a: {ask: x, list: {r: R | " + "d" * 73 + "}, go: z}\n" + END, "too_long", "takes 72", ""),
        ("  a: {ask: " + "x" * 1025 + ", buttons: {y: Y}, go: z}\n" + END, "too_long", "takes 1,024", ""),
        ("  a: {say: " + "x" * 4097 + ", go: z}\n" + END, "too_long", "takes 4,096", ""),
        ("  a: {ask: {es: x, en: y}, go: b}\n  b: {say: {es: x}, end: z}\n", "language", "missing in en", "en: ..."),
        ("  a: {say: x, go: b}\n  b: {wait: 30 hours, end: z}\n", "window", "expires after 23 hours", "60 hours"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_whole(steps: str, code: str, says: str, hint: str) -> None:
    one = only(steps)
    assert one.code == code
    assert says in one.message
    assert hint in one.hint


def test_a_path_that_outlives_the_window() -> None:
    head = HEAD + "expires: 3 days\n"
    steps = "  a: {say: x, go: b}\n  b: {wait: 2 days, go: c}\n  c: {say: y, end: done}\n"
    assert [f.code for f in found(steps, head)] == ["window", "window"]
    assert "'c' may speak 2 days after the customer's last message" in found(steps, head)[1].message
    assert found(steps, head + "reopen: back\n") == []


def test_a_name_that_is_read_before_it_is_kept() -> None:
    steps = (
        "  a: {ask: x, buttons: {y: Y, n: N}, go: {y: b, n: c}}\n  b: {ask: y, remember: size, go: c}\n"
        "  c: {say: 'It is {{ flow.size }}', end: done}\n"
    )
    one = only(steps)
    assert (one.code, one.severity, one.line) == ("early", "warning", 7)
    assert only(steps).hint.startswith("Ask for it before")
    assert found(steps.replace("flow.size }}", "flow.size | default(0) }}")) == []


def test_a_stop_word_leads_nowhere_else() -> None:
    text = HEAD + ASK.replace("words: {agent: human}", "words: {stop: human}")
    (one,) = check(text)
    assert one.code == "stop_word"


# ---- the CRM and the templates -------------------------------------------------------------------------------------
FIELDS = {
    "contacts": [
        Field("email", "email"), Field("size", "choice", options=(("small", "Small"), ("big", "Big"))),
        Field("score", "number"), Field("made_at", "datetime", writable=False),
    ]
}  # fmt: skip


@pytest.mark.parametrize(
    ("step", "code", "says", "hint"),
    [
        ("ask: x, save: budget", "unknown_field", "no field 'budget'", "create it in the CRM, or use remember: budget"),
        ("ask: x, save: emial", "unknown_field", "no field 'emial'", "Did you mean 'email'?"),
        ("ask: x, as: date, save: score", "type", "does not fit", "as: number"),
        ("ask: x, buttons: {small: S, large: L}, save: size", "option", "'large' is not an option", "small, big"),
        ("ask: x, save: made_at", "read_only", "read-only", "can be written"),
        ("say: x, set: {size: huge}", "option", "'huge'", "small, big"),
        ("say: '{{ contact.emial }}'", "unknown_field", "no field 'emial'", "'email'"),
    ],
)
def test_fields_of_the_crm(step: str, code: str, says: str, hint: str) -> None:
    one = only(f"  a: {{{step}, go: z}}\n{END}", schema=FIELDS)
    assert one.code == code
    assert says in one.message
    assert hint in one.hint


def test_answers_that_the_map_turns_into_options() -> None:
    step = "  a: {ask: x, buttons: {s: S, l: L}, save: {field: size, map: {s: small, l: big}}, go: z}\n"
    assert found(step + END, schema=FIELDS) == []


BACK = made(body("Hi {{name}}"), buttons(REPLY), format="named")


@pytest.mark.parametrize(
    ("reopen", "code", "says"),
    [
        ("welcom", "unknown_template", "no template 'welcom'"),
        ("welcome", "template_missing", "name"),
        ("{name: welcome, with: {name: x, other: y}, buttons: [y]}", "template_extra", "other"),
        ("{name: welcome, with: {name: x}, buttons: [y, n]}", "template_buttons", "button"),
        ("paused", "template", "not approved: paused (en)"),
        ("two", "language", "does not say in which it speaks"),
    ],
)
def test_templates_do_not_fit(reopen: str, code: str, says: str) -> None:
    known = [
        replace(BACK, name="welcome"),
        replace(BACK, name="paused", status="PAUSED"),
        replace(BACK, name="two", components=()),
        replace(BACK, name="two", components=(), language="es"),
    ]
    told = found("  a: {say: x, go: z}\n" + END, f"{HEAD}reopen: {reopen}\n", templates=known)
    assert code in {f.code for f in told}
    assert any(says in f.message for f in told)


def test_two_flows_that_one_word_starts() -> None:
    first, second = (
        flow(head="flow: a\ncrm: hubspot\nstart: [{says: [demo]}]\n"),
        flow(head="flow: b\ncrm: hubspot\npriority: 2\nstart: [{says: [price, Demo]}]\n"),
    )
    (one,) = check_together([first, second])
    assert one.message == "'demo' starts a too; there b wins."


# ---- tests in the file ---------------------------------------------------------------------------------------------
def test_tests_say_what_came_instead() -> None:
    tests = (
        "tests:\n  - {name: t, say: [go, small], expect: {end: done}}\n  - {say: [hello], expect: {end: done}}\n"
        "  - {say: [go], given: {now: never}, expect: {end: done}}\n"
    )
    wrong, never, odd = run_tests(flow(ASK + tests))
    assert wrong.message.startswith("end: expected done, got running; size: ")
    assert never.message.startswith("the conversation never began: did not match: it does not say go")
    assert odd.message.startswith("`given` cannot be used")


def test_misspelt_test_words() -> None:
    tests = "tests:\n  - {say: [go, {tab: x}], given: {contakt.x: 1}, expect: {ende: done}}\n"
    assert {f.code for f in check(HEAD + ASK + tests)} == {"test_word"}
