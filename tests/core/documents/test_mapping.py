"""What a mapping may say, and what it hears when it says something else."""

from datetime import timedelta

import pytest

from connector.core.documents import check, check_together, read
from tests.core.documents.make import HEAD, document

RULE = HEAD + "set:\n  x:\n"
HEAD_LINES = HEAD.count("\n")


def codes(text: str) -> list[tuple[str, str]]:
    return [(f.path, f.code) for f in check(text, schema=None)]


def test_what_a_document_tells_the_pipeline() -> None:
    found = read(
        "mapping: full\nabout: Everything.\ncrm: sales\nobject: [Contact, Lead]\n"
        "when:\n  answer_to: [offer_v1, ask.size]\n  type: [button, text]\n  within: 3 days\n  number: sales\n"
        "  only_if: [contact.country == 'CO', deal.amount > 5]\n"
        "contact: {find_by: phone, if_missing: create, if_several: newest}\n"
        "set:\n  a: '{{ contact.b ~ contact.name }}'\n  deal.stage: won\n"
        "  c: {from: answer.text, as: integer, else: {ask_again: Again, then: {set: {d: x}}}}\n"
        "clear: [e]\ntests: [{given: {answer.text: '1'}, expect: {c: 1}}]\n"
    )
    assert (found.kind, found.name, found.about, found.crm) == ("mapping", "full", "Everything.", "sales")
    assert (found.objects, found.find_by, found.if_missing, found.if_several) == (
        ("Contact", "Lead"),
        ("phone",),
        "create",
        "newest",
    )
    assert found.answer_to == frozenset({"offer_v1", "ask.size"})
    assert (found.types, found.number, found.within) == (("button", "text"), ("sales",), timedelta(days=3))
    assert found.reads == {"country", "b", "a", "c", "d", "e"}
    assert found.record_reads == {"amount", "stage"}
    assert found.sets == ("a", "deal.stage", "c", "d", "e")
    assert found.asks == ("c",)
    assert [t.name for t in found.tests] == ["test 1"]


def test_what_is_left_out_is_careful() -> None:
    found = document("clear: x\n")
    assert (found.answer_to, found.types, found.objects) == (None, (), ())
    assert (found.if_missing, found.if_several, found.within) == ("review", "review", timedelta(hours=24))
    assert (found.find_by, found.actions.log) == (("whatsapp", "phone"), "none")


def test_a_document_is_the_same_for_ever() -> None:
    with pytest.raises(AttributeError):
        document("clear: x\n").name = "y"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("from: answer.id\n    value: x", "cannot stand together"),
        ("overwrite: if_empty", "neither `from` nor `value`"),
        ("map: {a: b}\n    clear: yes", "need `from`"),
        ("from: answer.id\n    map: {}\n    else: skip", "The map is empty"),
        ("from: answer.id\n    map: {a: b}", "not understood"),
        ("from: answer.text\n    as: integer", "not understood"),
        ("value: '{{ answer.text }}'\n    as: integer", "not understood"),
        ("from: answer.text\n    else: skip", "always understood"),
        ("from: answer.text\n    min: 1", "need a number"),
        ("from: answer.text\n    as: integer\n    min: 5\n    max: 1\n    else: skip", "greater"),
        ("from: answer.text\n    options: [a]", "needs `as: choice`"),
        ("from: answer.text\n    time_zone: contact", "needs `as: date`"),
        ("from: answer.text\n    order: [a]", "needs `overwrite: if_further`"),
    ],
)
def test_words_that_do_not_go_together(rule: str, message: str) -> None:
    (found,) = check(f"{RULE}    {rule}\n", schema=None)
    assert (found.code, found.path, found.line) == ("together", "set.x", HEAD_LINES + 2)
    assert message in found.message
    assert found.hint


def test_a_typed_value_that_is_no_answer_needs_no_else() -> None:
    assert codes(f"{RULE}    from: message.sent_at\n    as: date\n") == []
    assert codes(f"{RULE}    from: contact.country\n    map: {{CO: Colombia}}\n") == []


