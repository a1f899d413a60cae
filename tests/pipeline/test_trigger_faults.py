"""What one broken event costs: its own lane waits, after five tries a person sees it; the others go on."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from connector.pipeline.triggers.trigger import Trigger
from connector.store import plans as plan_rows
from connector.store.tables import events, plans
from tests.pipeline.conftest import House
from tests.pipeline.triggering import QUOTE, fire, judge, publish, ready, rows, sent, told


@pytest.fixture
def quotes(house: House) -> House:
    ready(house)
    publish(house, QUOTE)
    return house


def spoil(house: House, record: str) -> None:
    """Its stored event cannot be read any more, as after a change of ours that is wrong."""
    with house.app.store.write() as conn:
        query = sa.update(events).where(events.c.lane.like(f"%:{record}"))
        conn.execute(query.values(payload={"id": "x", "at": "never"}))


def stages(*records: str) -> list[dict[str, object]]:
    return [told("deal", record, "dealstage", "presentationscheduled") for record in records]


def test_a_broken_event_holds_nobody_and_is_dead_after_five_tries(quotes: House) -> None:
    house = quotes
    house.deliver(stages("3001", "3002", "3003"), account="hubspot")
    house.unpack()
    spoil(house, "3002")
    for tries in range(1, plan_rows.MAX_ATTEMPTS + 1):
        with house.app.store.write() as conn:
            conn.execute(sa.update(plans).values(next_at=None))
        judge(house)
        (plan,) = rows(house, plans, plans.c.state != "done")
        assert (plan.attempts, plan.state) == (tries, "dead" if tries == plan_rows.MAX_ATTEMPTS else "new")
        assert "ValueError" in plan.error
    assert sorted(row.record[2] for row in sent(house)) == ["3001", "3003"]
    assert rows(house, events, events.c.state == "new") == []


def test_a_row_that_ends_its_workers_is_dead_in_the_end(quotes: House) -> None:
    house = quotes
    house.deliver(stages("3001"), account="hubspot")
    house.unpack()
    with house.app.store.write() as conn:
        conn.execute(sa.update(plans).values(attempts=plan_rows.MAX_STARTS))
    judge(house)
    (plan,) = rows(house, plans)
    assert plan.state == "dead"
    assert sent(house) == []


def test_an_interrupted_lane_goes_alone_and_in_order(quotes: House) -> None:
    house = quotes
    house.deliver(stages("3001", "3002"), stages("3001"), account="hubspot")
    house.unpack()
    with house.app.store.write() as conn:
        conn.execute(sa.update(plans).where(plans.c.lane.like("%:3001")).values(attempts=2))
    judge(house)
    assert {plan.state for plan in rows(house, plans)} == {"done"}
    assert sorted(row.record[2] for row in sent(house)) == ["3001", "3002"]


def test_a_lane_in_other_hands_is_left_alone(quotes: House) -> None:
    house = quotes
    account = house.app.account("hubspot")
    assert account is not None
    house.deliver(stages("3001", "3002"), account="hubspot")
    house.unpack()
    lane = f"lane:{account.id}:record:{account.id}:deals:3001"
    with house.app.store.locks.hold([lane]) as held:
        assert held
        judge(house)
        assert [row.record[2] for row in sent(house)] == ["3002"]
    judge(house)
    assert len(sent(house)) == 2


def test_who_is_quicker_wins(quotes: House) -> None:
    """The plan was made meanwhile: nothing of ours is stored."""
    house = quotes
    account = house.app.account("hubspot")
    assert account is not None
    fire(house, stages("3001"))
    (plan,) = rows(house, plans)
    (work,) = _as_work(house)
    trigger = Trigger(house.app.store, account, house.app.crm(account), house.app.library, house.app.clock)
    with house.app.store.write() as conn:
        conn.execute(sa.update(plans).values(body=[]))
    trigger._work([work])
    (after,) = rows(house, plans)
    assert (after.state, after.body, after.attempts) == ("done", [], plan.attempts)
    assert len(sent(house)) == 1


def _as_work(house: House) -> list[plan_rows.Work]:
    (plan,), (event,) = rows(house, plans), rows(house, events)
    when = event.received_at + timedelta(0)
    return [
        plan_rows.Work(
            plan.event, plan.account, plan.event_seq, plan.lane, 0, event.kind, event.payload, when, event.account
        )
    ]


def test_a_paused_account_rests(quotes: House) -> None:
    house = quotes
    from connector.store.tables import accounts

    with house.app.store.write() as conn:
        conn.execute(sa.update(accounts).where(accounts.c.name == "hubspot").values(state="paused"))
    fire(house, stages("3001"))
    (plan,) = rows(house, plans)
    assert (plan.state, plan.attempts) == ("new", 0)
