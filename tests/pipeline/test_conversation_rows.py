"""Rows of conversations: one that runs, merges, windows of a number, and what is said in its order."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from connector.ids import new_id
from connector.store import (
    broadcast_people,
    broadcasts,
    conversations,
    doctor,
    gate_facts,
    holds,
    merging,
    sending,
    sends,
    windows,
)
from connector.store.conversations import Write
from connector.store.engine import Store
from connector.store.plans import Moved
from connector.store.tables import broadcast_people as people_of
from connector.store.tables import contacts as people
from connector.store.tables import conversations as table
from connector.store.tables import sends as sent

NOW = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
NUMBER = "106540352242922"


def contact(conn: sa.Connection) -> str:
    id_ = new_id()
    conn.execute(sa.insert(people).values(id=id_, created_at=NOW))
    return id_


def begin(conn: sa.Connection, who: str, at: datetime = NOW, **more: object) -> str:
    id_ = new_id()
    values = {"contact": who, "account": "hs", "flow": "lead", "version": 1, "step": "size", "state": {"flow": "lead"},
              "wake_at": at + timedelta(hours=2), "started_at": at, "moved_at": at}  # fmt: skip
    conversations.save(conn, [Write(id_, 0, values | more)])
    return id_


def test_a_second_one_does_not_begin(store: Store) -> None:
    """Two CRM accounts, or two workers, at the very same moment: the index decides."""
    with store.write() as conn:
        ana = contact(conn)
        begin(conn, ana)
    with pytest.raises(Moved), store.write() as conn:
        begin(conn, ana)
    with store.read() as conn:
        assert len(conn.execute(sa.select(table)).all()) == 1


def test_of_two_moves_one_is_stored(store: Store) -> None:
    with store.write() as conn:
        ana = contact(conn)
        id_ = begin(conn, ana)
    with store.write() as conn:
        conversations.save(conn, [Write(id_, 1, {"step": "budget"})])
    with pytest.raises(Moved), store.write() as conn:
        conversations.save(conn, [Write(id_, 1, {"step": "thanks"})])
    with store.read() as conn:
        assert conversations.running(conn, [ana])[ana].step == "budget"


def test_two_clocks_wake_it_once(store: Store) -> None:
    with store.write() as conn:
        begin(conn, contact(conn))
    with store.read() as conn:
        (row,) = conversations.due(conn, NOW + timedelta(hours=3), 10)
    with store.write() as conn:
        assert [conversations.waken(conn, row), conversations.waken(conn, row)] == [True, False]
    with store.read() as conn:
        assert conversations.due(conn, NOW + timedelta(hours=3), 10) == []


def test_a_merge_takes_conversation_hold_and_windows_along(store: Store) -> None:
    with store.write() as conn:
        ana, twin = sorted(contact(conn) for _ in range(2))
        begin(conn, ana)
        later = begin(conn, twin, NOW + timedelta(minutes=5))
        holds.put(conn, [{"contact": twin, "why": "echo", "text": "", "at": NOW, "until": None, "event": None}])
        windows.seen(conn, {(ana, NUMBER): NOW, (twin, NUMBER): NOW + timedelta(minutes=1), (twin, "2"): NOW})
        merging.merge(conn, ana, twin, NOW)
    with store.read() as conn:
        rows = conn.execute(sa.select(table).order_by(table.c.started_at)).all()
        assert [(r.contact, r.outcome) for r in rows] == [(ana, "merged"), (ana, "")]
        assert conversations.running(conn, [ana])[ana].id == later
        assert holds.load(conn, [ana], NOW)[ana].why == "echo"
        assert windows.load(conn, [ana, twin]) == {ana: {NUMBER: NOW + timedelta(minutes=1), "2": NOW}}
        assert [f for f in doctor.findings(conn, NOW) if "conversation" in f["code"]] == []


def send(n: int, lane: str | None, state: str = "ready") -> dict[str, object]:
    return {"id": f"s{n}", "cause": f"c{n}", "lane": lane, "number": NUMBER, "account": "w", "to": "+573001112222",
            "priority": 0, "state": state, "next_at": NOW, "at": NOW, "body": {}}  # fmt: skip


def test_what_is_said_to_a_person_leaves_one_by_one(store: Store) -> None:
    """The second is not due before the first has left, or has ended; another person's is."""
    with store.write() as conn:
        ana, luis = contact(conn), contact(conn)
        rows = [send(1, ana), send(2, ana), send(3, luis)]
        sends.in_turn(conn, rows)
        sends.add(conn, rows)
    with store.write() as conn:
        more = [send(4, ana)]
        sends.in_turn(conn, more)
        sends.add(conn, more)
        assert more[0]["behind"] == "s2"
    order: list[list[str]] = []
    for state in ("in_flight", "accepted", "refused", "accepted"):
        with store.read() as conn:
            order.append(sorted(row.id for row in sending.due(conn, NUMBER, NOW, 10)))
        first = "s1" if state in ("in_flight", "accepted") and len(order) < 3 else f"s{len(order) - 1}"
        with store.write() as conn:
            conn.execute(sa.update(sent).where(sent.c.id == first).values(state=state))
    assert order == [["s1", "s3"], ["s3"], ["s2", "s3"], ["s3", "s4"]]


