"""Try and make a test: a text against a sample, a remembered event, the live record; nothing is ever written."""

# ruff: noqa: F811 - fixtures

import time
from typing import Any

import pytest
import sqlalchemy as sa

from connector.core import documents as language
from connector.core.documents import SendDocument
from connector.errors import GiveUp
from connector.pipeline.again import making, rejudge, trying, trying_send
from connector.pipeline.documents import schema, versions
from connector.store.tables import changes, plans, sends
from tests.pipeline.conftest import ANA, House
from tests.pipeline.messages import replies, tap, text
from tests.pipeline.street import Street, lane, street  # noqa: F401 - fixtures
from tests.pipeline.test_journey import ANYTHING
from tests.pipeline.test_outbound_guards import quoted
from tests.pipeline.test_outbound_hubspot import ACCEPTED, QUOTE

STAGE = """\
mapping: stage   # of the funnel
crm: hubspot
when: {answer_to: webinar_invite_v2, type: button}
contact: {find_by: [whatsapp, phone], if_missing: create, if_several: review}
set:
  lifecyclestage:
    from: answer.id
    map: {interested: salesqualifiedlead, later: lead}   # ids
    else: review
    overwrite: if_further
  whatsapp_last_answer: "{{ answer.title }}"
reply: "Thanks, {{ contact.firstname }}"
"""
LOUD = STAGE.replace("later: lead", "later: lead, maybe: other").replace("answer.title", "answer.title | upper")


def account(house: House) -> Any:
    found = house.app.account("hubspot")
    assert found is not None
    return found


def live(house: House, key: str, text: str) -> dict[str, Any]:
    app, mine = house.app, account(house)
    return trying.do(app.store, mine, app.crm(mine), app.library, app.clock, {"event": key, "text": text})


def memory(house: House, key: str, text: str) -> dict[str, Any]:
    args = {"event": key, "text": text}
    look = trying_send.templates_of(house.app.store)
    return trying.from_memory(house.app.store, house.app.library, account(house), args, templates=look)


def rows(house: House) -> list[int]:
    with house.app.store.read() as conn:
        return [conn.execute(sa.select(sa.func.count()).select_from(t)).scalar_one() for t in (changes, plans, sends)]


def tapped(house: House, id_: str = "interested", wamid: str = "wamid.tap") -> None:
    sent = house.sent_template(ANA, "webinar_invite_v2")
    house.deliver(replies(tap(ANA, id_, "Me interesa", id=wamid, context=sent)))
    house.settle()


def fields(found: dict[str, Any]) -> dict[str, tuple[Any, Any, str]]:
    return {f["field"]: (f["before"], f["value"], f["outcome"]) for f in found["fields"]}


# ---- mappings ----------------------------------------------------------------------------------------------------
def test_a_sample_needs_nothing_at_all() -> None:
    found = trying.sample(
        STAGE, {"answer.id": "interested", "answer.title": "Si", "contact.lifecyclestage": "customer"}
    )
    assert (found["kind"], found["good"], found["matched"], found["outcome"]) == ("mapping", True, True, "done")
    assert fields(found)["lifecyclestage"] == ("customer", "salesqualifiedlead", "kept")
    assert fields(found)["whatsapp_last_answer"] == (None, "Si", "written")
    assert found["messages"][0]["text"].startswith("Thanks")
    assert trying.sample(STAGE, {"type": "location", "answer.latitude": 4.7})["outcome"] == "no_match"
    assert trying.sample(STAGE, {"answer.id": "maybe"})["outcome"] == "review"
    assert trying.sample(STAGE, {"now": "yesterday"})["because"].startswith("The sample cannot be used")
    wrong = trying.sample(STAGE.replace("map:", "mpa:"), {"answer.id": "x"})
    assert (wrong["good"], wrong["name"]) == (False, "")
    assert wrong["findings"][0]["line"] >= 6


def test_a_past_reply_then_and_now(house: House) -> None:
    house.publish(STAGE)
    tapped(house)
    assert house.hubspot("1512")["lifecyclestage"] == "salesqualifiedlead"
    before = rows(house)
    then, now = memory(house, "wamid.tap", LOUD), live(house, "wamid.tap", LOUD)
    assert (then["source"], now["source"]) == ("remembered", "live")
    assert fields(then)["lifecyclestage"] == ("lead", "salesqualifiedlead", "written")
    assert fields(now)["lifecyclestage"] == ("salesqualifiedlead", "salesqualifiedlead", "kept")
    assert fields(then)["whatsapp_last_answer"] == (None, "ME INTERESA", "written")
    assert fields(now)["whatsapp_last_answer"] == ("Me interesa", "ME INTERESA", "written")
    assert (then["unknown"], now["unknown"]) == (["firstname"], [])
    assert now["messages"] == [{"type": "text", "text": "Thanks, Ana"}]
    assert now["contact"]["records"] == ["contacts 1512"]
    assert now["message"]["answer"]["id"] == "interested"
    assert rows(house) == before
    with pytest.raises(GiveUp, match="Nothing is known"):
        memory(house, "wamid.nobody", LOUD)


