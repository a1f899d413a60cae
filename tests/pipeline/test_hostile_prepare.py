"""What is made ready must still be right when it is stored and when its turn comes; one broken row holds nobody."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from connector.pipeline.preparing.prepare import TRIES, Preparer
from connector.pipeline.triggers.claim import Claim
from connector.store import parks
from connector.store.tables import events, sends
from tests.pipeline.conftest import NUMBER, House
from tests.pipeline.sends import Clock, Desk
from tests.pipeline.triggering import ago, fire, judge, publish, ready, rows, sent, slots, told

NIGHT = "guard:\n  quiet_hours: {allow: 08:00-20:00, time_zone: account}\n"
NIGHTLY = slots("stage-note", "contact.lifecyclestage: {changes: yes}")
EVENING = datetime(2026, 11, 24, 22, tzinfo=UTC)


def preparer(house: House) -> Preparer:
    account, app = house.app.account("hubspot"), house.app
    assert account is not None
    return Preparer(app.store, account, app.crm(account), app.library, app.clock)


def guarded(text: str, guard: str) -> str:
    return text.rstrip() + "\n" + guard


@pytest.fixture
def clock(house: House) -> Clock:
    """The house's clock is the test's."""
    moved = Clock(EVENING)
    house.app.clock = moved  # type: ignore[assignment]
    return moved


# ---- at_most -----------------------------------------------------------------------------------------------------
def test_two_events_of_one_claim_are_one_message_to_one_person(house: House) -> None:
    ready(house)
    publish(house, guarded(NIGHTLY, "guard: {at_most: 1 per 7 days}\n"))
    stages = [told("contact", "1512", "lifecyclestage", v, ago(60 - n)) for n, v in enumerate(["customer", "lead"])]
    fire(house, stages)
    assert sorted((row.state, row.code) for row in sent(house)) == [("ready", ""), ("refused", "at_most")]


def test_what_another_worker_stores_meanwhile_counts(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    ready(house)
    publish(house, guarded(NIGHTLY, "guard: {at_most: 1 per 7 days}\n"))
    fire(house, [told("contact", "1512", "lifecyclestage", "customer", ago(60))])
    with house.app.store.write() as conn:  # it was long ago
        conn.execute(sa.update(sends).values(state="refused"))
    house.deliver([told("contact", "1512", "lifecyclestage", "lead", ago(50))], account="hubspot")
    house.unpack()
    first, prepared = [True], Claim.prepare

    def late(claim: Claim) -> None:
        prepared(claim)
        if first.pop() if first else False:  # the other one is quicker
            with house.app.store.write() as conn:
                mine = {row["cause"]: row for row in (out.row for out in claim.outs.values())}
                conn.execute(sa.insert(sends), [row | {"id": "other", "cause": "other"} for row in mine.values()])

    monkeypatch.setattr(Claim, "prepare", late)
    judge(house)
    _, *found = sorted(sent(house), key=lambda row: row.at)
    assert {(row.id == "other", row.state, row.code) for row in found} == {
        (False, "refused", "at_most"), (True, "ready", ""),
    }  # fmt: skip


def test_what_waited_for_the_morning_is_one_message(house: House, clock: Clock) -> None:
    ready(house)
    publish(house, guarded(NIGHTLY, NIGHT + "  at_most: 1 per 7 days\n"))
    for n, value in enumerate(["customer", "lead", "customer"]):
        fire(house, [told("contact", "1512", "lifecyclestage", value, clock.at + timedelta(seconds=n))])
    assert {row.state for row in sent(house)} == {"waiting"}
    clock.pass_(hours=10, minutes=5)
    preparer(house).drain(lambda: False)
    assert sorted((row.state, row.code) for row in sent(house)) == [
        ("ready", ""), ("refused", "at_most"), ("refused", "at_most"),
    ]  # fmt: skip


# ---- quiet hours -------------------------------------------------------------------------------------------------
def test_a_send_whose_turn_comes_in_the_quiet_hours_waits_for_the_morning(house: House, clock: Clock) -> None:
    ready(house)
    publish(house, guarded(NIGHTLY, NIGHT))
    clock.at = EVENING - timedelta(hours=3)
    fire(house, [told("contact", "1512", "lifecyclestage", "customer", clock.at)])
    (row,) = sent(house)
    assert row.state == "ready"
    clock.at = EVENING  # the number rested until now
    sender = _sender(house, clock)
    sender.drain(lambda: False)
    (row,) = sent(house)
    assert (row.state, row.code, row.attempts) == ("waiting", "quiet_hours", 0)
    preparer(house).drain(lambda: False)
    (row,) = sent(house)
    assert (row.state, row.next_at) == ("waiting", EVENING + timedelta(hours=10))
    clock.at = row.next_at
    preparer(house).drain(lambda: False)
    sender.drain(lambda: False)
    (row,) = sent(house)
    assert row.state == "accepted"


def _sender(house: House, clock: Clock) -> Any:
    from connector.pipeline.sending.send import Sender

    account = house.app.account("whatsapp")
    assert account is not None
    number, far = account.settings["phone_number_id"], timedelta(days=99999)
    return Sender(house.app.store, number, house.app.messenger(account), clock, wrong_clock=far)


def test_the_gate_looks_at_the_hours_before_what_rests(store: Any) -> None:
    desk = Desk(store)
    row = desk.add(context={"quiet_from": (desk.clock.at - timedelta(seconds=1)).isoformat()}, crm="hub")
    with store.write() as conn:
        parks.park(conn, "document", "quote-ready", desk.clock.at + timedelta(days=1), "rests")
    desk.drain()
    assert desk.state(row) == ("waiting", "quiet_hours")
    assert desk.phone.sent == []


def test_a_number_that_was_taken_away_sends_nothing_and_its_successor_does(house: House, clock: Clock) -> None:
    ready(house)
    publish(house, guarded(NIGHTLY, NIGHT))
    clock.at = EVENING - timedelta(hours=3)
    fire(house, [told("contact", "1512", "lifecyclestage", "customer", clock.at)])
    with house.app.store.write() as conn:
        conn.execute(sa.update(sends).values(number="1", account="gone"))
    house.app.drain("send:1", stop=lambda: False)
    preparer(house).drain(lambda: False)
    (row,) = sent(house)
    assert (row.state, row.number, row.code) == ("ready", NUMBER, "")


# ---- one that cannot be prepared ---------------------------------------------------------------------------------
def waits(house: House, clock: Clock, *records: str) -> None:
    ready(house)
    publish(house, guarded(NIGHTLY, NIGHT))
    for record in records:
        fire(house, [told("contact", record, "lifecyclestage", "evangelist", clock.at)])
    assert [row.state for row in sent(house)] == ["waiting"] * len(records)
    clock.pass_(hours=10, minutes=5)


def test_a_broken_row_holds_nobody_and_is_refused_in_the_end(house: House, clock: Clock) -> None:
    waits(house, clock, "1512", "1513", "1514")
    with house.app.store.write() as conn:
        conn.execute(sa.update(events).where(events.c.lane.like("%:1513")).values(payload={"id": "x", "at": "never"}))
    for _ in range(TRIES):
        preparer(house).drain(lambda: False)
        clock.pass_(hours=1)
    found = {row.record[2]: row for row in sent(house)}
    assert {found["1512"].code, found["1514"].code} <= {"", "consent", "no_phone"}
    assert (found["1513"].state, found["1513"].code, found["1513"].tell) == ("refused", "parameter", 1)
    assert "ValueError" in found["1513"].reason


def test_what_the_crm_refuses_to_read_holds_only_its_own_send(house: House, clock: Clock) -> None:
    waits(house, clock, "1512", "1514")
    refused(house.app, "1514")
    preparer(house).drain(lambda: False)
    found = {row.record[2]: row for row in sent(house)}
    assert found["1512"].state != "waiting"
    assert (found["1514"].state, found["1514"].reason) == ("waiting", "There is no such field.")
    account = house.app.account("hubspot")
    assert account is not None
    with house.app.store.read() as conn:
        assert parks.parked(conn, "account", [account.id], clock.now()) == {}
    assert rows(house, sends, sends.c.state == "waiting", sends.c.next_at <= clock.now()) == []


def refused(app: Any, record: str) -> None:
    """The CRM does not answer a question that names this record."""
    from connector import errors

    crm = app.crm(app.account("hubspot"))
    read: Callable[..., Any] = crm.read

    def picky(object_: str, ids: Any, fields: Any) -> Any:
        if record in ids:
            raise errors.Rejected("There is no such field.", code="field")
        return read(object_, ids, fields)

    crm.read = picky
