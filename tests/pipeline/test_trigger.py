"""A CRM event sends one message: which documents fire, on what, how often, and why not."""

import sqlalchemy as sa

from connector.store import own_writes
from connector.store.tables import parks, plans, record_values
from tests.pipeline.conftest import NUMBER, House
from tests.pipeline.triggering import (
    QUOTE,
    ago,
    asked,
    because,
    fire,
    happened,
    judge,
    publish,
    ready,
    rows,
    sent,
    slots,
    told,
)

DEAL = "3001"


def test_a_deal_that_gets_there_sends_its_quote(house: House) -> None:
    ready(house)
    publish(house, QUOTE)
    assert fire(house, [told("deal", DEAL, "dealstage", "presentationscheduled")]) == (NUMBER,)
    (send,) = sent(house)
    assert (send.state, send.document, send.template, send.version) == ("ready", "quote-ready", "quote_ready", 1)
    assert send.to.startswith("+")
    assert send.body["type"] == "template"
    assert send.record[1:] == ["deals", DEAL]
    assert send.person[1] == "contacts"
    assert send.lane
    assert because(house) == ["deal.dealstage became presentationscheduled"]


def test_the_same_event_twice_is_one_send(house: House) -> None:
    ready(house)
    publish(house, QUOTE)
    event = told("deal", DEAL, "dealstage", "presentationscheduled")
    fire(house, [event], [event | {"attemptNumber": 1}])
    fire(house, [event | {"attemptNumber": 2}, event | {"eventId": 1}])
    assert len(sent(house)) == 1


def test_what_was_there_already_does_not_fire(house: House) -> None:
    ready(house)
    publish(house, QUOTE)
    fire(house, [told("deal", DEAL, "dealstage", "presentationscheduled", ago(60))])
    fire(house, [told("deal", DEAL, "dealstage", "presentationscheduled", ago(30))])
    assert len(sent(house)) == 1
    assert "presentationscheduled already" in because(house)[-1]


def test_there_and_back_and_there_again_is_two(house: House) -> None:
    ready(house)
    publish(house, QUOTE)
    for seconds, stage in ((90, "presentationscheduled"), (60, "closedlost"), (30, "presentationscheduled")):
        fire(house, [told("deal", DEAL, "dealstage", stage, ago(seconds))])
    assert len(sent(house)) == 2


def test_an_older_value_that_comes_late_neither_fires_nor_counts(house: House) -> None:
    ready(house)
    publish(house, QUOTE)
    fire(house, [told("deal", DEAL, "dealstage", "closedwon", ago(10))])
    fire(house, [told("deal", DEAL, "dealstage", "presentationscheduled", ago(60))])
    assert sent(house) == []
    assert "a newer value of dealstage is known" in because(house)[-1]
    (known,) = rows(house, record_values)
    assert known.value == "closedwon"


def test_events_from_before_the_document_never_fire_it(house: House) -> None:
    ready(house)
    house.deliver([told("deal", DEAL, "dealstage", "presentationscheduled")], account="hubspot")
    house.unpack()
    publish(house, QUOTE, ago(-1))
    judge(house)
    assert sent(house) == []
    assert because(house) == []


def test_a_burst_of_one_save_reads_the_record_once(house: House) -> None:
    ready(house)
    publish(house, QUOTE)
    at = ago(5)
    fields = {"dealname": "x", "dealstage": "presentationscheduled", "amount": "900", "pipeline": "default"}
    burst = [told("deal", DEAL, name, value, at) for name, value in fields.items()]
    house.sandbox.http.post("/_reset")
    fire(house, [burst[0], happened("deal", DEAL, "creation", at), *burst[1:]])
    assert len(sent(house)) == 1
    calls = [c["path"] for c in house.sandbox.ledger("hubspot")]
    assert len([path for path in calls if "/objects/" in path and "/deals/batch/read" in path]) == 1


def test_our_own_write_does_not_fire_unless_wanted(house: House) -> None:
    ready(house)
    publish(house, QUOTE)
    publish(house, QUOTE.replace("quote-ready", "quote-own").replace("when:", "when:\n  own_changes: yes"))
    account = house.app.account("hubspot")
    assert account is not None
    write = [("deals", DEAL, "dealstage", "presentationscheduled")]
    with house.app.store.write() as conn:
        own_writes.begin(conn, account.id, write, ago(3))
        own_writes.end(conn, account.id, write, ago(2))
    fire(house, [told("deal", DEAL, "dealstage", "presentationscheduled", ago(1))])
    assert [row.document for row in sent(house)] == ["quote-own"]
    assert any("we wrote this ourselves" in why for why in because(house))


