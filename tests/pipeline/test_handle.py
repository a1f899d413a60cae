"""Handling under faults: order within a lane, attempts that only the culprit pays for, locks, parks."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from connector import errors
from connector.pipeline.judging.handle import Handler
from connector.store import plans as plan_rows
from connector.store.tables import changes, crm_links, events, parks, plans
from tests.pipeline.conftest import ANA, House
from tests.pipeline.messages import replies, text
from tests.pipeline.test_journey import ANYTHING

pytestmark = pytest.mark.both  # what two processes do to rows is the point

BEN = "573102223333"


def handler(house: House, name: str = "hubspot") -> Handler:
    account = house.app.account(name)
    assert account is not None
    return Handler(house.app.store, account, house.app.crm(account), house.app.library, house.app.clock, lambda: None)


def drain(house: House) -> None:
    handler(house).drain(lambda: False)


def attempts(house: House) -> dict[str, tuple[str, int]]:
    """{message: (state, attempts)} of HubSpot's plans."""
    account = house.app.account("hubspot")
    assert account is not None
    query = sa.select(events.c.dedupe_key, plans.c.state, plans.c.attempts).join(plans, plans.c.event == events.c.id)
    with house.app.store.read() as conn:
        return {r.dedupe_key: (r.state, r.attempts) for r in conn.execute(query.where(plans.c.account == account.id))}


def poison(house: House, wamid: str) -> None:
    with house.app.store.write() as conn:
        conn.execute(sa.update(events).where(events.c.dedupe_key == wamid).values(payload={"id": 1, "at": "never"}))


def due_again(house: House) -> None:
    with house.app.store.write() as conn:
        conn.execute(sa.update(plans).values(next_at=None))


def break_once(monkeypatch: pytest.MonkeyPatch, name: str, error: Exception, after: int = 0) -> list[int]:
    """The handler's step `name` raises once, after so many calls that went well."""
    real: Callable[..., Any] = getattr(Handler, name)
    calls: list[int] = []

    def step(self: Handler, *args: Any) -> Any:
        calls.append(1)
        if len(calls) == after + 1:
            raise error
        return real(self, *args)

    monkeypatch.setattr(Handler, name, step)
    return calls


def test_a_poisoned_event_does_not_kill_the_ones_behind_it(house: House) -> None:
    house.publish(ANYTHING)
    house.deliver(*(replies(text(ANA, f"m{n}", id=f"wamid.q{n}")) for n in range(4)))
    house.unpack()
    poison(house, "wamid.q1")
    for _ in range(8):
        drain(house)
        due_again(house)
    found = attempts(house)
    assert found["wamid.q1"][0] == "dead"
    assert {found[f"wamid.q{n}"][0] for n in (0, 2, 3)} == {"done"}


def test_an_event_that_kills_its_worker_takes_none_of_its_lane_with_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    real = Handler._store

    def store(self: Handler, desk: Any, work: Any) -> bool:
        if any(w.payload["text"] == "killer" for w in work):
            raise Killed
        return real(self, desk, work)

    monkeypatch.setattr(Handler, "_store", store)
    house.publish(ANYTHING)
    house.deliver(*(replies(text(ANA, words, id=f"wamid.{words}")) for words in ("one", "killer", "two", "three")))
    house.unpack()
    for _ in range(12):
        try:
            drain(house)
        except Killed:
            house.restart()
    found = attempts(house)
    assert found["wamid.killer"][0] == "dead"
    assert {found[f"wamid.{w}"][0] for w in ("one", "two", "three")} == {"done"}


