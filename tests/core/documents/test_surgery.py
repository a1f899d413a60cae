"""One value of a text changes; all else stays to the letter."""

import difflib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.documents import read, surgery
from connector.core.documents.reading import read_tree
from connector.core.documents.tree import plain
from connector.errors import GiveUp
from tests.depth import examples

FOLDER = Path(__file__).parents[3] / "mappings"
WEBINAR = (FOLDER / "webinar-interest.yaml").read_text()
QUOTE = (FOLDER / "quote-ready.yaml").read_text()


def changed(before, after):
    """The lines that went and came."""
    lines = difflib.unified_diff(before.split("\n"), after.split("\n"), lineterm="", n=0)
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


@pytest.mark.parametrize(
    ("text", "path", "value", "lines"),
    [
        (WEBINAR, ("when", "within"), "7 days", ["+  within: 7 days"]),
        (WEBINAR, ("contact", "if_several"), "newest",
         ["-  if_several: review                    # review newest",
          "+  if_several: newest                    # review newest"]),
        (WEBINAR, ("set", "firstname"), "{{ answer.text }}", ['+  firstname: "{{ answer.text }}"']),
        (WEBINAR, ("set", "lifecyclestage", "map", "never"), "lead",
         ["-    map: {interested: salesqualifiedlead, later: lead, no: other}",
          "+    map: {interested: salesqualifiedlead, later: lead, no: other, never: lead}"]),
        (WEBINAR, ("set", "city"), {"from": "answer.id", "map": {"a": "Lima", "b": "Quito"}, "else": "review"},
         ["+  city:", "+    from: answer.id", "+    map: {a: Lima, b: Quito}", "+    else: review"]),
        (QUOTE, ("number",), "sales", ["+number: sales"]),
        (QUOTE, ("guard", "quiet_hours", "allow"), "08:00-20:00", ["+  quiet_hours: {allow: 08:00-20:00}"]),
        (QUOTE, ("after", "read", "set", "x"), "y",
         ["-  read: {set: {deal.whatsapp_quote: read}}", "+  read: {set: {deal.whatsapp_quote: read, x: y}}"]),
    ],
)  # fmt: skip
def test_a_value_is_put(text, path, value, lines):
    assert changed(text, surgery.put(text, path, value)) == lines


def test_a_word_goes_where_the_language_has_it():
    made = surgery.put(QUOTE, ("number",), "sales").split("\n")
    assert made.index("number: sales") == next(n for n, line in enumerate(made) if line.startswith("crm:")) + 1


def test_what_would_be_empty_goes_too():
    text = "mapping: a\ncrm: c\nwhen: {answer_to: x}\ncontact:\n  if_missing: skip   # why\nset: {a: b}\n"
    assert surgery.drop(text, ("contact", "if_missing")) == "mapping: a\ncrm: c\nwhen: {answer_to: x}\nset: {a: b}\n"


@pytest.mark.parametrize("name", ["interested", "later", "no"])
def test_an_entry_in_braces_goes(name):
    made = surgery.drop(WEBINAR, ("set", "lifecyclestage", "map", name))
    left = [n for n in ("interested", "later", "no") if n != name]
    assert list(plain(read_tree(made)[0])["set"]["lifecyclestage"]["map"]) == left


def test_a_block_becomes_one_value_and_keeps_its_remark():
    text = "send: a\ncrm: c\nto:   # to whom\n  contact: deal.contact\n  phone: x\ntemplate: t\n"
    assert surgery.put(text, ("to",), "record") == "send: a\ncrm: c\nto: record   # to whom\ntemplate: t\n"


def test_a_word_with_nothing_behind_it():
    text = "mapping: a\ncontact:\nset: {a: b}\n"
    assert (
        surgery.put(text, ("contact", "if_missing"), "skip") == "mapping: a\ncontact: {if_missing: skip}\nset: {a: b}\n"
    )


def test_the_line_ends_stay():
    text = WEBINAR.replace("\n", "\r\n")
    made = surgery.put(text, ("when", "within"), "7 days")
    assert "\r\n  within: 7 days\r\n" in made
    assert made.count("\n") == made.count("\r\n")


def test_a_field_gets_another_name_once():
    made = surgery.rename(WEBINAR, ("set", "lifecyclestage"), "hs_lead_status")
    assert changed(WEBINAR, made) == ["-  lifecyclestage:", "+  hs_lead_status:"]
    with pytest.raises(GiveUp, match="stands there already"):
        surgery.rename(WEBINAR, ("set", "lifecyclestage"), "whatsapp_last_answer")


@pytest.mark.parametrize("text", ["", "a: [", "- a\n- b\n", "a: &x 1\nb: *x\n", "a: {{ b }}\n"])
def test_what_cannot_be_read_is_left_alone(text):
    with pytest.raises(GiveUp):
        surgery.put(text, ("about",), "x")


@pytest.mark.long
def test_documents_still_read_after_every_value_was_taken_away():
    for path in sorted(FOLDER.glob("*.yaml")):
        text = path.read_text()
        for word in plain(read_tree(text)[0]):
            if word not in ("mapping", "send"):
                assert word not in plain(read_tree(surgery.drop(text, (word,)))[0])


@settings(max_examples=examples(60), deadline=None)
@given(st.text(max_size=40), st.sampled_from([("about",), ("set", "firstname"), ("set", "lifecyclestage", "map", "x")]))
def test_any_text_reads_as_it_was_given_or_is_refused(value, path):
    try:
        made = surgery.put(WEBINAR, path, value)
    except GiveUp:
        return
    found = plain(read_tree(made)[0])
    for step in path:
        found = found[step]
    assert found == value
    if path != ("set", "firstname"):
        assert made.count("#") >= WEBINAR.count("#")


def test_the_text_is_a_document_still():
    assert read(surgery.put(WEBINAR, ("when", "within"), "7 days")).within.days == 7
