"""Marketing consent on the CRM's own field: a STOP reaches it, and a person's change there reaches us."""

import time
from typing import Any

import pytest

from connector.app import kinds
from connector.store import contacts
from tests.pipeline.conftest import ANA, House
from tests.pipeline.messages import replies, text
from tests.pipeline.test_journey import ANYTHING

FIELD = "whatsapp_opt_in"


@pytest.fixture
def kept(house: House) -> House:
    """HubSpot keeps consent on a yes/no field of ours; Ana is linked."""
    house.app.add_account(kinds()["hubspot"], "hubspot", {"consent_field": FIELD}, {})
    group = {"groupName": "contactinformation", "name": FIELD, "label": "WhatsApp marketing"}
    options = [
        {"label": word, "value": value, "displayOrder": n, "hidden": False}
        for n, (word, value) in enumerate((("Yes", "true"), ("No", "false")))
    ]
    made = house.sandbox.http.post(
        "/hubspot/crm/properties/2026-09/contacts",
        json={**group, "type": "bool", "fieldType": "booleancheckbox", "options": options},
        headers={"Authorization": "Bearer pat-na1-sandbox-hubspot"},
    )
    assert made.is_success, made.text
    house.publish(ANYTHING)
    house.deliver(replies(text(ANA, "hello", id="wamid.hello")))
    house.settle()
    return house


def consents(house: House) -> dict[str, str]:
    with house.app.store.read() as conn:
        (lane,) = contacts.find(conn, ANA)
        return dict(contacts.load(conn, [lane])[lane].consents)


def changed(value: str, at_ms: int) -> list[dict[str, Any]]:
    """HubSpot says that a person set the field on Ana's record."""
    return [
        {
            "eventId": at_ms, "subscriptionId": 7, "portalId": 24681357, "appId": 1, "occurredAt": at_ms,
            "subscriptionType": "contact.propertyChange", "attemptNumber": 0, "objectId": 1512,
            "propertyName": FIELD, "propertyValue": value, "changeSource": "CRM_UI", "sourceId": "userId:99",
        }
    ]  # fmt: skip


def test_a_stop_is_written_to_the_field(kept: House) -> None:
    kept.deliver(replies(text(ANA, "STOP", id="wamid.stop")))
    kept.settle()
    assert consents(kept) == {"all": "opted_out"}
    assert kept.hubspot("1512")[FIELD] == "false"
    assert kept.counts()["review"] == 0


def test_a_start_is_no_permission_for_marketing(kept: House) -> None:
    kept.deliver(replies(text(ANA, "STOP", id="wamid.stop")))
    kept.deliver(replies(text(ANA, "START", id="wamid.start")))
    kept.settle()
    assert consents(kept) == {"all": "opted_in"}
    assert kept.hubspot("1512")[FIELD] == "false"


@pytest.mark.parametrize(("value", "state"), [("true", "opted_in"), ("false", "opted_out"), ("", "opted_out")])
def test_a_persons_change_in_the_crm_counts(kept: House, value: str, state: str) -> None:
    kept.deliver(changed(value, int(time.time() * 1000)), account="hubspot")
    kept.settle()
    assert consents(kept) == {"marketing": state}


def test_the_same_field_of_a_stranger_is_nobodys_consent(house: House) -> None:
    house.app.add_account(kinds()["hubspot"], "hubspot", {"consent_field": FIELD}, {})
    house.deliver(changed("true", int(time.time() * 1000)), account="hubspot")
    house.unpack()
    with house.app.store.read() as conn:
        assert contacts.find(conn, ANA) == []