def test_a_lane_set_aside_is_not_overtaken_by_its_own_later_event(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch fails and is redone one by one; the first event's record is in other hands for a moment."""
    house.publish(ANYTHING)
    house.deliver(*(replies(text(ANA, f"m{n}", id=f"wamid.o{n}")) for n in range(2)))
    house.unpack()
    real = Handler._settle_records
    calls: list[int] = []

    def settle(self: Handler, chunk: Any, records: Any, held: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("the batch fails")
        if len(calls) > 2:
            return real(self, chunk, records, held)
        name = next(f"record:{self.account.id}:{r.id}" for found in records.values() for r in found)
        with self.store.locks.hold([name]):
            return real(self, chunk, records, held)

    monkeypatch.setattr(Handler, "_settle_records", settle)
    drain(house)
    assert attempts(house) == {"wamid.o0": ("new", 0), "wamid.o1": ("new", 0)}
    house.settle()
    assert house.hubspot("1512")["whatsapp_last_answer"] == "m1"


@pytest.mark.parametrize("step", ["_start", "_store", "_settle_records"])
def test_a_database_that_stumbles_burns_no_attempt(house: House, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    house.publish(ANYTHING)
    house.deliver(replies(text(ANA, "a", id="wamid.s1"), text(BEN, "b", id="wamid.s2")))
    house.unpack()
    break_once(monkeypatch, step, errors.StoreDown("away"))
    with pytest.raises(errors.StoreDown) as caught:
        drain(house)
    assert set(attempts(house).values()) == {("new", 0)}
    account = house.app.account("hubspot")
    assert account is not None
    names = [f"lane:{account.id}:{lane}" for lane in _lanes(house)]
    assert not house.app.store.locks.still_held(names), caught
    house.settle()
    assert house.counts()["waiting"] == 0


def _lanes(house: House) -> list[str]:
    with house.app.store.read() as conn:
        return list(conn.execute(sa.select(plans.c.lane)).scalars())


def test_a_count_never_falls_below_nought(house: House) -> None:
    """A lane below nought was in no part of any chunk: never worked again, and the drain spun."""
    house.publish(ANYTHING)
    house.deliver(replies(text(ANA, "a", id="wamid.z")))
    house.unpack()
    account = house.app.account("hubspot")
    assert account is not None
    with house.app.store.write() as conn:
        work = plan_rows.take(conn, account.id, _lanes(house), datetime.now(UTC), 10)
        plan_rows.count_attempt(conn, work, -1)
    assert attempts(house)["wamid.z"] == ("new", 0)


def test_an_answer_that_is_our_fault_parks_nobody(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call refused as it is will be refused again: that is the row's matter, not the account's."""
    house.publish(ANYTHING)
    house.deliver(replies(text(ANA, "bad", id="wamid.g1"), text(BEN, "good", id="wamid.g2")))
    house.unpack()
    from connector.pipeline.judging import handle

    real = handle.find

    def find(crm: Any, keys: Any, fields: Any) -> Any:
        if any(key.wa_id == ANA for key in keys):
            raise errors.Rejected("HubSpot refuses this call.")
        return real(crm, keys, fields)

    monkeypatch.setattr(handle, "find", find)
    for _ in range(6):
        drain(house)
        due_again(house)
    found = attempts(house)
    assert found["wamid.g1"][0] == "dead"
    assert found["wamid.g2"][0] == "done"
    with house.app.store.read() as conn:
        assert conn.execute(sa.select(parks)).all() == []


def test_a_lost_lock_session_stores_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.publish(ANYTHING)
    house.deliver(replies(text(ANA, "a", id="wamid.l")))
    house.unpack()
    real = Handler._settle_records
    stored = break_once(monkeypatch, "_store", RuntimeError, after=99)
    looked: list[int] = []

    def settle(self: Handler, chunk: Any, records: Any, held: Any) -> Any:
        work = real(self, chunk, records, held)
        if not looked:
            self.store.locks.forget() if self.store.dialect == "sqlite" else self.store.locks.close()
        looked.append(len(stored))
        return work

    monkeypatch.setattr(Handler, "_settle_records", settle)
    drain(house)
    assert looked == [0, 0]
    assert attempts(house)["wamid.l"] == ("done", 1)


def test_two_lanes_of_one_record_see_each_other(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second chunk was read before the first was stored: it must be read again."""
    monkeypatch.setattr(Handler, "lanes", property(lambda _: 1))
    house.publish(ANYTHING)
    house.deliver(replies(text(ANA, "hi", id="wamid.t0")))
    house.settle()
    house.deliver(replies(text(BEN, "ben", id="wamid.t1")))
    house.unpack()
    with house.app.store.write() as conn:  # a person linked both to one record
        (ben,) = conn.execute(sa.select(plans.c.lane).where(plans.c.state == "new").distinct()).scalars()
        account = house.app.account("hubspot")
        assert account is not None
        conn.execute(
            sa.insert(crm_links).values(
                contact=ben, account=account.id, object="contacts", record_id="1512", at=datetime.now(UTC)
            )
        )
    house.deliver(replies(text(ANA, "ana", id="wamid.t2")))
    house.unpack()
    drain(house)
    house.settle()
    assert house.hubspot("1512")["whatsapp_last_answer"] in ("ana", "ben")
    before = {r["field"]: r["before"] for d in house.why("wamid.t2")["documents"] for r in d["fields"]}
    assert before["whatsapp_last_answer"] == "ben"


def test_a_park_put_by_another_stays(house: House) -> None:
    """What was under way when the account was told to wait says nothing about the wait."""
    house.publish(ANYTHING)
    house.deliver(replies(text(ANA, "a", id="wamid.k")))
    house.unpack()
    account = house.app.account("hubspot")
    assert account is not None
    until = datetime.now(UTC) + timedelta(seconds=30)

    one = handler(house)
    real = one.crm

    class Slow:
        can = real.can

        def find(self, keys: Any, fields: Any) -> Any:
            with house.app.store.write() as conn:
                conn.execute(
                    sa.insert(parks).values(
                        scope="account", key=account.id, until=until, reason="told to wait", tries=2
                    )
                )
            return real.find(keys, fields)

    one.crm = Slow()  # type: ignore[assignment] # the real one, while another worker parks the account
    one.drain(lambda: False)
    with house.app.store.read() as conn:
        assert conn.execute(sa.select(parks.c.tries)).scalars().all() == [2]
        assert conn.execute(sa.select(sa.func.count()).select_from(changes)).scalar_one() > 0


def test_a_lane_longer_than_one_claim_does_not_shut_out_the_others(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Handler, "lanes", property(lambda _: 2))
    house.publish(ANYTHING)
    house.deliver(
        replies(*(text(ANA, f"a{n}", id=f"wamid.long{n}") for n in range(9)), text(BEN, "b", id="wamid.short"))
    )
    house.unpack()
    drain(house)
    assert {state for state, _ in attempts(house).values()} == {"done"}
