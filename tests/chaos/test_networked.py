"""Bad networks, tokens that end, two hosts, an upgrade: nothing is lost, doubled, out of order or unwanted."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.report import Report
from tests.chaos.run import Course, run
from tests.chaos.steps.upgrade import NoHistory, release
from tests.servers import SETTINGS, PostgresServer

pytestmark = [pytest.mark.deep, pytest.mark.xdist_group("chaos")]

RUN = Course(events=800, sends=200, kills=12, patience=150.0)
FAULTS = {
    "bad networks": (("proxy", 8), ("expire", 3)),
    "tokens": (("expire", 6),),
    "two hosts": (("cut", 3), ("stall", 3), ("hiccup", 3)),
}


@pytest.fixture(scope="module")
def roomy() -> Iterator[PostgresServer]:
    """A Postgres with room for the sessions of two hosts."""
    with closing(PostgresServer({**SETTINGS, "max_connections": "200"})) as server:
        yield server


def check(report: Report, faults: tuple[tuple[str, int], ...]) -> None:
    print(report.table())
    assert report.good, report.table()
    assert report.verdict.messages == report.course.events
    for name, n in faults:
        assert report.scene.counts[name] == n, report.table()


@pytest.mark.parametrize("name", FAULTS)
def test_nothing_is_lost(name: str, tmp_path: Path, roomy: PostgresServer) -> None:
    kills = 0 if name == "tokens" else RUN.kills  # who is killed while it renews a token has lost the leave
    check(run(replace(RUN, kills=kills, faults=FAULTS[name]), tmp_path, roomy), FAULTS[name])


@pytest.mark.parametrize("before", ["0004", "last"])
def test_an_upgrade_under_load(before: str, tmp_path: Path, roomy: PostgresServer) -> None:
    """Old processes work on while the tables are upgraded and new processes join."""
    try:
        old = release(before)
    except NoHistory as why:
        pytest.skip(str(why))
    faults = (("upgrade", 4),)
    check(run(replace(RUN, old=old, faults=faults), tmp_path, roomy), faults)
