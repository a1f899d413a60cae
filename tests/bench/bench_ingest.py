"""Durable ingest of signed 900-byte webhooks beside Flask, pywa and rq: rate, CPU of each, latency at half load."""

import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import redis

from tests.bench import servers
from tests.bench.load import drive
from tests.bench.peer import QUEUE
from tests.bench.report import Result, Row, median

ROUNDS = 3
SECONDS = 2.0
MOST, PEERS = 14_000, 5_000  # requests a second that a load prepares
READY = 20.0


@dataclass(frozen=True, slots=True)
class Side:
    """One server under load. `kept` is how many deliveries it holds: what it answered 200 for must be there."""

    name: str
    port: int
    pids: tuple[int, ...]
    kept: Callable[[], int]


def run() -> Result:
    """Three rounds of everything, one after the other, medians."""
    with ExitStack() as stack:
        sides = [stack.enter_context(side) for side in (_postgres(), _peer(2), _sqlite(), _peer(1))]
        for side in sides:
            _until_it_listens(side.port)
        rounds, first = [], 0
        for _ in range(ROUNDS):
            one: dict[str, Any] = {}
            for connections in (16, 64):
                for side in sides:
                    one[f"{side.name}.{connections}"], first = _measure(side, first, connections)
            for side in (sides[0], sides[2]):
                rate = one[f"{side.name}.64"]["rate"] / 2
                one[f"{side.name}.half"], first = _measure(side, first, 64, rate)
            rounds.append(one)
    return Result(_rows(rounds), {"rounds": rounds})


def _measure(side: Side, first: int, connections: int, rate: float = 0) -> tuple[dict[str, Any], int]:
    """One load against one side; the number of the first message that was not used."""
    most = PEERS if side.name.startswith("peer") else MOST
    count = int((rate or most) * (SECONDS + 0.5))
    kept, used = side.kept(), servers.cpu(*side.pids)
    found = drive(side.port, first, count, connections, SECONDS, rate=rate)
    used = servers.cpu(*side.pids) - used
    stored = side.kept() - kept
    if found["refused"] or stored != found["all"]:
        raise RuntimeError(f"{side.name}: {found['all']} answered, {found['refused']} refused, {stored} stored")
    time.sleep(0.2)
    return found | {"cpu_us": used / found["all"] * 1e6}, first + count


def _rows(rounds: list[dict[str, Any]]) -> list[Row]:
    def rate(key: str) -> float:
        return median(rounds, lambda one: one[key]["rate"])

    def times(key: str, peer: str) -> float:
        return median(rounds, lambda one: one[key]["rate"] / one[peer]["rate"])

    rows = []
    for key, peer, at_least in (
        ("postgres.16", "peer2.16", 4.0),
        ("postgres.64", "peer2.64", 5.0),
        ("sqlite.16", "peer1.16", 3.5),
        ("sqlite.64", "peer1.64", 3.5),
    ):
        rows.append(Row(f"{key}: deliveries a second", rate(key), "/s", peer=rate(peer)))
        rows.append(Row(f"{key}: times the peer", times(key, peer), "x", at_least=at_least))
        share = median(rounds, lambda one, k=key, p=peer: one[k]["cpu_us"] / one[p]["cpu_us"])
        cost = (median(rounds, lambda one, k=k: one[k]["cpu_us"]) for k in (key, peer))
        note = "CPU us of a delivery: ours {:.0f}, peer's {:.0f}".format(*cost)
        rows.append(Row(f"{key}: CPU of a delivery, share of the peer's", share, at_most=0.25, note=note))
    for name in ("postgres.half", "sqlite.half"):
        p99 = median(rounds, lambda one, k=name: one[k]["p99"])
        note = f"at {median(rounds, lambda one, k=name: one[k]['rate']):,.0f} /s"
        rows.append(Row(f"{name}: latency, 99th percentile", p99, "ms", at_most=30, note=note))
    return rows


# ---- the sides ---------------------------------------------------------------------------------------------------
@contextmanager
def _postgres() -> Iterator[Side]:
    with servers.postgres() as database, servers.valkey() as valkey:
        url = database.database()
        with servers.ours(url, valkey.url, 2) as web, psycopg.connect(_dsn(url), autocommit=True) as conn:
            pids = (web.process.pid, database.pid, valkey.pid)
            yield Side("postgres", web.port, pids, lambda: _count(conn))


@contextmanager
def _sqlite() -> Iterator[Side]:
    with ExitStack() as stack:
        valkey = stack.enter_context(servers.valkey())
        web = stack.enter_context(servers.ours("", valkey.url, 1))
        conn = stack.enter_context(closing(sqlite3.connect(web.home / "connector.db")))
        yield Side("sqlite", web.port, (web.process.pid, valkey.pid), lambda: _count(conn))


@contextmanager
def _peer(processes: int) -> Iterator[Side]:
    with servers.valkey() as valkey, servers.peer(valkey.url, processes) as (port, pid):
        client = redis.Redis.from_url(valkey.url)
        with closing(client):
            yield Side(f"peer{processes}", port, (pid, valkey.pid), lambda: int(client.llen(f"rq:queue:{QUEUE}")))


def _count(conn: Any) -> int:
    return int(conn.execute("SELECT count(*) FROM deliveries").fetchone()[0])


def _dsn(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


def _until_it_listens(port: int) -> None:
    end = time.monotonic() + READY
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return
