"""Retention: what is kept long enough is forgotten, once, and what is left says so."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from connector.app import upkeep
from connector.pipeline.again.replay import Replay
from connector.pipeline.chores import retention
from connector.pipeline.why import event as why
from connector.store import audit, contacts, doctor, options, snapshots
from connector.store import retention as steps
from connector.store.bulk import insert_many
from connector.store.tables import (
    changes,
    consents,
    deliveries,
    events,
    invites,
    plans,
    sends,
    sessions,
    tasks,
    throttles,
)
from tests.pipeline.canaries import OTHER, SECRET, said
from tests.pipeline.conftest import ANA, House
from tests.pipeline.messages import replies, text
from tests.pipeline.test_erase import ANSWERS, lane, rows


def run(house: House, days: float, stop: Any = lambda: False) -> dict[str, int]:
    return retention.run(house.app.store, datetime.now(UTC) + timedelta(days=days), stop)


@pytest.fixture
def written(house: House) -> House:
    """Two people wrote; one of them said STOP, one answer is in review."""
    house.publish(ANSWERS)
    house.deliver(replies(text(ANA, "morning", id="wamid.r1"), text(ANA, "STOP", id="wamid.r2")))
    house.deliver(replies(text(OTHER, said("refused"), id="wamid.r3")))
    house.settle()
    house.deliver(b"{not json " + SECRET.encode())
    house.settle()
    return house


def bodies(house: House) -> list[int]:
    return [len(row.body) for row in sorted(rows(house, deliveries), key=lambda row: row.seq)]


def test_bodies_go_first_and_the_rows_stay(written: House) -> None:
    names = ("bodies", "texts", "messages", "console", "files", "conversations", "lists")
    assert run(written, 13) == dict.fromkeys(names, 0)
    assert run(written, 15)["bodies"] == 2
    assert [bool(n) for n in bodies(written)] == [False, False, True]  # what could not be read is kept like a text
    assert written.why("wamid.r1")["message"]["text"] == "morning"
    assert run(written, 15)["bodies"] == 0
    assert written.counts()["events"] == 3


def test_texts_go_later_and_why_says_so(written: House) -> None:
    before = written.counts()
    found = run(written, 91)
    assert found["texts"] == 1  # the others' values were refused by the CRM and wait for a person
    assert found["messages"] == len(rows(written, sends, sends.c.state != "unknown"))
    assert bodies(written) == [0, 0, 0]
    told = written.why("wamid.r1")
    assert "text" not in told["message"]
    assert told["message"]["removed"] == "text removed after 90 days"
    assert "(text removed after 90 days)" in why.render(told)
    assert told["documents"][0]["name"] == "answers"
    assert written.counts() == before
    assert rows(written, consents)[0].evidence == "STOP"
    mine = rows(written, changes, changes.c.event == told["event"])
    assert mine
    assert not [r for r in mine if "morning" in repr(r.body) + repr(r.outcome)]
    assert not [r for r in rows(written, plans, plans.c.event == told["event"]) if "morning" in repr(r.body)]
    again = run(written, 91)
    assert (again["texts"], again["messages"], again["bodies"]) == (0, 0, 0)
    with written.app.store.read() as conn:
        assert contacts.load(conn, [lane(written, ANA)])  # who it was is still known


def test_what_a_person_must_look_at_keeps_its_text(written: House) -> None:
    run(written, 91)
    assert written.why("wamid.r3")["message"]["text"] == said("refused")
    with written.app.store.write() as conn:
        conn.execute(sa.update(changes).where(changes.c.state == "review").values(state="refused"))
    assert run(written, 92)["texts"] == 2
    assert not [r for r in rows(written, events) if SECRET in repr(r.payload)]


def test_replay_says_that_texts_are_gone(written: House) -> None:
    run(written, 91)
    account = written.app.account("hubspot")
    assert account is not None
    app = written.app
    replay = Replay(app.store, account, app.crm(account), app.library, app.clock, None)
    assert [w["event"] for w in replay.run(datetime(2020, 1, 1, tzinfo=UTC)) if w["id"] == "wamid.r1"] == []
    assert replay.gone == 1


@pytest.mark.long
def test_it_stops_between_two_parts_and_goes_on(written: House) -> None:
    asked: list[bool] = []

    def stop() -> bool:
        asked.append(True)
        return len(asked) > 1

    assert run(written, 91, stop) == {"bodies": 3}
    assert run(written, 91)["texts"] == 1


@pytest.mark.long
def test_many_parts(house: House) -> None:
    old = datetime.now(UTC) - timedelta(days=100)
    account = house.app.accounts()[0].id
    n = retention_rows() + 50
    with house.app.store.write() as conn:
        insert_many(conn, deliveries, [])
        made = [{"id": f"d{i}", "account": account, "received_at": old, "state": "unpacked"} for i in range(n)]
        conn.execute(sa.insert(deliveries), [row | {"body": b"x"} for row in made])
        rows_ = [{"id": f"e{i}", "delivery": f"d{i}", "account": account, "dedupe_key": f"k{i}", "lane": "l",
                  "kind": "Noted", "payload": {"id": f"k{i}", "text": "words"}, "received_at": old, "state": "done"}
                 for i in range(n)]  # fmt: skip
        insert_many(conn, events, rows_)
    found = run(house, 0)
    assert (found["bodies"], found["texts"]) == (n, n)
    assert run(house, 0)["texts"] == 0


def retention_rows() -> int:
    from connector.store import retention as parts

    return parts.LOOK


def test_what_the_console_leaves_behind(house: House) -> None:
    now = datetime.now(UTC)
    with house.app.store.write() as conn:
        for name, ends in (("old", -31), ("ended", -2), ("open", 2)):
            at = now + timedelta(days=ends)
            insert_many(conn, sessions, [{"id": name, "user": "u", "at": now, "seen_at": now, "expires_at": at}])
            insert_many(conn, invites, [{"id": name, "user": "u", "expires_at": at}])
            insert_many(conn, throttles, [{"key": name, "n": 1, "until": at, "at": at}])
            state = "running" if name == "open" else "done"
            insert_many(conn, tasks, [{"id": name, "kind": "x", "at": at, "ended_at": at, "state": state}])
        insert_many(conn, tasks, [{"id": "stuck", "kind": "x", "at": now - timedelta(days=90), "state": "new"}])
        audit.append(conn, "ana", "x", "old", None, now - timedelta(days=366))
        audit.append(conn, "ana", "x", "new", None, now)
    assert run(house, 0)["console"] == 5
    assert run(house, 0)["console"] == 0
    for table in (sessions, invites):
        assert {row.id for row in rows(house, table)} == {"ended", "open"}
    assert {row.id for row in rows(house, tasks)} == {"ended", "open", "stuck"}
    assert [row.object for row in rows(house, audit.audit)] == ["new"]


def test_settings_decide_and_the_chore_is_daily(written: House) -> None:
    with written.app.store.write() as conn:
        options.put(conn, {"retain_raw": 8, "retain_text": 8}, datetime.now(UTC))
    assert run(written, 9)["texts"] == 1
    assert written.why("wamid.r1")["message"]["removed"] == "text removed after 8 days"
    chore = upkeep(written.app)["retention"]
    assert chore.every == timedelta(days=1)
    chore.run(lambda: False)
    with written.app.store.read() as conn:
        assert doctor.findings(conn, datetime.now(UTC)) == []


@pytest.mark.long
def test_a_night_goes_on_where_the_last_one_ended_and_on_sundays_looks_at_all(
    written: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "LOOK", 2)
    written.deliver(replies(*(text(ANA, "morning", id=f"wamid.more{n}") for n in range(4))))
    written.settle()
    day = next(n for n in range(91, 98) if (datetime.now(UTC) + timedelta(days=n)).weekday() == 0)  # a Monday
    run(written, day)
    with written.app.store.read() as conn:
        kept = snapshots.get(conn, retention.PLACES)
    assert kept is not None
    assert set(kept[0]) == {"bodies", "texts"}
    with written.app.store.write() as conn:  # what waited for a person is settled now
        conn.execute(sa.update(changes).where(changes.c.state == "review").values(state="done"))
    assert run(written, day + 1)["texts"] == 0
    assert run(written, day + 6)["texts"] == 2  # the refused answer, and STOP, which is no slot
