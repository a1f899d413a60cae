"""Chores go account by account: one that is down keeps nobody from their turn."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from connector.core.contact import Record
from connector.pipeline.triggers import catchup
from connector.pipeline.triggers.schedule import Schedule
from connector.ports import Page
from connector.store import doctor
from connector.store.tables import events, timers
from tests.pipeline.conftest import House
from tests.pipeline.sends import Clock
from tests.pipeline.triggering import publish, rows, slots

pytestmark = pytest.mark.long  # make test-long

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
WEEKLY = slots("weekly", "every: monday 09:00\n  contact.lifecyclestage: {is: customer}")
SALES = slots("weekly-sales", "every: monday 09:00\n  contact.Email: {is: ana.torres@example.com}")


def never() -> bool:
    return False


def sunday(house: House) -> Clock:
    clock = Clock(MONDAY - timedelta(days=1))
    house.app.clock = clock  # type: ignore[assignment]
    return clock


def test_a_crm_that_is_down_stops_no_other_crm_s_timers(house: House) -> None:
    publish(house, WEEKLY)
    publish(house, SALES.replace("crm: hubspot", "crm: salesforce"))
    clock = sunday(house)
    house.app.tick(never)
    house.sandbox.faults({"route": "* /hubspot/*", "kind": "5xx", "rate": 1.0})
    clock.at = MONDAY + timedelta(minutes=1)
    house.app.tick(never)
    house.app.catch_up(never)
    assert {row.document: row.next_at > clock.at for row in rows(house, timers)} == {
        "weekly": False, "weekly-sales": True,
    }  # fmt: skip


def test_a_document_that_cannot_be_worked_out_stops_no_other(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(house, WEEKLY)
    publish(house, WEEKLY.replace("send: weekly", "send: broken"))
    clock = sunday(house)
    house.app.tick(never)
    every = Schedule._every

    def fails(schedule: Schedule, document: object, start: datetime, now: datetime) -> object:
        if getattr(document, "name", "") == "broken":
            raise ZeroDivisionError
        return every(schedule, document, start, now)  # type: ignore[arg-type]

    monkeypatch.setattr(Schedule, "_every", fails)
    clock.at = MONDAY + timedelta(minutes=1)
    house.app.tick(never)
    assert {row.payload["document"] for row in rows(house, events)} == {"weekly"}


class Crowd:
    """A CRM whose records all changed within a minute, two to a page."""

    def __init__(self) -> None:
        times = [MONDAY - timedelta(hours=1) + timedelta(seconds=n) for n in range(40)]
        self.all = [Record(object="contacts", id=str(n), fields={}, modified=at) for n, at in enumerate(times)]
        self.seen: set[str] = set()
        self.can = SimpleNamespace(objects={"contact": "contacts"})

    def query(self, object_: str, where: Any, fields: Any, *, after: str = "") -> Page:
        found = [r for r in self.all if r.modified and r.modified >= where[0].value][int(after or 0) :]
        self.seen |= {r.id for r in found[:2]}
        return Page(tuple(found[:2]), after=str(int(after or 0) + 2) if len(found) > 2 else "")


def test_a_crowd_of_changes_is_gone_through_in_the_end(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catchup, "PAGES", 5)
    publish(house, slots("stage-note", "contact.lifecyclestage: {changes: yes}"))
    account, crowd = house.app.account("hubspot"), Crowd()
    assert account is not None
    look = catchup.CatchUp(house.app.store, account, crowd, house.app.library.shelf("hubspot"))  # type: ignore[arg-type]
    look.run(MONDAY - timedelta(hours=2))
    for n in range(8):
        look.run(MONDAY + n * catchup.EVERY)
    assert len(crowd.seen) == len(crowd.all)


def test_an_event_that_waited_for_its_time_is_not_late_when_it_comes(house: House) -> None:
    publish(house, WEEKLY)
    clock = sunday(house)
    house.app.tick(never)
    clock.at = MONDAY + timedelta(seconds=1)
    house.app.tick(never)
    with house.app.store.write() as conn:
        conn.execute(sa.update(events).values(received_at=MONDAY - timedelta(hours=20)))
    with house.app.store.read() as conn:
        assert doctor.findings(conn, MONDAY + timedelta(seconds=2)) == []
        late = doctor.findings(conn, MONDAY + timedelta(minutes=6))
    assert [one["code"] for one in late] == ["plan_waits"]
