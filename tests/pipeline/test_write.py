"""Writing under faults: order per record, timeline entries once, the culprit alone, merges and locks in mid-flight."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from connector import errors
from connector.core.changes import Outcome
from connector.pipeline.again.retry import retry
from connector.pipeline.drain import LONGEST_PARK, park_account
from connector.pipeline.judging.handle import Handler
from connector.pipeline.writing import write
from connector.pipeline.writing.fencing import FRESH
from connector.pipeline.writing.write import Writer
from connector.store import changes as change_rows
from connector.store import contacts
from connector.store.tables import changes, crm_links, parks
from tests.pipeline.conftest import ANA, House
from tests.pipeline.messages import replies, text
from tests.pipeline.test_journey import ANYTHING

pytestmark = pytest.mark.both  # what two processes do to rows is the point

BEN, NEW = "573102223333", "573209998877"
USER = "CO.13491208655302741918"


class Between:
    """The real CRM with something happening around its writes."""

    def __init__(self, crm: Any, write: Callable[[Any, Sequence[Any]], list[Outcome]]) -> None:
        self._crm, self._write, self.can, self.find = crm, write, crm.can, crm.find

    def write(self, asked: Sequence[Any]) -> list[Outcome]:
        return self._write(self._crm, asked)


def account(house: House) -> Any:
    found = house.app.account("hubspot")
    assert found is not None
    return found


def plan(house: House) -> None:
    """Everything planned, nothing written yet."""
    house.unpack()
    mine = account(house)
    Handler(house.app.store, mine, house.app.crm(mine), house.app.library, house.app.clock, lambda: None).drain(
        lambda: False
    )


def writer(house: House, around: Callable[[Any, Sequence[Any]], list[Outcome]] | None = None) -> Writer:
    mine = account(house)
    crm = house.app.crm(mine)
    return Writer(house.app.store, mine, Between(crm, around) if around else crm, house.app.clock)  # type: ignore[arg-type]


def drain(house: House, around: Callable[[Any, Sequence[Any]], list[Outcome]] | None = None) -> None:
    writer(house, around).drain(lambda: False)


def states(house: House, kind: str = "SetField") -> list[str]:
    with house.app.store.read() as conn:
        return list(
            conn.execute(sa.select(changes.c.state).where(changes.c.kind == kind).order_by(changes.c.seq)).scalars()
        )


def due_again(house: House) -> None:
    with house.app.store.write() as conn:
        conn.execute(sa.delete(parks))
        conn.execute(sa.update(changes).values(next_at=None))
        conn.execute(sa.update(changes).values(started_at=datetime(2026, 1, 1, tzinfo=UTC)))


def test_an_account_that_was_away_for_days_is_asked_again_within_a_minute(house: House) -> None:
    """Whatever the calls that were lost on the way did, its pause stops growing."""
    account, now = house.app.account("hubspot"), datetime.now(UTC)
    assert account is not None
    until = now
    for _ in range(40):
        until = park_account(house.app.store, account.id, errors.Unreachable("away"), now) or now
    assert timedelta(seconds=30) <= until - now <= timedelta(seconds=LONGEST_PARK + 1)  # and a jitter


def test_a_call_that_is_refused_as_a_whole_parks_nobody(house: House) -> None:
    house.publish(ANYTHING)
    house.deliver(replies(text(ANA, "bad"), text("573001113333", "x"), text(NEW, "good")))
    plan(house)

    def refuse(crm: Any, asked: Sequence[Any]) -> list[Outcome]:
        if any("bad" in str(getattr(c, "fields", "")) for c in asked):
            raise errors.Rejected("HubSpot refuses this call.")
        return list(crm.write(asked))

    drain(house, refuse)
    assert set(states(house)) == {"done", "review"}
    with house.app.store.read() as conn:
        assert conn.execute(sa.select(parks)).all() == []


def test_a_fault_of_ours_does_not_hammer_a_crm_that_says_stop(house: House) -> None:
    house.publish(ANYTHING)
    house.deliver(replies(*(text(f"5731100000{n:02d}", "x", id=f"wamid.h{n}") for n in range(20))))
    plan(house)
    calls: list[int] = []

    def fail(crm: Any, asked: Sequence[Any]) -> list[Outcome]:
        calls.append(len(asked))
        raise RuntimeError("bug") if len(asked) > 1 else errors.Busy("slow down", after=5.0)

    drain(house, fail)
    assert calls == [20, 1]
    assert set(states(house)) == {"new"}
    with house.app.store.read() as conn:
        assert set(conn.execute(sa.select(changes.c.attempts)).scalars()) == {0}


def test_a_value_the_crm_refuses_does_not_take_an_earlier_good_one_with_it(house: House) -> None:
    house.publish(ANYTHING.replace("whatsapp_last_answer:", "delivery_slot:"))
    options = [o["value"] for o in _options(house)]
    house.deliver(replies(text(ANA, options[0], id="wamid.good"), text(ANA, "midnight", id="wamid.bad")))
    house.settle()
    assert house.fields("wamid.good")["delivery_slot"] == ("written", options[0])
    assert house.fields("wamid.bad")["delivery_slot"][0] == "review"
    assert house.hubspot("1512")["delivery_slot"] == options[0]


def _options(house: House) -> list[dict[str, str]]:
    answer = house.sandbox.http.get(
        "/hubspot/crm/properties/2026-09/contacts/delivery_slot",
        headers={"Authorization": "Bearer pat-na1-sandbox-hubspot"},
    )
    assert answer.status_code == 200, answer.text
    found: list[dict[str, str]] = answer.json()["options"]
    return found


def test_the_outcome_survives_a_database_that_stumbles(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the CRM did is written down once the database is back, not done again."""
    monkeypatch.setattr(write, "PAUSE", 0.0)
    house.publish(ANYTHING + "log: message\n")
    house.deliver(replies(text(ANA, "hello", id="wamid.stumble")))
    plan(house)
    real = change_rows.end
    calls: list[int] = []

    def end(*args: Any) -> None:
        calls.append(1)
        if len(calls) < 3:
            raise errors.StoreDown("away")
        real(*args)

    monkeypatch.setattr(change_rows, "end", end)
    drain(house)
    assert set(states(house)) == {"done"}
    assert len(house.sandbox.records("hubspot", "communications")) == 1


