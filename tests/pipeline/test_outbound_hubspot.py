"""A deal moves in HubSpot, and a message goes out: by HubSpot's own webhooks, to WhatsApp's statuses, and back."""

# ruff: noqa: F811 - fixtures

from connector.app import kinds
from connector.pipeline.why import event as why
from tests.pipeline.conftest import ANA
from tests.pipeline.street import Street, lane, street  # noqa: F401 - fixtures

QUOTE = """\
send: quote-ready
crm: hubspot
when:
  deal.dealstage: {becomes: presentationscheduled}
to:
  contact: deal.contact
  phone: [contact.mobilephone, contact.phone]
template: quote_ready
language: es
with:
  header.document: "{{ deal.quote_pdf_url }}"
  first_name: "{{ contact.firstname | default('there') }}"
  amount: "{{ deal.amount | money(deal.deal_currency_code) }}"
buttons: [accept, question]
after:
  sent: {set: {deal.whatsapp_quote: sent}, log: message}
  delivered: {set: {deal.whatsapp_quote: delivered}}
  read: {set: {deal.whatsapp_quote: read}}
  replied: {set: {deal.whatsapp_quote: answered}}
  failed: {set: {deal.whatsapp_quote: "failed: {{ failure.code }}: {{ failure.reason }}"}}
"""
ACCEPTED = """\
mapping: quote-accepted
crm: hubspot
when: {answer_to: quote_ready, type: button}
contact: {find_by: [whatsapp, phone], if_missing: create, if_several: review}
set:
  deal.dealstage:
    from: answer.id
    map: {accept: closedwon}
    else: skip
  whatsapp_last_answer: "{{ answer.title }}"
"""
DEAL = "3001"  # Ana's


def test_a_deal_moves_the_customer_accepts_and_the_deal_moves_on(street: Street) -> None:
    street.publish(QUOTE)
    street.publish(ACCEPTED)
    street.move("hubspot", "deals", DEAL, dealstage="presentationscheduled")
    street.settle()
    send = street.send()
    assert (send.state, send.to, send.document) == ("read", f"+{ANA}", "quote-ready")
    assert street.deal(DEAL)["whatsapp_quote"] == "read"
    logged = street.sandbox.records("hubspot", "communications")
    assert len(logged) == 1
    assert "Ana" in logged[0]["properties"]["hs_communication_body"]
    (request,) = street.requests()
    assert request["biz_opaque_callback_data"] == send.id
    tapped = street.customer(ANA, button="accept", reply_to=send.wamid)
    street.settle()
    deal = street.deal(DEAL)
    assert (deal["dealstage"], deal["whatsapp_quote"]) == ("closedwon", "answered")
    assert street.hubspot("1512")["whatsapp_last_answer"]
    assert street.fields(tapped)["deal.dealstage"] == ("written", "closedwon")
    assert street.healthy()["waiting"] == 0


def test_without_a_portal_id_the_account_s_address_says_whose_a_change_is(street: Street) -> None:
    street.app.add_account(kinds()["hubspot"], "hubspot", {"portal_id": ""}, {})
    street.publish(QUOTE)
    street.move("hubspot", "deals", DEAL, dealstage="presentationscheduled")
    street.settle()
    assert street.send().state == "read"


def test_why_is_asked_by_whatever_one_has_at_hand(street: Street) -> None:
    street.publish(QUOTE)
    street.move("hubspot", "deals", DEAL, dealstage="presentationscheduled")
    street.settle()
    send = street.send()
    names = {account.id: account.name for account in street.app.accounts()}
    for key in (send.id, send.wamid, DEAL, f"deals/{DEAL}", ANA, f"+{ANA}"):
        (told,) = why.explain(street.app.store, key, names)
        assert (told["message"]["record"], told["sends"][0]["id"]) == (DEAL, send.id), key
    assert why.explain(street.app.store, f"contacts/{DEAL}", names) == []


def test_a_burst_of_one_save_is_one_read_and_one_send(street: Street) -> None:
    street.publish(QUOTE)
    street.option("hubspot", double=1.0, shuffle=True)  # each event alone, in any order, and twice
    fields = {"dealname": "Espresso", "amount": "5200", "dealstage": "presentationscheduled"}
    street.move("hubspot", "deals", DEAL, **fields)
    street.arrive()
    before = len(street.sandbox.ledger("hubspot"))
    street.settle()
    assert street.send().state == "read"
    assert "5,200" in street.requests()[0]["template"]["components"][1]["parameters"][1]["text"]
    read = [c for c in street.sandbox.ledger("hubspot")[before:] if c["path"].endswith("/deals/batch/read")]
    assert len(read) == 1
    assert street.deliveries() >= 6
    assert street.healthy()["waiting"] == 0


def test_the_same_webhook_again_does_nothing(street: Street) -> None:
    street.publish(QUOTE)
    street.move("hubspot", "deals", DEAL, dealstage="presentationscheduled")
    street.settle()
    calls, sent = len(street.sandbox.ledger("hubspot")), street.sends
    assert street.hubspot_says(street.heard("hubspot")) == 200
    street.settle()
    assert (len(street.sandbox.ledger("hubspot")), street.sends) == (calls, sent)
    assert street.healthy()["waiting"] == 0


def test_what_we_wrote_ourselves_fires_only_who_asks_for_it(street: Street) -> None:
    """Accept moves the deal; HubSpot tells us of our own write, as of everybody's."""
    street.publish(QUOTE)
    street.publish(ACCEPTED)
    won = QUOTE.replace("quote-ready", "won").replace("presentationscheduled", "closedwon")
    street.publish(won)
    own = won.replace("send: won", "send: won-own").replace("when:", "when:\n  own_changes: yes")
    street.publish(own)
    street.option("hubspot", echo=True)
    street.move("hubspot", "deals", DEAL, dealstage="presentationscheduled")
    street.settle()
    street.customer(ANA, button="accept", reply_to=street.send().wamid)
    street.settle()
    assert street.deal(DEAL)["dealstage"] == "closedwon"
    assert sorted(row.document for row in street.sends) == ["quote-ready", "won-own"]
    assert street.healthy()["waiting"] == 0


def test_a_record_of_several_people_becomes_a_question(street: Street) -> None:
    street.publish(QUOTE)
    street.move("hubspot", "deals", "3007", dealstage="presentationscheduled")
    street.move("hubspot", "deals", DEAL, dealstage="presentationscheduled")
    street.settle()
    assert [row.record[2] for row in street.sends] == [DEAL]
    assert street.healthy()["review"] == 1


def test_a_deal_without_a_contact_is_told(street: Street) -> None:
    street.publish(QUOTE)
    street.move("hubspot", "deals", "new", dealname="Nobody's", dealstage="presentationscheduled", pipeline="default")
    street.settle()
    assert street.outcomes() == [("refused", "no_contact")]
    assert street.requests() == []
    assert street.deal(street.send().record[2])["whatsapp_quote"] == "failed: no_contact: The deal has no contact."
    assert street.healthy()["review"] == 0