def test_an_answer_from_memory_takes_no_time(house: House) -> None:
    house.publish(STAGE)
    tapped(house)
    memory(house, "wamid.tap", LOUD)
    began = time.perf_counter()
    for _ in range(5):
        memory(house, "wamid.tap", LOUD)
    assert (time.perf_counter() - began) / 5 < 0.5  # 50 ms are aimed at; a shared machine is slow


@pytest.mark.long
def test_a_stored_version_and_a_deals_own_field(street: Street) -> None:
    street.publish(QUOTE)
    street.publish(ACCEPTED)
    quoted(street)
    key = street.customer(ANA, button="accept", reply_to=street.send().wamid)
    street.settle()
    app, mine = street.app, account(street)
    args = {"event": key, "document": "quote-accepted", "version": 1}
    then = trying.from_memory(app.store, app.library, mine, args)
    now = trying.do(app.store, mine, app.crm(mine), app.library, app.clock, args)
    assert fields(then)["deal.dealstage"] == ("presentationscheduled", "closedwon", "written")
    assert fields(now)["deal.dealstage"] == ("closedwon", "closedwon", "kept")
    with pytest.raises(GiveUp, match="version 7"):
        trying.text_of(app.store, {"document": "quote-accepted", "version": 7})


# ---- send: documents ---------------------------------------------------------------------------------------------
def test_a_made_up_record(street: Street) -> None:
    known = trying_send.templates_of(street.app.store)
    given = {"deal.amount": "1200", "deal.deal_currency_code": "USD", "contact.firstname": "Ana",
             "deal.quote_pdf_url": "https://example.com/q.pdf"}  # fmt: skip
    found = trying.sample(QUOTE, given, fields=schema.look(street.app.store), templates=known)
    (send,) = found["sends"]
    assert (found["matched"], send["state"], send["language"]) == (True, "ready", "es")
    assert "Ana" in send["text"]
    assert "1" in send["values"]["amount"]
    assert [b["id"] for b in send["buttons"]] == ["accept", "question"]
    assert {g["state"] for g in send["gates"]} == {"passed"}
    night = QUOTE + "guard: {quiet_hours: {allow: 08:00-20:00, time_zone: contact, otherwise: wait}}\n"
    night = night.replace("guard:", "guard:", 1)
    late = trying.sample(night, given | {"now": "2026-11-23T03:10:00Z", "contact.time_zone": "America/Bogota"})
    (send,) = late["sends"]
    assert (send["state"], send["until"]) == ("waiting", "2026-11-23T13:00:00+00:00")
    out = trying.sample(night, given | {"consent": "opted_out", "now": "2026-11-23T03:10:00Z"})
    gates = {g["gate"]: g["state"] for g in out["sends"][0]["gates"]}
    assert (gates["consent"], gates["quiet_hours"], out["outcome"]) == ("refused", "waiting", "refused")
    assert trying.sample(QUOTE, {"deal.dealstage": "closedlost"})["outcome"] == "no_match"


def test_a_past_event_of_the_crm(street: Street) -> None:
    street.publish(QUOTE)
    quoted(street)
    event, before = street.send().event, rows(street)
    now, then = live(street, event, QUOTE), memory(street, event, QUOTE)
    for found in (now, then):
        (send,) = found["sends"]
        assert (found["matched"], send["to"]) == (True, f"+{ANA}")
    assert now["sends"][0]["state"] == "ready"
    assert "Ana" in now["sends"][0]["text"]
    assert "firstname" in then["unknown"] or then["sends"][0]["values"]["first_name"] == "Ana"
    other = live(street, event, QUOTE.replace("becomes: presentationscheduled", "becomes: contractsent"))
    assert (other["matched"], other["sends"]) == (False, [])
    assert "presentationscheduled" in other["because"]
    assert live(street, event, ACCEPTED)["because"].startswith("A mapping judges replies")
    assert rows(street) == before


# ---- make a test of this -----------------------------------------------------------------------------------------
def made(house: House, key: str, document: str, **more: Any) -> dict[str, Any]:
    args = {"event": key, "document": document} | more
    return making.make_test(house.app.store, house.app.library, account(house), args)


def passes(found: dict[str, Any]) -> None:
    document = language.read(found["text"])
    results = {t.name: t.message for t in language.run_tests(document)}
    assert results[found["name"]] == ""
    assert all(not message for message in results.values())


