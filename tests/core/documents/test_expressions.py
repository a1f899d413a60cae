"""The expressions: what is allowed, what is refused, how values compare."""

from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connector.core.contact import Answered, Contact, RecordRef
from connector.core.documents import expressions
from connector.core.documents.comparing import fold, truthy
from connector.core.documents.expressions import BadExpression
from connector.core.documents.words import Scope
from tests.core.documents.make import NOW, answered, deal, message, scope, setting, value_of

TOKENS = st.sampled_from(
    [
        "answer",
        "contact",
        "message",
        "record",
        "deal",
        "number",
        "referral",
        "now",
        ".",
        "text",
        "id",
        "name",
        "amount",
        "==",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "=",
        "in",
        "not",
        "and",
        "or",
        "if",
        "else",
        "~",
        "|",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "'a'",
        '"b"',
        "'sí'",
        "1",
        "2.5",
        "-3",
        "true",
        "false",
        "none",
        "default",
        "trim",
        "upper",
        "shorten",
        "date",
        "yes",
        "_x",
        "__class__",
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#",
        "+",
        "-",
        "*",
        "/",
        ",",
        ":",
        "is",
        "defined",
        "for",
        "x()",
        "range",
        "&&",
        "||",
        "\\",
        "'",
        '"',
        "9999999999999999999999",
        "1e999",
        "\xa0",
        "é",
    ]
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("answer.text", "Sí, 7"),
        ("answer.type", "text"),
        ("message.text", "Sí, 7"),
        ("message.id", "wamid.A"),
        ("message.sent_at", NOW),
        ("number.id", "106540352242922"),
        ("contact.city", "Bogotá"),
        ("contact.name", "Ana Ruiz"),
        ("contact.phone", "+573001112222"),
        ("contact.whatsapp_id", "573001112222"),
        ("contact.nothing", None),
        ("answer.nothing.at.all", None),
        ("referral.headline", None),
        ("deal.amount", 900),
        ("record.amount", 900),
        ("lead.amount", None),
        ("now", NOW),
        ("'a' ~ 1 ~ none ~ true", "a1true"),
        ("contact.name ~ ', ' ~ contact.city", "Ana Ruiz, Bogotá"),
        ("'yes' if contact.city else 'no'", "yes"),
        ("'yes' if contact.nothing else 'no'", "no"),
        ("'yes' if contact.nothing", None),
        ("none", None),
        ("-2.5", -2.5),
    ],
)
def test_values(text: str, value: object) -> None:
    at = scope(message(text="Sí, 7"), setting(answered=deal(amount=900)), city="Bogotá")
    assert value_of(text, at) == value


def test_a_form_is_read_by_its_fields_and_lists_by_number() -> None:
    at = scope(message("form", "x", answer={"budget": 900, "days": ["mon", "tue"], "who": {"name": "Ana"}}))
    assert [value_of(t, at) for t in ("answer.budget", "answer.days.1", "answer.days.7", "answer.who.name")] == [
        900,
        "tue",
        None,
        "Ana",
    ]


def test_the_referral_of_an_ad() -> None:
    assert value_of("referral.source_id", scope(message(text="x", referral={"source_id": "120"}))) == "120"


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("answer.text == 'si'", True),
        ("answer.text == ' SÍ! '", True),
        ("answer.text != 'no'", True),
        ("answer.text in ['no', 'sí']", True),
        ("answer.text not in ['no', 'sí']", False),
        ("'s' in answer.text", True),
        ("'' in answer.text", False),
        ("contact.amount >= 500", True),
        ("contact.amount == 1500", True),
        ("contact.amount < 1500.5", True),
        ("500 < contact.amount <= 1500", True),
        ("contact.amount in [1, 1500]", True),
        ("answer.text > 5", False),
        ("answer.text <= 5", False),
        ("answer.text == 5", False),
        ("answer.text != 5", False),
        ("contact.nothing > 5", False),
        ("contact.nothing == ''", True),
        ("contact.nothing == none", True),
        ("contact.city == none", False),
        ("contact.flag", False),
        ("not contact.flag", True),
        ("contact.flag == false", True),
        ("contact.city == 'bogota' and not contact.nothing", True),
        ("contact.nothing or contact.city", True),
        ("contact.day < now", True),
        ("contact.day == '2026-11-20'", True),
        ("contact.city < 'cali'", True),
        ("contact.nothing < 'cali'", False),
    ],
)
def test_comparisons(text: str, holds: bool) -> None:
    at = scope(message(text="¡Sí!"), amount="1500.00", city="Bogotá", flag="false", day="2026-11-20")
    assert truthy(value_of(text, at)) is holds


