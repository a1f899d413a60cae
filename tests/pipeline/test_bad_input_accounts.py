"""What only a person or Meta can mend: nothing is dropped, everybody is told once, and it goes on after the fix."""

# ruff: noqa: F811 - fixtures

import pytest

from connector.app import kinds
from tests import depth
from tests.pipeline.conftest import ANA, few_chores
from tests.pipeline.street import Street, lane, street  # noqa: F401 - fixtures
from tests.pipeline.test_bad_input_sends import NUMBER_ROUTE, OTHER
from tests.pipeline.test_outbound_hubspot import DEAL, QUOTE

NEW_TEXT = [
    {"type": "BODY", "text": "Hola {{first_name}}, son {{amount}} pesos hasta el {{day}}, gracias a todos.",
     "example": {"body_text_named_params": [{"param_name": "first_name", "example": "Ana"},
                 {"param_name": "amount", "example": "10"}, {"param_name": "day", "example": "lunes"}]}},
]  # fmt: skip


@pytest.fixture
def street(lane: Street) -> Street:
    """One database is enough: what others say is tested here, not how we store it."""
    return lane


def mended(street: Street) -> None:
    """A person stores a new token."""
    street.sandbox.faults()
    street.app.add_account(kinds()["whatsapp"], "whatsapp", {}, {"token": "sandbox-whatsapp-token"})


@pytest.mark.parametrize(
    ("fault", "words"),
    depth.some([
        ({"kind": "expired"}, "token"),
        ({"kind": "error", "code": 190}, "token"),
        ({"kind": "error", "code": 10}, "permission"),
        ({"kind": "error", "code": 131031}, "restricted"),
        ({"kind": "error", "code": 368}, "restricted"),
        ({"kind": "error", "code": 131042}, "charge"),
        ({"kind": "error", "code": 133010}, "not registered"),
    ], 3),
)  # fmt: skip
def test_a_number_that_may_not_send_waits_for_a_person_and_drops_nothing(street: Street, fault, words: str) -> None:
    street.publish(QUOTE)
    street.publish(OTHER)
    street.sandbox.faults({"route": NUMBER_ROUTE, **fault})
    street.move("hubspot", "contacts", "1513", phone="+5215512345678")
    street.move("hubspot", "deals", DEAL, dealstage="presentationscheduled")
    street.move("hubspot", "deals", "3002", dealstage="contractsent")
    street.settle()
    account = street.app.account("whatsapp")
    assert account is not None
    assert (account.state, words in account.reason) == ("needs_person", True), account.reason
    assert {row.state for row in street.sends} == {"ready"}
    asked = len(street.requests())
    assert asked <= 2
    street.settle()
    assert len(street.requests()) == asked, "it is not tried again before a person has been there"
    assert [words in row["reason"] for row in street.listed()] == [True, True]
    assert street.deal(DEAL).get("whatsapp_quote") in (None, "")
    mended(street)
    street.settle()
    assert {row.state for row in street.sends} == {"read"}
    assert street.deal(DEAL)["whatsapp_quote"] == "read"
    assert street.healthy()["waiting"] == 0


def test_a_restriction_that_a_webhook_tells_of_stops_what_waits(street: Street) -> None:
    """An account-wide refusal may come as a status of one message, too."""
    street.publish(QUOTE)
    street.sandbox.faults({"route": f"STATUS /graph/{ANA}/sent", "kind": "failed", "code": 131031})
    street.move("hubspot", "deals", DEAL, dealstage="presentationscheduled")
    street.settle()
    account = street.app.account("whatsapp")
    assert account is not None
    assert account.state == "needs_person"
    assert street.send().state == "failed"
    assert street.deal(DEAL)["whatsapp_quote"].startswith("failed: graph_131031: ")


def test_a_paused_template_waits_and_goes_out_when_meta_lifts_it(lane: Street) -> None:
    lane.publish(QUOTE)
    lane.publish(OTHER)
    lane.template("quote_ready", "es", status="PAUSED")
    lane.settle()
    lane.move("hubspot", "deals", DEAL, dealstage="presentationscheduled")
    lane.settle()
    send = lane.send()
    assert (send.state, send.code) == ("waiting", "template")
    assert "paused" in send.reason
    assert send.next_at > lane.clock.now()
    assert lane.requests() == []
    lane.move("hubspot", "deals", "3003", dealstage="contractsent")
    lane.settle()
    assert {row.document: row.state for row in lane.sends} == {"quote-ready": "waiting", "other": "read"}
    lane.template("quote_ready", "es", status="APPROVED")
    lane.settle()
    lane.pass_(minutes=61)
    assert {row.document: row.state for row in lane.sends} == {"quote-ready": "read", "other": "read"}


def test_a_template_that_meta_pauses_at_the_request_rests_and_is_tried_later(lane: Street) -> None:
    lane.publish(QUOTE)
    lane.publish(OTHER)
    lane.sandbox.faults({"route": NUMBER_ROUTE, "kind": "error", "code": 132015, "times": 1})
    lane.move("hubspot", "deals", DEAL, dealstage="presentationscheduled")
    lane.settle()
    send = lane.send()
    assert (send.state, send.code) == ("ready", "graph_132015")
    lane.move("hubspot", "deals", "3003", dealstage="contractsent")
    lane.settle()
    assert sorted(row.state for row in lane.sends) == ["read", "ready"]
    lane.pass_(hours=3, minutes=1)
    assert [row.state for row in lane.sends] == ["read", "read"]


def test_a_template_whose_parameters_change_parks_its_document_before_a_request(lane: Street) -> None:
    lane.app.chores = few_chores(lane.app, "meta", "drift")
    lane.publish(QUOTE)
    lane.publish(OTHER)
    (known,) = [
        t for t in lane.sandbox.records("graph", "templates") if (t["name"], t["language"]) == ("quote_ready", "es")
    ]
    headers = {"Authorization": "Bearer sandbox-whatsapp-token"}
    edit = {"components": NEW_TEXT, "category": "UTILITY"}
    answer = lane.sandbox.http.post(f"/graph/v25.0/{known['id']}", json=edit, headers=headers)
    assert answer.is_success, answer.text
    lane.template("quote_ready", "es", status="APPROVED")
    lane.pass_(hours=25)  # the nightly look
    assert {"drift", "document_parked"} <= set(lane.findings())
    lane.move("hubspot", "deals", DEAL, dealstage="presentationscheduled")
    lane.move("hubspot", "deals", "3003", dealstage="contractsent")
    lane.settle()
    found = {row.document: row for row in lane.sends}
    assert found["other"].state == "read"
    assert (found["quote-ready"].state, found["quote-ready"].code) == ("refused", "template")
    assert len(lane.requests()) == 1
    assert lane.deal(DEAL)["whatsapp_quote"].startswith("failed: template: ")
