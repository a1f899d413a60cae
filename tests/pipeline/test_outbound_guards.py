"""Who must not be written to now, or at all: consent until the last moment, hours, windows, and a person's word."""

# ruff: noqa: F811 - fixtures

from datetime import UTC, datetime, timedelta

import pytest

from tests.pipeline.conftest import ANA, NUMBER
from tests.pipeline.street import Street, lane, street  # noqa: F401 - fixtures
from tests.pipeline.test_outbound_hubspot import DEAL, QUOTE

OFFER = """\
send: offer
crm: hubspot
when:
  deal.dealstage: {becomes: contractsent}
to: {contact: deal.contact, phone: contact.phone}
template: spring_offer
language: es
with: {first_name: "{{ contact.firstname }}"}
after:
  failed: {set: {deal.whatsapp_quote: "failed: {{ failure.code }}: {{ failure.reason }}"}}
"""
REPLY = """\
mapping: thanks
crm: hubspot
when: {answer_to: anything, type: text}
contact: {find_by: [whatsapp, phone], if_missing: create, if_several: review}
set:
  whatsapp_last_answer: "{{ answer.text }}"
reply: "Thank you, {{ contact.firstname | default('you') }}!"
"""
BOGOTA_NIGHT = 3  # hour of the day, UTC: 22:00 there
OPENS = 13  # 08:00 there


def told(street: Street) -> str:
    return str(street.deal(DEAL).get("whatsapp_quote") or "")


def quoted(street: Street) -> None:
    street.move("hubspot", "deals", DEAL, dealstage="presentationscheduled")
    street.settle()


def offered(street: Street) -> None:
    street.move("hubspot", "deals", DEAL, dealstage="contractsent")
    street.settle()


# ---- consent -----------------------------------------------------------------------------------------------------
def test_stop_between_planning_and_sending_wins(street: Street) -> None:
    street.publish(QUOTE)
    street.holding("pause", "number", NUMBER, "Stock is out.")
    quoted(street)
    assert street.send().state == "ready"
    street.customer(ANA, text="STOP")
    street.settle()
    street.holding("resume", "number", NUMBER)
    street.settle()
    assert street.outcomes() == [("refused", "consent")]
    assert street.requests() == []
    assert told(street).startswith("failed: consent: ")
    street.move("hubspot", "deals", DEAL, dealstage="qualifiedtobuy")
    street.settle()  # two webhooks on their way at once may overtake each other
    quoted(street)
    assert street.outcomes() == [("refused", "consent")] * 2, street.becauses()
    street.customer(ANA, text="START")
    street.settle()
    street.move("hubspot", "deals", DEAL, dealstage="qualifiedtobuy")
    street.settle()  # two webhooks on their way at once may overtake each other
    quoted(street)
    assert street.sends[-1].state == "read", (street.outcomes(), street.becauses())
    assert street.healthy()["waiting"] == 0


def test_marketing_needs_an_opt_in_and_a_preference_ends_it(street: Street) -> None:
    street.publish(OFFER)
    street.publish(QUOTE)
    offered(street)
    assert street.outcomes() == [("refused", "consent")]
    assert "has not opted in to marketing" in told(street)
    street.customer(ANA, marketing="resume")
    street.settle()
    street.move("hubspot", "deals", DEAL, dealstage="qualifiedtobuy")
    street.settle()  # two webhooks on their way at once may overtake each other
    offered(street)
    assert street.sends[-1].state == "read"
    street.customer(ANA, marketing="stop")
    street.settle()
    street.move("hubspot", "deals", DEAL, dealstage="qualifiedtobuy")
    street.settle()  # two webhooks on their way at once may overtake each other
    offered(street)
    assert street.sends[-1].code == "consent"
    quoted(street)
    assert street.sends[-1].state == "read", "a quote is no marketing"


def test_who_stopped_marketing_at_meta_is_not_asked_again(street: Street) -> None:
    street.publish(OFFER)
    street.customer(ANA, marketing="resume")
    street.settle()
    street.describe(ANA, marketing=False)
    offered(street)
    assert street.outcomes() == [("failed", "graph_131050")]
    assert told(street).startswith("failed: graph_131050: ")
    street.move("hubspot", "deals", DEAL, dealstage="qualifiedtobuy")
    street.settle()  # two webhooks on their way at once may overtake each other
    offered(street)
    assert [row.code for row in street.sends] == ["graph_131050", "consent"]
    assert len(street.requests()) == 1


