"""`python -m tests.chaos`: a run by hand, on either database, as long as you like."""

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from tests.chaos import networked
from tests.chaos.broken import BROKEN, broken, seen
from tests.chaos.mutants import MUTANTS
from tests.chaos.run import Course, run
from tests.chaos.steps import load, parse
from tests.servers import SETTINGS, PostgresServer

LARGE = {"max_connections": "200", "autovacuum": "on", "shared_buffers": "128MB"}  # as one that runs for long has it
MARK = "<!-- below this line: written by `make chaos` with --page -->"


def main(argv: Sequence[str] | None = None) -> int:
    """0 when nothing was lost, doubled or out of order."""
    parser = argparse.ArgumentParser("python -m tests.chaos", description=__doc__)
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--sends", type=int, default=1000)
    parser.add_argument("--people", type=int, default=500, help="of a broadcast, which some of them stop")
    parser.add_argument("--talks", type=int, default=60, help="conversations")
    parser.add_argument("--contacts", type=int, default=150)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--pause", type=float, default=0.2, help="seconds between two steps, at most")
    parser.add_argument("--flushes", type=int, default=1)
    parser.add_argument("--stops", type=int, default=3, help="how often Postgres is stopped")
    parser.add_argument("--steps", default="", help="instead of these: worker,stop,flush,... in this order")
    parser.add_argument("--faults", default="", help=f"NAME=N,... of {', '.join(sorted(load()))}; all=N")
    networked.flags(parser)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patience", type=float, default=300.0, help="seconds everything may take to settle")
    parser.add_argument("--sqlite", action="store_true", help="instead of Postgres")
    parser.add_argument("--mutant", choices=sorted(MUTANTS), default="", help="break this on purpose")
    parser.add_argument("--mutants", action="store_true", help="all of these in turn, each until the rig has seen it")
    parser.add_argument("--hasty", action="store_true", help="what may have been sent is looked at sooner")
    parser.add_argument("--page", type=Path, help="a file for the page that tells of the run")
    parser.add_argument("--keep", type=Path, help="a folder for the processes' logs, kept")
    given = parser.parse_args(argv)
    networked.before(given)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    logging.getLogger("connector.chaos").setLevel(logging.INFO)
    if given.mutants:
        return mutants()
    course = Course(
        events=given.events, sends=given.sends, people=given.people, talks=given.talks,
        contacts=given.contacts, workers=given.workers,
        kills=given.kills, flushes=given.flushes,
        faults=(*networked.faults(given), *parse(given.faults, "sqlite" if given.sqlite else "postgres")),
        old=networked.old(given),
        stops=0 if given.sqlite else given.stops, seed=given.seed, mutant=given.mutant,
        hasty=given.hasty, steps=tuple(filter(None, given.steps.split(","))), patience=given.patience,
        pause=(given.pause / 4, given.pause),
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="connector-chaos-") as folder:
        home = given.keep or Path(folder)
        home.mkdir(parents=True, exist_ok=True)
        if given.sqlite:
            report = run(course, home, None)
        else:
            with closing(PostgresServer({**SETTINGS, **LARGE})) as postgres:
                report = run(course, home, postgres)
    print(report.table())
    if given.page:
        page(given.page, report.page(f'make chaos ARGS="{command(sys.argv[1:] if argv is None else argv)}"'))
    return 0 if report.good else 1


def command(words: Sequence[str]) -> str:
    """Without the names of files here, which mean nothing elsewhere."""
    kept = [
        word for before, word in zip(["", *words], words, strict=False) if not {before, word} & {"--page", "--keep"}
    ]
    return " ".join(kept)


def page(path: Path, text: str) -> None:
    """Behind the mark, where the file is there and has one."""
    before, mark, _ = path.read_text("utf-8").partition(MARK) if path.exists() else ("", "", "")
    path.write_text(f"{before}{mark}\n{text}\n".lstrip() if mark else f"{text}\n", "utf-8")


def mutants() -> int:
    """0 when every broken promise was seen: a line for each."""
    blind = 0
    with closing(PostgresServer()) as postgres:
        for name in BROKEN:
            began, reports = time.monotonic(), list(broken(name, postgres))
            found = seen(name, reports[-1])
            blind += not found
            words = "seen" if found else "NOT SEEN"
            print(f"{name:>20}  {words}, seed {len(reports)}, {time.monotonic() - began:.0f} s", flush=True)
    return 1 if blind else 0


if __name__ == "__main__":
    sys.exit(main())
