"""Every payload, the events it must become, and that no kind of payload is forgotten."""

import json

import pytest

from connector.core.events import CLASSES, MESSAGE_TYPES, SILENT_TYPES, dump, load
from connector.whatsapp import alerts, batch, contents, messages, preferences, statuses
from tests.whatsapp.expected.account import ACCOUNT
from tests.whatsapp.expected.messages import MESSAGES
from tests.whatsapp.expected.noted import NOTED
from tests.whatsapp.expected.statuses import STATUSES
from tests.whatsapp.reading import NUMBER, PAYLOADS, WABA, read, routed

EXPECTED = MESSAGES | STATUSES | ACCOUNT | NOTED
FILES = sorted(path.stem for path in PAYLOADS.glob("*.json"))
EVENTS = [event for events in EXPECTED.values() for event in events]
CHANGES = [
    change
    for name in FILES
    for entry in json.loads((PAYLOADS / f"{name}.json").read_bytes())["entry"]
    for change in entry["changes"]
]
# Made by ourselves or by a CRM, never by WhatsApp
NOT_OURS = {"RecordChanged", "TriggerCalled", "TimerDue", "Resolved"}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_payload_becomes(name):
    assert read(name) == EXPECTED[name]


def test_every_payload_is_used_and_there_are_many():
    assert sorted(EXPECTED) == FILES
    assert len(FILES) >= 80


def test_every_event_class_that_whatsapp_can_make_has_a_payload():
    assert {event.kind for event in EVENTS} == set(CLASSES) - NOT_OURS


def test_every_message_type_of_the_mapping_language_has_a_payload():
    assert {e.type for e in EVENTS if e.kind == "InboundMessage"} == {*MESSAGE_TYPES, *SILENT_TYPES}


def test_every_webhook_field_has_a_payload():
    assert set(batch.FIELDS) <= {change.get("field") for change in CHANGES}


def items(key):
    return [item for change in CHANGES for item in change["value"].get(key, []) if isinstance(item, dict)]


def test_every_reader_has_a_payload():
    sent = items("messages")
    assert set(contents.READERS) <= {m["type"] for m in sent}
    assert set(contents.INTERACTIVE) <= {m["interactive"]["type"] for m in sent if "interactive" in m}
    assert {"user_changed_number", "user_changed_user_id", "customer_identity_changed"} == set(messages.SYSTEM.values())
    assert set(messages.SYSTEM) - {"customer_identity_changed"} <= {m["system"]["type"] for m in sent if "system" in m}
    assert statuses.STATUSES - {"accepted"} <= {s["status"] for s in items("statuses")}
    assert set(preferences.STATES) <= {p["value"] for p in items("user_preferences")}


def test_every_account_event_we_have_words_for_has_a_payload():
    seen = {
        change["value"].get("event") for change in CHANGES if change.get("field", "account_update") == "account_update"
    }
    assert set(alerts.ACCOUNT) | {"DISABLED_UPDATE"} <= seen


@pytest.mark.parametrize("name", EXPECTED)
def test_an_event_survives_the_database(name):
    for item in routed(name):
        stored = json.loads(json.dumps(dump(item.event), allow_nan=False))
        again = load(item.event.kind, stored)
        assert again == item.event
        assert again.raw == item.event.raw


def test_items_are_routed_by_number_and_account():
    assert {item.owner for item in routed("text")} == {NUMBER}
    assert [item.owner for item in routed("batch")] == [NUMBER] * 3 + ["301122334455668"] * 2 + ["201122334455668"] * 2
    assert {item.owner for item in routed("template_approved")} == {WABA}


def test_a_partner_event_belongs_to_the_account_it_names_not_to_the_portfolio():
    assert {item.owner for item in routed("partner_added")} == {WABA}


def test_the_vendors_own_item_stays_beside_the_event():
    (item,) = routed("button_reply")
    assert item.event.raw["interactive"]["button_reply"] == {"id": "small", "title": "1 to 10"}
