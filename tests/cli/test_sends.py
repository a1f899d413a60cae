"""connector sends: held back, let go on, ended; listed as the fixed surface has them."""

from datetime import timedelta

import pytest

from connector.store import parks
from connector.store.bulk import insert_many
from connector.store.tables import sends


@pytest.fixture
def waiting(house):
    """The ids of a send in each of these states, oldest first."""
    now = house.app.clock.now()
    rows = [
        {
            "id": f"s{n}", "cause": f"c{n}", "account": "shop", "number": "1", "document": "quote-ready", "to": "+57",
            "state": state, "code": "parked", "reason": "", "next_at": now + timedelta(days=9), "crm": "x",
            "at": now + timedelta(seconds=n), "tell": 0,
        }
        for n, state in enumerate(("waiting", "ready", "accepted", "unknown"))
    ]  # fmt: skip
    with house.app.store.write() as conn:
        insert_many(conn, sends, rows)
    return [row["id"] for row in rows]


def states(cli):
    return {row["id"]: (row["state"], row["reason"]) for row in cli("sends", "list", "--json").json}


def test_the_list_has_exactly_the_fixed_columns_and_can_be_narrowed(cli, waiting):
    listed = cli("sends", "list", "--json").json
    assert [row["id"] for row in listed] == waiting[::-1]
    assert {tuple(row) for row in listed} == {("id", "document", "to", "state", "label", "reason", "next_at")}
    assert [r["id"] for r in cli("sends", "list", "--state", "ready", "--json").json] == waiting[1:2]
    assert cli("sends", "list", "--document", "other", "--json").json == []


def test_a_document_is_paused_and_goes_on(cli, house, waiting):
    assert "paused" in cli("sends", "pause", "quote-ready", "--reason", "New prices come.").out
    with house.app.store.read() as conn:
        found = parks.parked(conn, "document", ["quote-ready"], house.app.clock.now())
    assert found["quote-ready"][1] == "New prices come."
    cli("sends", "resume", "quote-ready")
    now = house.app.clock.now()
    with house.app.store.read() as conn:
        assert parks.parked(conn, "document", ["quote-ready"], now) == {}
        due = conn.execute(sends.select().where(sends.c.next_at <= now)).all()
    assert [row.id for row in due] == waiting[1:2]
    cli("sends", "resume", "quote-ready", code=1)


def test_a_number_is_paused_by_its_accounts_name(cli, house):
    (number,) = [a for a in house.app.accounts() if a.kind == "whatsapp"]
    cli("sends", "pause", "--number", number.name)
    with house.app.store.read() as conn:
        assert parks.parked(conn, "number", [number.settings["phone_number_id"]], house.app.clock.now())
    cli("sends", "resume", "--number", number.name)
    assert "nobody" in cli.refused("sends", "pause", "--number", "nobody")
    cli.refused("sends", "pause")
    cli.refused("sends", "pause", "quote-ready", "--number", number.name)


def test_what_has_not_left_can_be_ended(cli, house, waiting):
    cli("sends", "cancel", waiting[0], waiting[2], code=1)
    ended = ("cancelled", "A person cancelled it.")
    assert [states(cli)[id_] for id_ in waiting[:3]] == [ended, ("ready", ""), ("accepted", "")]
    assert "1 cancelled" in cli("sends", "cancel", "--document", "quote-ready").out
    assert [state for state, _ in states(cli).values()].count("cancelled") == 2
    with house.app.store.read() as conn:
        told = conn.execute(sends.select().where(sends.c.tell == 1)).all()
    assert sorted(row.id for row in told) == sorted(waiting[:2])
    cli.refused("sends", "cancel")


def test_one_that_may_have_left_is_a_persons_to_settle(cli, waiting):
    unknown = waiting[3]
    cli("sends", "resend", waiting[2], code=1)
    cli("sends", "resend", unknown)
    (row,) = [r for r in cli("sends", "list", "--json").json if r["id"] == unknown]
    assert (row["state"], row["label"]) == ("ready", "sent_again_by_person")
    cli("sends", "resend", unknown, code=1)


def test_or_to_leave_as_it_is(cli, waiting):
    cli("sends", "cancel", "--document", "quote-ready")
    assert states(cli)[waiting[3]] == ("unknown", "")
    cli("sends", "cancel", waiting[3])
    assert states(cli)[waiting[3]][0] == "cancelled"