def test_a_consent_field_of_the_crm_counts(street: Street) -> None:
    account = street.app.account("hubspot")
    assert account is not None
    street.setting("hubspot", consent_field="newsletter")
    street.publish(OFFER)
    street.move("hubspot", "contacts", "1512", newsletter="true")
    street.settle()
    offered(street)
    assert street.sends[-1].state == "read", street.sends[-1].reason
    street.move("hubspot", "contacts", "1512", newsletter="false")
    street.settle()
    street.move("hubspot", "deals", DEAL, dealstage="qualifiedtobuy")
    street.settle()  # two webhooks on their way at once may overtake each other
    offered(street)
    assert street.sends[-1].code == "consent"
    street.customer(ANA, marketing="resume")
    street.settle()
    assert street.hubspot("1512")["newsletter"] == "true"


# ---- times -------------------------------------------------------------------------------------------------------
def night(street: Street) -> datetime:
    """It is 22:30 in Bogota; when the next morning begins there."""
    now = datetime.now(UTC)
    at = now.replace(hour=BOGOTA_NIGHT, minute=30, second=0, microsecond=0)
    at += timedelta(days=1) if at < now else timedelta()
    street.clock.moved = at - now
    street.settle()  # what is due by then
    return at.replace(hour=OPENS, minute=0)


GUARD = "guard:\n  quiet_hours: {allow: 08:00-20:00, time_zone: contact, otherwise: wait}\n"


def test_at_night_it_waits_for_the_morning_and_says_so(lane: Street) -> None:
    lane.publish(QUOTE + GUARD)
    morning = night(lane)
    quoted(lane)
    send = lane.send()
    assert (send.state, send.code) == ("waiting", "quiet_hours")
    assert abs(send.next_at - morning) < timedelta(minutes=1)
    assert "08:00-20:00" in send.reason
    (listed,) = lane.listed()
    assert listed["reason"] == send.reason
    lane.move("hubspot", "deals", DEAL, amount="5100")
    lane.pass_(hours=9)
    assert lane.requests() == []
    lane.pass_(minutes=31)
    assert lane.send().state == "read"
    assert "5,100" in str(lane.requests()), "its values are of the moment it leaves"


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ("  give_up_after: 2 hours\n", ("expired", "quiet_hours")),
        ("  cancel_if: deal.dealstage != 'presentationscheduled'\n", ("cancelled", "cancelled")),
    ],
)
def test_what_is_no_longer_wanted_does_not_go_out_in_the_morning(lane: Street, more, outcome) -> None:
    lane.publish(QUOTE + GUARD + more)
    night(lane)
    quoted(lane)
    lane.move("hubspot", "deals", DEAL, dealstage="closedlost")
    lane.pass_(hours=10, minutes=1)
    assert lane.outcomes() == [outcome]
    assert lane.requests() == []


def test_a_record_that_is_deleted_while_its_message_waits_gets_none(lane: Street) -> None:
    lane.publish(QUOTE + GUARD)
    night(lane)
    quoted(lane)
    lane.move("hubspot", "deals", DEAL, archived=True)
    lane.pass_(hours=10, minutes=1)
    assert lane.outcomes() == [("refused", "record_gone")]
    assert lane.healthy()["waiting"] == 0


def test_at_most_is_kept(lane: Street) -> None:
    lane.publish(QUOTE + "guard: {at_most: 1 per 7 days}\n")
    quoted(lane)
    lane.move("hubspot", "deals", DEAL, dealstage="qualifiedtobuy")
    lane.settle()  # two webhooks on their way at once may overtake each other
    quoted(lane)
    assert lane.outcomes() == [("read", ""), ("refused", "at_most")]
    lane.pass_(days=7, minutes=1)
    lane.move("hubspot", "deals", DEAL, dealstage="qualifiedtobuy")
    lane.settle()  # two webhooks on their way at once may overtake each other
    quoted(lane)
    assert lane.sends[-1].state == "read"