def test_rows_that_cannot_be_taken_do_not_hide_the_ones_behind_them(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "WINDOW", 3)
    house.publish(ANYTHING)
    house.deliver(replies(*(text(ANA, f"a{n}", id=f"wamid.w{n}") for n in range(8))))
    plan(house)
    house.deliver(replies(text(NEW, "behind", id="wamid.behind")))
    plan(house)
    with house.app.store.write() as conn:
        conn.execute(
            sa.update(changes).where(changes.c.record == "1512").values(next_at=datetime(2099, 1, 1, tzinfo=UTC))
        )
    drain(house)
    assert house.fields("wamid.behind")["whatsapp_last_answer"] == ("written", "behind")
    assert house.fields("wamid.w0")["whatsapp_last_answer"][0] == "waiting"


def test_a_newcomer_merged_while_being_made_is_linked_to_who_goes_on(house: House) -> None:
    house.publish(ANYTHING)
    house.deliver(replies(text(None, "by user id", user_id=USER, id="wamid.u")))
    plan(house)

    def merge(crm: Any, asked: Sequence[Any]) -> list[Outcome]:
        outcomes = list(crm.write(asked))
        house.deliver(replies(text(NEW, "by phone", id="wamid.p")))
        house.unpack()
        house.deliver(replies(text(NEW, "both", user_id=USER, id="wamid.both")))
        house.unpack()
        return outcomes

    drain(house, merge)
    lane = _lane(house, "wamid.both")
    with house.app.store.read() as conn:
        linked = conn.execute(sa.select(crm_links.c.contact)).scalars().all()
    assert linked == [lane]
    house.settle()
    made = [r for r in house.sandbox.records("hubspot", "contacts") if r["properties"].get("whatsapp_user_id") == USER]
    assert len(made) == 1
    assert made[0]["properties"]["whatsapp_id"] == NEW
    assert made[0]["properties"]["whatsapp_last_answer"] == "both"


