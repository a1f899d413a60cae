"""Record values, own writes, callbacks, timers, cursors: what each promises, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from connector.store import callbacks, causes, own_writes, records, timers
from connector.store.engine import Store
from connector.store.records import Known
from connector.store.tables import crm_links, sends

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DEAL, OTHER = ("deals", "1"), ("deals", "2")


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


# ---- record values -----------------------------------------------------------------------------------------------
def test_the_newest_word_on_a_field_stays(store: Store) -> None:
    with store.write() as conn:
        records.note(conn, "a", {(DEAL, "stage"): Known("won", at(10)), (OTHER, "stage"): Known(None, at(0))})
        records.note(conn, "a", {(DEAL, "stage"): Known("lost", at(5)), (OTHER, "stage"): Known("new", at(1))})
        found = records.values(conn, "a", [DEAL, OTHER, ("contacts", "1")])
    assert found == {DEAL: {"stage": Known("won", at(10))}, OTHER: {"stage": Known("new", at(1))}}


def test_accounts_and_objects_do_not_mix(store: Store) -> None:
    with store.write() as conn:
        records.note(conn, "a", {(DEAL, "stage"): Known("won", NOW)})
        assert records.values(conn, "b", [DEAL]) == records.values(conn, "a", [("contacts", "1")]) == {}


def test_a_merge_keeps_the_newer_values_and_the_link(store: Store) -> None:
    with store.write() as conn:
        records.note(conn, "a", {(DEAL, "stage"): Known("won", at(9)), (DEAL, "name"): Known("x", at(1))})
        records.note(conn, "a", {(OTHER, "stage"): Known("lost", at(3)), (OTHER, "name"): Known("y", at(2))})
        link = {"contact": "c", "account": "a", "object": "deals", "record_id": "1", "found_by": "id", "at": NOW}
        conn.execute(sa.insert(crm_links).values(**link))
        records.move(conn, "a", DEAL, OTHER)
        found = records.values(conn, "a", [DEAL, OTHER])
        assert conn.execute(sa.select(crm_links.c.record_id)).scalar() == "2"
    assert found == {OTHER: {"stage": Known("won", at(9)), "name": Known("y", at(2))}}


def test_a_cursor_never_goes_back(store: Store) -> None:
    with store.write() as conn:
        assert records.cursor(conn, "a", "deals") is records.polled(conn, "a", ["deals"]) is None
        records.set_cursor(conn, "a", "deals", at(10), at(11))
        records.set_cursor(conn, "a", "deals", at(5), at(12))
        assert records.cursor(conn, "a", "deals") == at(10)
        assert records.polled(conn, "a", ["deals"]) == at(12)
        assert records.polled(conn, "a", ["deals", "contacts"]) is None


# ---- own writes --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "value, seconds, explained",
    [(5, 0, True), ("5.0", -4, True), ("5", 140, True), ("6", 0, False), ("5", -6, False), ("5", 151, False)],
)
def test_an_own_write_explains_its_value_in_its_time(store: Store, value: str, seconds: float, explained: bool) -> None:
    rows = [("deals", "1", "amount", 5)]
    with store.write() as conn:
        own_writes.begin(conn, "a", rows, NOW)
        own_writes.end(conn, "a", rows, at(30))
        (own,) = own_writes.unused(conn, "a", ["1"])[DEAL]
    assert own.explains("deals", "1", "amount", value, at(seconds)) is explained
    assert not own.explains("deals", "1", "stage", value, at(seconds))


def test_an_own_write_under_way_is_open_and_is_used_once(store: Store) -> None:
    with store.write() as conn:
        own_writes.begin(conn, "a", [("deals", "1", "stage", "won")], NOW)
        (own,) = own_writes.unused(conn, "a", ["1"])[DEAL]
        assert own.explains("deals", "1", "stage", "won", at(9999))
        assert own_writes.use(conn, [own.seq]) == 1
        assert own_writes.use(conn, [own.seq]) == 0
        assert own_writes.unused(conn, "a", ["1"]) == {}


def test_an_end_closes_the_same_value_only(store: Store) -> None:
    with store.write() as conn:
        own_writes.begin(conn, "a", [("deals", "1", "stage", "won"), ("deals", "1", "stage", "lost")], NOW)
        own_writes.end(conn, "a", [("deals", "1", "stage", "won")], at(1))
        own_writes.end(conn, "a", [("deals", "1", "stage", "won")], at(50))
        won, lost = own_writes.unused(conn, "a", ["1"])[DEAL]
    assert (won.ended_at, lost.ended_at) == (at(1), None)


def test_old_writes_are_forgotten(store: Store) -> None:
    with store.write() as conn:
        own_writes.begin(conn, "a", [("deals", "1", "stage", "won")], NOW)
        assert own_writes.prune(conn, NOW + own_writes.KEEP) == 0
        assert own_writes.prune(conn, NOW + own_writes.KEEP + timedelta(seconds=1)) == 1


# ---- callbacks, timers, causes -----------------------------------------------------------------------------------
def test_a_callback_is_completed_once_and_ends(store: Store) -> None:
    row = {"account": "a", "callback": "c1", "send": "s", "event": "e", "wait_for": "reply", "expires_at": at(60)}
    with store.write() as conn:
        callbacks.add(conn, [row])
        callbacks.add(conn, [row | {"send": "other"}])
        (waits,) = callbacks.waiting(conn, "a", ["s", "other"])
        assert waits.send == "s"
        assert callbacks.expire(conn, at(59)) == 0
        assert callbacks.complete(conn, "a", ["c1", "c2"]) == ["c1"]
        assert callbacks.complete(conn, "a", ["c1"]) == []
        assert callbacks.waiting(conn, "a", ["s"]) == []
        assert callbacks.expire(conn, at(60)) == 0


def test_a_callback_that_nobody_waits_for_any_more_expires(store: Store) -> None:
    row = {"account": "a", "callback": "c1", "send": "s", "event": "e", "wait_for": "reply", "expires_at": at(60)}
    with store.write() as conn:
        callbacks.add(conn, [row, row | {"callback": "c2", "expires_at": at(61)}])
        assert callbacks.expire(conn, at(60)) == 1
        assert [one.callback for one in callbacks.waiting(conn, "a", ["s"])] == ["c2"]
        assert callbacks.complete(conn, "a", ["c1"]) == []


def test_one_clock_advances_a_timer(store: Store) -> None:
    with store.write() as conn:
        timers.put(conn, "weekly", NOW, "monday")
        assert timers.advance(conn, "weekly", NOW, at(60))
        assert not timers.advance(conn, "weekly", NOW, at(60))
        (row,) = timers.load(conn, ["weekly", "old"]).values()
    assert (row.next_at, row.spec) == (at(60), "monday")


def test_a_cause_tells_its_send(store: Store) -> None:
    with store.write() as conn:
        conn.execute(sa.insert(sends).values(id="s1", cause="c1", at=NOW))
        assert causes.stored(conn, ["c1", "c2"]) == {"c1": "s1"}
