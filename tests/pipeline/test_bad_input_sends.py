"""Bad input of the outbound journey: a named reason on the send and on the CRM's record, and nobody else is held up."""

# ruff: noqa: F811 - fixtures

from collections.abc import Callable
from typing import Any

import pytest

from tests import depth
from tests.pipeline.conftest import ANA, few_chores
from tests.pipeline.street import Street, lane, street  # noqa: F401 - fixtures
from tests.pipeline.test_outbound_hubspot import DEAL, QUOTE

Setup = Callable[[Street], Any]
OTHER = """\
send: other
crm: hubspot
when:
  deal.dealstage: {becomes: contractsent}
to: {contact: deal.contact, phone: contact.phone}
template: delivery_slots
language: en
with: {first_name: "{{ contact.firstname }}", order_number: "{{ deal.dealname }}"}
"""
CARLOS, HIS_DEAL = "1513", "3002"
NUMBER_ROUTE = "POST /graph/*/messages"


@pytest.fixture
def street(lane: Street) -> Street:
    """One database is enough: what others say is tested here, not how we store it."""
    return lane


def contact(**values: str) -> Setup:
    return lambda street: street.move("hubspot", "contacts", "1512", **values)


def deal(**values: str) -> Setup:
    return lambda street: street.move("hubspot", "deals", DEAL, **values)


def document(old: str, new: str) -> Setup:
    assert old in QUOTE
    return lambda street: street.publish(QUOTE.replace(old, new))


def template(**what: Any) -> Setup:
    return lambda street: street.template("quote_ready", "es", **what)


def meta(code: int) -> Setup:
    """Meta refuses the next message."""
    return lambda street: street.sandbox.faults({"route": NUMBER_ROUTE, "kind": "error", "code": code, "times": 1})


def later(code: int) -> Setup:
    """Meta says that it could not deliver it."""
    fault = {"route": f"STATUS /graph/{ANA}/*", "kind": "failed", "code": code}
    return lambda street: street.sandbox.faults(fault)


def deleted(street: Street) -> None:
    """The template is gone at Meta: it asks for the name."""
    street.app.chores = few_chores(street.app, "meta")
    path = "/graph/v25.0/102290129340398/message_templates"
    headers = {"Authorization": "Bearer sandbox-whatsapp-token"}
    answer = street.sandbox.http.delete(path, params={"name": "quote_ready"}, headers=headers)
    assert answer.is_success, answer.text


# what is wrong: (state, code, words of the reason, requests made)
CASES: dict[str, tuple[Setup, str, str, str, int]] = {
    "no phone": (contact(phone="", mobilephone=""), "refused", "no_phone", "no phone number in contact.mobilephone", 0),
    "impossible phone": (contact(phone="12", mobilephone=""), "refused", "bad_phone", '"12" is no phone number', 0),
    "words for a phone": (contact(phone="ask Pedro", mobilephone=""), "refused", "bad_phone", "ask Pedro", 0),
    "a missing parameter": (
        document('  amount: "{{ deal.amount | money(deal.deal_currency_code) }}"\n', ""), "refused", "template",
        "amount", 0,
    ),
    "a parameter too many": (document("with:\n", "with:\n  extra: x\n"), "refused", "template", "extra", 0),
    "a button too many": (document("[accept, question]", "[a, b, c]"), "refused", "template", "button", 0),
    "an empty parameter": (deal(amount=""), "refused", "parameter", "amount", 0),
    "a new line": (contact(firstname="Ana\nRuiz"), "refused", "parameter", "first_name", 0),
    "a tab": (contact(firstname="Ana\tRuiz"), "refused", "parameter", "first_name", 0),
    "five spaces": (contact(firstname="Ana     Ruiz"), "refused", "parameter", "first_name", 0),
    "a value too long": (contact(firstname="A" * 1100), "refused", "parameter", "", 0),
    "no file": (deal(quote_pdf_url=""), "refused", "parameter", "header.document", 0),
    "a file at home": (deal(quote_pdf_url="https://10.0.0.8/q.pdf"), "refused", "parameter", "header.document", 0),
    "a file here": (deal(quote_pdf_url="http://127.0.0.1:8000/q"), "refused", "parameter", "header.document", 0),
    "a file of the cloud's": (
        deal(quote_pdf_url="http://169.254.169.254/latest"), "refused", "parameter", "header.document", 0,
    ),
    "a file that is no address": (deal(quote_pdf_url="C:\\q.pdf"), "refused", "parameter", "header.document", 0),
    "a file that is not there": (
        deal(quote_pdf_url="https://example.com/404/q.pdf"), "failed", "graph_131053", "file", 1,
    ),
    "a language nobody wrote": (document("language: es", "language: de"), "refused", "language", "only in en, es", 0),
    "a template nobody made": (
        document("template: quote_ready", "template: quote_redy"), "refused", "template", "no template 'quote_redy'", 0,
    ),
    "a disabled template": (template(status="DISABLED"), "refused", "template", "disabled", 0),
    "a rejected template": (
        template(status="REJECTED", reason="INVALID_FORMAT"), "refused", "template", "rejected", 0,
    ),
    "a deleted template": (deleted, "refused", "template", "delet", 0),
    "ourselves": (meta(131021), "failed", "graph_131021", "sending number itself", 1),
    "no WhatsApp there": (later(131026), "failed", "graph_131026", "cannot reach this person", 1),
    "a value Meta refuses": (meta(132018), "failed", "graph_132018", "placeholders", 1),
    "a closed window": (meta(131047), "failed", "graph_131047", "24 hours", 1),
    "a country Meta forbids": (meta(130497), "failed", "graph_130497", "country", 1),
    "something new of Meta's": (meta(199999), "failed", "graph_199999", "refused", 1),
}  # fmt: skip


@pytest.mark.parametrize("wrong", depth.some(CASES, 3))
def test_bad_input_has_a_name_on_the_send_and_on_the_record(street: Street, wrong: str) -> None:
    setup, state, code, words, requests = CASES[wrong]
    street.publish(QUOTE)
    street.publish(OTHER)
    setup(street)
    street.settle()
    street.move("hubspot", "contacts", CARLOS, phone="+5215512345678")
    street.move("hubspot", "deals", DEAL, dealstage="presentationscheduled")
    street.settle()
    street.move("hubspot", "deals", HIS_DEAL, dealstage="contractsent")
    street.settle()
    found = {row.document: row for row in street.sends}
    send = found["quote-ready"]
    assert (send.state, send.code) == (state, code), send.reason
    assert words in send.reason
    assert "\n" not in send.reason
    assert street.deal(DEAL)["whatsapp_quote"] == f"failed: {code}: {send.reason}"
    assert found["other"].state == "read", "somebody else was held up"
    assert len(street.requests()) == requests + 1
    counts = street.healthy()
    assert (counts["waiting"], counts["review"]) == (0, 0)