def _lane(house: House, wamid: str) -> str:
    return str(house.why(wamid)["contact"]["id"])


def test_a_newcomer_merged_before_being_made_is_made_as_who_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows were read, the contact was merged, then they are taken: its keys have gone to the other."""
    house.publish(ANYTHING)
    house.deliver(replies(text(NEW, "by phone", id="wamid.p")))
    house.unpack()
    house.deliver(replies(text(None, "by user id", user_id=USER, id="wamid.u")))
    plan(house)
    real = write.cut
    merged: list[int] = []

    def cut(rows: Any, batch: int) -> Any:
        if rows and not merged:
            merged.append(1)
            with house.app.store.write() as conn:
                resolver = contacts.Resolver(conn, datetime.now(UTC))
                person = contacts.Person(NEW, USER)
                resolver.load(person.keys)
                resolver.resolve(person)
                resolver.flush()
        return real(rows, batch)

    monkeypatch.setattr(write, "cut", cut)
    drain(house)
    assert set(states(house)) == {"done"}
    made = [r for r in house.sandbox.records("hubspot", "contacts") if r["properties"].get("whatsapp_id") == NEW]
    assert len(made) == 1
    assert made[0]["properties"]["whatsapp_last_answer"] == "by user id"


def test_a_contact_that_got_a_record_meanwhile_is_not_made_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.publish(ANYTHING)
    house.deliver(replies(text(NEW, "new", id="wamid.p")))
    plan(house)
    real = write.cut
    linked: list[int] = []

    def cut(rows: Any, batch: int) -> Any:
        if rows and not linked:
            linked.append(1)
            with house.app.store.write() as conn:
                conn.execute(
                    sa.insert(crm_links).values(
                        contact=_lane(house, "wamid.p"),
                        account=account(house).id,
                        object="contacts",
                        record_id="1512",
                        at=datetime.now(UTC),
                    )
                )
        return real(rows, batch)

    monkeypatch.setattr(write, "cut", cut)
    before = len(house.sandbox.records("hubspot", "contacts"))
    drain(house)
    assert len(house.sandbox.records("hubspot", "contacts")) == before
    assert house.hubspot("1512")["whatsapp_last_answer"] == "new"


def test_a_writer_that_lost_its_lock_starts_nothing_more(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "CALLS", 1)
    monkeypatch.setattr(write, "cut", lambda rows, _, cut=write.cut: cut(rows, 1))
    house.publish(ANYTHING)
    house.deliver(replies(*(text(f"5731100000{n:02d}", "x", id=f"wamid.h{n}") for n in range(4))))
    plan(house)
    calls: list[int] = []
    one = writer(house)
    crm = one.crm

    def lose(_: Any, asked: Sequence[Any]) -> list[Outcome]:
        calls.append(1)
        locks = house.app.store.locks
        locks.forget() if house.app.store.dialect == "sqlite" else locks.close()
        return list(crm.write(asked))

    one.crm = Between(crm, lose)  # type: ignore[assignment]
    with house.app.store.locks.hold([f"account:{one.account.id}"]):
        one._work(lambda: False)
    assert calls == [1]
    assert sorted(set(states(house))) == ["done", "new"]


def test_rows_that_end_their_writer_again_and_again_go_to_a_person(house: House) -> None:
    class Killed(BaseException):
        pass

    def kill(crm: Any, asked: Sequence[Any]) -> list[Outcome]:
        raise Killed

    house.publish(ANYTHING)
    house.deliver(replies(text(ANA, "boom", id="wamid.boom")))
    plan(house)
    for _ in range(write.MOST_STARTS + 1):
        try:
            drain(house, kill)
        except Killed:
            due_again(house)
    assert set(states(house)) == {"review"}


def test_an_outage_is_no_attempt_of_a_row(house: House) -> None:
    """A CRM that was down for hours, and then a writer that is killed once: nothing for a person to look at."""

    class Killed(BaseException):
        pass

    def down(crm: Any, asked: Sequence[Any]) -> list[Outcome]:
        raise errors.Unreachable("HubSpot did not answer.", sent=True)

    def kill(crm: Any, asked: Sequence[Any]) -> list[Outcome]:
        raise Killed

    house.publish(ANYTHING + "log: message\n")
    house.deliver(replies(text(ANA, "patience")))
    plan(house)
    for _ in range(write.MOST_STARTS + 2):
        drain(house, down)
        due_again(house)
    with pytest.raises(Killed):
        drain(house, kill)
    due_again(house)
    drain(house)
    assert set(states(house)) == {"done"}
    assert len(house.sandbox.records("hubspot", "communications")) == 1


def test_trying_again_looks_first_and_never_puts_an_older_value_over_a_newer(house: House) -> None:
    house.publish(ANYTHING + "log: message\n")
    house.deliver(replies(text(ANA, "old", id="wamid.old")))
    plan(house)

    def lost(crm: Any, asked: Sequence[Any]) -> list[Outcome]:
        outcomes = list(crm.write(asked))
        return [Outcome(state="refused", text="We could not read the answer.") for _ in outcomes]

    drain(house, lost)
    assert set(states(house)) == {"review"}
    house.deliver(replies(text(ANA, "newer", id="wamid.newer")))
    house.settle()
    retry(house.app.store, ["wamid.old"], datetime.now(UTC))
    house.settle()
    assert house.hubspot("1512")["whatsapp_last_answer"] == "newer"
    assert len(house.sandbox.records("hubspot", "communications")) == 2
    house.counts()


def test_a_call_begins_soon_after_its_rows_were_marked_or_not_at_all(house: House) -> None:
    """Whoever takes them from a process that stood still looks on the record first, 5 seconds after the mark."""
    house.publish(ANYTHING + "log: message\n")
    house.deliver(replies(text(ANA, "x")))
    plan(house)
    slow, ages = Slow(house), []

    def around(crm: Any, asked: Sequence[Any]) -> list[Outcome]:
        with house.app.store.read() as conn:
            rows = conn.execute(sa.select(changes.c.started_at).where(changes.c.state == "in_flight")).scalars()
            ages.append(slow.now() - min(rows))
        slow.ahead += timedelta(seconds=4)
        return list(crm.write(asked))

    mine = account(house)
    Writer(house.app.store, mine, Between(house.app.crm(mine), around), slow).drain(lambda: False)  # type: ignore[arg-type]
    assert len(ages) == 2  # the field, then the timeline entry
    assert max(ages) < FRESH
    assert {*states(house), *states(house, "LogActivity")} == {"done"}
    with house.app.store.read() as conn:
        assert set(conn.execute(sa.select(changes.c.attempts)).scalars()) == {1}


class Slow:
    """A clock that goes on while a call lasts."""

    def __init__(self, house: House) -> None:
        self._clock, self.ahead = house.app.clock, timedelta()

    def now(self) -> datetime:
        return self._clock.now() + self.ahead


def test_two_writers_never_have_one_record_in_hand(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """One whose lock was lost without its knowing takes a row while the other has read that it is due."""
    house.publish(ANYTHING)
    house.deliver(replies(text(ANA, "1", id="wamid.1")))
    plan(house)
    house.deliver(replies(text(ANA, "2", id="wamid.2")))
    plan(house)
    asked: list[Any] = []
    start = change_rows.start

    def first_by_another(conn: Any, seqs: Sequence[int], now: datetime) -> set[int]:
        monkeypatch.setattr(change_rows, "start", start)
        start(conn, seqs[:1], now)
        return start(conn, seqs, now)

    def note(crm: Any, rows: Sequence[Any]) -> list[Outcome]:
        asked.extend(rows)
        return list(crm.write(rows))

    monkeypatch.setattr(change_rows, "start", first_by_another)
    drain(house, note)
    assert asked == []
    assert states(house) == ["in_flight", "new", "new"]
    due_again(house)
    drain(house, note)
    assert states(house) == ["done", "done", "done"]
    assert [one.fields["whatsapp_last_answer"] for one in asked] == ["2"]
