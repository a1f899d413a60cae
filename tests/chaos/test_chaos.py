"""Kill everything at the worst moment, and nothing is lost, doubled or out of order; the rig would see it."""

from pathlib import Path

import pytest

from tests.chaos.run import Course, Report, run
from tests.servers import PostgresServer

pytestmark = pytest.mark.xdist_group("chaos")  # with --dist loadgroup they share one process

ON_POSTGRES = Course(events=2000, kills=40, flushes=1, stops=3)
ON_SQLITE = Course(events=1000, kills=20, flushes=1, seed=2)
CALM = ("clock",) * 4
BROKEN = {
    "unique": CALM,
    "compare_and_set": (*CALM, "clock"),
    "commit_before_200": ("clock", "stop"),
}


def check(report: Report) -> None:
    """The promise, and that the run was as hard as it claims."""
    print(report.table())
    assert report.verdict.good, report.table()
    assert report.verdict.messages == report.course.events
    assert sum(report.kills.values()) == report.course.kills
    assert set(report.kills) == {"web main", "web child", "worker", "clock", "valkey"}
    assert report.in_hand * 2 >= report.course.kills, report.table()
    assert (report.flushes, report.stops) == (report.course.flushes, report.course.stops)


def test_nothing_is_lost_on_postgres(tmp_path: Path, postgres: PostgresServer) -> None:
    check(run(ON_POSTGRES, tmp_path, postgres))


def test_nothing_is_lost_on_sqlite(tmp_path: Path) -> None:
    check(run(ON_SQLITE, tmp_path, None))


@pytest.mark.parametrize("name", BROKEN)
def test_the_rig_sees_a_broken_promise(name: str, tmp_path: Path, postgres: PostgresServer) -> None:
    """A broken promise shows only when two processes meet in the wrong moment: some seed of a few must hit it."""
    reports = []
    for seed in (1, 2, 3):
        course = Course(events=250, contacts=40, workers=3, mutant=name, steps=BROKEN[name], patience=5.0, seed=seed)
        (folder := tmp_path / str(seed)).mkdir()
        reports.append(run(course, folder, postgres))
        if seen(name, reports[-1]):
            return
    pytest.fail("\n".join(report.table() for report in reports))


def seen(name: str, report: Report) -> bool:
    """Did the rig notice what this mutant breaks?"""
    stored = not any("events, not" in word or "packed" in word for word in report.verdict.wrong)
    lost = bool(report.verdict.lost) and not stored
    return lost if name == "commit_before_200" else bool(report.verdict.doubled)
