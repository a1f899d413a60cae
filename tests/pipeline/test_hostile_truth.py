"""The CRM hears each step once, whoever else is at work, and one send that cannot be told keeps no other quiet."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from connector.core import documents as language
from connector.ids import new_id
from connector.pipeline.writing.truth import Truth, completion
from connector.store import doctor, plans, telling
from connector.store import sends as send_rows
from connector.store.tables import changes, sends
from connector.store.tables import plans as plan_table
from tests.pipeline.conftest import House
from tests.pipeline.triggering import QUOTE, fire, publish, ready, rows, told

AFTER = """after:
  delivered: {set: {deal.whatsapp_quote: delivered}}
  failed: {set: {deal.whatsapp_quote: failed}}
"""


@pytest.fixture
def quotes(house: House) -> House:
    """Two messages of two deals, accepted."""
    ready(house)
    publish(house, QUOTE + AFTER)
    fire(house, [told("deal", deal, "dealstage", "presentationscheduled") for deal in ("3001", "3002")])
    with house.app.store.write() as conn:
        conn.execute(sa.update(sends).values(state="accepted", rank=1, next_at=None))
    return house


def teller(house: House) -> Truth:
    account, app = house.app.account("hubspot"), house.app
    assert account is not None
    return Truth(app.store, account, app.library, app.clock)


def heard(house: House, word: str) -> None:
    facts = [
        {"wamid": f"wamid.{row.id}", "status": word, "event": new_id(), "send": row.id, "at": datetime.now(UTC),
         "reason": ""}
        for row in rows(house, sends)
    ]  # fmt: skip
    with house.app.store.write() as conn:
        send_rows.add_statuses(conn, facts)


def values(house: House) -> list[tuple[str, Any]]:
    found = rows(house, changes, changes.c.kind == "SetField")
    return sorted((row.record, row.body["value"]) for row in found)


def test_news_of_an_old_event_does_not_wait_too_long_already(quotes: House) -> None:
    house = quotes
    with house.app.store.write() as conn:
        conn.execute(sa.update(plan_table).values(done_at=datetime.now(UTC) - timedelta(hours=3)))
    heard(house, "delivered")
    teller(house).drain(lambda: False)
    assert values(house) == [("3001", "delivered"), ("3002", "delivered")]
    with house.app.store.read() as conn:
        assert doctor.findings(conn, datetime.now(UTC)) == []
        late = doctor.findings(conn, datetime.now(UTC) + timedelta(minutes=6))
    assert [one["code"] for one in late] == ["change_waits"]


def test_one_that_cannot_be_told_goes_to_a_person_and_the_others_are_told(
    quotes: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = quotes
    heard(house, "delivered")
    truth = language.truth

    def fails(document: Any, what: str, context: Any, failure: Any, record: Any, *more: Any) -> Any:
        if record.id == "3001":
            raise ZeroDivisionError
        return truth(document, what, context, failure, record, *more)

    monkeypatch.setattr(language, "truth", fails)
    teller(house).drain(lambda: False)
    assert values(house) == [("3002", "delivered")]
    (asked,) = rows(house, changes, changes.c.kind == "Ask")
    assert (asked.state, asked.body["why"]) == ("review", "truth")
    with house.app.store.read() as conn:
        assert doctor.counts(conn)["review"] == 1
    assert rows(house, sends, sends.c.tell == 1) == []


def test_a_teller_that_lost_its_turn_tells_nothing_twice(quotes: House) -> None:
    """It read, slept, and another told; then the send had something to tell again, without going on."""
    house = quotes
    heard(house, "delivered")
    teller_ = teller(house)
    with house.app.store.read() as conn:
        read = telling.waiting(conn, teller_.account.id, 10)
    teller_.drain(lambda: False)
    with house.app.store.write() as conn:
        conn.execute(sa.update(sends).values(tell=1))
    with pytest.raises(plans.Moved), house.app.store.write() as conn:
        telling.tell(conn, teller_.account.id, read, [])
    teller_.drain(lambda: False)
    assert values(house) == [("3001", "delivered"), ("3002", "delivered")]


def test_failed_then_delivered_then_late_news_are_told_once_each(quotes: House) -> None:
    house = quotes
    for word in ("failed", "sent", "delivered", "failed", "delivered"):
        heard(house, word)
        teller(house).drain(lambda: False)
    assert values(house) == [(deal, word) for deal in ("3001", "3002") for word in ("delivered", "failed")]
    ordinals = [(row.event, row.ordinal) for row in rows(house, changes)]
    assert len(set(ordinals)) == len(ordinals) == 4


def test_a_workflow_goes_on_although_its_answer_is_not_kept_any_more() -> None:
    class Row:
        state, rank, reason, code, answered_by = "read", 5, "", "", "gone"

    done = completion(Row(), ("cb", "reply"), None)
    assert done is not None
    assert dict(done.values) == {"state": "replied", "reply": "", "reply_id": ""}
