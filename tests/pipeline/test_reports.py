"""Reports: what the chore counts of a day is what the rows say one by one, and goals are found as records change."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from connector.errors import Rejected
from connector.pipeline.chores import reckoning
from connector.pipeline.documents.library import Shelf
from connector.pipeline.views import reports
from connector.store.bulk import insert_many
from connector.store.engine import Store
from connector.store.figures import DAY, beginning
from connector.store.tables import events, goals_reached, sends, to_ms
from connector.store.tables import report_days as days
from tests.bench import big
from tests.pipeline.triggering import QUOTE, fire, publish, ready, told

NOW = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)


@pytest.fixture
def past(store: Store, store_url: str) -> Store:
    """4,000 events of 30 days, counted."""
    big.fill(store_url, 0.004, NOW)
    with store.write() as conn:
        some = conn.execute(
            sa.select(sends.c.id, sends.c.at).where(sends.c.rank > 3).order_by(sends.c.at.desc()).limit(200)
        ).all()
        for n, row in enumerate(some):
            values = {"pricing": {"type": "free_customer_service" if n % 4 == 0 else "regular", "category": "utility"}}
            if n % 2:
                event = conn.execute(
                    sa.select(events.c.id).where(events.c.received_at > row.at).order_by(events.c.received_at).limit(1)
                ).scalar()
                values |= {"answered_by": event}
            if n % 3 == 0:
                values |= {"buttons": {"Yes": "yes"}, "goal": "record:x"}
            conn.execute(sa.update(sends).where(sends.c.id == row.id).values(**values))
    for _ in range(2):  # a part of the past each
        reckoning.count(store, [Shelf()], NOW)
    return store


def test_a_report_says_what_the_rows_say(past):
    during = reports.period(NOW, "30")
    with past.read() as conn:
        found = reports.report(conn, during, "template")
        rows = [r for r in conn.execute(sa.select(sends)) if during.since <= r.at < during.until]
    total = found.total
    assert len(found.lines) == 5
    assert len(found.days) == 30
    assert total.planned == len(rows) == sum(line.planned for line in found.lines)
    assert total.sent == sum(r.state in ("accepted", "sent", "delivered", "read") for r in rows)
    assert total.read == sum(r.state == "read" for r in rows) > 0
    assert total.failed == sum(r.state in ("failed", "refused", "expired", "cancelled") for r in rows) > 0
    assert {w.code: w.n for w in total.why} == Counter(
        r.code for r in rows if r.state in ("failed", "refused", "expired", "cancelled")
    )
    assert total.answered == sum(r.answered_by is not None for r in rows) > 50
    asked = [r for r in rows if r.buttons]
    assert (total.asked, total.unanswered) == (len(asked), sum(not r.answered_by for r in asked))
    assert total.aimed == len(asked)
    assert (total.paid, total.free) == (150, 50)
    assert [(b.category, b.country, b.paid, b.amount) for b in total.billed] == [("utility", "CO", 150, "0.12")]
    assert (total.amount, total.unpriced) == ("0.12", 0)
    assert total.median is not None
    assert total.median <= total.p90
    assert sum(day.sent for day in found.days) == total.sent
    one = found.lines[0]
    with past.read() as conn:
        (alone,) = reports.report(conn, during, "template", {"template": one.key}).lines
        numbers = reports.report(conn, during, "number").lines
    assert alone == one
    assert {line.key for line in numbers} == {*big.NUMBERS, ""} - (
        {""} if not any(not n.key for n in numbers) else set()
    )


@pytest.mark.long
def test_people_nobody_answered_are_counted_once_a_day(past):
    with past.read() as conn:
        rows = conn.execute(
            sa.select(events).where(events.c.kind == "InboundMessage", events.c.lane.is_not(None))
        ).all()
        out = conn.execute(sa.select(sends.c.lane, sends.c.at).where(sends.c.rank > 0)).all()
        found = reports.report(conn, reports.period(NOW, "60")).total.silent
    last = {}
    for row in sorted(rows, key=lambda r: r.id):
        last[row.lane, beginning(row.received_at, DAY)] = row
    open_ = [r for (lane, _), r in last.items() if not any(o.lane == lane and o.at >= r.received_at for o in out)]
    assert found == len(open_) > 100


def test_days_are_counted_while_their_messages_move_and_then_rest():
    first, today = NOW - 60 * DAY, beginning(NOW, DAY)
    due = reckoning._due({}, first, NOW)
    assert (due[0], due[-1], len(due)) == (today, beginning(first, DAY), 61)
    last = {to_ms(day): to_ms(NOW) for day in due}

    def days_due(later: timedelta) -> list[int]:
        return [(today - day).days for day in reckoning._due(last, first, NOW + later)]

    assert days_due(timedelta()) == [0, 1]
    assert days_due(timedelta(hours=12)) == [-1, 0, 1, 2, 3, 4, 5, 6]  # it is tomorrow then
    assert {n for n in days_due(timedelta(hours=25)) if n > 30} == set()
    # one that was counted while it still moved is counted once more, when it has settled
    assert max(days_due(40 * DAY)) == 29
    last |= {to_ms(day): to_ms(NOW + 40 * DAY) for day in due}
    assert [n for n in days_due(40 * DAY) if n > 30] == []


def test_csv_has_a_row_for_each_day_and_place_and_runs_nothing(past):
    with past.write() as conn:
        row = {
            "id": "evil",
            "cause": "evil",
            "document": "=1+1",
            "template": "@x",
            "state": "sent",
            "rank": 2,
            "at": NOW,
        }
        insert_many(conn, sends, [row])
    reckoning.count(past, [Shelf()], NOW + timedelta(minutes=6))
    lines = "".join(reports.csv(past, reports.period(NOW, "40"), {})).splitlines()
    assert lines[0].lstrip("\ufeff").startswith("day,document,template,number,planned")
    assert any(line.startswith("2026-11-24,'=1+1,'@x,") for line in lines)
    with past.read() as conn:
        places = {(r.day, r.document, r.template, r.number) for r in conn.execute(sa.select(days))}
    assert len(lines) == len(places) + 1


@pytest.mark.parametrize(
    "given", [("0",), ("x",), ("9999",), ("", "2026-11-31"), ("", "2026-11-02", "2026-11-01"), ("", "1999-01-01"),
              ("", "2024-01-01", "2026-01-01")],
)  # fmt: skip
def test_periods_that_cannot_be(given):
    with pytest.raises(Rejected):
        reports.period(NOW, *given)


def test_periods():
    week = reports.period(NOW, "7")
    assert (week.days, week.last) == (7, datetime(2026, 11, 24, tzinfo=UTC))
    assert reports.period(NOW).days == 30
    own = reports.period(NOW, "", "2026-11-01", "2026-11-03")
    assert (own.days, own.last) == (3, datetime(2026, 11, 3, tzinfo=UTC))


GOAL = QUOTE + "goal: {deal.dealstage: closedwon, within: 14 days}\n"


def test_a_deal_that_is_won_counts_for_the_message_before(house):
    ready(house)
    publish(house, GOAL)
    fire(house, told("deal", "3001", "dealstage", "presentationscheduled"))
    app, account = house.app, house.app.account("hubspot")
    now = datetime.now(UTC)
    with app.store.write() as conn:
        (row,) = conn.execute(sa.select(sends)).all()
        assert row.goal == f"record:{account.id}:deals:3001"
        left = {"state": "delivered", "rank": 4, "wamid": "w", "ended_at": now - timedelta(hours=1)}
        conn.execute(sa.update(sends).values(**left))
    fire(house, told("deal", "3001", "dealstage", "closedwon"))

    def look(at: datetime) -> int:
        return reckoning.look(app.store, account, app.crm(account), app.library.shelf("hubspot"), at)

    soon = datetime.now(UTC) + timedelta(seconds=5)
    assert look(soon) == 1
    assert look(soon) == look(soon + timedelta(minutes=5)) == 0
    reckoning.count(app.store, [app.library.shelf("hubspot")], soon)
    reckoning.count(app.store, [app.library.shelf("hubspot")], soon + timedelta(minutes=1))  # what was reached stays
    with app.store.read() as conn:
        assert len(conn.execute(sa.select(goals_reached)).all()) == 1
        (line,) = reports.report(conn, reports.period(soon, "7"), "document", {"document": "quote-ready"}).lines
    assert (line.key, line.aimed, line.reached) == ("quote-ready", 1, 1)