def test_a_number_a_customer_typed_is_read_by_the_locale() -> None:
    assert value_of("answer.text == 1500", scope(message(text="1.500"), setting(locale="es_CO")))
    assert not value_of("answer.text == 1500", scope(message(text="1.500")))
    assert value_of("contact.amount == 1.5", scope(None, setting(locale="es_CO"), amount="1.500"))


def test_why_a_comparison_with_a_number_failed() -> None:
    at = scope(message(text="plenty"))
    assert not value_of("answer.text > 5", at)
    assert at.notes == ['"plenty" is not a number']


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("contact.x | default('you')", "you"),
        ("answer.text | trim", "ana MARÍA  o'neil"),
        ("answer.text | trim | title", "Ana María  O'neil"),
        ("answer.text | upper", " ANA MARÍA  O'NEIL "),
        ("answer.text | lower", " ana maría  o'neil "),
        ("answer.text | first_word", "ana"),
        ("'+57 (300) 12-3' | digits", "5730012" + "3"),
        ("'abcdef' | shorten(4)", "abc…"),
        ("'abcd' | shorten(4)", "abcd"),
        ("'a-b-c' | replace('-', '+')", "a+b+c"),
        ("'a, b,,c' | split(',')", ["a", "b", "c"]),
        ("'a,b' | split(',') | join(' and ')", "a and b"),
        ("'2026-11-23' | date('DD/MM/YYYY')", "23/11/2026"),
        ("message.sent_at | date", "2026-11-24"),
        ("message.sent_at | time_zone('America/Bogota') | date('DD.MM HH:mm')", "24.11 05:00"),
        ("message.sent_at | time_zone('contact') | date('HH:mm')", "05:00"),
        ("'1.250,50' | number", 1250.5),
        ("'many' | number", None),
        ("'1250.5' | money('USD')", "USD 1.250,50"),
        ("'1250.5' | money('CLP')", "CLP 1.250"),
        ("'300 111 2222' | phone", "+573001112222"),
        ("'sí' | yes_no", True),
        ("'no, gracias' | yes_no", None),
        ("none | trim", ""),
        ("none | date", None),
    ],
)
def test_filters(text: str, value: object) -> None:
    at = scope(message(text=" ana MARÍA  o'neil "), setting(locale="es_CO", country="CO"))
    assert value_of(text, at) == value


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("range(3)", "call"),
        ("answer.text()", "call"),
        ("answer.__class__", "underscore"),
        ("answer._x", "underscore"),
        ("_x.y", "underscore"),
        ("answer", "word"),
        ("contact", "word"),
        ("message.txt", "word"),
        ("flow.size", "word"),
        ("failure.reason", "word"),
        ("nobody.name", "word"),
        ("answer['text']", "expression"),
        ("answer.text[1:2]", "expression"),
        ("[1, 2]", "expression"),
        ("(1, 2)", "expression"),
        ("{'a': 1}", "expression"),
        ("answer.text is defined", "expression"),
        ("answer.text | length", "filter"),
        ("answer.text | shorten", "filter_argument"),
        ("answer.text | shorten(n=3)", "filter_argument"),
        ("answer.text | shorten(0)", "filter_argument"),
        ("answer.text | trim(1)", "filter_argument"),
        ("answer.text | date('%Y')", "date_format"),
        ("now | time_zone('Mars/Olympus')", "time_zone"),
        ("1e999", "number"),
        ("99999999999999999999", "number"),
        ("answer.text if", "expression"),
        ("", "empty"),
        ("{{ }}", "empty"),
        ("a }} {{ b", "expression"),
        ("'\\ud800'", "character"),
        ("'\\x00'", "character"),
        ("(" * 200 + "1" + ")" * 200, "expression"),
        ("not " * 60 + "now", "too_deep"),
        ("now and " * 60 + "now", "too_deep"),
        ("'" + "a" * 5000 + "'", "too_long"),
        ("{% if now %}", "statement"),
        ("{# a #}", "statement"),
    ],
)
def test_everything_else_is_refused(text: str, code: str) -> None:
    with pytest.raises(BadExpression) as caught:
        expressions.bare(text)
    assert caught.value.problem.code == code
    assert str(caught.value)


