"""Runs of a broken connector, one for each mutant: the rig must see it within a few seeds, or it proves nothing.

`make test` tries the QUICK ones; `python -m tests.chaos --mutants` all of them.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tests.chaos.report import Report
from tests.chaos.run import Course, run
from tests.servers import PostgresServer

SEEDS = range(1, 9)  # a broken promise shows only when two processes meet in the wrong moment
CALM = ("clock",) * 4
SHORT = Course(events=250, contacts=40, workers=3, patience=30.0)
SENDING = Course(events=20, sends=200, contacts=40, stoppers=0.0, patience=30.0)
QUICK = {
    "unique": replace(SHORT, steps=CALM),
    "compare_and_set": replace(SHORT, steps=(*CALM, "clock")),
    "commit_before_200": replace(SHORT, steps=("clock", "stop")),
    "two_senders": replace(SENDING, workers=3, steps=CALM),
    # Statuses come long after the row is taken for lost: they would settle it before.
    "unknown": replace(SENDING, steps=("rest",) * 5 + ("worker",) * 4, aim="send", answer=0.3, delivered=60.0),
    # Calls no faster than the claims, which take their time: a STOP comes while its customer's message is looked at.
    "consent_lock": replace(SENDING, sends=80, steps=("rest",) * 20, pause=(0.2, 0.4), stoppers=0.6),
}


SLOW = {
    # Many records, so that the writer that stood still has more to write than it had begun.
    "zombie": Course(
        events=1600, contacts=800, workers=3, aim="write", steps=("rest", "zombie", "rest") * 2, answer=0.3
    ),
    # Few records, so that there is a newer value for what a writer in its sleep has ready to leave.
    "unfenced": Course(
        events=1600, contacts=80, workers=4, aim="write", steps=("zombie", "rest", "rest", "rest") * 8, pause=(0.7, 1.2)
    ),
    "redis_needed": replace(SHORT, steps=("redis_away",)),
    "clock_blind": replace(SENDING, steps=("host_jump",) * 2),
    "reset_unsent": replace(SENDING, steps=("proxy",) * 10, pause=(0.3, 0.6)),
    "many_refreshers": replace(SHORT, steps=("expire", "rest") * 5, pause=(0.3, 0.6)),
}
BROKEN = QUICK | SLOW


def broken(name: str, postgres: PostgresServer) -> Iterator[Report]:
    """One report a seed, until it is seen."""
    for seed in SEEDS:
        with tempfile.TemporaryDirectory(prefix="connector-chaos-") as folder:
            report = run(replace(BROKEN[name], mutant=name, seed=seed), Path(folder), postgres)
        yield report
        if seen(name, report):
            return


def seen(name: str, report: Report) -> bool:
    """Did the rig notice what this mutant breaks?"""
    if name in ("zombie", "unfenced"):
        return bool(report.verdict.doubled or report.verdict.out_of_order)
    if name in SIGNS:
        return any(SIGNS[name] in word for word in report.wrong)
    if report.course.sends:
        return bool(report.sends.after_stop if name == "consent_lock" else report.sends.doubled)
    stored = not any("messages, not" in word or "packed" in word for word in report.verdict.wrong)
    lost = bool(report.verdict.lost) and not stored
    return lost if name == "commit_before_200" else bool(report.verdict.doubled)


SIGNS = {
    "redis_needed": "was not handled within",
    "clock_blind": "messages left while",
    "many_refreshers": " token",
}
