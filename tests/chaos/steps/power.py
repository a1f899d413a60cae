"""The power is cut: the SQLite files as they are in one moment, opened by somebody else, and gone on from.

All processes stand still while they are copied, so a copy is what a disk would hold (each commit is synced). Half of
the time everything is killed then, and starts anew from the copy.
"""

import re
import shutil
import signal
import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from connector.store import doctor
from connector.store.engine import open_store
from tests.chaos.rig import Rig
from tests.chaos.steps import Scene, step

FILES = ("", "-wal")  # the index beside them is made anew
FOUND = re.compile(rb"wamid\.(57301\d+)\.(\d+)")
GO_ON = 0.5  # how often everything goes on from the copy
# Findings that are no matter of what is stored: times, and what an opt-out overtook.
OF_TIMES = re.compile("wait|too_long|late|opt_out")

GONE_ON = "power cut, gone on from the copy"


@step("power", "power cuts: copies of the SQLite files, judged and gone on from", on=("sqlite",))
def power(scene: Scene) -> None:
    rig = scene.rig
    now = Path(rig.url.removeprefix("sqlite:///"))
    place = rig.home / f"copy-{time.time_ns()}"
    place.mkdir()
    copy, judged = place / "connector.db", place / "judged.db"
    with _frozen(rig):
        taken = dict(scene.probe.load.taken)  # what is answered from here on need not be in it
        _copy(now, copy)
        on = scene.dice.random() < GO_ON
        if on:
            _go_on(rig, copy)
    if on:
        scene.count(GONE_ON)
        scene.recovers("a power cut")
    _copy(now if on else copy, judged)
    scene.wrong += _faults(judged, taken, rig.true_clocks)
    for path in (now if on else copy, judged):
        _forget(path)


@contextmanager
def _frozen(rig: Rig) -> Iterator[None]:
    """Nobody moves, and nobody is started."""
    slots = rig.keeper.slots
    with ExitStack() as held:
        for slot in slots:
            held.enter_context(slot.lock)
        for slot in slots:
            slot.signal(signal.SIGSTOP)
        yield
        for slot in slots:
            slot.signal(signal.SIGCONT)


def _go_on(rig: Rig, copy: Path) -> None:
    """Everything is gone at once, and starts anew with the copy."""
    for slot in rig.keeper.slots:
        slot.kill()
    rig.hands.died()
    rig.reopen(f"sqlite:///{copy}")
    for slot in rig.keeper.slots:
        slot.start()


def _copy(source: Path, target: Path) -> None:
    for ending in FILES:
        path = Path(f"{source}{ending}")
        if path.exists():
            shutil.copyfile(path, f"{target}{ending}")


def _forget(path: Path) -> None:
    for ending in (*FILES, "-shm"):
        Path(f"{path}{ending}").unlink(missing_ok=True)


# ---- what a copy holds -------------------------------------------------------------------------------------------
def _faults(path: Path, taken: Mapping[str, int], true_clocks: bool) -> list[str]:
    """Damaged, or without a delivery that had been answered 200, or a promise is broken in it."""
    with closing(sqlite3.connect(path)) as conn:
        whole = [row[0] for row in conn.execute("PRAGMA integrity_check")]
        found: dict[str, set[int]] = defaultdict(set)
        for (body,) in conn.execute("SELECT body FROM deliveries"):
            for who, n in FOUND.findall(body):
                found[who.decode()].add(int(n))
    missing = sum(len(set(range(1, last + 1)) - found[who]) for who, last in taken.items())
    wrong = [] if whole == ["ok"] else [f"a copy of the database is damaged: {whole[:3]}"]
    wrong += [f"a copy of the database lacks {missing} messages that were answered 200"] if missing else []
    store = open_store(f"sqlite:///{path}", home=path.parent)
    with store.read() as conn_:
        codes = {one["code"]: one["count"] for one in doctor.findings(conn_, datetime.now(UTC))}
    store.engine.dispose()
    mattering = [code for code in codes if not OF_TIMES.search(code) and (true_clocks or code != "out_of_order")]
    return wrong + [f"a copy: {codes[code]} {code}" for code in mattering]
