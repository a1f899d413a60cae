"""Erasing a person: nothing of them is found any more, everybody else's is, and every promise still holds."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from connector import errors
from connector.pipeline.people import privacy
from connector.pipeline.people.consents import by_hand
from connector.store import audit, contacts, doctor, findings, people
from connector.store import tasks as task_rows
from connector.store.bulk import insert_many
from connector.store.tables import (
    changes,
    consents,
    contact_keys,
    contact_words,
    deliveries,
    erasures,
    events,
    plans,
    record_values,
    send_attempts,
    sends,
    snapshots,
    tasks,
)
from connector.store.tables import (
    contacts as contact_rows,
)
from connector.works import people as works_people
from tests.pipeline import canaries
from tests.pipeline.canaries import MAIL, NAME, OTHER, PHONE, USER, id_, said
from tests.pipeline.conftest import House
from tests.pipeline.messages import replies, text

ANSWERS = """\
mapping: answers
crm: hubspot
when: {answer_to: anything, type: text}
contact: {find_by: [whatsapp, phone], if_missing: create, if_several: review}
set:
  whatsapp_last_answer: "{{ answer.text }}"
  delivery_slot: "{{ answer.text }}"
log: message
reply: "You said {{ answer.text }}"
"""


def now() -> datetime:
    return datetime.now(UTC)


def lane(house: House, key: str) -> str:
    """Who writes from there."""
    sure = sa.and_(contact_keys.c.value == key, contact_keys.c.kind.in_(["wa_id", "bsuid"]))
    (row,) = rows(house, contact_keys, sure)
    return str(row.contact)


def rows(house: House, table: Any, *where: Any) -> list[Any]:
    with house.app.store.read() as conn:
        return list(conn.execute(sa.select(table).where(*where)))


def live(house: House) -> str:
    """The person's whole life with us; their contact."""
    house.publish(ANSWERS)
    house.sent_template(PHONE, "webinar_invite_v2", wamid=id_("import"))
    bodies = canaries.bodies()
    house.deliver(*bodies[:1])
    house.settle()
    house.deliver(*bodies[1:])
    house.settle()
    for send in rows(house, sends, sends.c.wamid.is_not(None)):
        house.deliver(canaries.status(send.wamid, "sent", biz_opaque_callback_data=send.id))
    house.deliver(canaries.status(id_("never"), "sent"))
    contact = lane(house, PHONE)
    _more(house, contact)
    house.settle()
    return contact


def _more(house: House, contact: str) -> None:
    """What other parts of the program keep."""
    at = now() - timedelta(minutes=1)
    account = house.app.account("hubspot")
    assert account is not None
    with house.app.store.write() as conn:
        link = contacts.links_of(conn, contact)[account.id]
        values = {"account": account.id, "object": link.object, "record": link.id, "at": at}
        insert_many(conn, record_values, [values | {"field": "firstname", "value": NAME}])
        insert_many(conn, record_values, [values | {"record": "9", "field": "phone", "value": f"+{PHONE}"}])
        insert_many(conn, contact_keys, [{"kind": "email", "value": MAIL, "contact": contact, "at": at}])
        insert_many(conn, contact_words, [{"word": w, "contact": contact} for w in NAME.lower().split()],
                    ignore_conflicts=True)  # fmt: skip
        insert_many(conn, snapshots, [{"name": "last", "body": {"who": PHONE}, "at": at}])
        insert_many(conn, tasks, [{"id": "t", "kind": "x", "args": {"to": [PHONE]}, "at": at, "state": "done"}])
        audit.append(conn, "ana@x.co", "contact.show", PHONE, {"mail": MAIL, "to": f"+{PHONE}"}, at)
        findings.raise_(conn, [findings.Finding("odd", "k", f"+{PHONE} is odd")], at)
        people.newcomers(conn, {f"+{PHONE}": NAME}, at)
    change = {"portalId": 24681357, "subscriptionType": "contact.propertyChange", "objectId": int(link.id),
              "propertyName": "firstname", "propertyValue": NAME, "occurredAt": int(at.timestamp() * 1000),
              "eventId": 5, "attemptNumber": 0}  # fmt: skip
    other = change | {"objectId": 1512, "propertyValue": "Ana", "eventId": 6}
    house.deliver([change, other], account="hubspot")


