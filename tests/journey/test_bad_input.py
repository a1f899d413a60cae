"""Bad input: a clear answer, nothing lost; through the front door of a real house.

Each promise, and the test that proves it (here, or in the room that owns it):

| promise | proof |
|---|---|
| wrong, missing or non-ASCII signature, unknown account: 401, fixed text, nothing stored | web/test_hooks.py: test_whoever_is_not_authentic_hears_one_text_and_leaves_nothing |
| ... and counted | web/test_hooks.py: test_refused_calls_are_counted |
| 3 MB + 1: 413 | web/test_hooks.py: test_the_largest_body_is_taken_and_one_byte_more_is_not, test_a_body_in_chunks_has_the_same_limit |
| broken JSON under a good signature: stored, dead, shown, 200 | test_whatever_was_signed_is_taken_and_holds_nobody, cli/test_look.py: test_a_body_that_cannot_be_read_is_shown |
| NUL, surrogates, NaN, 5,000 digits, 100k arrays, doubled keys, unknown types, empty arrays, no contacts: never a 500 | test_whatever_was_signed_is_taken_and_holds_nobody; whatsapp/test_hostile.py for each shape |
| 1,000 items with one bad: the other 999 go through | test_one_bad_item_of_a_thousand_holds_nobody |
| database away: 503 at once, the redelivery is accepted once | test_a_database_that_is_away_costs_a_redelivery; web/test_hooks.py: test_postgres_that_stops_... |
| Redis flushed or away: only slower | test_redis_flushed_and_killed_loses_nothing; test_jobs.py: test_redis_that_dies_and_comes_back_stops_nothing |
| a document with a typo: refused with line and did-you-mean | cli/test_mappings.py: test_push_reads_the_crms_fields_and_refuses_a_typo_with_the_line |
| unknown field, picklist value, too long, number for a date: that change to review in plain words, the others written | test_what_a_crm_refuses_goes_to_review_and_the_rest_is_written |
| two CRM contacts with one phone: review | test_two_contacts_with_one_phone_go_to_a_person |
| one CRM down: the other goes on, opt-outs and statuses are applied | test_one_crm_down_holds_neither_the_other_nor_an_opt_out_nor_a_status |
"""  # noqa: E501 - a table

import json
from datetime import UTC, datetime

import pytest

from connector import valkey
from connector.pipeline.intake.imports import import_sends
from tests.journey.conftest import until
from tests.pipeline.messages import replies, text, value, webhook

ANA, LAURA, CARLOS, BEATRIZ = "573001112222", "573004445555", "5215512345678", "5511987654321"
SHARED = "573015550180"  # two people's number in the sandbox's HubSpot
SECRETS = (
    "sandbox-whatsapp-token",
    "sandbox-app-secret",
    "pat-na1-sandbox",
    "sandbox-hubspot-client-secret",
    "sandbox-salesforce-secret",
)
DOCUMENTS = (
    """\
mapping: every-text
crm: hubspot
when: {answer_to: anything, type: text}
contact: {find_by: [whatsapp, phone], if_missing: create, if_several: review}
set:
  whatsapp_last_answer: "{{ answer.text }}"
""",
    """\
mapping: comment
crm: salesforce
when: {answer_to: anything, type: text}
contact: {find_by: [whatsapp, phone], if_missing: skip, if_several: review}
set:
  LeadSource: {value: Other, overwrite: always}
  NPS_Comment__c: "{{ answer.text | shorten(255) }}"
""",
)
# HubSpot takes texts of 65,536 characters; Salesforce's comment takes 255.
REFUSED = (
    f"""\
mapping: refused-by-hubspot
crm: hubspot
when: {{answer_to: anything, type: text, says: [break]}}
contact: {{find_by: [whatsapp, phone], if_missing: skip, if_several: review}}
set:
  city: Cali
  delivery_slot: midnight
  delivery_date: "12345"
  no_such_field: x
  company: "{"x" * 65_537}"
""",
    f"""\
mapping: refused-by-salesforce
crm: salesforce
when: {{answer_to: anything, type: text, says: [break]}}
contact: {{find_by: [whatsapp, phone], if_missing: skip, if_several: review}}
set:
  Preferred_Branch__c: Quito
  Appointment_Date__c: "12345"
  No_Such_Field__c: x
  Appointment_Notes__c: "{"x" * 40_000}"
""",
)


@pytest.fixture(scope="module", autouse=True)
def published(house):
    for document in DOCUMENTS:
        house.publish(document)
    yield
    assert not [secret for secret in SECRETS if secret in house.log.read_text()]


def raw(message: str, **more: str) -> bytes:
    """A webhook whose one message is written out as `message`."""
    body = json.dumps(webhook(value(**more) | {"messages": ["HERE"]}))
    return body.replace('"HERE"', message).encode()


