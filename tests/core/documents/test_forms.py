"""A document as fields, and what a change of one makes of the text."""

from pathlib import Path

import pytest

from connector.core.documents import forms, read
from connector.errors import GiveUp

FOLDER = Path(__file__).parents[3] / "mappings"
WEBINAR = (FOLDER / "webinar-interest.yaml").read_text()
QUOTE = (FOLDER / "quote-ready.yaml").read_text()
BARE = 'mapping: a\ncrm: c\nwhen: {answer_to: t}\nset:\n  firstname: "{{ answer.text }}"   # as it is\n'


def test_the_common_cases_are_fields_and_the_rest_is_said():
    form = forms.form_of(WEBINAR)
    assert (form.kind, form.name, form.at("crm")) == ("mapping", "webinar-interest", "hubspot")
    assert form.many("contact", "find_by") == ["whatsapp", "phone"]
    stage = form.sets[0]
    assert (stage.name, stage.map["later"], stage.values["else"], stage.beyond) == (
        "lifecyclestage",
        "lead",
        "review",
        ("order",),
    )
    assert form.beyond == ("set.lifecyclestage.order", "tests")


def test_a_send_document():
    form = forms.form_of(QUOTE)
    assert form.watches == (forms.Watch("deal.dealstage", "becomes", "presentationscheduled"),)
    assert form.withs["amount"] == "{{ deal.amount | money(deal.deal_currency_code) }}"
    assert ("failed", "deal.whatsapp_quote", "failed: {{ failure.reason }}") in form.after
    assert form.at("when", "only_if") == "deal.amount >= 500"
    assert "after.failed.task" in form.beyond


@pytest.mark.parametrize("text", ["", "nothing: here\n", "mapping: [", "\0", "mapping: a\nmapping: b\n"])
def test_no_form_of_what_cannot_be_read(text):
    assert forms.form_of(text) is None


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda p: p.stem)
def test_a_field_left_as_it_is_changes_nothing(path):
    text = path.read_text()
    form = forms.form_of(text)
    for cell, value in form.values.items():
        if cell != (form.kind,):
            assert forms.change(text, cell, value) == text


def test_one_becomes_several_and_none():
    made = forms.change(WEBINAR, ("when", "type"), "button, list")
    assert read(made).types == ("button", "list")
    assert "# button list text form" in made
    assert read(forms.change(made, ("when", "type"), "")).types == ()


def test_a_bare_value_takes_a_guard_beside_it():
    made = forms.change(BARE, ("set", "firstname", "overwrite"), "if_empty")
    assert made.endswith('  firstname: {value: "{{ answer.text }}", overwrite: if_empty}   # as it is\n')
    assert forms.form_of(made).sets[0].values == {"value": "{{ answer.text }}", "overwrite": "if_empty"}


def test_rows_come_and_go():
    made = forms.add(WEBINAR, "map", "hs_lead_status", "b1\nOPEN")
    row = forms.form_of(made).sets[-1]
    assert (row.map, row.values["else"]) == ({"b1": "OPEN"}, "review")
    made = forms.add(made, "entry:hs_lead_status", "b2", "NEW")
    assert forms.form_of(made).sets[-1].map == {"b1": "OPEN", "b2": "NEW"}
    assert forms.change(made, ("set", "hs_lead_status", "#key"), "") == WEBINAR


def test_how_a_field_starts_a_message():
    made = forms.change(QUOTE, ("when", "deal.dealstage", "#how"), "changes")
    assert read(made).watches[0].how == "changes"
    again = forms.change(made, ("when", "deal.dealstage", "#how"), "becomes")
    assert read(again).watches[0].value == ("value",)


def test_whom_a_short_to_grows():
    made = forms.change("send: a\ncrm: c\nto: deal.contact\ntemplate: t\n", ("to", "phone"), "contact.phone")
    assert "to: {contact: deal.contact, phone: contact.phone}" in made


@pytest.mark.parametrize(
    "path", [("mapping",), ("tests",), ("set", "nobody", "as"), ("x", "y"), ("when", "own_changes")]
)
def test_what_the_form_does_not_know_is_refused(path):
    with pytest.raises(GiveUp):
        forms.change(WEBINAR, path, "x")


@pytest.mark.parametrize(
    "name", ["", "{}", "[]", '[""]', "[1]", "[[]]", '["a","b","c","d","e","f","g"]', "nan", '"set"']
)
def test_a_name_that_is_no_path(name):
    with pytest.raises(GiveUp):
        forms.path_of(name)


@pytest.mark.parametrize(("what", "name"), [("set", ""), ("set", "lifecyclestage"), ("flood", "x"), ("", "x")])
def test_rows_that_cannot_be_added(what, name):
    with pytest.raises(GiveUp):
        forms.add(WEBINAR, what, name)
