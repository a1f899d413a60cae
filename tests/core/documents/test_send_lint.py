"""A `send:` document against the CRM's fields, the approved templates and the other documents."""

from typing import Any

import pytest

from connector.core.documents import check, check_together, read
from connector.core.template import Template
from tests.core.documents.make import Field
from tests.core.documents.make_send import REPLIES, template, text

STAGES = (("new", "New"), ("presentation", "Presentation"), ("won", "Won"))
SCHEMA = {
    "contacts": [Field("firstname"), Field("phone"), Field("lang"), Field("vip", "boolean"), Field("born", "date")],
    "deals": [
        Field("dealstage", "choice", options=STAGES), Field("amount", "number"), Field("closedate", "datetime"),
        Field("state", "choice", options=(("sent", "Sent"), ("read", "Read"))), Field("made", "date", writable=False),
    ],
}  # fmt: skip
DATE = "when: {date: deal.closedate - 1 day at 09:00}\n"


def found(written: str, *templates: Template, schema: Any = SCHEMA) -> list[tuple[str, str, str, str]]:
    every = list(templates) or None
    return [(f.path, f.code, f.hint, f.severity) for f in check(written, schema=schema, templates=every)]


@pytest.mark.parametrize(
    "written",
    [
        text(),
        text("language: '{{ contact.lang }}'\nguard: {cancel_if: deal.amount > 5 and contact.name == 'x'}\n"),
        text("after: {sent: {set: {deal.state: sent, firstname: x, record.state: read}, clear: [deal.amount]}}\n"),
        text(when=DATE),
        text(when="when: {contact.born: {changes}}\n", to=""),
        text(when="when: {ticket.a: {changes}}\n", to="to: {contact: ticket.contact, phone: contact.phone}\n"),
    ],
)
def test_what_fits(written: str) -> None:
    assert found(written) == []


@pytest.mark.parametrize(
    ("written", "path", "code", "hint"),
    [
        (text(values="with: {first_name: '{{ contact.frstname }}'}\n"), "with.first_name", "unknown_field",
         "Did you mean 'firstname'? Write: with: {first_name: \"{{ contact.firstname }}\"}"),
        (text("guard: {cancel_if: deal.amont > 5}\n"), "guard.cancel_if", "unknown_field", "deal.amount > 5"),
        (text("guard: {cancel_if: record.amont > 5}\n"), "guard.cancel_if", "unknown_field", "record.amount > 5"),
        (text(to="to: {contact: deal.contact, phone: contact.mobile}\n"), "to.phone", "unknown_field", "Create it"),
        (text(when="when: {deal.dealstge: {changes}}\n"), "when.deal.dealstge", "unknown_field",
         "Write: when: {deal.dealstage: {changes}}"),
        (text(when="when: {deal.dealstage: {becomes: presentaton}}\n"), "when.deal.dealstage.becomes", "option",
         "Did you mean 'presentation'?"),
        (text(when="when: {deal.dealstage: {becomes: [won, lost]}}\n"), "when.deal.dealstage.becomes.1", "option",
         "Its options"),
        (text(when="when: {deal.a: changes, only_if: deal.amount > 5}\n"), "when.deal.a", "unknown_field", "Create"),
        (text(when="when: {deal.amount: changes, only_if: [deal.b > 5]}\n"), "when.only_if.0", "unknown_field", ""),
        (text(when="when: {date: deal.amount at 09:00}\n"), "when.date", "type", "Choose a date field."),
        (text(when="when: {date: deal.closedat at 09:00}\n"), "when.date", "unknown_field", "closedate"),
        (text("after: {sent: {set: {deal.stat: sent}}}\n"), "after.sent.set.deal.stat", "unknown_field",
         "Write: after: {sent: {set: {deal.state: sent}}}"),
        (text("after: {sent: {set: {deal.state: gone}}}\n"), "after.sent.set.deal.state", "option", "Its options"),
        (text("after: {sent: {set: {vip: yes}}}\n"), "after.sent.set.vip", "type", "true or false"),
        (text("after: {sent: {set: {deal.made: x}}}\n"), "after.sent.set.deal.made", "read_only", "Choose a field"),
        (text("after: {sent: {clear: deal.made}}\n"), "after.sent.clear", "read_only", "Choose a field"),
        (text("after: {failed: {set: {deal.state: '{{ contact.x }}'}}}\n"), "after.failed.set.deal.state",
         "unknown_field", ""),
    ],
)  # fmt: skip
def test_what_does_not_fit(written: str, path: str, code: str, hint: str) -> None:
    (one,) = found(written)
    assert one[:2] == (path, code)
    assert hint in one[2]
    assert one[3] == "error"


def test_a_lead_is_its_own_recipient() -> None:
    schema = {"Lead": [Field("Status"), Field("FirstName")], "Contact": [Field("LastName")]}
    written = text(when="when: {lead.Status: changes}\n", to="", values="with: {n: '{{ contact.FirstName }}'}\n")
    assert found(written, schema=schema) == []
    written = written.replace("FirstName", "LastName")
    assert [f[:2] for f in found(written, schema=schema)] == [("with.n", "unknown_field")]


def test_is_where_becomes_was_probably_meant() -> None:
    (one,) = found(text(when="when: {deal.dealstage: {is: won}}\n"))
    assert one == (
        "when.deal.dealstage", "is", "For the move alone write {becomes: won}", "warning",
    )  # fmt: skip
    assert found(text(when="when: {every: day 09:00, deal.dealstage: {is: won}}\n")) == []


