"""A reply becomes a field: the main job, on both databases, against a real sandbox over HTTP."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from connector.store import contacts
from connector.store.tables import changes, contact_keys, crm_links, deliveries, events, parks, plans
from tests.pipeline.conftest import ANA, House
from tests.pipeline.messages import replies, tap, text, value, webhook

WEBINAR = """\
mapping: webinar-interest
crm: hubspot
when:
  answer_to: webinar_invite_v2
  type: button
contact:
  find_by: [whatsapp, phone]
  if_missing: create
  if_several: review
set:
  lifecyclestage:
    from: answer.id
    map: {interested: salesqualifiedlead, later: lead, no: other}
    else: review
    overwrite: if_further
  whatsapp_last_answer: "{{ answer.title }}"
log: message
"""
ANYTHING = """\
mapping: every-text
crm: hubspot
when: {answer_to: anything, type: text}
contact: {find_by: [whatsapp, phone], if_missing: create, if_several: review}
set:
  whatsapp_last_answer: "{{ answer.text }}"
"""
NPS = """\
mapping: nps
crm: salesforce
object: [Contact, Lead]
when: {answer_to: anything, type: text}
contact: {find_by: [whatsapp, phone], if_missing: skip, if_several: review}
set:
  NPS_Comment__c: "{{ answer.text | shorten(255) }}"
