"""Kill everything at the worst moment: nothing is lost, doubled, out of order or unwanted; the rig would see it."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.run import Course, Report, run
from tests.servers import PostgresServer

pytestmark = pytest.mark.xdist_group("chaos")  # with --dist loadgroup they share one process

ON_POSTGRES = Course(events=1400, sends=400, people=200, talks=12, kills=40, flushes=1, stops=3, patience=150.0)
ON_SQLITE = Course(events=700, sends=200, people=100, talks=6, kills=20, flushes=1, seed=2, patience=150.0)
CALM = ("clock",) * 4
SHORT = Course(events=250, contacts=40, workers=3, patience=30.0)
SENDING = Course(events=20, sends=200, contacts=40, stoppers=0.0, patience=30.0)
BROKEN = {
    "unique": replace(SHORT, steps=CALM),
    "compare_and_set": replace(SHORT, steps=(*CALM, "clock")),
    "commit_before_200": replace(SHORT, steps=("clock", "stop")),
    "two_senders": replace(SENDING, workers=3, steps=CALM),
    # Statuses come long after the row is taken for lost: they would settle it before.
    "unknown": replace(SENDING, steps=("rest",) * 5 + ("worker",) * 4, aim="send", answer=0.3, delivered=60.0),
    # Calls no faster than the claims, which take their time: a STOP comes while its customer's message is looked at.
    "consent_lock": replace(SENDING, sends=80, steps=("rest",) * 20, pause=(0.2, 0.4), stoppers=0.6),
}


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


@pytest.mark.parametrize("name", BROKEN)
def test_the_rig_sees_a_broken_promise(name: str, tmp_path: Path, postgres: PostgresServer) -> None:
    """A broken promise shows only when two processes meet in the wrong moment: some seed of a few must hit it."""
    reports = []
    for seed in range(1, 9):  # each ends as soon as it is seen
        course = replace(BROKEN[name], mutant=name, seed=seed)
        (folder := tmp_path / str(seed)).mkdir()
        reports.append(run(course, folder, postgres))
        if seen(name, reports[-1]):
            return
    pytest.fail("\n".join(report.table() for report in reports))


def seen(name: str, report: Report) -> bool:
    """Did the rig notice what this mutant breaks?"""
    if report.course.sends:
        return bool(report.sends.after_stop if name == "consent_lock" else report.sends.doubled)
    stored = not any("messages, not" in word or "packed" in word for word in report.verdict.wrong)
    lost = bool(report.verdict.lost) and not stored
    return lost if name == "commit_before_200" else bool(report.verdict.doubled)