# ---- templates ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("parts", "there", "path", "code", "hint"),
    [
        ((), [template(name="quota")], "template", "unknown_template", "Did you mean 'quota'?"),
        ((), [template(status="REJECTED")], "template", "template", "Wait for its approval."),
        ((), [template("es"), template("en")], "template", "language", "Add language: en"),
        (("language: fr\n",), [template("es")], "language", "language", "It is approved in es."),
        (("language: \"{{ contact.lang | default('fr') }}\"\n",), [template()], "language", "language", "es"),
        (("buttons: [a]\n",), [template("es", REPLIES)], "buttons", "template_buttons", "one id for each"),
        ((), [template("es", {"type": "HEADER", "format": "IMAGE"})], "with", "template_missing", "header.image"),
        ((), [template(category="marketing")], "guard", "quiet_hours", "quiet_hours"),
    ],
)
def test_the_contract(parts: tuple[str, ...], there: list[Template], path: str, code: str, hint: str) -> None:
    (one,) = check(text(*parts), schema=None, templates=there)
    assert (one.path, one.code) == (path, code)
    assert hint in one.hint
    assert one.severity == ("warning" if code == "quiet_hours" else "error")


def test_a_value_the_template_has_no_place_for_stands_at_its_line() -> None:
    (one,) = check(text(values="with:\n  first_name: a\n  frist: b\n"), schema=None, templates=[template()])
    assert (one.path, one.line, one.code) == ("with.frist", 8, "template_extra")


def test_templates_that_are_not_known_are_not_checked() -> None:
    assert check(text(), schema=None, templates=None) == []
    assert [f.code for f in check(text(), schema=None, templates=[])] == ["unknown_template"]


def test_what_fits_the_template() -> None:
    written = text("buttons: [a, b]\nlanguage: \"{{ contact.lang | default('es') }}\"\n")
    assert check(written, schema=None, templates=[template("es", REPLIES), template("en", REPLIES)]) == []
    quiet = text("guard: {quiet_hours: {allow: 08:00-20:00}}\n")
    assert check(quiet, schema=None, templates=[template(category="marketing")]) == []


def test_languages_that_take_different_values_are_told() -> None:
    other = template("en", components=({"type": "BODY", "text": "Hi {{first_name}} {{more}}"},))
    codes = {f.code for f in check(text("language: es\n"), schema=None, templates=[template("es"), other])}
    assert {"languages", "template_missing"} <= codes


# ---- several documents -------------------------------------------------------------------------------------------
SETS = "mapping: answer\ncrm: hubspot\nwhen: {{answer_to: quote}}\nset: {{{}}}\n"


def together(*written: str) -> list[tuple[str, str, str]]:
    return [(f.path, f.code, f.severity) for f in check_together([read(one) for one in written])]


@pytest.mark.parametrize(
    ("rule", "warned"),
    [
        ("deal.dealstage: presentation", True),
        ("record.dealstage: Presentation", True),
        ("deal.dealstage: '{{ answer.id }}'", True),
        ("deal.dealstage: {from: answer.id, map: {a: won, b: presentation}, else: review}", True),
        ("deal.dealstage: {from: answer.id, map: {a: won}, else: presentation}", True),
        ("deal.dealstage: won", False),
        ("deal.dealstage: {from: answer.id, map: {a: won}, else: review}", False),
        ("ticket.dealstage: presentation", False),
        ("dealstage: presentation", False),
    ],
)
def test_a_change_of_ours_that_a_send_waits_for(rule: str, warned: bool) -> None:
    expected = [("when.deal.dealstage", "own_changes", "warning")] if warned else []
    assert together(SETS.format(rule), text()) == expected
    assert together(SETS.format(rule), text("own_changes: yes\n")) == []
    assert together(SETS.format(rule).replace("hubspot", "salesforce"), text()) == []


def test_a_contacts_field_and_another_sends_truth_count_too() -> None:
    person = text(when="when: {contact.stage: {changes}}\n", to="")
    assert together(SETS.format("stage: x"), person) == [("when.contact.stage", "own_changes", "warning")]
    other = text("after: {sent: {set: {deal.dealstage: presentation}}}\n").replace("trial", "other")
    assert together(other, text()) == [("when.deal.dealstage", "own_changes", "warning")]


# ---- dotted keys of mappings -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rule", "code", "hint"),
    [
        ("deal.dealstge: won", "unknown_field", "Write: set: {deal.dealstage: won}"),
        ("deal.dealstage: lost", "option", "Its options"),
        ("deal.made: x", "read_only", "Choose"),
        ("firstname: '{{ deal.amont }}'", "unknown_field", "deal.amount"),
    ],
)
def test_a_mappings_dotted_keys_are_held_to_their_objects_fields(rule: str, code: str, hint: str) -> None:
    (one,) = found(SETS.format(rule))
    assert one[1] == code
    assert hint in one[2]


@pytest.mark.parametrize(
    "rule", ["deal.dealstage: won", "ticket.x: y", "record.x: y", "firstname: '{{ deal.amount }}'"]
)
def test_a_mappings_dotted_keys_that_fit_or_are_not_known(rule: str) -> None:
    assert found(SETS.format(rule)) == []
