"""Alarms: a chore looks and stores what changed, with the calls to be made; a drain makes them until they arrive.

A target that is away costs the clock and the other drains nothing: it is called by a bell of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from connector.core.alarms import Alarm, steps
from connector.pipeline.drain import Stop, alone
from connector.pipeline.writing.notify import Answer, judge
from connector.ports import Clock
from connector.store import alarm_facts, alarms, heard
from connector.store.engine import Store

BELL = "alarm"
KIND = "connector.alarm"
WINDOW = 20
PATIENCE = timedelta(minutes=5)  # a caller that died in the middle: the same call, with the same id, is made again
FULL, FULL_BYTES = 0.05, 1 << 30  # of a disk: less than both is free


class Target(Protocol):
    """Where alarms go: a signed webhook, an e-mail. Never raises."""

    def tell(self, id_: str, kind: str, at: datetime, data: Mapping[str, Any]) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Disk:
    """A place we write to."""

    path: str
    free: int  # bytes
    size: int


def look(store: Store, systems: Mapping[str, str], disks: Sequence[Disk], targets: Sequence[str], now: datetime) -> int:
    """One look at everything: alarms raised, repeated and resolved; how many calls are to be made."""
    with store.write() as conn:
        heard.count(conn, now)
    with store.read() as conn:
        found = [*alarm_facts.found(conn, now, systems), *full(disks)]
        known = alarms.known(conn)
    todo = steps(known, found, now)
    if not (todo.raised or todo.repeated or todo.resolved):
        return 0
    with store.write() as conn:
        return alarms.take(conn, todo, targets, now)


def full(disks: Sequence[Disk]) -> list[Alarm]:
    """Disks that are almost full, each once."""
    hint = "Free some, or shorten how long things are kept (Settings): a full disk stops everything."
    return [
        Alarm("disk_full", disk.path, f"{disk.path} has {disk.free / (1 << 20):,.0f} MiB left.", hint)
        for disk in {disk.path: disk for disk in disks}.values()
        if disk.free < FULL_BYTES and disk.free < FULL * disk.size
    ]


@dataclass(slots=True)
class Teller:
    """Makes the calls that are due; `targets` by name."""

    store: Store
    targets: Mapping[str, Target]
    clock: Clock

    def drain(self, stop: Stop) -> None:
        alone(self.store, BELL, lambda: self._work(stop), lambda: bool(self._due(1)), stop)

    def _due(self, limit: int) -> Sequence[Any]:
        with self.store.read() as conn:
            return alarms.due(conn, self.clock.now(), limit)

    def _work(self, stop: Stop) -> None:
        while not stop() and (rows := self._due(WINDOW)):
            for row in rows:
                if stop():
                    return
                self.make(row)

    def make(self, row: Any) -> None:
        """One call: counted, made, its end stored."""
        with self.store.write() as conn:
            if not alarms.begin(conn, row.id, row.attempts, self.clock.now() + PATIENCE):
                return
        state, outcome, next_at = self._call(row)
        with self.store.write() as conn:
            alarms.end(conn, row.id, state, outcome, next_at)

    def _call(self, row: Any) -> tuple[str, str, datetime | None]:
        target = self.targets.get(row.target)
        if target is None:
            return "failed", f"No {row.target} is set up for alarms any more.", None
        answer = target.tell(row.id, f"{KIND}.{row.what}", row.at, {"what": row.what, **row.body})
        state, told, next_at = judge(answer, row.attempts, self.clock.now())
        return ("failed" if state == "review" else state), str(told["text"]), next_at


def disks(paths: Sequence[str], usage: Callable[[str], Any]) -> list[Disk]:
    """What is free where we write; a place that is not there yet is left out."""
    found = []
    for path in dict.fromkeys(paths):
        try:
            told = usage(path)
        except OSError:
            continue
        found.append(Disk(path, told.free, told.total))
    return found