def said(id: str, words: str = '"fine"', wa_id: str = f'"{ANA}"', stamp: str = '"1763800000"') -> str:
    return f'{{"id": "{id}", "from": {wa_id}, "timestamp": {stamp}, "type": "text", "text": {{"body": {words}}}}}'


DEEP, DIGITS = "[" * 100_000 + "]" * 100_000, "9" * 5000
DEAD = {"broken": b'{"object": "whatsapp_business_account", "entry": [', "empty": b"", "cut": b'"', "two": b"{}{}"}
TAKEN = {
    "no object": b"7",
    "null": b"null",
    "empty object": b"{}",
    "empty entry": b'{"object": "whatsapp_business_account", "entry": []}',
    "entry of null": b'{"object": "whatsapp_business_account", "entry": [null, 7, {"id": 5, "changes": null}]}',
    "no changes": json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": []}]}).encode(),
    "a field nobody knows": json.dumps(webhook(value(), field="brand_new_field")).encode(),
    "no messages": json.dumps(webhook(value() | {"messages": [], "contacts": [], "errors": []})).encode(),
    "no contacts": raw(said("wamid.hostile.contacts")),
    "NUL": raw(said("wamid.hostile.nul", '"nul \\u0000 here"')),
    "surrogate": raw(said("wamid.hostile.\\ud800", '"lone \\udfff"')),
    "surrogate sender": raw(said("wamid.hostile.sender", wa_id='"\\ud800"')),
    "bytes that are no UTF-8": raw(said("wamid.hostile.latin", '"caf\u00e9"')).replace("\u00e9".encode(), b"\xe9"),
    "NaN": raw(said("wamid.hostile.nan", stamp="NaN")),
    "Infinity": raw(said("wamid.hostile.inf", words="-Infinity")),
    "5,000 digits": raw(said("wamid.hostile.digits", stamp=DIGITS)),
    "digits for a text": raw(said("wamid.hostile.number", words=DIGITS)),
    "deep item": raw(DEEP),
    "deep body": DEEP.encode(),
    "deep text": raw(said("wamid.hostile.deep", words=DEEP)),
    "doubled keys": raw(said("wamid.hostile.double").replace('"type": "text"', '"type": "image", "type": "text"')),
    "unknown type": raw('{"id": "wamid.hostile.type", "from": "573001112222", "type": "telepathy", "telepathy": {}}'),
    "no type": raw('{"id": "wamid.hostile.none"}'),
    "no message": raw("7") + b"\n",
}  # fmt: skip
WRITTEN = ("contacts", "nul", "latin", "nan", "digits", "double")  # of those, the texts that any reader understands


def test_whatever_was_signed_is_taken_and_holds_nobody(house):
    answers = {name: house.post(body) for name, body in (DEAD | TAKEN).items()}
    assert set(answers.values()) == {200}, answers
    assert house.post(replies(text(ANA, "still here", id="wamid.after"))) == 200
    counts = house.settled()
    assert counts["deliveries"] == len(DEAD) + len(TAKEN) + 1
    dead = house.rows("SELECT body, error FROM deliveries WHERE state = 'dead' ORDER BY seq")
    assert [bytes(body) for body, _ in dead] == list(DEAD.values())
    assert all("cannot be read" in error for _, error in dead)
    assert house.hubspot("1512")["whatsapp_last_answer"] == "still here"
    for name in WRITTEN:
        assert house.fields(f"wamid.hostile.{name}")["whatsapp_last_answer"]["outcome"] == "written"
    assert house.rows("SELECT 1 FROM events WHERE kind = 'Unrecognised' AND payload LIKE '%telepathy%'")


def test_one_bad_item_of_a_thousand_holds_nobody(house):
    before = house.counts()
    people = [f"57399{n:07d}" for n in range(20)]
    good = [text(people[n % 20], f"text {n}", id=f"wamid.k{n}") for n in range(999)]
    body = json.dumps(replies(*good[:500], {"id": "wamid.kbad", "type": "HERE"}, *good[500:]))
    assert house.post(body.replace('"HERE"', DEEP).encode()) == 200
    until(lambda: house.counts()["events"] == before["events"] + 1000, "all are events")
    assert house.settled()["done"] >= before["done"] + 999
    answers = {p["whatsapp_id"]: p["whatsapp_last_answer"] for p in house.newcomers()}
    assert answers == {people[n % 20]: f"text {n}" for n in range(979, 999)}


