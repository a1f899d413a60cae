"""The bell on Redis: a hint through RQ that work waits. Nobody waits for Redis; a lost ring costs latency only."""

import logging
import threading
import time
from collections.abc import Iterable

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.queue import EnqueueData
from rq.serializers import JSONSerializer

log = logging.getLogger("connector.bell")
QUEUE = "connector"  # one queue only: a worker on two loses the job it just took when it is killed
JOB = "connector.jobs.drain"
RUNG_FOR = 10_000  # ms a bell stays rung when nobody hears it
FULL = 1000  # jobs in the queue: no worker is there, the sweep rings again when one is
KEEP = 60  # seconds a job is kept that nobody took, or that failed
TIMEOUT = 1.0  # seconds for one answer of Redis
PAUSE = 1.0  # seconds without a call after Redis failed
LOOK = 0.1  # seconds an answer of `waiting` is good for


def connect(url: str, *, timeout: float = TIMEOUT) -> "Redis":
    """A client that tries once: our callers know better than it when to try again."""
    once = Retry(NoBackoff(), 0)
    return Redis.from_url(url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=once)


class RedisBell:
    """ports.Bell. `ring` only notes the names; a thread of its own sends them, many rings of one name as one."""

    def __init__(self, url: str) -> None:
        self._redis = connect(url)
        self._queue = Queue(QUEUE, connection=self._redis, serializer=JSONSerializer, default_timeout=-1)
        self._wake = threading.Condition()
        self._names: dict[str, None] = {}
        self._thread: threading.Thread | None = None
        self._closing = False
        self._away_until = 0.0
        self._told = False
        self._stuck: set[str] = set()  # rung, but perhaps without a job
        self._looked, self._waiting = 0.0, False

    def ring(self, *names: str) -> None:
        """Returns at once."""
        if not names:
            return
        with self._wake:
            self._names.update(dict.fromkeys(names))
            if self._thread is None:
                self._thread = threading.Thread(target=self._send_all, name="bell", daemon=True)
                self._thread.start()
            self._wake.notify()

    def heard(self, name: str) -> None:
        if self.here():
            try:
                self._redis.delete(_key(name))
            except RedisError as error:
                self._failed(error)

    def waiting(self) -> bool:
        now = time.monotonic()
        if now - self._looked > LOOK and self.here():
            self._looked = now
            try:
                self._waiting = bool(self._redis.llen(self._queue.key))
            except RedisError as error:
                self._waiting = False
                self._failed(error)
        return self._waiting

    def here(self) -> bool:
        """Redis did not fail within the last second."""
        return time.monotonic() >= self._away_until

    def answers(self) -> bool:
        """Redis answers now."""
        try:
            return bool(self._redis.ping())
        except RedisError:
            return False

    def workers(self) -> int:
        """How many workers are there to hear. Raises RedisError."""
        return sum(1 for key in self._redis.smembers(f"rq:workers:{QUEUE}") if self._redis.exists(key))

    def close(self) -> None:
        """Sends what was rung, a second at most."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(timeout=TIMEOUT)
        self._redis.close()

    def _send_all(self) -> None:
        while True:
            with self._wake:
                while not self._names and not self._closing:
                    self._wake.wait()
                names = list(self._names)
                self._names.clear()
                if not names:
                    return
            if self.here():
                self._send(names)

    def _send(self, names: Iterable[str]) -> None:
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.delete(*(_key(name) for name in (self._stuck or {""})))
                pipe.llen(self._queue.key)
                for name in names:
                    pipe.set(_key(name), 1, nx=True, px=RUNG_FOR)
                _, length, *won = pipe.execute()
            ours = [name for name, first in zip(names, won, strict=True) if first]
            if ours and length < FULL:
                self._queue.enqueue_many([self._job(name) for name in ours])
        except RedisError as error:
            self._stuck.update(names)
            self._failed(error)
        else:
            self._stuck.clear()
            self._told = False

    def _job(self, name: str) -> EnqueueData:
        """A fresh id each time: an id of RQ's own is taken for good once its worker was killed."""
        return Queue.prepare_data(JOB, (name,), timeout=-1, result_ttl=0, ttl=KEEP, failure_ttl=KEEP, description=name)

    def _failed(self, error: RedisError) -> None:
        self._away_until = time.monotonic() + PAUSE
        if not self._told:
            self._told = True
            log.warning("Redis does not answer (%s); the workers go on without it", type(error).__name__)


def _key(name: str) -> str:
    return f"bell:{name}"