def test_an_own_write_absorbs_one_event_only(house: House) -> None:
    ready(house)
    publish(house, QUOTE)
    account = house.app.account("hubspot")
    assert account is not None
    with house.app.store.write() as conn:
        own_writes.begin(conn, account.id, [("deals", DEAL, "dealstage", "presentationscheduled")], ago(60))
    fire(house, [told("deal", DEAL, "dealstage", "presentationscheduled", ago(59))])
    fire(house, [told("deal", DEAL, "dealstage", "closedlost", ago(40))])
    assert sent(house) == []
    fire(house, [told("deal", DEAL, "dealstage", "presentationscheduled", ago(20))])
    assert len(sent(house)) == 1


def test_a_new_contact_is_greeted(house: House) -> None:
    ready(house)
    publish(house, slots("hello", "contact.created: yes"))
    fire(house, [happened("contact", "1512", "creation")])
    assert len(sent(house)) == 1


def test_only_if_is_asked_of_the_fresh_record(house: House) -> None:
    ready(house)
    publish(house, QUOTE.replace("when:", "when:\n  only_if: [deal.amount >= 1000000000]"))
    fire(house, [told("deal", DEAL, "dealstage", "presentationscheduled")])
    assert sent(house) == []
    assert "amount" in because(house)[0]


def test_several_contacts_without_a_primary_one_ask_a_person(house: House) -> None:
    ready(house)
    publish(house, QUOTE)
    fire(house, [told("deal", "3007", "dealstage", "presentationscheduled")])
    assert sent(house) == []
    assert asked(house) == ["2 contacts on the deal, and none is the primary one: which one?"]


def test_the_primary_contact_is_the_one(house: House) -> None:
    ready(house)
    publish(house, QUOTE)
    fire(house, [told("deal", "3008", "dealstage", "presentationscheduled")])
    (send,) = sent(house)
    assert send.person[2] == "1531"


def test_each_contact_where_that_is_said(house: House) -> None:
    ready(house)
    publish(house, QUOTE.replace("deal.contact\n", "deal.contacts\n"))
    fire(house, [told("deal", "3007", "dealstage", "presentationscheduled")])
    assert sorted(row.person[2] for row in sent(house)) == ["1533", "1534"]


def test_a_deleted_record_ends_quietly(house: House) -> None:
    ready(house)
    publish(house, QUOTE)
    fire(house, [happened("deal", DEAL, "deletion")])
    fire(house, [told("deal", "999999", "dealstage", "presentationscheduled")])
    assert sent(house) == []
    assert because(house) == ["the record was deleted", "the record was deleted"]


def test_a_request_to_be_forgotten_goes_to_a_person(house: House) -> None:
    fire(house, [happened("contact", "1512", "privacyDeletion")])
    (text,) = asked(house)
    assert "privacy" in text


def test_a_merge_takes_what_we_know_along(house: House) -> None:
    ready(house)
    publish(house, QUOTE)
    fire(house, [told("deal", "3001", "dealstage", "presentationscheduled", ago(60))])
    merge = {"primaryObjectId": 3001, "mergedObjectIds": [3001, 3002], "newObjectId": 3999}
    fire(house, [happened("deal", "3001", "merge", ago(30), **merge)])
    fire(house, [told("deal", "3999", "dealstage", "presentationscheduled", ago(20))])
    assert len(sent(house)) == 1
    assert {row.record for row in rows(house, record_values, record_values.c.field == "dealstage")} == {"3999"}


def test_a_crm_that_is_down_parks_and_loses_nothing(house: House) -> None:
    ready(house)
    publish(house, QUOTE)
    house.sandbox.faults({"route": "* /hubspot/*", "kind": "5xx", "rate": 1.0})
    fire(house, [told("deal", DEAL, "dealstage", "presentationscheduled")])
    (plan,) = rows(house, plans)
    assert (plan.state, plan.attempts) == ("new", 0)
    house.sandbox.faults()
    with house.app.store.write() as conn:
        conn.execute(sa.delete(parks))
    judge(house)
    assert len(sent(house)) == 1