"""
SHARED = "573015550180"  # Pedro +57 301 555 0180 and Inés 301 555 0180 in the sandbox's HubSpot
BEATRIZ = "5511987654321"  # in the sandbox's Salesforce


def test_a_tap_changes_the_crm_and_says_why(house: House) -> None:
    house.publish(WEBINAR)
    invite = house.sent_template(ANA, "webinar_invite_v2")
    house.deliver(replies(tap(ANA, "interested", "Me interesa", id="wamid.yes", context=invite)))
    house.settle()
    ana = house.hubspot("1512")
    assert ana["lifecyclestage"] == "salesqualifiedlead"
    assert ana["whatsapp_last_answer"] == "Me interesa"
    assert ana["whatsapp_id"] == ANA
    assert house.fields("wamid.yes")["lifecyclestage"] == ("written", "salesqualifiedlead")
    logged = house.sandbox.records("hubspot", "communications")
    assert [r["properties"]["hs_communication_channel_type"] for r in logged] == ["WHATS_APP"]
    assert house.counts() == {"deliveries": 1, "events": 1, "done": 1, "waiting": 0, "review": 0, "refused": 0}


def test_a_redelivery_changes_nothing(house: House) -> None:
    house.publish(ANYTHING)
    body = replies(text(ANA, "hello", id="wamid.once"))
    house.deliver(body, body)
    house.settle()
    before = house.sandbox.ledger("hubspot")
    house.deliver(body)
    house.settle()
    assert house.sandbox.ledger("hubspot") == before
    assert house.counts()["events"] == 1


def test_every_item_of_a_batch_and_the_bad_one_holds_nobody(house: House) -> None:
    house.publish(ANYTHING)
    good = [text(f"57311{n:07d}", f"text {n}", id=f"wamid.b{n}") for n in range(40)]
    body = replies(*good[:20], {"id": "wamid.bad", "type": 7}, *good[20:])
    house.deliver(body)
    house.settle()
    counts = house.counts()
    assert counts["events"] == 41
    assert counts["done"] >= 40
    answers = {r["properties"].get("whatsapp_last_answer") for r in house.sandbox.records("hubspot", "contacts")}
    assert {f"text {n}" for n in range(40)} <= answers


def test_a_body_that_is_not_json_is_dead_and_shown(house: House) -> None:
    house.deliver(b'{"object": "whatsapp_business_account", "entry": [')
    house.settle()
    with house.app.store.read() as conn:
        row = conn.execute(sa.select(deliveries.c.state, deliveries.c.error)).one()
    assert row.state == "dead"
    assert "cannot be read" in row.error


@pytest.mark.parametrize("bad", ["nul \x00 inside", "lone \ud800 surrogate", "emoji 🎉 ok"])
def test_odd_text_goes_through(house: House, bad: str) -> None:
    house.publish(ANYTHING)
    house.deliver(replies(text(ANA, bad, id="wamid.odd"), names={ANA: bad}))
    house.settle()
    assert house.counts()["done"] == 1


def test_odd_ids_hold_nobody(house: House) -> None:
    house.publish(ANYTHING)
    house.deliver(
        replies(text(ANA, "a", id="wamid.\x00"), text("\ud800", "b", id="wamid.b"), text(ANA, "c", id="wamid.c"))
    )
    house.settle()
    assert house.fields("wamid.c")["whatsapp_last_answer"] == ("written", "c")


def test_the_last_of_several_answers_wins_in_order(house: House) -> None:
    house.publish(ANYTHING)
    house.deliver(*(replies(text(ANA, str(n), id=f"wamid.n{n}")) for n in range(6)))
    house.settle()
    house.deliver(*(replies(text(ANA, str(n), id=f"wamid.n{n}")) for n in range(6, 9)))
    house.settle()
    assert house.hubspot("1512")["whatsapp_last_answer"] == "8"


def test_one_refused_field_holds_back_only_itself(house: House) -> None:
    house.publish(ANYTHING + '  delivery_slot: "{{ answer.text }}"\n')
    house.deliver(replies(text(ANA, "midnight", id="wamid.slot")))
    house.settle()
    fields = house.fields("wamid.slot")
    assert fields["whatsapp_last_answer"] == ("written", "midnight")
    assert fields["delivery_slot"][0] == "review"
    assert house.counts()["review"] == 1


def test_two_contacts_with_one_phone_are_never_guessed(house: House) -> None:
    house.publish(ANYTHING)
    house.deliver(replies(text(SHARED, "who am I", id="wamid.two")))
    house.settle()
    assert house.counts()["review"] == 1
    assert not [w for w in house.writes("hubspot") if w["path"].endswith(("update", "upsert"))]


def test_a_newcomer_is_made_once_with_the_whatsapp_name(house: House) -> None:
    house.publish(ANYTHING)
    new = "573209998877"
    house.deliver(replies(text(new, "one", id="wamid.new1"), names={new: "Rosa Nueva"}))
    house.deliver(replies(text(new, "two", id="wamid.new2"), names={new: "Rosa Nueva"}))
    house.settle()
    made = [r for r in house.sandbox.records("hubspot", "contacts") if r["properties"].get("whatsapp_id") == new]
    assert len(made) == 1
    assert made[0]["properties"]["firstname"].startswith("Rosa")
    assert made[0]["properties"]["whatsapp_last_answer"] == "two"


def test_one_crm_down_does_not_hold_the_other_nor_an_opt_out(house: House) -> None:
    house.publish(ANYTHING)
    house.publish(NPS)
    house.sandbox.faults({"route": "* /hubspot/*", "kind": "down"})
    house.deliver(replies(text(BEATRIZ, "great", id="wamid.bea"), text(ANA, "STOP", id="wamid.stop")))
    house.settle()
    assert house.fields("wamid.bea")["NPS_Comment__c"] == ("written", "great")
    with house.app.store.read() as conn:
        lane = conn.execute(sa.select(events.c.lane).where(events.c.dedupe_key == "wamid.stop")).scalar_one()
        assert contacts.load(conn, [lane])[lane].consents == {"all": "opted_out"}
        assert set(conn.execute(sa.select(plans.c.attempts).where(plans.c.state == "new")).scalars()) == {0}
        assert conn.execute(sa.select(parks.c.reason)).scalars().all()
    house.sandbox.faults()
    _unpark(house)
    house.settle()
    assert house.hubspot("1512")["whatsapp_last_answer"] == "STOP"
    assert house.counts()["waiting"] == 0


def _unpark(house: House) -> None:
    with house.app.store.write() as conn:
        conn.execute(sa.delete(parks))


def test_an_answer_lost_on_the_way_back_makes_no_second_timeline_entry(house: House) -> None:
    house.publish(ANYTHING + "log: message\n")
    house.sandbox.faults({"route": "POST */communications/batch/create", "kind": "drop_after", "times": 1})
    house.deliver(replies(text(ANA, "hello", id="wamid.log")))
    house.settle()
    _unpark(house)
    house.settle()
    assert len(house.sandbox.records("hubspot", "communications")) == 1
    assert house.counts()["done"] == 1


def test_a_rate_limit_parks_the_account_and_burns_no_attempt(house: House) -> None:
    house.publish(ANYTHING)
    house.sandbox.faults({"route": "* /hubspot/crm/objects/*", "kind": "429", "times": 1})
    house.deliver(replies(text(ANA, "hello", id="wamid.limit")))
    house.settle()
    with house.app.store.read() as conn:
        assert conn.execute(sa.select(parks.c.until)).scalar_one() > datetime.now(UTC) - timedelta(seconds=1)
        assert conn.execute(sa.select(plans.c.attempts).where(plans.c.state == "new")).scalars().all() == [0]
    house.restart()  # a process that has not just been told to wait
    _unpark(house)
    house.settle()
    assert house.hubspot("1512")["whatsapp_last_answer"] == "hello"


def test_a_revoked_token_waits_for_a_person_and_drops_nothing(house: House) -> None:
    house.publish(ANYTHING)
    house.sandbox.faults({"route": "* /hubspot/*", "kind": "expired"})
    house.deliver(replies(text(ANA, "patience", id="wamid.revoked")))
    house.settle()
    account = house.app.account("hubspot")
    assert account is not None
    assert account.state == "needs_person"
    house.sandbox.faults()
    house.app.add_account(_manifest("hubspot"), "hubspot", {}, {"token": "pat-na1-sandbox-hubspot"})
    house.settle()
    assert house.hubspot("1512")["whatsapp_last_answer"] == "patience"


def _manifest(kind: str):
    from connector.app import kinds

    return kinds()[kind]


def test_a_poisoned_event_dies_alone(house: House) -> None:
    house.publish(ANYTHING)
    house.deliver(replies(*(text(f"57312{n:07d}", f"p{n}", id=f"wamid.p{n}") for n in range(5))))
    house.unpack()
    with house.app.store.write() as conn:
        conn.execute(
            sa.update(events).where(events.c.dedupe_key == "wamid.p2").values(payload={"id": 1, "at": "never"})
        )
    for _ in range(8):
        house.settle()
        with house.app.store.write() as conn:
            conn.execute(sa.update(plans).values(next_at=None))
    with house.app.store.read() as conn:
        dead = conn.execute(
            sa.select(events.c.dedupe_key).join(plans, plans.c.event == events.c.id).where(plans.c.state == "dead")
        )
        assert set(dead.scalars()) == {"wamid.p2"}
    counts = house.counts()
    assert (counts["done"], counts["review"]) == (4, 1)


# ---- identity --------------------------------------------------------------------------------------------------------
USER = "CO.13491208655302741918"


def _contacts(house: House) -> dict[tuple[str, str], str]:
    with house.app.store.read() as conn:
        return {(r.kind, r.value): r.contact for r in conn.execute(sa.select(contact_keys))}


def test_one_webhook_with_both_keys_merges_two_contacts(house: House) -> None:
    house.publish(ANYTHING)
    house.deliver(replies(text(ANA, "by phone", id="wamid.m1")))
    house.deliver(replies(text(None, "by user id", user_id=USER, id="wamid.m2")))
    house.unpack()
    assert len(set(_contacts(house).values())) == 2
    house.deliver(replies(text(ANA, "both", user_id=USER, id="wamid.m3")))
    house.settle()
    keys = _contacts(house)
    assert keys["wa_id", ANA] == keys["bsuid", USER]
    assert house.hubspot("1512")["whatsapp_last_answer"] == "both"
    assert house.hubspot("1512")["whatsapp_user_id"] == USER
    assert house.counts()["waiting"] == 0


def test_a_recycled_number_is_another_person(house: House) -> None:
    house.deliver(replies(text(ANA, "old owner", user_id=USER, id="wamid.r1")))
    house.deliver(replies(text(ANA, "new owner", user_id="CO.999", id="wamid.r2")))
    house.settle()
    keys = _contacts(house)
    assert keys["bsuid", USER] != keys["bsuid", "CO.999"]
    assert keys["wa_id", ANA] == keys["bsuid", "CO.999"]


def test_the_new_owner_of_a_number_never_writes_on_the_old_owners_record(house: House) -> None:
    house.publish(ANYTHING)
    house.deliver(replies(text(ANA, "old owner", user_id=USER, id="wamid.r1")))
    house.settle()
    for n in range(2):
        house.deliver(replies(text(ANA, f"new owner {n}", user_id="CO.999", id=f"wamid.r2{n}")))
        house.settle()
    ana = house.hubspot("1512")
    assert (ana["whatsapp_last_answer"], ana["whatsapp_user_id"]) == ("old owner", USER)
    assert house.counts() == {"deliveries": 3, "events": 3, "done": 1, "waiting": 0, "review": 2, "refused": 0}
    assert house.fields("wamid.r20")["contact"][0] == "review"


def test_a_changed_number_stays_the_same_person(house: House) -> None:
    house.publish(ANYTHING)
    house.deliver(replies(text(ANA, "before", id="wamid.c1")))
    house.settle()
    system = {
        "id": "wamid.sys",
        "from": ANA,
        "timestamp": "1763800000",
        "type": "system",
        "system": {"type": "user_changed_number", "body": "User changed", "wa_id": "573007776655"},
    }
    house.deliver(webhook(value() | {"messages": [system]}))
    house.deliver(replies(text("573007776655", "after", id="wamid.c2")))
    house.settle()
    ana = house.hubspot("1512")
    assert ana["whatsapp_last_answer"] == "after"
    assert ana["whatsapp_id"] == "573007776655"
    with house.app.store.read() as conn:
        assert (
            conn.execute(
                sa.select(sa.func.count()).select_from(crm_links).where(crm_links.c.record_id == "1512")
            ).scalar()
            == 1
        )


# ---- what a message answers ------------------------------------------------------------------------------------------
def test_without_context_the_last_awaited_message_is_answered_once(house: House) -> None:
    house.publish(WEBINAR)
    house.sent_template(ANA, "webinar_invite_v2")
    house.deliver(replies(tap(ANA, "interested", "Me interesa", id="wamid.a1")))
    house.deliver(replies(tap(ANA, "no", "No", id="wamid.a2")))
    house.settle()
    assert house.why("wamid.a1")["documents"][0]["matched"] is True
    second = house.why("wamid.a2")["documents"][0]
    assert second["matched"] is False
    assert second["because"]
    assert house.hubspot("1512")["lifecyclestage"] == "salesqualifiedlead"


def test_a_document_never_judges_what_came_before_it(house: House) -> None:
    house.deliver(replies(text(ANA, "early", id="wamid.early")))
    house.unpack()
    from connector.core import documents as language
    from connector.store import documents as rows

    document = language.read(ANYTHING)
    with house.app.store.write() as conn:
        rows.publish(conn, document.kind, document.name, ANYTHING, "test", datetime.now(UTC) + timedelta(seconds=5))
    house.settle()
    assert house.why("wamid.early")["documents"] == []
    assert house.hubspot("1512").get("whatsapp_last_answer") in (None, "")


def test_echoes_and_history_are_stored_and_fire_nothing(house: House) -> None:
    house.publish(ANYTHING)
    echo = {
        "id": "wamid.echo",
        "from": "15550783881",
        "to": ANA,
        "timestamp": "1763800000",
        "type": "text",
        "text": {"body": "hi"},
    }
    house.deliver(
        webhook(
            {
                "messaging_product": "whatsapp",
                "metadata": {"phone_number_id": "106540352242922"},
                "message_echoes": [echo],
            },
            field="smb_message_echoes",
        )
    )
    house.settle()
    with house.app.store.read() as conn:
        assert conn.execute(sa.select(events.c.kind, events.c.state)).all() == [("Noted", "done")]
        assert conn.execute(sa.select(sa.func.count()).select_from(changes)).scalar() == 0


def test_an_unknown_number_is_kept_as_unrecognised(house: House) -> None:
    house.deliver(replies(text(ANA, "hello", id="wamid.lost"), number="999"))
    house.settle()
    with house.app.store.read() as conn:
        row = conn.execute(sa.select(events)).one()
    assert row.kind == "Unrecognised"
    assert "999" in row.payload["text"]
