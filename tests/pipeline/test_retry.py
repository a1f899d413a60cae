"""Retry: in its order, never over something newer, a message anew once; and every promise keeps holding."""

# ruff: noqa: F811 - fixtures

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from connector.core.changes import Outcome
from connector.pipeline.again.retry import retry
from connector.store import changes as change_rows
from connector.store import doctor, sends
from connector.store import plans as plan_rows
from connector.store.tables import accounts, changes, events, plans
from connector.store.tables import sends as send_table
from tests.pipeline.conftest import ANA, House
from tests.pipeline.messages import replies, text
from tests.pipeline.street import Street, lane, street  # noqa: F401 - fixtures
from tests.pipeline.test_journey import ANYTHING
from tests.pipeline.test_outbound_guards import quoted
from tests.pipeline.test_outbound_hubspot import DEAL, QUOTE
from tests.pipeline.test_write import drain, plan, states

BEN = "573102223333"


def refuse(_: Any, asked: Sequence[Any]) -> list[Outcome]:
    return [Outcome(state="refused", text="HubSpot says no.") for _ in asked]


def again(house: House, *keys: str) -> dict[str, Any]:
    return retry(house.app.store, keys, house.app.clock.now())


def old(house: House) -> None:
    """Everything happened an hour ago."""
    hour = timedelta(hours=1) // timedelta(milliseconds=1)
    with house.app.store.write() as conn:
        for table, names in ((events, ["received_at"]), (plans, ["done_at"]), (changes, ["done_at", "started_at"])):
            for name in names:
                column = sa.type_coerce(table.c[name], sa.BigInteger)
                conn.execute(sa.update(table).values({name: sa.type_coerce(column - hour, table.c[name].type)}))


def test_what_the_crm_refused_is_written_after_all(house: House) -> None:
    house.publish(ANYTHING + "log: message\n")
    house.deliver(replies(text(ANA, "hello", id="wamid.r")))
    plan(house)
    drain(house, refuse)
    house.settle()  # the other CRM
    old(house)
    done = again(house, "wamid.r", "wamid.r", "wamid.nobody")
    assert (done["changes"], done["plans"], done["sends"], len(done["bells"])) == (len(house.rows("wamid.r")), 0, 0, 1)
    assert done["events"][0]["left"] == ["Nothing is known of wamid.nobody."]
    house.counts()  # it waits, and nothing is amiss
    assert again(house, "wamid.r")["events"][0]["left"] == ["Nothing of it failed."]
    house.settle()
    assert house.hubspot("1512")["whatsapp_last_answer"] == "hello"
    assert len(house.sandbox.records("hubspot", "communications")) == 1
    house.counts()


def test_a_newer_value_stands_and_the_others_go(house: House) -> None:
    house.publish(ANYTHING)
    house.deliver(replies(text(ANA, "old", id="wamid.old"), text(BEN, "ben", id="wamid.ben")))
    plan(house)
    drain(house, refuse)
    house.deliver(replies(text(ANA, "newer", id="wamid.newer")))
    house.settle()
    done = again(house, "wamid.old", "wamid.ben")
    told = {one["id"]: one for one in done["events"]}
    assert "whatsapp_last_answer has got a newer value since." in told["wamid.old"]["left"]
    assert told["wamid.ben"]["changes"] >= 1
    house.settle()
    assert house.hubspot("1512")["whatsapp_last_answer"] == "newer"
    house.counts()


def test_dismissed_is_not_for_ever(house: House) -> None:
    house.publish(ANYTHING)
    house.deliver(replies(text(ANA, "hello", id="wamid.d")))
    plan(house)
    drain(house, refuse)
    with house.app.store.write() as conn:
        change_rows.dismiss(conn, house.why("wamid.d")["event"], datetime.now(UTC))
    assert set(states(house)) == {"refused"}
    again(house, "wamid.d")
    house.settle()
    assert house.hubspot("1512")["whatsapp_last_answer"] == "hello"


def test_a_dead_plan_is_made_after_all(house: House) -> None:
    house.publish(ANYTHING)
    house.deliver(replies(text(ANA, "dead", id="wamid.dead")))
    house.unpack()
    with house.app.store.write() as conn:
        for account in conn.execute(sa.select(plans.c.account)).scalars().all():
            (one,) = plan_rows.take(
                conn, account, [conn.execute(sa.select(plans.c.lane)).scalar() or ""], datetime.now(UTC), 9
            )
            plan_rows.bury(conn, one, "It broke.")
        conn.execute(sa.update(events).values(state="done"))
    old(house)
    done = again(house, "wamid.dead")
    assert done["plans"] == len(done["bells"]) == 2
    house.counts()
    house.settle()
    assert house.hubspot("1512")["whatsapp_last_answer"] == "dead"
    house.counts()


