"""The state machine under random answers, statuses, deaths and lateness: never two accepted attempts, never back."""

import itertools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.ports import Receipt
from connector.store import doctor, outcomes, sending
from connector.store.outcomes import Result
from connector.store.sending import Started
from connector.store.tables import send_attempts, sends
from tests.depth import examples
from tests.pipeline.sends import NUMBER, Desk, wamid

TIMEOUT = timedelta(seconds=23)  # the longest a request can take: connect 3, read 20
RECEIPTS = {
    "again": {"code": 130429, "park": "number", "wait": 2.0},
    "not_sent": {},
    "park": {"code": 131049, "park": "contact", "wait": 60.0},
    "failed": {"code": 131026},
    "unknown": {},
}
STATUSES = ("sent", "delivered", "read", "failed")
CATEGORIES = ("utility", "marketing", "authentication", "service")


@dataclass
class Meta:
    """What really happened at WhatsApp, whatever we were told."""

    accepted: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def take(self, key: str) -> str:
        self.accepted[key].append(wamid())
        return self.accepted[key][-1]


@dataclass
class World:
    """One business; each step does one thing to it and looks at the promises."""

    desk: Desk
    meta: Meta = field(default_factory=Meta)
    rows: list[str] = field(default_factory=list)
    late: list[tuple[Started, str, datetime]] = field(default_factory=list)  # answers of a holder that lost its lock
    ranks: dict[str, int] = field(default_factory=dict)

    def add(self, n: int, word: str) -> None:
        lane = self.desk.contact(f"57300{next(_people):07d}", wrote=self.desk.clock.now())
        self.rows.append(self.desk.add(lane=lane, category=CATEGORIES[n % 4], crm="hub"))

    def drain(self, n: int, word: str) -> None:
        """The first answer is what the step says, also where WhatsApp took the message and we never heard."""

        def answer(key: str) -> Receipt:
            if word == "accepted":
                return Receipt(outcome="accepted", wamid=self.meta.take(key))
            if word == "unheard":
                self.meta.take(key)
                return Receipt(outcome="unknown", text="No answer.")
            return Receipt(outcome=word, text=word, **RECEIPTS[word])  # type: ignore[arg-type]

        def fine(key: str) -> Receipt:
            return Receipt(outcome="accepted", wamid=self.meta.take(key))

        self.desk.phone.answers = [answer, *([fine] * 50)]
        self.desk.drain()

    def die(self, n: int, word: str) -> None:
        """A worker takes what is due and ends: before the request, or after WhatsApp has it."""
        now = self.desk.clock.now()
        with self.desk.store.write() as conn:
            started = sending.start(conn, sending.due(conn, NUMBER, now, 2), now)
        for one in started:
            if word in ("accepted", "unheard"):
                self.late.append((one, self.meta.take(one.id), now))

    def answer_late(self, n: int, word: str) -> None:
        """It only lost its lock: its answer comes after all."""
        now = self.desk.clock.now()
        for one, id_, at in self.late:
            if now - at < TIMEOUT:
                with self.desk.store.write() as conn:
                    result = Result(send=one, outcome="accepted", state="accepted", wamid=id_)
                    outcomes.record(conn, [result], now)
        self.late.clear()

    def status(self, n: int, word: str) -> None:
        """Of any message WhatsApp has, in any order, with our id or without."""
        known = [(key, id_) for key, ids in self.meta.accepted.items() for id_ in ids]
        if known:
            key, id_ = known[n % len(known)]
            self.desk.status(key if n % 3 else None, id_, STATUSES[n % 4])

    def wait(self, n: int, word: str) -> None:
        self.desk.clock.pass_(seconds=(1, 6, 30, 90, 600)[n % 5])

    def look(self) -> None:
        with self.desk.store.read() as conn:
            found = {row.id: row for row in conn.execute(sa.select(sends).where(sends.c.id.in_(self.rows)))}
            tried = list(conn.execute(sa.select(send_attempts)))
            codes = {finding["code"] for finding in doctor.findings(conn, self.desk.clock.now())}
        assert codes <= {"send_waits", "send_in_flight_too_long", "event_without_delivery"}, codes
        for id_, row in found.items():
            assert row.rank >= self.ranks.get(id_, 0), "a rank went back"
            self.ranks[id_] = row.rank
            mine = [t for t in tried if t.send == id_]
            assert sum(t.outcome == "accepted" for t in mine) <= 1
            assert len(mine) == row.attempts
            again = row.label == "resent_after_unknown"
            assert len(self.meta.accepted[id_]) <= 1 + again, "sent twice without a word of it"
            assert not (again and row.category in ("marketing", "authentication"))


_people = itertools.count(1)
STEP = st.tuples(
    st.sampled_from(["add", "drain", "drain", "die", "answer_late", "status", "status", "wait"]),
    st.integers(0, 59),
    st.sampled_from(["accepted", "unheard", *RECEIPTS]),
)


@pytest.fixture
def world(sqlite_url: str, home: Any) -> Iterator[World]:
    from connector.store.engine import open_store

    store = open_store(sqlite_url, home=home)
    yield World(Desk(store))
    store.close()


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEP, min_size=5, max_size=25))
def test_never_twice_never_back(world: World, steps: list[tuple[str, int, str]]) -> None:
    with world.desk.store.write() as conn:  # each example begins with nothing that waits
        conn.execute(
            sa.update(sends).values(state="cancelled").where(sends.c.state.in_(["ready", "unknown", "in_flight"]))
        )
        conn.exec_driver_sql("DELETE FROM parks")
    world.rows, world.late, world.ranks = [], [], {}
    world.meta = Meta()
    world.desk.clock.pass_(hours=1)
    world.add(0, "")
    for name, n, word in steps:
        getattr(world, name)(n, word)
        world.look()