def test_a_text_may_hold_expressions_and_one_alone_keeps_its_type() -> None:
    at = scope(None, None, amount=900, city="Lima")
    assert expressions.value("{{ contact.amount }}").run(at) == 900
    assert expressions.value(" {{ contact.amount }} ").run(at) == 900
    assert expressions.value("{{ contact.city }}: {{ contact.amount }}").run(at) == "Lima: 900"
    assert expressions.value("plain } text").run(at) == "plain } text"


def test_the_paths_an_expression_reads_are_known() -> None:
    found = expressions.value("{{ contact.a ~ deal.b if answer.id == 'x' else now }}")
    assert found.paths == {("contact", "a"), ("deal", "b"), ("answer", "id"), ("now",)}


def test_records_of_the_event_are_told_apart() -> None:
    for object_, word in (
        ("deals", "deal"),
        ("Opportunity", "opportunity"),
        ("companies", "company"),
        ("Case", "case"),
    ):
        told = Answered(send="s", at=NOW, record=RecordRef("a", object_, "1"), record_fields={"x": 1})
        at = scope(None, setting(answered=told))
        assert (value_of(f"{word}.x", at), value_of("record.x", at), value_of("ticket.x", at)) == (1, 1, None)
    assert value_of("deal.x", scope(None, setting(answered=answered()))) is None


def test_without_a_contact_the_words_are_empty() -> None:
    at = Scope(message(text="x"), None, {}, setting(), NOW)
    assert value_of("contact.name", at) is None
    assert value_of("contact.phone", Scope(message(text="x"), Contact(id="c"), {}, setting(), NOW)) is None


@settings(deadline=None)
@given(st.lists(TOKENS, max_size=12).map(" ".join) | st.text(max_size=60))
@example("'\\N{")
@example("1" * 5000)
@example("answer." * 200 + "x")
def test_no_text_breaks_the_parser_or_the_closures(text: str) -> None:
    at = scope(
        message(text="Sí, 7"), setting(locale="es_CO", answered=deal(amount="900")), amount="1500.00", name="Ana"
    )
    for compile_ in (expressions.bare, expressions.value):
        with suppress(BadExpression):
            found = compile_(text)
            assert found.run(at) == found.run(at)


@settings(deadline=None)
@given(st.text(max_size=30))
def test_folding_is_stable(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold(f"  {text} ") == fold(text)


@pytest.mark.parametrize(
    ("a", "b"),
    [("Sí!", "si"), (" YES. ", "yes"), ("¿Cómo?", "como"), ("Straße", "strasse"), ("a  b", "a b"), ("ok…", "OK")],
)
def test_folded_alike(a: str, b: str) -> None:
    assert fold(a) == fold(b)


def test_punctuation_alone_stays_apart() -> None:
    assert len({fold(t) for t in ("?", "!", "...", "")}) == 4
