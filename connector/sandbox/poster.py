"""Webhooks that go out: posted by a pool of threads, delivered again until the other side accepts them."""

import heapq
import itertools
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import urllib3

TIMEOUT = urllib3.Timeout(connect=3, read=20)
THREADS = 16


def only_200(status: int, _body: bytes) -> bool:
    """Meta's rule: only 200 counts (developers.facebook.com, webhooks overview, checked 2026-09)."""
    return status == 200


@dataclass(frozen=True)
class Webhook:
    """One POST to make. `body` gets the attempt's number, from 0; `headers` gets URL and body, to sign them."""

    service: str
    url: str
    body: Callable[[int], bytes]
    headers: Callable[[str, bytes], Mapping[str, str]]
    accepted: Callable[[int, bytes], bool] = only_200


@dataclass(frozen=True)
class Patience:
    """How long to go on: the first repeat comes at once, the next after `first` seconds, each wait then doubles."""

    first: float = 0.5
    longest: float = 60.0
    total: float = 7 * 24 * 3600.0  # Meta goes on for 7 days

    def wait(self, attempt: int) -> float:
        """Seconds between this attempt (from 0) and the next."""
        return 0.0 if attempt == 0 else min(self.first * 2 ** min(attempt - 1, 32), self.longest)


@dataclass(order=True)
class _Job:
    at: float
    order: int
    webhook: Webhook = field(compare=False)
    attempt: int = field(compare=False, default=0)
    started: float = field(compare=False, default=0.0)


@dataclass
class Tally:
    """What became of one service's webhooks."""

    delivered: int = 0
    refused: int = 0  # attempts that were not accepted
    given_up: int = 0
    last: str = ""


class Poster:
    """`post` returns at once; `wait` blocks until nothing is under way. Threads start with the first webhook."""

    def __init__(self, patience: Patience | None = None, threads: int = THREADS) -> None:
        self.patience = patience or Patience()
        self.tallies: dict[str, Tally] = {}
        self._threads = threads
        self._jobs: list[_Job] = []
        self._order = itertools.count()
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)  # for the threads that deliver
        self._idle = threading.Condition(self._lock)  # for those who wait until all is delivered
        self._under_way: Counter[str] = Counter()
        self._epoch = 0
        self._started = False
        self._pool = urllib3.PoolManager(maxsize=threads, retries=False)

    def post(self, webhook: Webhook, after: float = 0.0) -> None:
        """Deliver in `after` seconds."""
        now = time.monotonic()
        with self._changed:
            self._start()
            self._under_way[webhook.service] += 1
            self._push(_Job(now + after, 0, webhook, 0, now + after))

    def wait(self, seconds: float) -> bool:
        """True once nothing is under way, False when that takes longer than `seconds`."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._under_way.total(), timeout=seconds)

    def waiting(self, service: str) -> int:
        """How many webhooks of a service are not accepted yet."""
        with self._lock:
            return self._under_way[service]

    def tally(self, service: str) -> Tally:
        """What became of a service's webhooks so far."""
        with self._lock:
            return replace(self.tallies.get(service, Tally()))

    def forget(self) -> None:
        """Drop everything under way and the tallies."""
        with self._changed:
            self._epoch += 1
            self._jobs.clear()
            self._under_way.clear()
            self.tallies.clear()
            self._idle.notify_all()

    def _start(self) -> None:
        if not self._started:
            self._started = True
            for n in range(self._threads):
                threading.Thread(target=self._work, name=f"webhooks-{n}", daemon=True).start()

    def _push(self, job: _Job) -> None:
        job.order = next(self._order)
        heapq.heappush(self._jobs, job)
        self._changed.notify()

    def _work(self) -> None:
        while True:
            job, epoch = self._take()
            try:
                accepted, note = self._attempt(job)
            except Exception as mistake:  # noqa: BLE001 - a stand-in's own callback: the thread must live on
                traceback.print_exc(file=sys.stderr)
                accepted, note = False, type(mistake).__name__
            self._settle(job, epoch, accepted, note)

    def _take(self) -> tuple[_Job, int]:
        with self._changed:
            while True:
                now = time.monotonic()
                if self._jobs and self._jobs[0].at <= now:
                    return heapq.heappop(self._jobs), self._epoch
                self._changed.wait(self._jobs[0].at - now if self._jobs else None)

    def _attempt(self, job: _Job) -> tuple[bool, str]:
        body = job.webhook.body(job.attempt)
        headers = job.webhook.headers(job.webhook.url, body)
        try:
            answer = self._pool.request(
                "POST", job.webhook.url, body=body, headers=headers, timeout=TIMEOUT, redirect=False
            )
        except urllib3.exceptions.HTTPError as failure:
            return False, type(failure).__name__
        return job.webhook.accepted(answer.status, answer.data), str(answer.status)

    def _settle(self, job: _Job, epoch: int, accepted: bool, note: str) -> None:
        now = time.monotonic()
        at = now + self.patience.wait(job.attempt)
        with self._changed:
            if epoch != self._epoch:
                return
            tally = self.tallies.setdefault(job.webhook.service, Tally())
            tally.last = note
            if accepted:
                tally.delivered += 1
            else:
                tally.refused += 1
                if at - job.started <= self.patience.total:
                    self._push(_Job(at, 0, job.webhook, job.attempt + 1, job.started))
                    return
                tally.given_up += 1
            self._under_way[job.webhook.service] -= 1
            self._idle.notify_all()