def erase(house: House, contact: str) -> dict[str, int]:
    return works_people.erase(house.app, contact, "ana@x.co", lambda _done, _total: None)


@pytest.mark.long
def test_a_task_erases_what_was_set_by_hand_too(house: House) -> None:
    contact = live(house)
    with house.app.store.write() as conn:
        person = contacts.load(conn, [contact])[contact]
        evidence, receiver = f"{NAME} called from +{PHONE}", house.app.accounts()[0].id
        by_hand(conn, person, "marketing", "opted_out", evidence, receiver, (), now())
        task = task_rows.add(conn, "contact.erase", {"contact": contact}, "ana@x.co", now())
    house.app.drain("task", stop=lambda: False)
    with house.app.store.read() as conn:
        done = task_rows.get(conn, task)
    assert done is not None
    assert (done.state, done.error, done.done) == ("done", "", done.total)
    assert done.result["contact_keys"] > 0
    assert canaries.found(house.app.store) == []
    healthy(house)


def healthy(house: House) -> None:
    with house.app.store.read() as conn:
        assert doctor.findings(conn, now()) == []


def test_nothing_is_found_any_more(house: House) -> None:
    contact = live(house)
    before = house.counts()
    assert {hit.partition(".")[0] for hit in canaries.found(house.app.store)} > {"events", "deliveries", "sends"}
    seen: list[tuple[int, int]] = []
    counts = works_people.erase(house.app, contact, "ana@x.co", lambda done, total: seen.append((done, total)))
    assert canaries.found(house.app.store) == []
    assert counts["events"] > 15
    assert seen[-1][0] == seen[-1][1]
    healthy(house)
    after = house.counts()
    assert (after["events"], after["deliveries"]) == (before["events"], before["deliveries"])
    assert (after["waiting"], after["review"]) == (0, 2)  # the other one's answers that the CRM refused
    (done,) = rows(house, erasures)
    assert (done.state, done.work, done.who) == ("done", None, "ana@x.co")
    with house.app.store.read() as conn:
        assert audit.page(conn, action="contact.erase")[0].object == contact
    erase(house, contact)  # nothing is left to do, and nothing breaks
    healthy(house)


def test_the_other_one_is_untouched(house: House) -> None:
    contact = live(house)
    other = lane(house, OTHER)
    before = house.why("wamid.other1")
    erase(house, contact)
    after = house.why("wamid.other1")
    assert after == json.loads(json.dumps(before).replace(PHONE, "[erased]"))  # the CRM's answer quoted the other text
    assert house.why("wamid.other2")["message"]["text"] == "please call [erased] today"
    with house.app.store.read() as conn:
        assert contacts.load(conn, [other])[other].name == "Otto Other"
    with house.app.store.write() as conn:  # their item is read again from what was kept of the body
        (again,) = conn.execute(sa.select(events.c.id).where(events.c.dedupe_key == "wamid.other1")).scalars()
        for column in (events.c.id, plans.c.event, changes.c.event, sends.c.event):
            conn.execute(sa.delete(column.table).where(column == again))
        conn.execute(sa.update(deliveries).values(state="new"))
    house.unpack()
    assert house.why("wamid.other1")["message"]["text"] == "for the other one only"
    bodies = " ".join(bytes(row.body).decode() for row in rows(house, deliveries))
    assert "history of the other" in bodies
    assert '"propertyValue":"Ana"' in bodies
    assert canaries.found(house.app.store) == []


