"""What no webhook told: first looks are noted, later differences fire, once."""

from datetime import UTC, datetime, timedelta

from connector.core import documents as language
from connector.pipeline.triggers.catchup import CatchUp, matching
from connector.store.tables import cursors, events, record_values
from tests.pipeline.conftest import House
from tests.pipeline.triggering import QUOTE, because, fire, judge, publish, ready, rows, sent, slots, told

DEAL = "3001"


def catch_up(house: House, *, at: datetime | None = None, since: datetime | None = None) -> int:
    account = house.app.account("hubspot")
    assert account is not None
    shelf = house.app.library.shelf("hubspot")
    return CatchUp(house.app.store, account, house.app.crm(account), shelf).run(at or datetime.now(UTC), since)


def change(house: House, object_: str, record: str, **fields: str) -> None:
    answer = house.sandbox.http.patch(f"/_records/hubspot/{object_}/{record}", json=fields)
    assert answer.is_success


def test_the_first_run_only_marks_the_time(house: House) -> None:
    publish(house, QUOTE)
    change(house, "deals", DEAL, dealstage="presentationscheduled")
    assert catch_up(house) == 0
    (cursor,) = rows(house, cursors)
    assert cursor.object == "deals"
    assert rows(house, record_values) == rows(house, events) == []


def test_a_first_sight_is_noted_and_a_difference_fires(house: House) -> None:
    ready(house)
    publish(house, QUOTE)
    catch_up(house)
    change(house, "deals", DEAL, amount="4801")
    assert catch_up(house) == 0
    assert {row.value for row in rows(house, record_values, record_values.c.record == DEAL)} == {"qualifiedtobuy"}
    change(house, "deals", DEAL, dealstage="presentationscheduled")
    assert catch_up(house) == 1
    assert catch_up(house) == 0  # the same difference is one event
    judge(house)
    assert len(sent(house)) == 1
    assert because(house) == ["deal.dealstage became presentationscheduled"]


def test_a_webhook_that_comes_after_the_poll_does_not_fire_again(house: House) -> None:
    ready(house)
    publish(house, QUOTE)
    catch_up(house)
    change(house, "deals", DEAL, amount="4801")
    catch_up(house)
    at = datetime.now(UTC)
    change(house, "deals", DEAL, dealstage="presentationscheduled")
    catch_up(house)
    fire(house, [told("deal", DEAL, "dealstage", "presentationscheduled", at)])
    judge(house)
    assert len(sent(house)) == 1


def test_a_demand_looks_back_as_far_as_it_says(house: House) -> None:
    ready(house)
    publish(house, QUOTE)
    change(house, "deals", DEAL, amount="4801")
    catch_up(house, since=datetime.now(UTC) - timedelta(hours=1))
    change(house, "deals", DEAL, dealstage="presentationscheduled")
    assert catch_up(house, since=datetime.now(UTC) - timedelta(hours=1)) == 1


def test_it_is_due_every_quarter_of_an_hour(house: House) -> None:
    account = house.app.account("hubspot")
    assert account is not None
    now = datetime.now(UTC)

    def poll() -> CatchUp:
        shelf = house.app.library.shelf("hubspot")
        return CatchUp(house.app.store, account, house.app.crm(account), shelf)

    assert not poll().due(now)  # nothing is watched
    publish(house, QUOTE)
    assert poll().due(now)
    poll().run(now)
    assert not poll().due(now + timedelta(minutes=14))
    assert poll().due(now + timedelta(minutes=15))


def test_how_many_would_have_matched(house: House) -> None:
    account = house.app.account("hubspot")
    assert account is not None
    crm = house.app.crm(account)
    quote, new = language.read(QUOTE), language.read(slots("x", "contact.created: yes"))
    assert isinstance(quote, language.SendDocument)
    assert isinstance(new, language.SendDocument)
    assert matching(crm, quote) == 1
    assert matching(crm, new) is None