def test_every_and_date_come_at_their_time(lane: Street) -> None:
    weekly = OFFER.replace("offer", "weekly", 1).replace("spring_offer", "delivery_slots").replace("es\n", "en\n")
    weekly = weekly.replace(
        "deal.dealstage: {becomes: contractsent}", "every: day 09:00\n  contact.lifecyclestage: {is: evangelist}"
    )
    weekly = weekly.replace("{contact: deal.contact, phone: contact.phone}", "record")
    weekly = weekly.replace("}\nafter", ", order_number: A-1}\nafter").partition("after:")[0]
    dated = weekly.replace("send: weekly", "send: dated").replace(
        "every: day 09:00\n  contact.lifecyclestage: {is: evangelist}", "date: contact.delivery_date - 1 day at 10:00"
    )
    lane.publish(weekly)
    lane.publish(dated)
    now = datetime.now(UTC)
    lane.clock.moved = (now + timedelta(days=1)).replace(hour=8, minute=0, second=0) - now
    lane.settle()
    assert lane.sends == []
    day = (lane.clock.now() + timedelta(days=1)).date()
    lane.move("hubspot", "contacts", "1512", delivery_date=day.isoformat())
    lane.pass_(minutes=61)
    evangelists = [
        r["id"]
        for r in lane.sandbox.records("hubspot", "contacts")
        if r["properties"]["lifecyclestage"] == "evangelist"
    ]
    assert sorted(row.person[2] for row in lane.sends if row.document == "weekly") == sorted(evangelists) != []
    lane.pass_(hours=1)
    assert [row.person[2] for row in lane.sends if row.document == "dated"] == ["1512"]
    lane.pass_(hours=2)
    assert len(lane.sends) == len(evangelists) + 1


# ---- a person's word, and who goes first ---------------------------------------------------------------------------
def test_replies_go_before_what_was_planned(lane: Street) -> None:
    lane.publish(QUOTE)
    lane.publish(REPLY)
    lane.holding("pause", "number", NUMBER, "")
    for deal in ("3001", "3003"):
        lane.move("hubspot", "deals", deal, dealstage="presentationscheduled")
    lane.settle()
    lane.customer("573004445555", text="hello")
    lane.settle()
    assert [row.state for row in lane.sends] == ["ready"] * 3
    lane.holding("resume", "number", NUMBER)
    lane.settle()
    assert sorted(request["type"] for request in lane.requests()) == ["template", "template", "text"]
    (reply,) = [row for row in lane.sends if not row.template]
    assert reply.started_at == min(row.started_at for row in lane.sends)  # one claim: then the network decides


def test_a_reply_goes_out_inside_the_window_and_never_after_it(lane: Street) -> None:
    lane.publish(REPLY)
    lane.customer(ANA, text="hello")
    lane.settle()
    assert lane.send().state == "read"
    assert lane.requests()[0]["text"]["body"] == "Thank you, Ana!"
    lane.holding("pause", "number", NUMBER, "")
    lane.customer(ANA, text="again")
    lane.settle()
    lane.clock.moved += timedelta(hours=24, minutes=1)
    lane.holding("resume", "number", NUMBER)
    lane.settle()
    assert lane.outcomes() == [("read", ""), ("refused", "window")]
    assert len(lane.requests()) == 1


def test_paused_resumed_and_cancelled_by_the_command_line(lane: Street) -> None:
    lane.publish(QUOTE)
    assert lane.cli("sends", "pause", "quote-ready", "--reason", "Prices change today.") == 0
    quoted(lane)
    lane.move("hubspot", "deals", "3003", dealstage="presentationscheduled")
    lane.settle()
    assert {(row.state) for row in lane.sends} == {"ready"}
    assert {row["reason"] for row in lane.listed()} == {"Prices change today."}
    first, second = lane.sends
    assert lane.cli("sends", "cancel", first.id) == 0
    assert lane.cli("sends", "resume", "quote-ready") == 0
    lane.settle()
    found = {row.id: row.state for row in lane.sends}
    assert found == {first.id: "cancelled", second.id: "read"}
    assert lane.healthy()["waiting"] == 0