def test_a_question_is_answered_not_repeated(house: House) -> None:
    house.publish(ANYTHING.replace("if_missing: create", "if_missing: review"))
    house.deliver(replies(text("573009998877", "who am I", id="wamid.q")))
    house.settle()
    assert "It is a question: answer it." in again(house, "wamid.q")["events"][0]["left"]
    house.counts()


def test_a_trigger_whose_account_came_back(house: House) -> None:
    with house.app.store.write() as conn:
        id_ = conn.execute(sa.select(accounts.c.id).where(accounts.c.name == "hubspot")).scalar_one()
        payload = {
            "id": "x",
            "object": "deals",
            "record": "3001",
            "what": "changed",
            "field": "dealstage",
            "value": "x",
        }
        for key, account in (("here", id_), ("gone", "nobody")):
            row = {"id": key, "account": account, "dedupe_key": key, "kind": "RecordChanged", "payload": payload}
            conn.execute(
                sa.insert(events).values(**row, received_at=datetime.now(UTC), state="dead", error="Not connected.")
            )
    done = again(house, "here", "gone")
    assert [(one["id"], one["plans"], one["left"]) for one in done["events"]] == [
        ("here", 1, []),
        ("gone", 0, ["Not connected."]),
    ]
    house.settle()
    house.counts()


def test_in_bulk(house: House) -> None:
    house.publish(ANYTHING)
    keys = [f"wamid.bulk{n}" for n in range(120)]
    house.deliver(replies(*(text(f"5731100{n:05d}", f"m{n}", id=key) for n, key in enumerate(keys))))
    plan(house)
    drain(house, refuse)
    done = again(house, *keys)
    assert done["changes"] == len(states(house)) >= 120
    assert [one["id"] for one in done["events"]] == keys
    house.settle()
    assert set(states(house)) == {"done"}
    house.counts()


# ---- sends -------------------------------------------------------------------------------------------------------
def test_a_message_that_failed_is_sent_anew_once(street: Street) -> None:
    street.publish(QUOTE)
    street.describe(ANA, reachable=False)
    quoted(street)
    first = street.send()
    assert first.state == "failed"
    street.describe(ANA, reachable=True)
    done = again(street, first.id)
    assert [s["id"] for e in done["events"] for s in e["sends"]] == [first.id]
    assert again(street, first.id)["sends"] == again(street, first.event)["sends"] == 0
    street.healthy()
    street.settle()
    one, other = street.sends
    assert (one.state, other.state, other.label) == ("failed", "read", "sent_again_by_person")
    assert street.deal(DEAL)["whatsapp_quote"] == "read"
    assert street.healthy()["refused"] == 0


def test_at_most_counts_the_one_that_goes_not_the_one_that_failed(street: Street) -> None:
    street.publish(QUOTE + "guard: {at_most: 1 per 7 days}\n")
    street.describe(ANA, reachable=False)
    quoted(street)
    street.describe(ANA, reachable=True)
    again(street, street.send().id)
    street.settle()
    assert [row.state for row in street.sends] == ["failed", "read"]


def test_who_does_not_want_it_gets_nothing(street: Street) -> None:
    street.publish(QUOTE)
    street.customer(ANA, text="STOP")
    street.settle()
    quoted(street)
    (row,) = street.sends
    assert (row.state, row.code) == ("refused", "consent")
    assert "opt-out" in again(street, row.id)["events"][0]["left"][0]
    assert len(street.sends) == 1


@pytest.mark.parametrize(
    "values, why",
    [
        ({"state": "unknown", "next_at": None}, "may have been sent"), ({"state": "cancelled"}, "cancelled"),
        ({"state": "failed", "code": "graph_131050"}, "opt-out"),
        ({"state": "failed", "category": "authentication"}, "never sent twice"),
    ],
)  # fmt: skip
def test_what_the_state_machine_forbids(house: House, values: dict[str, str], why: str) -> None:
    house.deliver(replies(text(ANA, "x", id="wamid.x")))
    house.settle()
    event = house.why("wamid.x")["event"]
    with house.app.store.write() as conn:
        row = {"id": "s", "cause": "c", "event": event, "template": "t", "at": datetime.now(UTC)} | values
        assert sends.add(conn, [row]) == 1
    assert why in again(house, "s")["events"][0]["left"][0]
    with house.app.store.read() as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(send_table)).scalar() == 1
        assert doctor.findings(conn, datetime.now(UTC)) == []
