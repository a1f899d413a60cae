"""How soon: from a reply's first byte to the CRM's receipt, and from a commit to its handling on an idle house."""

import http.client
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import Any

from connector import app, config, jobs
from connector.app import App
from connector.process import Stop
from connector.store.deliveries import Intake
from tests.bench.business import Business, business, workers
from tests.bench.load import PATH, SECRET
from tests.bench.report import Result, Row, percentile
from tests.web.front import Web, signed

PER_SECOND, SECONDS, CRM_MS = 20, 20, 150.0
WAKES, CALM = 200, 0.05  # seconds between two wakes


def run() -> Result:
    """Replies at 20 a second, then wakes one by one."""
    replies, waking = _replies(), _wakes()
    rows = [
        Row(
            f"reply to CRM field, {p}th percentile",
            percentile(replies, p),
            "s",
            at_most=most,
            note=f"{len(replies)} replies",
        )
        for p, most in ((50, 0.7), (95, 1.2))
    ]
    rows += [
        Row("idle wake, commit to handle, 50th percentile", percentile(waking, 50), "ms"),
        Row("idle wake, commit to handle, 99th percentile", percentile(waking, 99), "ms", at_most=10),
    ]
    return Result(rows, {"replies_s": replies, "wakes_ms": waking})


# ---- replies -----------------------------------------------------------------------------------------------------
def _replies() -> list[float]:
    """Seconds from the POST's first byte to the write that carries the contact's record."""
    count = PER_SECOND * SECONDS
    with business("hubspot", count) as shop, workers(shop, 2, clock=True), serving_web(shop) as web:
        shop.slow(CRM_MS)
        _post(shop, web, shop.people[:10])  # imports and the CRM's fields: once in the life of a process
        shop.settled(10)
        began = time.time()
        sent = _post(shop, web, shop.people)
        shop.settled(count + 10)
        heard = _heard(shop.ledger(began))
    return [heard[record] - at for record, at in sent.items()]


@contextmanager
def serving_web(shop: Business) -> Iterator[Web]:
    web = Web(shop.env)
    try:
        yield web
    finally:
        web.end()


def _post(shop: Business, web: Web, people: list[tuple[str, str]]) -> dict[str, float]:
    """One POST for each, evenly spaced; when each was begun, by CRM record."""
    sent: dict[str, float] = {}
    start = time.time()
    with closing(http.client.HTTPConnection("127.0.0.1", web.port, timeout=10)) as line:
        for n, (wa_id, record) in enumerate(people):
            body = shop.body(wa_id)
            headers = signed(body, SECRET)
            time.sleep(max(0.0, start + n / PER_SECOND - time.time()))
            sent[record] = time.time()
            line.request("POST", PATH, body, headers)
            answer = line.getresponse()
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"the web process answered {answer.status}")
    return sent


def _heard(calls: list[dict[str, Any]]) -> dict[str, float]:
    """{record: when the first update with it came}."""
    found: dict[str, float] = {}
    for call in calls:
        if call["path"].endswith("/contacts/batch/update"):
            at = datetime.fromisoformat(call["at"]).timestamp()
            for one in call["body"]["inputs"]:
                found.setdefault(str(one["id"]), at)
    return found


# ---- wakes -------------------------------------------------------------------------------------------------------
class _Watched(App):
    """Tells when handling begins."""

    tell: Connection

    def _handle(self, name: str, stop: Any) -> None:
        self.tell.send(time.monotonic())
        super()._handle(name, stop)


def _work(env: dict[str, str], tell: Connection) -> None:
    """A worker as `connector worker` runs it, with a watched app."""
    _Watched.tell = tell
    jobs.open_app = _Watched  # type: ignore[attr-defined]
    app.DRAINS = {**app.DRAINS, "handle": _Watched._handle}
    jobs.work(config.load(env), Stop())


def _wakes() -> list[float]:
    """Milliseconds from a committed delivery to the start of its handling, one at a time."""
    context = multiprocessing.get_context("spawn")
    with business("hubspot", 1) as shop:
        here, there = context.Pipe(duplex=False)
        worker = context.Process(target=_work, args=(dict(shop.env), there), daemon=True)
        worker.start()
        intake = Intake(shop.app.store, on_commit=lambda: shop.bell.ring("unpack"))
        try:
            while not shop.bell.workers():
                time.sleep(0.05)
            times = [_wake(shop, intake, here) for _ in range(WAKES + 5)]
        finally:
            intake.close()
            worker.terminate()
            worker.join(30)
    return times[5:]  # the first ones import


def _wake(shop: Business, intake: Intake, told: Connection) -> float:
    intake.submit(shop.shop, {}, shop.body(shop.people[0][0]), datetime.now(UTC))
    committed = time.monotonic()
    if not told.poll(10):
        raise RuntimeError("the worker did not wake")
    took = (told.recv() - committed) * 1000
    shop.settled(shop.sent)
    time.sleep(CALM)
    while told.poll(0):
        told.recv()
    return max(0.0, took)
