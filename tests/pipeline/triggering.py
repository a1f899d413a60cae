"""What the tests of CRM events share: HubSpot's webhooks as it sends them, documents, and the rows they make."""

import itertools
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector import whatsapp
from connector.core import documents as language
from connector.pipeline.documents import templates
from connector.pipeline.triggers.trigger import Trigger
from connector.store import documents as document_rows
from connector.store.tables import changes, events, plans, sends
from tests.pipeline.conftest import House

PORTAL = 24681357
TYPES = {"contact": "0-1", "deal": "0-3"}
_ids = itertools.count(9_000_001)

QUOTE = """
send: quote-ready
crm: hubspot
when:
  deal.dealstage: {becomes: presentationscheduled}
to:
  contact: deal.contact
  phone: [contact.mobilephone, contact.phone]
template: quote_ready
language: en
with:
  header.document: "{{ deal.quote_pdf_url }}"
  first_name: "{{ contact.firstname | default('there') }}"
  amount: "{{ deal.amount }}"
buttons: [accept, question]
"""
SLOTS = """
send: SENDNAME
crm: hubspot
when:
  WHEN
to: record
template: delivery_slots
language: en
with: {first_name: "{{ contact.firstname | default('there') }}", order_number: A-1}
"""


def slots(name: str, when: str) -> str:
    """A document that writes to a contact."""
    return SLOTS.replace("SENDNAME", name).replace("WHEN", when)


def told(
    kind: str, record: str, field: str, value: str, at: datetime | None = None, **more: Any
) -> dict[str, Any]:  # fmt: skip
    """HubSpot says that a property changed."""
    return _event(kind, record, "propertyChange", at) | {"propertyName": field, "propertyValue": value} | more


def happened(kind: str, record: str, verb: str, at: datetime | None = None, **more: Any) -> dict[str, Any]:
    """HubSpot says that a record was made, deleted, merged, restored."""
    return _event(kind, record, verb, at) | more


def _event(kind: str, record: str, verb: str, at: datetime | None) -> dict[str, Any]:
    return {
        "eventId": next(_ids), "subscriptionId": 7, "portalId": PORTAL, "appId": 1, "attemptNumber": 0,
        "occurredAt": int((at or datetime.now(UTC)).timestamp() * 1000), "subscriptionType": f"object.{verb}",
        "objectTypeId": TYPES[kind], "changeSource": "CRM_UI", "sourceId": "userId:7", "objectId": int(record),
    }  # fmt: skip


def publish(house: House, text: str, at: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
    """Live since `at`."""
    document = language.read(text)
    with house.app.store.write() as conn:
        document_rows.publish(conn, document.kind, document.name, text, "test", at)


def ready(house: House) -> None:
    """The templates as Meta has them."""
    app = house.app
    account = next(a for a in app.accounts() if a.kind == "whatsapp")
    with closing(whatsapp.connect(account)) as messenger:
        templates.sync(app.store, account, messenger, datetime.now(UTC))


def fire(house: House, *bodies: Any) -> tuple[str, ...]:
    """HubSpot's webhooks arrive and are judged; the numbers that have something to send."""
    house.deliver(*bodies, account="hubspot")
    house.unpack()
    return judge(house)


def judge(house: House, crm: str = "hubspot") -> tuple[str, ...]:
    account = house.app.account(crm)
    assert account is not None
    app = house.app
    return Trigger(app.store, account, app.crm(account), app.library, app.clock).drain(lambda: False)


def rows(house: House, table: sa.Table, *where: Any) -> list[Any]:
    with house.app.store.read() as conn:
        return list(conn.execute(sa.select(table).where(*where)).all())


def sent(house: House) -> list[Any]:
    return rows(house, sends)


def asked(house: House) -> list[str]:
    """The texts of the questions that wait for a person."""
    found = rows(house, changes, changes.c.kind == "Ask")
    assert all(row.state == "review" for row in found)
    return [row.body["text"] for row in found]


def because(house: House) -> list[str]:
    """Why, of every plan in order of the events."""
    found = sorted(rows(house, plans), key=lambda row: row.event_seq)
    assert all(row.state == "done" and row.journey == "trigger" for row in found)
    return [entry["because"] for row in found for entry in row.body]


def waiting(house: House) -> int:
    return len(rows(house, plans, plans.c.state == "new")) + len(rows(house, events, events.c.state == "new"))


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)
