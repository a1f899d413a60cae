"""Tasks: what a person asks for in the console and a worker does, one at a time, with progress, pause and cancel."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connector import errors
from connector.pipeline.drain import Stop, log
from connector.ports import Clock
from connector.store import tasks as rows
from connector.store.engine import Store
from connector.store.tasks import Task

BELL = "task"
BEAT = 0.25  # seconds between two signs of life: how late a wish is seen, and what a row's progress costs
SAVE = 5.0  # seconds between two notes of how far it came: what a killed worker's successor does again
MOST = 3  # workers that may die over a task without getting on


class Halted(Exception):
    """The task ends here for now; a function of a kind lets it pass."""


class Paused(Halted):
    """A person said so."""


class Cancelled(Halted):
    """A person said so."""


class GaveWay(Halted):
    """Another bell waits, or the worker is asked to stop."""


class Lost(Halted):
    """Another worker has it: we were silent for too long."""


class Progress:
    """What a function of a kind calls after each row: `progress(done, total, cursor)`."""

    def __init__(self, store: Store, clock: Clock, task: Task, stop: Stop, beat: float = BEAT) -> None:
        self.task = task
        self.cursor = task.cursor  # where to go on; None = from the start
        self._store, self._clock, self._stop, self._every = store, clock, stop, beat
        self._beaten = self._saved = time.monotonic()
        self._told = task.done, task.total

    def __call__(self, done: int, total: int | None = None, cursor: Any = None) -> None:
        """Raises Halted at this row boundary when it is asked for.

        `cursor` (JSON, or a function that makes it when it is needed) is where another worker can go on. Without one
        the task makes no room for others: it would have to begin again."""
        self._told = done, self._told[1] if total is None else total
        if cursor is not None and self._stop():
            self._beat(cursor)
            self._rest("new", GaveWay())
        now = time.monotonic()
        if now - self._beaten < self._every:
            return
        self._beaten = now
        self._beat(cursor if now - self._saved >= SAVE else None)
        if self.task.wish == "cancel":
            raise Cancelled
        if self.task.wish == "pause":
            self._beat(cursor)
            self._rest("paused", Paused())

    def _beat(self, cursor: Any) -> None:
        saved = cursor() if callable(cursor) else cursor
        with self._store.write() as conn:
            found = rows.beat(conn, self.task, self._clock.now(), *self._told, saved)
        if found is None:
            raise Lost
        self.task = found
        if saved is not None:
            self._saved = time.monotonic()

    def _rest(self, state: str, halt: Halted) -> None:
        with self._store.write() as conn:
            rows.rest(conn, self.task, state, self._clock.now())
        raise halt

    def last(self) -> None:
        """The numbers as they were last told, whenever they were last stored."""
        self._beat(None)


@dataclass(frozen=True, slots=True)
class Work:
    """What a kind of task does: `run(task, progress)` gives its result as JSON.

    `again` False: doing it twice is not harmless, so a task whose worker died in the middle fails instead."""

    run: Callable[[Task, Progress], Any]
    again: bool = True


@dataclass(frozen=True, slots=True)
class Tasks:
    """`drain(stop)` does what is open, the oldest first; several workers take different ones."""

    store: Store
    clock: Clock
    kinds: Mapping[str, Work]
    beat: float = BEAT

    def drain(self, stop: Stop) -> None:
        while not stop():
            with self.store.read() as conn:
                waiting = rows.claimable(conn, self.clock.now())
            if not any(self._take(task, stop) for task in waiting):
                return

    def _take(self, task: Task, stop: Stop) -> bool:
        """The lock says that its worker lives, however long a row takes; the compare-and-set is the judge."""
        with self.store.locks.hold([f"task:{task.id}"]) as held:
            if not held:
                return False
            with self.store.write() as conn:
                mine = rows.claim(conn, task, self.clock.now())
            if mine is None:
                return False
            self._do(Progress(self.store, self.clock, mine, stop, self.beat))
            return True

    def _do(self, progress: Progress) -> None:
        task = progress.task
        try:
            result = self._result(task, progress)
            progress.last()
            self._end(progress.task, "done", result=result)
        except Cancelled:
            self._end(progress.task, "cancelled")
        except Halted as halt:
            log.info("%s: %s", task.kind, type(halt).__name__, extra={"task": task.id})
        except errors.StoreDown:
            raise
        except errors.ConnectorError as error:
            self._end(progress.task, "failed", result=_told(error), error=str(error))
        except Exception:  # noqa: BLE001 - one task must not keep the others from their turn
            log.exception("%s failed", task.kind, extra={"task": task.id})
            text = f"Something unexpected stopped it. The worker's log tells more; look for task {task.id}."
            self._end(progress.task, "failed", error=text)

    def _result(self, task: Task, progress: Progress) -> Any:
        work = self.kinds.get(task.kind)
        if work is None:
            hint = "Restart the workers, all with the same version."
            raise errors.Rejected(f"The worker knows no task {task.kind!r}.", hint=hint, code="unknown_task")
        if task.wish == "cancel":  # of a worker that died before it could obey
            raise Cancelled
        if task.wish == "pause":
            progress._rest("paused", Paused())
        if task.attempts > (MOST if work.again else 1):
            raise _died(task, work)
        return json.loads(json.dumps(work.run(task, progress), default=str, allow_nan=False))

    def _end(self, task: Task, state: str, *, result: Any = None, error: str = "") -> None:
        with self.store.write() as conn:
            ended = rows.end(conn, task, state, self.clock.now(), result=result, error=error)
        if not ended:
            told = "%s was taken over by another worker; its end is not stored"
            log.warning(told, task.kind, extra={"task": task.id})


def _told(error: errors.ConnectorError) -> dict[str, Any]:
    """{code, message, hint, facts}."""
    facts = json.loads(json.dumps(error.facts, default=str))
    return {"code": error.code, "message": error.message, "hint": error.hint, "facts": facts}


def _died(task: Task, work: Work) -> errors.ConnectorError:
    if work.again:
        text = f"{task.attempts - 1} workers ended while they did this."
        return errors.Rejected(text, hint="The log of the workers tells why.", code="task_ends_workers")
    hint = "It may have been done: look first, then ask for it again."
    return errors.Rejected("The worker ended in the middle of it.", hint=hint, code="task_interrupted")
