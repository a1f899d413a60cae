"""A writer that stood still with a request ready to leave: nothing of it leaves once its rows are in other hands."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
import sqlalchemy as sa

from connector import errors
from connector.core.changes import Outcome
from connector.pipeline.writing.write import Writer
from connector.ports import fence
from connector.store import changes as change_rows
from connector.store.tables import changes
from tests.pipeline.conftest import ANA, House
from tests.pipeline.messages import replies, text
from tests.pipeline.test_journey import ANYTHING
from tests.pipeline.test_write import Between, Slow, account, plan, states

pytestmark = pytest.mark.both  # two processes and their rows


@pytest.fixture
def slow(house: House) -> Slow:
    """A reply is planned: one field, one timeline entry."""
    house.publish(ANYTHING + "log: message\n")
    house.deliver(replies(text(ANA, "old")))
    plan(house)
    return Slow(house)


def write(house: House, slow: Slow, crm: Any = None) -> None:
    """As a process of its own: it knows nothing of the account's lock, nor of another writer's question."""
    mine = account(house)
    one = Writer(house.app.store, mine, crm or house.app.crm(mine), slow)
    found: list[BaseException] = []

    def work() -> None:
        try:
            with house.app.store.locks.hold([f"account:{mine.id}"]):
                one._work(lambda: False)
        except BaseException as error:  # noqa: BLE001 - raised below
            found.append(error)

    thread = Thread(target=work)
    thread.start()
    thread.join()
    if found:
        raise found[0]


def at_the_wire(monkeypatch: pytest.MonkeyPatch, nth: int, befalls: Callable[[], None]) -> list[int]:
    """When something is about to leave for the nth time, this befalls first; how often something was."""
    asks, really = [0], fence.ask

    def ask() -> None:
        asks[0] += 1
        if asks[0] == nth:
            befalls()
        really()

    monkeypatch.setattr(fence, "ask", ask)
    return asks


def values(house: House) -> list[str]:
    """What was written into the record, in order."""
    calls = [call for call in house.writes("hubspot") if call["path"].endswith("/contacts/batch/update")]
    return [one["properties"]["whatsapp_last_answer"] for call in calls for one in call["body"]["inputs"]]


HEAD, BODY, ENTRY = 1, 2, 4  # of the field's request; the body of the entry's


@pytest.mark.parametrize("nth, heard", [(HEAD, ["newer"]), (BODY, ["newer"]), (ENTRY, ["old", "newer"])])
def test_a_request_that_is_overtaken_does_not_leave(
    house: House, slow: Slow, monkeypatch: pytest.MonkeyPatch, nth: int, heard: list[str]
) -> None:
    def another() -> None:
        plan(house)
        write(house, slow)

    def stands_still() -> None:
        slow.ahead += timedelta(seconds=6)
        house.deliver(replies(text(ANA, "newer")))
        other = Thread(target=another)
        other.start()
        other.join()

    asks = at_the_wire(monkeypatch, nth, stands_still)
    write(house, slow)
    assert asks[0] > nth
    assert values(house) == heard
    assert house.hubspot("1512")["whatsapp_last_answer"] == "newer"
    assert len(house.sandbox.records("hubspot", "communications")) == 2
    assert {*states(house), *states(house, "LogActivity")} == {"done"}


def test_a_crm_that_takes_long_is_waited_for(house: House, slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are marked anew, so that nobody else takes them meanwhile."""
    ages: list[timedelta] = []

    def second(*_: Any) -> None:
        slow.ahead += timedelta(seconds=1)
        really()
        with house.app.store.read() as conn:
            marked = conn.execute(sa.select(changes.c.started_at).where(changes.c.state == "in_flight")).scalars()
            ages.append(slow.now() - min(marked))

    really = fence.ask
    monkeypatch.setattr(fence, "ask", second)
    write(house, slow)
    assert len(ages) == 4
    assert max(ages) < timedelta(seconds=2.5)
    assert {*states(house), *states(house, "LogActivity")} == {"done"}
    assert attempts(house) == (1, 1)
    assert len(house.sandbox.records("hubspot", "communications")) == 1


def attempts(house: House) -> tuple[int, int]:
    """Of the fields and of the entry."""
    with house.app.store.read() as conn:
        made = {row.kind: row.attempts for row in conn.execute(sa.select(changes.c.kind, changes.c.attempts))}
    return made["SetField"], made["LogActivity"]


@pytest.mark.parametrize("nth, burned", [(HEAD, (1, 1)), (BODY, (2, 1)), (ENTRY, (1, 2))])
def test_what_may_have_arrived_is_looked_for(
    house: House, slow: Slow, monkeypatch: pytest.MonkeyPatch, nth: int, burned: tuple[int, int]
) -> None:
    """The database is away when a call is half done: nobody can say whose the rows are."""
    really = change_rows.renew

    def away(*_: Any) -> bool:
        monkeypatch.setattr(change_rows, "renew", really)
        raise errors.StoreDown("away")

    def late() -> None:
        slow.ahead += timedelta(seconds=3)
        monkeypatch.setattr(change_rows, "renew", away)

    at_the_wire(monkeypatch, nth, late)
    write(house, slow)
    assert {*states(house), *states(house, "LogActivity")} == {"done"}
    assert attempts(house) == burned
    assert len(house.sandbox.records("hubspot", "communications")) == 1


@pytest.mark.parametrize("state, left", [("retry", "in_flight"), ("refused", "in_flight"), ("done", "done")])
def test_rows_in_other_hands_are_left_alone(house: House, slow: Slow, state: str, left: str) -> None:
    """Whatever came of our call: only what is surely done is that for everybody."""
    theirs = house.app.clock.now() + timedelta(seconds=1)

    def taken(_: Any, asked: Sequence[Any]) -> list[Outcome]:
        with house.app.store.write() as conn:
            conn.execute(sa.update(changes).where(changes.c.state == "in_flight").values(started_at=theirs))
        return [Outcome(state=state, record="1512") for _ in asked]

    write(house, slow, Between(house.app.crm(account(house)), taken))
    assert {*states(house), *states(house, "LogActivity")} == {left}
    assert attempts(house) == (1, 1)
    with house.app.store.read() as conn:
        assert len(set(conn.execute(sa.select(changes.c.started_at)).scalars())) == 1
