"""Writing back: replies of 2,000 linked contacts through one worker, each CRM answering in 100 ms."""

import os
import statistics
import time
from typing import Any

from tests.bench import servers
from tests.bench.business import Business, business, workers
from tests.bench.report import Result, Row

PEOPLE = 2000
CRM_MS = 100.0
LIMIT = 190  # calls in 10 s, HubSpot Professional
RECORDS = {"hubspot": 95.0, "salesforce": 190.0}
ROUNDS = 3
WAVES = 4  # of the run against the limit: more calls than 10 s allow


def run() -> Result:
    """Each CRM on its own, then HubSpot with its rate limit."""
    rows: list[Row] = []
    rounds: dict[str, Any] = {}
    for crm in RECORDS:
        with business(crm, PEOPLE) as shop, workers(shop, 1):
            shop.slow(CRM_MS)
            _wave(shop)  # the worker's imports, the CRM's fields: once in the life of a worker
            rounds[crm] = [_wave(shop) for _ in range(ROUNDS)]
        rows += _rows(crm, rounds[crm])
    with servers.postgres() as database, business("hubspot", PEOPLE, database.database()) as shop, workers(shop, 1):
        shop.slow(CRM_MS)
        _wave(shop)
        rounds["postgres"] = [_wave(shop) for _ in range(ROUNDS)]
    rate = statistics.median(one["events_per_second"] for one in rounds["postgres"])
    rows.append(Row("hubspot on Postgres: events a second, one worker", rate, "/s", at_least=1000))
    rounds["limited"] = _limited()
    busy = sum(one["busy"] for one in rounds["limited"])
    calls = sum(one["calls"] for one in rounds["limited"])
    rows.append(Row(f"hubspot, {LIMIT} calls in 10 s: answers 429", busy, at_most=0, note=f"{calls} calls"))
    return Result(rows, rounds)


def _limited() -> list[dict[str, Any]]:
    with business("hubspot", PEOPLE, limit=LIMIT) as shop, workers(shop, 1, clock=True):
        shop.slow(CRM_MS)
        return [_wave(shop) for _ in range(WAVES)]


def _wave(shop: Business) -> dict[str, Any]:
    """One reply of everybody, from the ring to the last outcome in the database."""
    before = shop.sent
    shop.store([wa_id for wa_id, _ in shop.people])
    began = time.time()
    shop.bell.ring("unpack")
    took = shop.settled(before + PEOPLE) - began
    calls = shop.ledger(began)
    writes = [len(c["record"]) for c in calls if c["record"] and c["method"] != "GET" and "read" not in c["path"]]
    if os.environ.get("BENCH_CALLS"):
        print([(c["at"][17:23], c["path"][-30:], len(c["record"] or ())) for c in calls])
    return {
        "seconds": round(took, 3),
        "events_per_second": round(PEOPLE / took, 1),
        "calls": len(calls),
        "calls_per_100": round(len(calls) / PEOPLE * 100, 2),
        "records_per_write": round(statistics.mean(writes), 1),
        "busy": sum(c["status"] == 429 for c in calls),
    }


def _rows(crm: str, rounds: list[dict[str, Any]]) -> list[Row]:
    def middle(name: str) -> float:
        return statistics.median(one[name] for one in rounds)

    return [
        Row(f"{crm}: records a write call", middle("records_per_write"), at_least=RECORDS[crm]),
        Row(f"{crm}: calls for 100 contacts", middle("calls_per_100"), at_most=4),
        Row(f"{crm}: events a second, one worker", middle("events_per_second"), "/s", at_least=1000),
    ]