def test_a_database_that_is_away_costs_a_redelivery(house):
    body = replies(text(CARLOS, "once only", id="wamid.again"))
    with house.lock():
        assert house.post(body) == 503
        assert house.call(b"{}", {"X-Hub-Signature-256": "sha256=0"})[0] in (401, 503)
    assert not house.rows("SELECT 1 FROM events WHERE dedupe_key = 'wamid.again'")
    assert until(lambda: house.post(body) == 200)
    assert house.post(body) == 200
    assert house.fields("wamid.again")["whatsapp_last_answer"]["outcome"] == "written"
    house.settled()
    assert len(house.rows("SELECT 1 FROM events WHERE dedupe_key = 'wamid.again'")) == 1
    assert len([c for c in house.sandbox.ledger("hubspot") if "once only" in json.dumps(c)]) == 1


def test_redis_flushed_and_killed_loses_nothing(house):
    with valkey.connect(house.app.config.redis_url) as client:
        for n in range(20):
            assert house.post(replies(text(LAURA, f"flushed {n}", id=f"wamid.f{n}"))) == 200
            client.flushall()
    house.part("valkey").kill()
    assert house.post(replies(text(LAURA, "killed", id="wamid.killed"))) == 200
    assert house.fields("wamid.killed")["whatsapp_last_answer"]["outcome"] == "written"
    house.settled()
    assert house.hubspot("1514")["whatsapp_last_answer"] == "killed"


def test_what_a_crm_refuses_goes_to_review_and_the_rest_is_written(house):
    for document in REFUSED:
        house.publish(document)
    assert house.post(replies(text(ANA, "break", id="wamid.br1"), text(BEATRIZ, "break", id="wamid.br2"))) == 200
    hubspot, salesforce = house.fields("wamid.br1"), house.fields("wamid.br2")
    for fields, bad in (
        (hubspot, ("delivery_slot", "delivery_date", "no_such_field", "company")),
        (salesforce, ("Preferred_Branch__c", "Appointment_Date__c", "No_Such_Field__c", "Appointment_Notes__c")),
    ):
        assert {name: fields[name]["outcome"] for name in bad} == dict.fromkeys(bad, "review")
        assert all(fields[name]["because"] and "{" not in fields[name]["because"] for name in bad)
    assert {hubspot[name]["outcome"] for name in ("city", "whatsapp_last_answer")} == {"written"}
    assert {salesforce[name]["outcome"] for name in ("LeadSource", "NPS_Comment__c")} == {"written"}
    ana = house.hubspot("1512")
    assert (ana["city"], ana["whatsapp_last_answer"]) == ("Cali", "break")
    assert [house.why(key)["state"] for key in ("wamid.br1", "wamid.br2")] == ["review", "review"]


def test_two_contacts_with_one_phone_go_to_a_person(house):
    assert house.post(replies(text(SHARED, "who am I", id="wamid.two"))) == 200
    house.settled()
    found = house.why("wamid.two")
    (asked,) = next(d for d in found["documents"] if d["name"] == "every-text")["fields"]
    assert (found["state"], asked["field"], asked["outcome"]) == ("review", "contact", "review")
    assert "2 " in asked["because"]
    answers = {r["properties"].get("whatsapp_last_answer") for r in house.sandbox.records("hubspot", "contacts")}
    assert "who am I" not in answers


def test_one_crm_down_holds_neither_the_other_nor_an_opt_out_nor_a_status(house):
    now = datetime.now(UTC)
    sent = {"wamid": "wamid.sent", "to": LAURA, "template": "invite", "sent_at": now.isoformat()}
    assert import_sends(house.app.store, [sent], now).new == 1
    house.sandbox.faults({"route": "* /hubspot/*", "kind": "down"})
    status = {"id": "wamid.sent", "status": "read", "timestamp": str(int(now.timestamp())), "recipient_id": LAURA}
    body = webhook(
        value(text(BEATRIZ, "great", id="wamid.down.sf"), text(LAURA, "STOP", id="wamid.stop")),
        value(statuses=[status]),
    )
    assert house.post(body) == 200
    until(lambda: house.rows("SELECT 1 FROM sends WHERE wamid = 'wamid.sent' AND state = 'read'"), "the status")
    until(lambda: house.rows("SELECT 1 FROM consents WHERE state = 'opted_out'"), "the opt-out")

    def comment():
        fields = {f["field"]: f for d in house.why("wamid.down.sf")["documents"] for f in d["fields"]}
        return fields.get("NPS_Comment__c", {}).get("outcome") == "written"

    until(comment, "the other CRM")
    until(lambda: house.rows("SELECT 1 FROM parks"), "HubSpot is parked")
    assert house.why("wamid.stop")["waiting_for"][0].startswith("hubspot (")
    house.sandbox.faults()
    with house.lock() as conn:  # its next try, now: as if the time had passed
        conn.execute("UPDATE parks SET until = 0")
        conn.execute("UPDATE plans SET next_at = NULL WHERE state = 'new'")
        conn.execute("COMMIT")
    house.settled()
    assert house.hubspot("1514")["whatsapp_last_answer"] == "STOP"
