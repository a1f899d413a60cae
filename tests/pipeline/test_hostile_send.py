"""What went wrong with one message, its answer or its worker touches no other; nothing leaves long after its gates."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from connector.ports import Receipt
from connector.store import gate_facts, parks, sending
from connector.store.engine import Store
from connector.store.tables import numbers
from tests.pipeline.sends import NUMBER, WABA, Desk, ready


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def test_an_answer_that_cannot_be_stored_loses_no_other(desk: Desk) -> None:
    desk.add(wamid="wamid.taken", state="accepted", next_at=None)
    rows = [desk.add() for _ in range(6)]
    desk.phone.answers = [Receipt(outcome="accepted", wamid="wamid.taken")]
    desk.drain()
    states = [desk.state(row)[0] for row in rows]
    assert sorted(states) == ["accepted"] * 5 + ["in_flight"]
    desk.clock.pass_(seconds=10)
    desk.drain()
    assert sorted(desk.state(row)[0] for row in rows) == ["accepted"] * 5 + ["unknown"]
    assert len(desk.phone.sent) == 6


def test_nothing_leaves_long_after_it_went_through_the_gates(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    row = desk.add()
    start = sending.start

    def slept(*given: object) -> object:
        found = start(*given)  # type: ignore[arg-type]
        desk.clock.pass_(minutes=10)
        return found

    monkeypatch.setattr(sending, "start", slept)
    sender = desk.sender()
    sender.drain(lambda: bool(desk.attempts(row)))
    assert desk.phone.sent == []
    assert (desk.state(row), desk.attempts(row)) == (("ready", "again"), [(1, "again")])
    monkeypatch.setattr(sending, "start", start)
    desk.clock.pass_(minutes=1)
    desk.drain()
    assert desk.state(row) == ("accepted", "")
    assert len(desk.phone.sent) == 1


def test_what_rests_holds_back_nothing_behind_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    looks, look = [0], gate_facts.look

    def counted(*given: object) -> object:
        looks[0] += 1
        return look(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(gate_facts, "look", counted)
    with desk.store.write() as conn:
        conn.execute(sa.update(numbers).values(throughput=20))  # eight rows a claim
        parks.park(conn, "document", "resting", desk.clock.at + timedelta(days=1), "A person paused it.")
    early = desk.clock.at - timedelta(hours=1)
    desk.add_all([ready(desk.clock.at, document="resting", next_at=early) for _ in range(700)])
    last = desk.add()
    desk.drain()
    assert desk.state(last) == ("accepted", "")
    assert looks[0] <= 6


def test_what_may_have_left_is_looked_after_while_its_account_rests(desk: Desk) -> None:
    lost = desk.add(state="in_flight", next_at=None, started_at=desk.clock.at - timedelta(minutes=1))
    waits = desk.add()
    with desk.store.write() as conn:
        parks.park(conn, "account", WABA, desk.clock.at + timedelta(days=1), "Meta asks for a person.")
    with desk.store.read() as conn:
        assert sending.numbers_due(conn, desk.clock.at, desk.clock.at - timedelta(seconds=5)) == [NUMBER]
    desk.drain()
    assert [desk.state(row)[0] for row in (lost, waits)] == ["unknown", "ready"]
    assert desk.phone.sent == []
    with desk.store.read() as conn:
        assert sending.numbers_due(conn, desk.clock.at, desk.clock.at - timedelta(seconds=5)) == []


def test_a_number_that_is_gone_gives_its_sends_to_another(desk: Desk) -> None:
    planned, reply = desk.add(number="gone", crm="hub"), desk.add(number="gone", crm="hub", priority=0)
    other = desk.add(crm="hub")
    with desk.store.write() as conn:
        assert sending.homeless(conn, "gone", desk.clock.at) == 2
    assert [desk.state(row) for row in (planned, reply, other)] == [
        ("waiting", "number_missing"), ("refused", "number_missing"), ("ready", ""),
    ]  # fmt: skip
    assert desk.row(reply).tell == 1
