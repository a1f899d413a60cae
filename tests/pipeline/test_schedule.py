"""`every:` and `date:`: at their time, once, through restarts and several clocks, and never for what moved on."""

from datetime import UTC, datetime, timedelta
from typing import Any

from connector.core import documents as language
from connector.pipeline.triggers.schedule import Schedule
from connector.store.tables import events, findings, plans, timers
from tests.pipeline.conftest import House
from tests.pipeline.triggering import because, judge, publish, ready, rows, sent, slots

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
EVERY = slots("weekly", "every: monday 09:00\n  contact.lifecyclestage: {is: [customer, opportunity]}")
DATE = slots("delivery", "date: contact.delivery_date at 09:00")


def clock(house: House) -> Schedule:
    account = house.app.account("hubspot")
    assert account is not None
    return Schedule(house.app.store, account, house.app.crm(account), house.app.library.shelf("hubspot"))


def people(house: House, *stages: str) -> set[str]:
    found = house.sandbox.records("hubspot", "contacts")
    return {one["id"] for one in found if one["properties"]["lifecyclestage"] in stages}


def test_every_starts_from_now_and_comes_at_its_time_once(house: House) -> None:
    publish(house, EVERY)
    assert clock(house).due(MONDAY - timedelta(days=1))
    assert clock(house).tick(MONDAY - timedelta(days=1)) == 0
    assert not clock(house).due(MONDAY - timedelta(seconds=1))
    wanted = people(house, "customer", "opportunity")
    assert clock(house).tick(MONDAY + timedelta(minutes=1)) == len(wanted) > 2
    house.restart()
    assert clock(house).tick(MONDAY + timedelta(minutes=2)) == 0
    found = rows(house, events)
    assert {row.payload["record"] for row in found} == wanted
    (timer,) = rows(house, timers)
    assert timer.next_at == MONDAY + timedelta(days=7)


def test_a_clock_that_was_away_tells_the_last_time_only(house: House) -> None:
    publish(house, EVERY)
    clock(house).tick(MONDAY - timedelta(days=1))
    wanted = len(people(house, "customer", "opportunity"))
    assert clock(house).tick(MONDAY + timedelta(days=14, hours=2)) == wanted
    assert clock(house).tick(MONDAY + timedelta(days=14, hours=3)) == 0
    assert {row.payload["at"] for row in rows(house, events)} == {(MONDAY + timedelta(days=14)).isoformat()}


def test_a_time_long_past_is_left_out(house: House) -> None:
    publish(house, EVERY)
    clock(house).tick(MONDAY - timedelta(days=1))
    assert clock(house).tick(MONDAY + timedelta(days=2)) == 0
    (timer,) = rows(house, timers)
    assert timer.next_at == MONDAY + timedelta(days=7)


def test_another_time_is_another_timer(house: House) -> None:
    publish(house, EVERY)
    clock(house).tick(MONDAY - timedelta(days=1))
    publish(house, EVERY.replace("09:00", "10:00"))
    clock(house).tick(MONDAY - timedelta(minutes=5))
    (timer,) = rows(house, timers)
    assert timer.next_at == MONDAY.replace(hour=10)


def test_at_its_time_the_record_is_asked_again(house: House) -> None:
    ready(house)
    now = datetime.now(UTC)
    minute = now.replace(second=0, microsecond=0)
    publish(house, EVERY.replace("monday 09:00", f"day {minute:%H:%M}"))
    with_timer(house, "weekly", minute)
    clock(house).tick(now)
    left = people(house, "customer", "opportunity")
    gone = sorted(left)[0]
    house.sandbox.http.patch(f"/_records/hubspot/contacts/{gone}", json={"lifecyclestage": "evangelist"})
    judge(house)
    assert {row.person[2] for row in sent(house)} == left - {gone}
    assert any("lifecyclestage is evangelist" in why for why in because(house))


def with_timer(house: House, document: str, at: datetime) -> None:
    from connector.store import timers as rows_

    schedule = clock(house)
    found: Any = house.app.library.shelf("hubspot").send(document)
    with house.app.store.write() as conn:
        rows_.put(conn, document, at, schedule._spec(found.document))


def born(house: House, record: str, day: str) -> None:
    answer = house.sandbox.http.patch(f"/_records/hubspot/contacts/{record}", json={"delivery_date": day})
    assert answer.is_success


def test_a_date_waits_for_its_hour(house: House) -> None:
    publish(house, DATE)
    now = MONDAY - timedelta(hours=5)
    born(house, "1512", "2026-11-23")
    born(house, "1514", "2026-11-25")
    assert clock(house).tick(now) == 1
    (event,) = rows(house, events)
    assert (event.payload["record"], event.payload["value"]) == ("1512", "2026-11-23")
    (plan,) = rows(house, plans)
    assert plan.next_at == MONDAY
    assert clock(house).tick(now + timedelta(hours=1)) == 0  # looked at again: known
    assert clock(house).tick(MONDAY + timedelta(days=1)) == 1  # the 25th comes in sight


def test_a_date_that_waits_does_not_hold_the_record_back(house: House) -> None:
    publish(house, DATE)
    born(house, "1512", "2026-11-23")
    clock(house).tick(MONDAY - timedelta(hours=5))
    (event,) = rows(house, events)
    assert not event.lane.startswith("record:")


def test_what_came_due_before_the_document_never_fires(house: House) -> None:
    publish(house, DATE)
    born(house, "1512", "2026-11-23")
    assert clock(house).tick(MONDAY + timedelta(minutes=1)) == 0


def test_what_came_due_while_nobody_looked_is_told(house: House) -> None:
    publish(house, DATE)
    clock(house).tick(MONDAY - timedelta(days=3))
    born(house, "1512", "2026-11-23")
    assert clock(house).tick(MONDAY + timedelta(hours=3)) == 1


def test_a_date_that_moved_is_not_told_twice(house: House) -> None:
    ready(house)
    publish(house, DATE.replace("at 09:00", "at 00:00"))
    today = datetime.now(UTC).date()
    with_timer(house, "delivery", datetime.now(UTC) - timedelta(days=3))
    born(house, "1512", today.isoformat())
    born(house, "1514", today.isoformat())
    assert clock(house).tick(datetime.now(UTC)) == 2
    born(house, "1512", "2031-01-01")
    judge(house)
    assert [row.person[2] for row in sent(house)] == ["1514"]
    assert any("2031-01-01 now" in why for why in because(house))


def test_a_query_the_crm_refuses_is_told_and_the_others_go_on(house: House) -> None:
    publish(house, slots("broken", "date: contact.no_such_date at 09:00"))
    publish(house, DATE)
    born(house, "1512", "2026-11-23")
    assert clock(house).tick(MONDAY - timedelta(hours=5)) == 1
    (finding,) = rows(house, findings)
    assert (finding.code, finding.key) == ("timer_refused", "broken")


def test_two_clocks_make_one_event(house: House) -> None:
    publish(house, DATE)
    born(house, "1512", "2026-11-23")
    first, second = clock(house), clock(house)
    now = MONDAY - timedelta(hours=5)
    found: Any = house.app.library.shelf("hubspot").send("delivery")
    assert isinstance(found.document, language.SendDocument)
    assert first.tick(now) + second.tick(now) == 1
