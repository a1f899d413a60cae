"""Worker and clock: long-lived processes that keep one App warm. RQ carries bells; the database says what to do."""

import logging
import os
import time
from collections.abc import Callable
from typing import Any, Protocol

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import DequeueTimeout, StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.timeouts import BaseDeathPenalty
from rq.worker import WorkerStatus

from connector.app import App, open_app
from connector.bell import QUEUE, RedisBell, connect
from connector.config import Config
from connector.errors import TryAgain
from connector.process import Stop
from connector.store.engine import Store, schema_state

log = logging.getLogger("connector.worker")
TICK = 1.0  # seconds: the clock's beat, and the worker's when Redis is away
BUSY_TTL = 420  # seconds RQ keeps a worker listed that drains: RQ's own figure, a drain takes 20
TTL = 30  # seconds RQ keeps a silent worker listed; it waits for a job half as long at a time


class Bells:
    """What a ring makes this process do; one App, opened once."""

    def __init__(self, app: App, stop: Callable[[], bool]) -> None:
        self.app, self.stop = app, stop

    def drain(self, name: str) -> None:
        """Never raises: the rows keep their state, the sweep rings again, and a person reads the log."""
        try:
            self.app.drain(name, stop=self.stop)
        except TryAgain as error:
            log.warning("%s waits: %s", name, error)
        except Exception:
            log.exception("%s failed", name)

    def drain_all(self) -> None:
        """Without Redis: everything that waits, in this process."""
        try:
            names = self.app.bells()
        except TryAgain as error:
            log.warning("the database does not answer: %s", error)
            return
        for name in names:
            if self.stop():
                return
            self.drain(name)


_bells: list[Bells] = []  # the one of this process: RQ calls a function by its name


def drain(name: str) -> None:
    """The job of every bell."""
    _bells[-1].drain(name)


class _Ring(Job):
    """A job that can only be a bell: RQ would import and call whatever function Redis names."""

    def _execute(self) -> None:
        drain(str(self.args[0]))


class _NoPenalty(BaseDeathPenalty):
    """A drain ends itself; RQ's own alarm would cut it in the middle of a transaction."""

    def setup_death_penalty(self) -> None:
        """No alarm."""

    def cancel_death_penalty(self) -> None:
        """No alarm."""


class _Worker(SimpleWorker):
    """RQ's worker without fork, alarm, pub/sub or back-off: it stops when asked to, and leaves when Redis does."""

    death_penalty_class = _NoPenalty
    job_class = _Ring

    def __init__(self, connection: "Redis", stop: Stop) -> None:
        queue = Queue(QUEUE, connection=connection, serializer=JSONSerializer, job_class=_Ring)
        name = f"{os.uname().nodename}-{os.getpid()}-{time.time_ns()}"
        super().__init__([queue], name=name, connection=connection, serializer=JSONSerializer, worker_ttl=TTL)
        self._stop = stop

    def subscribe(self) -> None:
        """No commands from Redis: a worker obeys its signals only."""

    def unsubscribe(self) -> None:
        """Nothing to leave."""

    def _install_signal_handlers(self) -> None:
        """Stop has them; it interrupts the wait for a job (see dequeue) and never a drain."""

    def dequeue_job_and_maintain_ttl(self, timeout: int | None, max_idle_time: int | None = None) -> Any:
        """The next bell; raises StopRequested when we are asked to stop, RedisError when Redis is gone."""
        del max_idle_time
        self.set_state(WorkerStatus.IDLE)
        while True:
            self.heartbeat()
            if self.should_run_maintenance_tasks:
                self.run_maintenance_tasks()  # type: ignore[no-untyped-call]
            with self._stop.interrupting(StopRequested):
                try:
                    return self.queue_class.dequeue_any(
                        self._ordered_queues,
                        timeout,
                        connection=self.connection,
                        job_class=self.job_class,
                        serializer=self.serializer,
                        death_penalty_class=self.death_penalty_class,
                    )
                except DequeueTimeout:
                    continue

    def execute_job(self, job: Job, queue: Queue) -> None:
        """A bell is forgotten before it is answered: the rows say what is to be done, and nobody asks about a bell.

        RQ keeps an execution, a registry and statistics of each job: four calls of Redis before the drain begins."""
        with self.connection.pipeline() as pipe:
            pipe.lrem(queue.intermediate_queue_key, 1, job.id)
            pipe.delete(job.key)
            pipe.hset(self.key, "state", WorkerStatus.BUSY)
            self.heartbeat(BUSY_TTL, pipe)
            pipe.execute()
        try:
            job.perform()
        except Exception:
            log.exception("a job that is no bell")
        self.set_state(WorkerStatus.IDLE)

    def procline(self, message: str) -> None:
        """The process keeps its name."""

    def teardown(self) -> None:
        """RQ's, when Redis is still there to hear it."""
        try:
            super().teardown()  # type: ignore[no-untyped-call]
        except RedisError:
            log.debug("Redis left before we could say goodbye; it forgets us by itself")


def work(config: Config, stop: Stop) -> None:
    """One worker, until it is asked to stop: bells through RQ, the same drains every second while Redis is away."""
    bell = RedisBell(config.redis_url)
    app = open_app(config, bell)
    try:
        bells = Bells(app, stop)
        _bells.append(bells)
        wait_for_tables(app.store, stop)
        while not stop():
            if bell.answers():
                log.info("listening")
                _listen(config, stop)
            if not stop.wait(TICK):
                bells.drain_all()
    finally:
        bell.close()
        app.close()


class Waiting(Protocol):
    """process.Stop, as far as waiting needs it."""

    def __call__(self) -> bool: ...

    def wait(self, seconds: float) -> bool: ...


def wait_for_tables(store: Store, stop: Waiting) -> None:
    """A worker that is newer than the tables must not try: each event would fail, and be given up in the end."""
    told = ""
    while not stop():
        try:
            state = schema_state(store)
        except TryAgain as error:
            state = ""
            log.warning("the database does not answer: %s", error)
        if state in ("current", "newer"):
            return
        if state and state != told:
            log.error("The database's tables are %s. Waiting until somebody runs: connector db upgrade", state)
            told = state
        stop.wait(TICK)


def _listen(config: Config, stop: Stop) -> None:
    """Until Redis goes away or we are asked to stop."""
    connection = connect(config.redis_url, timeout=TTL)
    try:
        _Worker(connection, stop).work(logging_level="WARNING")
    except RedisError as error:
        log.warning("Redis went away: %s", type(error).__name__)
    finally:
        connection.close()


def clock(config: Config, stop: Stop) -> None:
    """Rings every second for whatever waits. Several may run: the lock makes one of them ring."""
    bell = RedisBell(config.redis_url)
    app = open_app(config, bell)
    try:
        wait_for_tables(app.store, stop)
        while not stop.wait(TICK):
            try:
                with app.store.locks.hold(["clock"]) as held:
                    if held:
                        app.sweep()
            except TryAgain as error:
                log.warning("the sweep waits: %s", error)
    finally:
        bell.close()
        app.close()
