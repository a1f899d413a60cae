"""A document that does not fit its template is not published; what a mapping tells others reaches them signed."""

# ruff: noqa: F811 - fixtures

import json
from pathlib import Path

import pytest

from connector import webhooks
from connector.app import kinds
from connector.store.tables import document_versions
from connector.webhooks import standard
from tests.pipeline.conftest import ANA
from tests.pipeline.street import Street, lane, street  # noqa: F401 - fixtures
from tests.pipeline.test_outbound_hubspot import DEAL, QUOTE
from tests.webhooks.receiver import receiving

AMOUNT = '  amount: "{{ deal.amount | money(deal.deal_currency_code) }}"\n'
WRONG = {
    "a parameter is missing": (AMOUNT, "", "amount"),
    "a parameter too many": ("with:\n", "with:\n  discount: x\n", "discount"),
    "no file": ('  header.document: "{{ deal.quote_pdf_url }}"\n', "", "header.document"),
    "a button too many": ("[accept, question]", "[a, b, c]", "button"),
    "a template nobody made": ("template: quote_ready", "template: quote_redy", "quote_redy"),
    "a field nobody has": ("deal.quote_pdf_url", "deal.quote_pdf", "quote_pdf"),
    "a stage nobody has": ("presentationscheduled", "presentation", "presentation"),
    "a number nobody has": ("template:", "number: nowhere\ntemplate:", "nowhere"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_does_not_fit_is_refused_with_its_line(lane: Street, tmp_path: Path, wrong: str) -> None:
    old, new, word = WRONG[wrong]
    assert old in QUOTE
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "quote.yaml").write_text(QUOTE.replace(old, new, 1))
    assert lane.cli("mappings", "push", str(folder)) == 1, lane.said
    assert word in lane.said
    assert "quote.yaml:" in lane.said
    assert lane.rows(document_versions) == []
    lane.move("hubspot", "deals", DEAL, dealstage="presentationscheduled")
    lane.settle()
    assert lane.sends == []


def test_what_fits_is_published_and_sends_from_then_on(lane: Street, tmp_path: Path) -> None:
    lane.move("hubspot", "deals", DEAL, dealstage="presentationscheduled")
    lane.arrive()
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "quote.yaml").write_text(QUOTE)
    assert lane.cli("mappings", "push", str(folder)) == 0, lane.said
    lane.settle()
    assert lane.sends == [], "it starts from now"
    lane.move("hubspot", "deals", "3003", dealstage="presentationscheduled")
    lane.settle()
    assert lane.send().state == "read"


def test_a_mapping_tells_another_system_once_and_signed(street: Street) -> None:
    secret = standard.new_secret()
    street.publish(
        "mapping: tell\ncrm: hubspot\nwhen: {answer_to: anything, type: text}\n"
        "contact: {find_by: [whatsapp, phone], if_missing: create, if_several: review}\n"
        'set: {whatsapp_last_answer: "{{ answer.text }}"}\n'
        'notify: {webhook: warehouse, with: {said: "{{ answer.text }}"}}\n'
    )
    with receiving((503, {}), (200, {})) as receiver:
        street.app.add_account(kinds()[webhooks.MANIFEST.kind], "warehouse", {"url": receiver.url}, {"secret": secret})
        street.customer(ANA, text="two boxes")
        street.settle()
        assert len(receiver.calls) == 1
        with street.app.store.write() as conn:
            conn.exec_driver_sql("UPDATE changes SET next_at = NULL WHERE kind = 'Notify'")
        street.settle()
        street.settle()
        calls = receiver.calls
    assert len(calls) == 2
    assert {headers["webhook-id"] for _, headers, _ in calls} == {calls[0][1]["webhook-id"]}
    for _, headers, body in calls:
        stamp = int(headers["webhook-timestamp"])
        assert headers["webhook-signature"] == standard.sign(secret, headers["webhook-id"], stamp, body)
        assert "two boxes" in json.dumps(json.loads(body), ensure_ascii=False)
    assert street.healthy()["waiting"] == 0
