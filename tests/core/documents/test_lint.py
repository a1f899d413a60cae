"""A document against the live fields of its CRM."""

import pytest

from connector.core.documents import check
from tests.core.documents.make import HEAD, Field

FIELDS = [
    Field("firstname", max_length=10),
    Field("score", "integer", minimum=0, maximum=10),
    Field("amount", "number"),
    Field("stage", "choice", options=(("lead", "Lead"), ("sql", "Sales qualified"), ("customer", "Customer"))),
    Field("tags", "choices", options=(("a", "A"), ("b", "B"))),
    Field("color", "choice", options=(("red", "Red"),), open_options=True),
    Field("optin", "boolean"),
    Field("born", "date"),
    Field("mail", "email"),
    Field("site", "url"),
    Field("created", "datetime", "Created", writable=False),
]
SCHEMA = {"contacts": FIELDS}


def found(rest: str, head: str = HEAD) -> list[tuple[str, int, str, str]]:
    return [(f.path, f.line, f.code, f.hint) for f in check(head + rest, schema=SCHEMA)]


@pytest.mark.parametrize(
    "rest",
    [
        "firstname: Ana",
        "firstname: '{{ answer.text }} and much more than ten characters'",
        "score: 7",
        "stage: sql",
        "tags: a;b",
        "color: blue",
        "optin: 'true'",
        "born: 2026-11-23",
        "site: https://example.com",
        "stage: {from: answer.text, map: {yes: sql}, else: lead}",
        "stage: {value: sql, overwrite: if_further, order: [lead, sql]}",
        "score: {from: answer.text, as: integer, min: 0, max: 10, else: review}",
        "amount: {from: answer.text, as: integer, else: skip}",
        "amount: {from: contact.score, as: number}",
        "deal.anything: x",
    ],
)
def test_what_fits(rest: str) -> None:
    assert found(f"set:\n  {rest}\n") == []


@pytest.mark.parametrize(
    ("rest", "path", "code", "hint"),
    [
        ("frstname: Ana", "set.frstname", "unknown_field", "Did you mean 'firstname'? Write: firstname: Ana"),
        ("zzz: Ana", "set.zzz", "unknown_field", "Create it in the CRM, or choose another field."),
        ("created: 2026-11-23", "set.created", "read_only", "Choose a field"),
        ("firstname: Maximiliana", "set.firstname", "too_long", "Shorten it."),
        ("stage: slq", "set.stage", "option", "Did you mean 'sql'? Write: stage: sql"),
        ("stage: Sales qualified", "set.stage", "option", "Did you mean 'sql'? Write: stage: sql"),
        ("stage: '5'", "set.stage", "option", "Its options: lead, sql, customer."),
        ("tags: a;c", "set.tags", "option", "Its options"),
        ("score: high", "set.score", "type", "Write a whole number"),
        ("score: 7.5", "set.score", "type", "Write a whole number"),
        ("score: 11", "set.score", "limit", "Its limits: 0 to 10."),
        ("amount: 1,5", "set.amount", "type", "Write a number"),
        ("optin: yes", "set.optin", "type", "Write true or false"),
        ("born: 23/11/2026", "set.born", "type", "Write the date as"),
        ("mail: nobody", "set.mail", "type", "Write one e-mail"),
        ("site: example.com", "set.site", "type", "https://"),
        ("stage: {from: answer.text, map: {y: won}, else: skip}", "set.stage.map.y", "option", "Its options"),
        ("stage: {from: answer.text, map: {y: sql}, else: nope}", "set.stage.else", "option", "Its options"),
        ("stage: {value: nope}", "set.stage.value", "option", "Its options"),
        ("stage: {value: sql, overwrite: if_further, order: [sgl]}", "set.stage.order.0", "option", "Did you mean"),
        (
            "stage: {from: answer.text, as: choice, options: [sql, won], else: skip}",
            "set.stage.options.1", "option", "Its options",
        ),
        ("score: {from: answer.text, as: number, else: skip}", "set.score.as", "type", "Write as: integer"),
        ("score: {from: answer.text, as: integer, max: 100, else: skip}", "set.score.max", "limit", "Write max: 10"),
        ("born: {from: answer.text, as: yes_no, else: skip}", "set.born.as", "type", "Write as: date"),
        (
            "firstname: '{{ contact.frstname }}'",
            "set.firstname", "unknown_field", 'Write: firstname: "{{ contact.firstname }}"',
        ),
        (
            "score: {from: answer.text, as: integer, else: {ask_again: a, then: {set: {frstname: a}}}}",
            "set.score.else.then.set.frstname", "unknown_field", "Did you mean 'firstname'?",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit(rest: str, path: str, code: str, hint: str) -> None:
    (one,) = found(f"set:\n  {rest}\n")
    assert one[:3] == (path, 5, code)
    assert hint in one[3]


def test_conditions_and_cleared_fields_are_checked_too() -> None:
    head = "mapping: a\ncrm: b\nwhen:\n  answer_to: anything\n  only_if: [contact.scor > 5, contact.name != '']\n"
    assert found("clear: [score]\n", head)[0] == (
        "when.only_if.0", 5, "unknown_field",
        "Did you mean 'score'? Write: only_if: [contact.score > 5, contact.name != '']",
    )  # fmt: skip
    assert [f[:3] for f in found("clear: [scor, created]\n")] == [
        ("clear.0", 4, "unknown_field"),
        ("clear.1", 4, "read_only"),
    ]


def test_every_object_must_have_the_field() -> None:
    schema = {"Contact": FIELDS, "Lead": [Field("firstname")]}
    text = "mapping: a\ncrm: b\nobject: [Contact, Lead]\nwhen: {answer_to: anything}\nset: {firstname: Ana, score: 5}\n"
    (one,) = check(text, schema=schema)
    assert (one.path, one.message) == ("set.score", "There is no field 'score' on Lead.")
    (one,) = check(text.replace("Lead]", "Leed]").replace(", score: 5", ""), schema=schema)
    assert (one.path, one.code, one.hint) == (
        "object.1", "unknown_object", "Did you mean 'Lead'? Write: object: [Contact, Lead]",
    )  # fmt: skip


def test_without_a_schema_nothing_is_guessed() -> None:
    text = HEAD + "set: {zzz: x}\n"
    assert check(text, schema=None) == check(text, schema={}) == []


def test_a_text_that_cannot_be_read_is_not_linted() -> None:
    assert [f.code for f in check(HEAD + "set: {zzz: x}\nfoo: 1\n", schema=SCHEMA)] == ["unknown"]
