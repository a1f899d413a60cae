"""Whom a message goes to: the linked contact, a WhatsApp id, a phone, somebody new, or a question."""

from datetime import UTC, datetime

import sqlalchemy as sa

from connector.core.contact import RecordRef
from connector.store import contacts, people
from connector.store.tables import contact_keys, crm_links
from tests.pipeline.conftest import ANA, House
from tests.pipeline.triggering import asked, fire, happened, publish, ready, rows, sent, slots

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def meet(house: House, *keys: tuple[str, str], record: str = "") -> str:
    """A contact we know already."""
    (made,) = _newcomer(house).values()
    with house.app.store.write() as conn:
        conn.execute(sa.delete(contact_keys).where(contact_keys.c.contact == made))
        for kind, value in keys:
            conn.execute(sa.insert(contact_keys).values(kind=kind, value=value, contact=made, at=NOW))
        if record:
            contacts.link(conn, {made: RecordRef(crm(house), "contacts", record)}, {}, NOW)
    return made


def _newcomer(house: House) -> dict[str, str]:
    with house.app.store.write() as conn:
        return people.newcomers(conn, {"+10000000000": "Somebody"}, NOW)


def crm(house: House) -> str:
    account = house.app.account("hubspot")
    assert account is not None
    return account.id


def greet(house: House, record: str = "1512") -> None:
    ready(house)
    publish(house, slots("hello", "contact.created: yes"))
    fire(house, [happened("contact", record, "creation")])


def test_a_linked_record_is_its_contact(house: House) -> None:
    known = meet(house, ("wa_id", ANA), record="1512")
    greet(house)
    assert [row.lane for row in sent(house)] == [known]


def test_a_phone_that_whatsapp_knows_is_that_contact_and_gets_its_link(house: House) -> None:
    known = meet(house, ("wa_id", ANA))
    greet(house)
    assert [row.lane for row in sent(house)] == [known]
    (link,) = rows(house, crm_links)
    assert (link.contact, link.record_id, link.found_by) == (known, "1512", "phone")


def test_an_old_spelling_is_the_same_person(house: House) -> None:
    house.sandbox.http.patch("/_records/hubspot/contacts/1512", json={"phone": "+52 55 1234 5678"})
    known = meet(house, ("wa_id", "5215512345678"))
    greet(house)
    assert [row.lane for row in sent(house)] == [known]


def test_the_weak_spelling_of_a_number_is_not(house: House) -> None:
    house.sandbox.http.patch("/_records/hubspot/contacts/1512", json={"phone": "+54 9 11 2345 6789"})
    known = meet(house, ("wa_id", "541123456789"))
    greet(house)
    (send,) = sent(house)
    assert send.lane != known


def test_somebody_new_becomes_a_contact_with_a_phone(house: House) -> None:
    greet(house)
    (send,) = sent(house)
    (key,) = rows(house, contact_keys)
    assert (key.kind, key.value, key.contact) == ("phone", f"+{ANA}", send.lane)
    with house.app.store.read() as conn:
        assert contacts.load(conn, [send.lane])[send.lane].name == "Ana"


def test_two_records_with_one_phone_are_one_newcomer(house: House) -> None:
    house.sandbox.http.patch("/_records/hubspot/contacts/1514", json={"phone": f"+{ANA}"})
    ready(house)
    publish(house, slots("hello", "contact.created: yes"))
    fire(house, [happened("contact", "1512", "creation"), happened("contact", "1514", "creation")])
    assert len({row.lane for row in sent(house)}) == 1
    assert len(sent(house)) == 2


def test_two_contacts_on_one_record_ask_a_person(house: House) -> None:
    first = meet(house, ("wa_id", ANA), record="1512")
    second = meet(house, ("wa_id", "573009998888"), record="1512")
    greet(house)
    assert sent(house) == []
    (text,) = asked(house)
    assert "2 contacts here" in text
    with house.app.store.read() as conn:
        assert people.linked(conn, crm(house), [("contacts", "1512")]) == {("contacts", "1512"): {first, second}}


def test_two_hints_on_one_phone_ask_a_person(house: House) -> None:
    meet(house, ("phone", f"+{ANA}"))
    meet(house, ("phone", f"+{ANA}"))
    greet(house)
    assert sent(house) == []
    assert len(asked(house)) == 1


def test_a_phone_somebody_else_writes_from_asks_a_person(house: House) -> None:
    meet(house, ("wa_id", "573009998888"), record="1512")
    meet(house, ("wa_id", ANA))
    greet(house)
    assert sent(house) == []
    assert len(asked(house)) == 1


def test_the_consent_of_a_phone_counts(house: House) -> None:
    """Known by the phone only, and opted out: the record has no link yet."""
    known = meet(house, ("wa_id", ANA))
    fact = {"contact": known, "category": "all", "state": "opted_out", "how": "stop_word", "at": NOW}
    with house.app.store.write() as conn:
        contacts.opt(conn, [fact | {"evidence": "STOP", "event": "e"}])
    greet(house)
    (send,) = sent(house)
    assert (send.lane, send.state, send.code) == (known, "refused", "consent")
