"""What went wrong with one message, its answer or its worker touches no other; nothing leaves long after its gates."""

import pytest

from connector.ports import Receipt
from connector.store import sending
from connector.store.engine import Store
from tests.pipeline.sends import Desk


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