@pytest.mark.long
def test_what_is_delivered_again_creates_nothing(house: House) -> None:
    contact = live(house)
    old = [bytes(row.body) for row in rows(house, deliveries)]
    accounts = [row.account for row in rows(house, deliveries)]
    names = {a.id: a.name for a in house.app.accounts()}
    erase(house, contact)
    before = (len(rows(house, events)), len(rows(house, contact_rows)), len(rows(house, consents)))
    for account, body in zip(accounts, old, strict=True):
        house.deliver(body, account=names[account])
    house.settle()
    assert (len(rows(house, events)), len(rows(house, contact_rows)), len(rows(house, consents))) == before
    # what SQLite still holds of these bodies goes too
    works_people.erase(house.app, contact, "ana", lambda _done, _total: None)
    assert canaries.found(house.app.store) == []
    healthy(house)


@pytest.mark.long
def test_what_happened_before_and_comes_only_now_is_not_kept(house: House) -> None:
    contact = live(house)
    send = rows(house, sends, sends.c.document != "", sends.c.lane == contact)
    late = [canaries.status(row.wamid, "delivered", biz_opaque_callback_data=row.id) for row in send if row.wamid]
    erase(house, contact)
    house.deliver(*late, replies(text(PHONE, said("late"), id=id_("late"), at=now().timestamp() - 60)))
    house.settle()
    hits = [hit for hit in canaries.found(house.app.store) if not hit.startswith("connector.db")]
    assert hits == []
    healthy(house)


@pytest.mark.long
def test_who_opted_out_is_a_new_contact_and_still_opted_out(house: House) -> None:
    contact = live(house)
    erase(house, contact)
    house.deliver(replies(text(PHONE, "hello again", id="wamid.again", at=now().timestamp() + 5), names={PHONE: "New"}))
    house.settle()
    fresh = lane(house, PHONE)
    assert fresh != contact
    with house.app.store.read() as conn:
        known = contacts.load(conn, [fresh])[fresh]
    assert known.consents == {"all": "opted_out", "marketing": "opted_out"}
    assert known.name == "New"
    house.deliver(replies(text(PHONE, "START", id="wamid.start", at=now().timestamp() + 6)))
    house.settle()
    with house.app.store.read() as conn:
        assert contacts.load(conn, [fresh])[fresh].consents["all"] == "opted_in"


@pytest.mark.long
def test_a_crm_that_names_the_phone_again_finds_them_opted_out(house: House) -> None:
    from connector.pipeline.people import recipients

    erase(house, live(house))
    store = house.app.store
    with store.write() as conn:
        (met,) = recipients.meet(store, conn, {f"+{PHONE}": "Somebody"}, now())[f"+{PHONE}"]
        assert contacts.load(conn, [met])[met].consents["all"] == "opted_out"


@pytest.mark.long
def test_an_import_of_old_messages_stays_erased(house: House) -> None:
    contact = live(house)
    erase(house, contact)
    house.sent_template(PHONE, "webinar_invite_v2", wamid=id_("import"))
    assert canaries.found(house.app.store) == []


@pytest.mark.long
def test_merged_contacts_are_one_person(house: House) -> None:
    house.deliver(replies(text(PHONE, said("by phone"), id=id_("m1")), names={PHONE: NAME}))
    house.deliver(replies(text(None, said("by user"), id=id_("m2"), user_id=USER)))
    house.settle()
    first, second = lane(house, PHONE), lane(house, USER)
    assert first != second
    house.deliver(replies(text(PHONE, said("by both"), id=id_("m3"), user_id=USER)))
    house.settle()
    erase(house, max(first, second))
    assert canaries.found(house.app.store) == []
    healthy(house)


class Cut(Exception):
    pass


def test_an_erasure_that_was_cut_off_goes_on(house: House) -> None:
    contact = live(house)
    store, left = house.app.store, [3]

    def stop(_done: int, _total: int) -> None:
        left[0] -= 1
        if not left[0]:
            raise Cut

    cut = 0
    for n in (1, 2, 5, 11):
        left[0] = n
        try:
            privacy.erase(store, contact, "ana", now(), progress=stop)
        except Cut:
            cut += 1
    assert cut >= 3
    assert rows(house, erasures)[0].work
    privacy.erase(store, contact, "ana", now())
    assert canaries.found(store) == []
    healthy(house)


