"""Kill everything at the worst moment: nothing is lost, doubled, out of order or unwanted; the rig would see it."""

from pathlib import Path

import pytest

from tests.chaos.broken import QUICK, broken, seen
from tests.chaos.report import Report
from tests.chaos.run import Course, run
from tests.servers import PostgresServer

pytestmark = pytest.mark.xdist_group("chaos")  # with --dist loadgroup they share one process

# 2,000 events on Postgres and 1,000 on SQLite, 60 kills: what customers write, and what CRMs ask to be sent
ON_POSTGRES = Course(
    events=1400, sends=600, people=60, talks=10, kills=36, flushes=1, stops=3, patience=150.0, faults=(("zombie", 1),)
)
ON_SQLITE = Course(
    events=700,
    sends=300,
    people=30,
    talks=6,
    kills=24,
    flushes=1,
    seed=2,
    patience=150.0,
    faults=(("disk", 1), ("power", 1)),
)


def check(report: Report) -> None:
    """The promise, and that the run was as hard as it claims."""
    print(report.table())
    assert report.good, report.table()
    assert {"accepted", "unknown", "again"} <= report.outcomes.keys(), report.table()
    assert report.sends.stopped, report.table()
    assert report.sends.resent, report.table()
    assert report.sends.held < report.sends.sends / 10, report.table()  # who dies sending holds up to 128 of them
    assert {"send", "trigger"} & set(report.stages), report.table()
    assert report.verdict.messages == report.course.events
    assert sum(report.kills.values()) == report.course.kills
    assert set(report.kills) == {"web main", "web child", "worker", "clock", "valkey"}
    assert report.in_hand * 2 >= report.course.kills, report.table()
    assert (report.killer.flushes, report.killer.stops) == (report.course.flushes, report.course.stops)


def test_nothing_is_lost_on_postgres(tmp_path: Path, postgres: PostgresServer) -> None:
    check(run(ON_POSTGRES, tmp_path, postgres))


def test_nothing_is_lost_on_sqlite(tmp_path: Path) -> None:
    check(run(ON_SQLITE, tmp_path, None))


LATER = ("two_senders", "unknown", "consent_lock")  # each takes as long as the first three together
NAMES = [pytest.param(name, marks=pytest.mark.long) if name in LATER else name for name in QUICK]


@pytest.mark.parametrize("name", NAMES)
def test_the_rig_sees_a_broken_promise(name: str, postgres: PostgresServer) -> None:
    reports = list(broken(name, postgres))
    assert seen(name, reports[-1]), "\n".join(report.table() for report in reports)