def test_the_window_is_of_one_number(store: Store) -> None:
    """Who wrote to one number may not be written to freely from another; who wrote before this was kept, may."""
    with store.write() as conn:
        ana, old = contact(conn), contact(conn)
        conn.execute(sa.update(people).values(last_inbound_at=NOW))
        windows.seen(conn, {(ana, "2"): NOW})
        rows = [send(1, ana), send(2, old)]
        sends.in_turn(conn, rows)
        sends.add(conn, rows)
        facts = gate_facts.look(conn, NUMBER, sending.due(conn, NUMBER, NOW, 10), NOW)
    assert facts.inbound == {old: NOW}


def test_a_later_end_of_a_hold_stands(store: Store) -> None:
    with store.write() as conn:
        ana = contact(conn)
        for hours in (5, 2):
            until = NOW + timedelta(hours=hours)
            row = {"contact": ana, "why": "echo", "text": "", "at": NOW, "until": until, "event": None}
            holds.put(conn, [row])
        assert holds.load(conn, [ana], NOW)[ana].until == NOW + timedelta(hours=5)
        holds.put(conn, [row | {"why": "handoff", "until": None}])
        assert holds.load(conn, [ana], NOW + timedelta(days=90))[ana].why == "handoff"
        assert holds.over(conn, NOW + timedelta(days=1)) == 0
        assert holds.release(conn, ana)


@pytest.mark.parametrize(("mine", "other", "left"), [("ready", "ready", ["s1"]), ("ready", "in_flight", ["s2"]),
                                                      ("failed", "ready", ["s1", "s2"])])  # fmt: skip
def test_two_contacts_of_a_broadcast_that_are_one_person_get_one_message(
    store: Store, mine: str, other: str, left: list[str]
) -> None:
    """And who is merged while it is planned is known to stand in it already."""
    with store.write() as conn:
        ana, twin = sorted(contact(conn) for _ in range(2))
        for n, (who, state) in enumerate([(ana, mine), (twin, other)], 1):
            conn.execute(sa.insert(sent).values(**send(n, who, state), broadcast="b"))
            broadcast_people.add(conn, [{"broadcast": "b", "person": who, "contact": who, "line": n, "send": f"s{n}"}])
        merging.merge(conn, ana, twin, NOW)
        conn.execute(sa.delete(people_of).where(people_of.c.person == ana))
        assert broadcast_people.known(conn, "b", {ana}, set()) == {ana}
    with store.read() as conn:
        rows = conn.execute(sa.select(sent).where(sent.c.code != "duplicate").order_by(sent.c.id)).all()
        assert [row.id for row in rows] == left


def test_a_broadcast_that_goes_on_while_it_is_paused_does_not_go_back(store: Store) -> None:
    """The clock began it, or the planner ended, between the look and the pause."""
    with store.write() as conn:
        broadcasts.add(conn, {"id": "b", "key": "b", "source": {}, "at": NOW, "state": broadcasts.RUNNING})
        assert broadcasts.rest(conn, "b", NOW)
        row = broadcasts.get(conn, "b")
        assert (row.state, row.paused_at) == (broadcasts.RUNNING, NOW)
        broadcasts.move(conn, "b", [broadcasts.RUNNING], broadcasts.DONE)
        assert not broadcasts.rest(conn, "b", NOW)