@pytest.mark.long
def test_what_is_under_way_is_waited_for(house: House) -> None:
    contact = live(house)
    store = house.app.store
    with store.write() as conn:
        one = conn.execute(sa.select(sends.c.id).where(sends.c.lane == contact).limit(1)).scalar_one()
        conn.execute(sa.update(sends).where(sends.c.id == one).values(state="in_flight", started_at=now()))
    with pytest.raises(errors.TryAgain):
        privacy.erase(store, contact, "ana", now(), patience=0.3)
    assert lane(house, PHONE) == contact


def test_what_waits_is_cancelled(house: House) -> None:
    contact = live(house)
    with house.app.store.write() as conn:
        row = {"id": "w", "cause": "w", "lane": contact, "to": f"+{PHONE}", "state": "waiting", "at": now(), "crm": "c",
               "document": "d", "next_at": now() + timedelta(days=1)}  # fmt: skip
        insert_many(conn, sends, [row])
    assert erase(house, contact)["sends_cancelled"] == 1
    (kept,) = rows(house, sends, sends.c.id == "w")
    assert (kept.state, kept.code, kept.to, kept.tell) == ("cancelled", "erased", "", 0)
    assert all(row.text is None for row in rows(house, send_attempts, send_attempts.c.lane == contact))


def test_nobody_is_erased_by_a_strange_id(house: House) -> None:
    for odd in ("", "nobody", "\x00", "' OR 1=1 --", "x" * 10_000):
        with pytest.raises(errors.NotFound):
            privacy.erase(house.app.store, odd.replace("\x00", "?"), "ana", now())


def test_an_export_holds_all_of_one_person_and_nothing_of_another(house: House) -> None:
    contact = live(house)
    found = json.dumps(privacy.export(house.app.store, contact), ensure_ascii=False)
    for canary in canaries.CANARIES:
        assert canary in found
    for kind in ("text", "tap", "form", "list", "button", "place", "order", "wish"):
        assert said(kind) in found
    assert "Otto" not in found
    assert "for the other one only" not in found
    with pytest.raises(errors.NotFound):
        privacy.export(house.app.store, "nobody")


def test_webhooks_that_come_meanwhile_are_safe(house: House) -> None:
    """At every step of an erasure an old webhook comes again, a status comes late, and the other one writes."""
    contact = live(house)
    old = [bytes(row.body) for row in rows(house, deliveries)][1]
    n = [0]

    def meanwhile(_done: int, _total: int) -> None:
        n[0] += 1
        if n[0] in (1, 2, 4, 9):
            before = str(int(now().timestamp()) - 60)
            house.deliver(json.loads(old), canaries.status(id_(f"late{n[0]}"), "read", timestamp=before))
            house.deliver(replies(text(OTHER, f"still here {n[0]}", id=f"wamid.still{n[0]}")))
            house.unpack()

    works_people.erase(house.app, contact, "ana", meanwhile)
    works_people.erase(house.app, contact, "ana", lambda _done, _total: None)
    assert house.why("wamid.still4")["message"]["text"] == "still here 4"
    assert canaries.found(house.app.store) == []
    healthy(house)


def test_a_privacy_deletion_of_the_crm_is_a_question_with_the_command(house: House) -> None:
    contact = live(house)
    account = house.app.account("hubspot")
    assert account is not None
    with house.app.store.read() as conn:
        link = contacts.links_of(conn, contact)[account.id]
    gone = {"portalId": 24681357, "subscriptionType": "contact.privacyDeletion", "objectId": int(link.id),
            "occurredAt": int(now().timestamp() * 1000), "eventId": 9}  # fmt: skip
    house.deliver([gone], account="hubspot")
    house.settle()
    asks = [row for row in rows(house, changes) if row.kind == "Ask" and row.body["why"] == "privacy_deletion"]
    assert f"connector contacts erase contacts/{link.id} --yes" in asks[0].body["text"]
    assert asks[0].state == "review"
    erase(house, contact)
    assert not [row for row in rows(house, changes) if row.seq == asks[0].seq and row.state == "review"]
    healthy(house)