@pytest.mark.parametrize(
    ("rest", "path", "code"),
    [
        ("log: everything\nclear: x", "log", "word"),
        ("set: {a b: x}\nfoo: 1", "foo", "unknown"),
        ("set: x", "set", "not_map"),
        ("set: {x: }", "set.x", "missing"),
        ("set: {x: [a]}", "set.x", "not_text"),
        ("set: {x: {from: answer.text, as: whole, else: skip}}", "set.x.as", "word"),
        ("set: {x: {value: a, clear: perhaps}}", "set.x.clear", "word"),
        ("set: {x: {from: answer.text, as: integer, min: low, else: skip}}", "set.x.min", "number"),
        ("set: {x: {from: now, as: date, time_zone: Mars}}", "set.x.time_zone", "time_zone"),
        ("set: {x: {from: answer.text, as: integer, else: {ask_again: a, times: 99}}}", "set.x.else.times", "number"),
        ("set: {x: {from: answer.text, as: integer, else: {times: 2}}}", "set.x.else.ask_again", "missing"),
        ("set: {contact.x: a}", "set.contact.x", "field"),
        ("set: {deel.x: a}", "set.deel.x", "field"),
        ("set: {deal.: a}", "set.deal.", "field"),
        ("set: {x: a}\nclear: [x]", "clear.0", "together"),
        ("consent: {marketing: yes}", "consent.marketing", "word"),
        ("task: {text: a}", "task.title", "missing"),
        ("notify: {with: {}}", "notify.webhook", "missing"),
        ("reply: '{{ nobody.x }}'", "reply", "word"),
        ("clear: x\ntests: [{given: {anser.id: a}, expect: {}}]", "tests.0.given.anser.id", "test_word"),
        ("clear: x\ntests: [{given: {}, expect: {y: a}}]", "tests.0.expect.y", "test_word"),
        ("clear: x\ntests: [{given: {}}]", "tests.0.expect", "missing"),
        ("about: nothing", "", "nothing"),
        (
            "set: {x: {from: answer.text, as: date, else: {ask_again: a, then: {set: {y: {from: answer.text, as: date, "
            "else: {ask_again: b}}}}}}}",
            "set.x.else.then.set.y",
            "together",
        ),
    ],
)
def test_what_is_refused(rest: str, path: str, code: str) -> None:
    assert (path, code) in codes(HEAD + rest + "\n")


@pytest.mark.parametrize(
    ("when", "path", "code"),
    [
        ("{}", "when.answer_to", "missing"),
        ("{answer_to: a, type: buton}", "when.type.0", "word"),
        ("{answer_to: a, within: soon}", "when.within", "duration"),
        ("{answer_to: a, within: 0 days}", "when.within", "duration"),
        ("{answer_to: a, matches: '(a'}", "when.matches", "pattern"),
        ("{answer_to: a, matches: '(?=a)'}", "when.matches", "pattern"),
        (f"{{answer_to: a, matches: {'a' * 501}}}", "when.matches", "pattern"),
        ("{answer_to: a, type: text, id: x}", "when.id", "together"),
        ("{answer_to: [anything, a]}", "when.answer_to", "together"),
        ("{answer_to: a, tipe: text}", "when.tipe", "unknown"),
        ("{answer_to: 'two words'}", "when.answer_to.0", "name"),
    ],
)
def test_what_when_refuses(when: str, path: str, code: str) -> None:
    assert (path, code) in codes(f"mapping: a\ncrm: b\nwhen: {when}\nclear: x\n")


def test_did_you_mean() -> None:
    hints = {
        f.path: f.hint for f in check("mapping: a\ncrm: b\nwhen: {answer_too: t}\nsett: {}\nclear: x\n", schema=None)
    }
    assert hints["sett"] == "Did you mean 'set'?"
    assert hints["when.answer_too"] == "Did you mean 'answer_to'?"


def test_a_word_that_the_answer_never_has() -> None:
    text = "mapping: a\ncrm: b\nwhen: {answer_to: t, type: button}\nset:\n  x: '{{ answer.text }}'\n"
    (found,) = check(text, schema=None)
    assert (found.path, found.code, found.line) == ("set.x", "word", 5)
    assert found.hint == "Did you mean 'title'? Write: x: \"{{ answer.title }}\""
    assert check(text.replace("button", "[button, text]"), schema=None) == []
    assert check(text.replace("button", "form"), schema=None) == []


def test_findings_stand_at_their_line_and_column() -> None:
    text = (
        "mapping: a\ncrm: b\nwhen:\n  answer_to: t\nset:\n  x:\n    from: answer.text\n    as: whole\n    else: skip\n"
    )
    (found,) = check(text, schema=None)
    assert (found.line, found.column) == (8, 9)


def test_two_mappings_that_set_one_field() -> None:
    first = read("mapping: a\ncrm: h\nwhen: {answer_to: t, type: button}\nset: {x: 1, y: 1}\n")
    later = read("mapping: b\ncrm: h\nwhen: {answer_to: anything}\nset:\n  z: 1\n  y: 2\n")
    (found,) = check_together([later, first])
    assert (found.path, found.line, found.code, found.severity) == ("set.y", 6, "set_twice", "warning")
    assert "a" in found.message


@pytest.mark.parametrize(
    "other", ["crm: other", "when: {answer_to: u}", "when: {answer_to: t, type: text}", "object: Lead"]
)
def test_mappings_that_never_meet(other: str) -> None:
    lines = {"crm": "crm: h", "when": "when: {answer_to: t, type: button}", "object": "object: Contact"}
    mine = "\n".join(["mapping: a", *lines.values(), "set: {x: 1}"])
    lines[other.split(":")[0]] = other
    theirs = "\n".join(["mapping: b", *lines.values(), "set: {x: 1}"])
    assert check_together([read(mine), read(theirs)]) == []
