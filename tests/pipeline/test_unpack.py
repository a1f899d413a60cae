"""Unpacking under faults: a delivery that cannot be read holds nobody, and a newcomer is one contact."""

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from connector.pipeline.intake.imports import import_sends
from connector.store import contacts
from connector.store.tables import consents, contact_keys, deliveries, events
from connector.store.tables import contacts as people
from tests.pipeline.conftest import ANA, House
from tests.pipeline.messages import replies, text
from tests.pipeline.test_journey import ANYTHING

pytestmark = pytest.mark.both  # what two processes do to rows is the point

NEW = "573209998877"


def test_a_delivery_our_reader_breaks_on_holds_nobody(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    real = house.app.webhook

    class Breaks:
        def __init__(self, webhook: Any) -> None:
            self._webhook = webhook

        def parse(self, body: bytes, headers: Any) -> Any:
            if b"boom" in body:
                raise TypeError("a shape nobody thought of")
            return self._webhook.parse(body, headers)

    monkeypatch.setattr(house.app, "webhook", lambda account: Breaks(real(account)))
    house.deliver(replies(text(ANA, "boom", id="wamid.b")), replies(text(ANA, "fine", id="wamid.f")))
    house.unpack()
    with house.app.store.read() as conn:
        assert conn.execute(sa.select(events.c.dedupe_key)).scalars().all() == ["wamid.f"]
        row = conn.execute(sa.select(deliveries).where(deliveries.c.state == "dead")).one()
    assert "TypeError: a shape nobody thought of" in row.error


def test_a_newcomer_met_by_an_import_and_a_webhook_at_once_is_one_contact(house: House) -> None:
    house.publish(ANYTHING)
    house.deliver(replies(text(NEW, "hi", id="wamid.n")))
    store = house.app.store
    unpacking = threading.Thread(target=house.unpack)
    with store.write() as conn:  # an import in the middle of its transaction
        resolver = contacts.Resolver(conn, datetime.now(UTC))
        person = contacts.Person(NEW)
        resolver.load(person.keys)
        resolver.resolve(person)
        resolver.flush()
        unpacking.start()
        unpacking.join(0.5)
    unpacking.join()
    with store.read() as conn:
        keys = conn.execute(sa.select(contact_keys.c.contact).where(contact_keys.c.value == NEW)).scalars().all()
        assert conn.execute(sa.select(people.c.id)).scalars().all() == keys
        assert conn.execute(sa.select(events.c.lane)).scalars().all() == keys


def test_the_newest_word_counts_whenever_it_arrives(house: House) -> None:
    """Meta redelivers for seven days: an old message may come after a newer one."""
    house.deliver(replies(text(ANA, "STOP", id="wamid.stop", at=1_763_800_100)))
    house.unpack()
    house.deliver(replies(text(ANA, "START", id="wamid.start", at=1_763_800_000)))
    house.unpack()
    with house.app.store.read() as conn:
        words = conn.execute(sa.select(consents.c.contact, consents.c.state).order_by(consents.c.seq)).all()
        lane = words[0].contact
        assert [w.state for w in words] == ["opted_out", "opted_in"]
        assert contacts.load(conn, [lane])[lane].consents["all"] == "opted_out"


def test_an_import_counts_what_is_new(house: House) -> None:
    now = datetime.now(UTC)
    rows = [{"wamid": f"wamid.i{n}", "to": ANA, "template": "t", "sent_at": now.isoformat()} for n in range(2500)]
    first = import_sends(house.app.store, iter([*rows, {"wamid": "", "to": ANA}]), now)
    assert (first.new, first.known, [n for n, _ in first.refused]) == (2500, 0, [2501])
    second = import_sends(house.app.store, iter(rows), now)
    assert (second.new, second.known) == (0, 2500)