def test_a_test_of_a_reply(house: House) -> None:
    house.publish(STAGE)
    tapped(house)
    house.publish(STAGE.replace("if_further", "always"))
    found = made(house, "wamid.tap", "stage")
    passes(found)
    assert "overwrite: if_further" in found["text"]  # the version that judged it
    assert "# of the funnel" in found["text"]
    assert "# ids" in found["text"]
    assert found["given"] == {
        "answer.id": "interested",
        "answer.title": "Me interesa",
        "contact.lifecyclestage": "lead",
    }
    assert found["expect"]["lifecyclestage"] == "salesqualifiedlead"
    assert found["differs"] == []
    assert found["name"].startswith("interested, 2")
    twice = made(house, "wamid.tap", "stage", text=found["text"])
    passes(twice)
    assert twice["name"].endswith("(2)")
    changed = made(house, "wamid.tap", "stage", text=STAGE.replace("salesqualifiedlead", "opportunity"))
    passes(changed)
    assert changed["differs"] == ["lifecyclestage: salesqualifiedlead then, opportunity in the test"]


@pytest.mark.long
@pytest.mark.parametrize("said", ["hello", "a: b #c", "línea\nuna\nmás", "'\"\\", "🎉", "x" * 900])
def test_a_test_of_any_words(house: House, said: str) -> None:
    house.publish(ANYTHING)
    house.deliver(replies(text(ANA, said, id="wamid.said")))
    house.settle()
    passes(made(house, "wamid.said", "every-text"))


@pytest.mark.long
def test_a_test_of_a_stranger_and_of_a_review(house: House) -> None:
    house.publish(STAGE.replace("if_missing: create", "if_missing: review"))
    sent = house.sent_template("573009998877", "webinar_invite_v2")
    house.deliver(replies(tap("573009998877", "interested", id="wamid.who", context=sent)))
    tapped(house, "maybe")
    found = made(house, "wamid.who", "stage")
    passes(found)
    assert (found["given"]["contact"], found["expect"]["outcome"]) == ("none", "review")
    unknown = made(house, "wamid.tap", "stage")
    passes(unknown)
    assert unknown["expect"]["outcome"] == "review"


@pytest.mark.long
def test_a_test_of_a_message_that_went_out(street: Street) -> None:
    street.publish(QUOTE)
    quoted(street)
    event = street.send().event
    app, mine = street.app, account(street)
    args = {"event": event, "document": "quote-ready"}
    found = making.do(app.store, mine, app.crm(mine), app.library, app.clock, args)
    passes(found)
    assert found["expect"]["outcome"] == "sends"
    assert found["expect"]["with.first_name"] == "Ana"
    assert ANA not in found["text"]
    assert isinstance(language.read(found["text"]), SendDocument)
    passes(made(street, event, "quote-ready"))


def test_add_to_the_map() -> None:
    found = making.extend_map(STAGE, "lifecyclestage", "tal vez: sí", "opportunity")
    passes(found)
    assert "'tal vez: sí'" in found["text"] or '"tal vez: sí": opportunity}   # ids' in found["text"]
    assert found["expect"] == {"lifecyclestage": "opportunity"}
    assert found["text"].replace(', "tal vez: sí": opportunity', "").startswith(STAGE)
    with pytest.raises(GiveUp, match="already"):
        making.extend_map(found["text"], "lifecyclestage", "Tal vez: SI", "lead")
    with pytest.raises(GiveUp, match="no `map:`"):
        making.extend_map(STAGE, "whatsapp_last_answer", "x", "y")


def test_the_draft_is_then_saved(house: House) -> None:
    found = making.extend_map(STAGE, "lifecyclestage", "maybe", "other")
    saved = versions.put(house.app.store, found["text"], "ana", house.app.clock.now(), base=0, state="live")
    assert saved.did == "published"


# ---- and what waited for it ----------------------------------------------------------------------------------------
def test_what_was_not_understood_is_once_the_map_is_longer(house: House) -> None:
    app, mine = house.app, account(house)
    house.publish(STAGE)
    tapped(house, "maybe")

    def judge_again() -> dict[str, Any]:
        args = {"event": "wamid.tap", "by": "ana@x.co"}
        return rejudge.do(app.store, mine, app.crm(mine), app.library, app.clock, args)

    assert judge_again()["written"] == []
    house.publish(making.extend_map(STAGE, "lifecyclestage", "maybe", "opportunity")["text"])
    assert [(f["field"], f["value"]) for f in judge_again()["written"]] == [("lifecyclestage", "opportunity")]
    assert judge_again() == {"event": house.why("wamid.tap")["event"], "written": [], "left": [], "bells": []}
    house.settle()
    assert house.hubspot("1512")["lifecyclestage"] == "opportunity"
    assert house.counts()["review"] == 0
    assert "judged again by ana@x.co" in str(house.why("wamid.tap")["documents"])
