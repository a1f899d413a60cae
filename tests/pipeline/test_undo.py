"""Undo through the sandbox: what is still ours goes back, what somebody changed since stays, and twice is as once."""

from typing import Any

import pytest

from connector.pipeline.again import undo
from tests.pipeline.conftest import ANA, House
from tests.pipeline.messages import replies, text
from tests.pipeline.street import Street, lane, street  # noqa: F401 - fixtures
from tests.pipeline.test_journey import ANYTHING
from tests.pipeline.test_outbound_hubspot import ACCEPTED, DEAL, QUOTE

# ruff: noqa: F811 - fixtures
STAGE = """\
mapping: stage
crm: hubspot
when: {answer_to: anything, type: text}
contact: {find_by: [whatsapp, phone], if_missing: create, if_several: review}
set:
  lifecyclestage: customer
  whatsapp_last_answer: "{{ answer.text }}"
log: message
reply: Thank you
"""


def run(house: House, key: str, **args: Any) -> dict[str, Any]:
    account = house.app.account("hubspot")
    assert account is not None
    app = house.app
    return undo.do(
        app.store, account, app.crm(account), app.library, app.clock, {"event": key, "by": "ana@x.co"} | args
    )


def said(house: House, wamid: str, words: str, document: str = STAGE) -> None:
    house.publish(document)
    house.deliver(replies(text(ANA, words, id=wamid)))
    house.settle()


def edit(house: House, **values: str) -> None:
    answer = house.sandbox.http.patch("/_records/hubspot/contacts/1512", json=values)
    assert answer.is_success, answer.text


def test_fields_go_back_and_what_was_empty_is_empty_again(house: House) -> None:
    said(house, "wamid.u", "hello")
    assert house.hubspot("1512")["lifecyclestage"] == "customer"
    dry = run(house, "wamid.u", dry=True)
    assert dry["bells"] == []
    done = run(house, "wamid.u")
    assert [(f["field"], f["from"], f["to"]) for f in done["undone"]] == [
        ("lifecyclestage", "customer", "lead"), ("whatsapp_last_answer", "hello", None),
    ]  # fmt: skip
    assert dry["undone"] == done["undone"]
    assert [part for part in done["stays"] if "timeline" in part or "customer" in part]
    assert len(done["bells"]) == 1
    house.settle()
    found = house.hubspot("1512")
    assert (found["lifecyclestage"], found.get("whatsapp_last_answer") or "") == ("lead", "")
    told = [f for d in house.why("wamid.u")["documents"] for f in d["fields"] if "undone by ana@x.co" in f["because"]]
    assert [f["because"].split(";")[0] for f in told] == [
        "undone by ana@x.co: customer -> lead", "undone by ana@x.co: hello -> empty",
    ]  # fmt: skip
    house.counts()


@pytest.mark.long
def test_twice_is_as_once_and_it_can_be_done_again(house: House) -> None:
    said(house, "wamid.u", "hello")
    assert len(run(house, "wamid.u")["undone"]) == 2
    waits = run(house, "wamid.u")
    assert waits["undone"] == []
    assert {f["why"] for f in waits["kept"]} == {"It waits to be written: try again when it is."}
    house.settle()
    again = run(house, "wamid.u")
    assert ([], {"It is undone already."}) == (again["undone"], {f["why"] for f in again["kept"]})
    assert len(run(house, "wamid.u", again=True)["undone"]) == 2
    house.settle()
    assert house.hubspot("1512")["whatsapp_last_answer"] == "hello"
    assert len(run(house, "wamid.u")["undone"]) == 2
    house.settle()
    assert house.hubspot("1512")["lifecyclestage"] == "lead"
    house.counts()


def test_what_somebody_changed_since_stays(house: House) -> None:
    said(house, "wamid.u", "hello")
    edit(house, lifecyclestage="evangelist")
    done = run(house, "wamid.u")
    assert [f["field"] for f in done["undone"]] == ["whatsapp_last_answer"]
    assert [(f["field"], f["now"]) for f in done["kept"]] == [("lifecyclestage", "evangelist")]
    assert done["kept"][0]["why"] == "changed since by somebody else: now evangelist"
    house.settle()
    edit(house, whatsapp_last_answer="mine")  # and between the undo and doing it again
    assert run(house, "wamid.u", again=True)["undone"] == []
    house.settle()
    assert (house.hubspot("1512")["lifecyclestage"], house.hubspot("1512")["whatsapp_last_answer"]) == (
        "evangelist",
        "mine",
    )


def test_a_later_message_is_named(house: House) -> None:
    said(house, "wamid.one", "first", ANYTHING)
    said(house, "wamid.two", "second", ANYTHING)
    done = run(house, "wamid.one")
    assert done["undone"] == []
    assert house.why("wamid.two")["event"] in done["kept"][0]["why"]
    run(house, "wamid.two")
    house.settle()
    assert house.hubspot("1512")["whatsapp_last_answer"] == "first"
    assert [f["to"] for f in run(house, "wamid.one")["undone"]] == [None]
    house.settle()
    house.counts()


def test_a_record_that_is_gone_and_an_event_without_writes(house: House) -> None:
    said(house, "wamid.u", "hello", ANYTHING)
    assert house.sandbox.http.delete("/_records/hubspot/contacts/1512").status_code in (200, 204, 404, 405)
    house.deliver(replies(text("573009990000", "STOP", id="wamid.none")))
    house.settle()
    assert run(house, "wamid.none")["undone"] == []


@pytest.mark.parametrize("outside", ["", "contractsent"])
def test_a_deal_moves_back_and_sets_off_nothing(street: Street, outside: str) -> None:
    """Our own write is known as such: moving the deal back to the stage that sends the quote sends no second one."""
    street.publish(QUOTE)
    street.publish(ACCEPTED)
    street.move("hubspot", "deals", DEAL, dealstage="presentationscheduled")
    street.settle()
    tapped = street.customer(ANA, button="accept", reply_to=street.send().wamid)
    street.settle()
    assert street.deal(DEAL)["dealstage"] == "closedwon"
    if outside:
        street.move("hubspot", "deals", DEAL, dealstage=outside)
        street.settle()
    done = run(street, tapped)
    street.settle()
    went = {f["field"]: f["to"] for f in done["undone"]}
    assert went.get("deal.dealstage") == (None if outside else "presentationscheduled")
    assert street.deal(DEAL)["dealstage"] == (outside or "presentationscheduled")
    assert len(street.sends) == 1
    street.healthy()
