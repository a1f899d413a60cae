"""Ten million events on Postgres: a year of a busy business, older texts and bodies forgotten as retention leaves them.

What claims, webhooks, pages and the nightly pruning cost then, and how large it is. Not among the parts that run when
none is named: it takes half an hour and 30 GB. SCALE_EVENTS=2000000 takes less; SCALE_POSTGRES="ADDRESS PID" names a
database that is filled already."""

import os
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import sqlalchemy as sa

from connector.pipeline.chores import backups
from connector.store import options
from connector.store import retention as steps
from connector.store.deliveries import Intake
from connector.store.engine import Store, conninfo, open_store, upgrade
from tests.bench import bench_claim, big, servers
from tests.bench.bench_reads import reads
from tests.bench.report import Result, Row
from tests.servers import PostgresServer

EVENTS = int(os.environ.get("SCALE_EVENTS", "10000000"))
TUNED = servers.DURABLE | {
    "shared_buffers": "1GB", "maintenance_work_mem": "1GB", "max_wal_size": "8GB", "checkpoint_timeout": "15min",
    "work_mem": "32MB", "random_page_cost": "1.1",
}  # fmt: skip
DAY = 86_400_000
PART = 500_000
SECONDS, CALLERS = 5.0, 64
# The old history, as retention leaves it: every row, id, state and time, and no text. Made by the database itself.
FUNCTIONS = """
CREATE FUNCTION pg_temp.id7(ms bigint, n bigint) RETURNS text IMMUTABLE LANGUAGE sql AS $$
  SELECT substr(lpad(to_hex(ms), 12, '0'), 1, 8) || '-' || substr(lpad(to_hex(ms), 12, '0'), 9) || '-7'
    || lpad(to_hex(n & 4095), 3, '0') || '-8' || lpad(to_hex((n >> 12) & 4095), 3, '0') || '-'
    || lpad(to_hex(n), 12, '0')
$$;
CREATE TEMP TABLE old AS SELECT 0::bigint n, 0::bigint at, ''::text id, ''::text lane, 0 lot LIMIT 0;
"""
MAKE = """
TRUNCATE old;
INSERT INTO old
  SELECT n, at, pg_temp.id7(at, n + 100000000), pg_temp.id7({people_start} + n % {people}, n % {people}), n % 20
  FROM (SELECT n, {begin} + ({end} - {begin}) * (n - {base}) / {total} AS at
    FROM generate_series({first}, {last}) AS n) AS x;
INSERT INTO deliveries (seq, id, account, received_at, headers, body, state)
  SELECT n, id, 'wa-account', at, '{{}}', {body}, 'unpacked' FROM old WHERE n % 2 = 1;
INSERT INTO events (seq, id, delivery, account, dedupe_key, lane, kind, payload, received_at, state)
  SELECT n, id, CASE WHEN n % 2 = 1 THEN id END, CASE WHEN lot < 8 THEN 'hub-account' ELSE 'wa-account' END,
    'old.' || n,
    CASE WHEN lot < 8 THEN 'record:hub-account:deals:' || n ELSE lane END,
    CASE WHEN lot < 8 THEN 'RecordChanged' WHEN lot < 12 THEN 'InboundMessage' ELSE 'DeliveryStatus' END,
    '{{"id":"old.' || n || '","number":"106540352242922","type":"text",' || {words} || '}}', at, 'done' FROM old;
INSERT INTO plans (event, account, event_seq, lane, journey, state, body, done_at)
  SELECT id, 'hub-account', n, lane, CASE WHEN lot < 8 THEN 'trigger' ELSE 'reply' END, 'done',
    '[{{"document":"nps-answer","version":20,"matched":true,"because":"","outcome":"",
    "reasons":[],"ordinals":[]}}]', at + 900 FROM old WHERE lot < 12;
INSERT INTO changes (event, account, ordinal, lane, object, record, kind, body, state, outcome, done_at)
  SELECT id, 'hub-account', k, lane, 'contacts', (n % {people})::text,
    CASE k WHEN 0 THEN 'SetField' ELSE 'LogActivity' END,
    '{{"kind":"SetField","field":"whatsapp_last_answer"}}', 'done', '{{"record":"1","ms":210}}', at + 1500
  FROM old, generate_series(0, 1) AS k WHERE lot BETWEEN 8 AND 11;
INSERT INTO sends (id, cause, event, account, crm, lane, number, document, version, template, language, category,
    priority, "to", state, wamid, rank, attempts, at, started_at, ended_at)
  SELECT pg_temp.id7(at + 500, n), 'old.' || n, id, 'wa-account', 'hub-account', lane, '106540352242922', 'deal-won',
    20, 'deal_won_v1', 'es', 'UTILITY', 1, '+57300' || lpad((n % {people})::text, 7, '0'), 'read', 'old.' || n, 5, 1,
    at + 500, at + 900, at + 1200 FROM old WHERE lot < 8;
INSERT INTO send_attempts (send, n, lane, number, started_at, ended_at, outcome)
  SELECT pg_temp.id7(at + 500, n), 1, lane, '106540352242922', at + 900, at + 1200, 'accepted' FROM old WHERE lot < 8;
INSERT INTO statuses (wamid, status, event, send, at)
  SELECT 'old.' || n, 'read', 'old.' || n, pg_temp.id7(at + 500, n), at FROM old WHERE lot >= 12 AND n % 2 = 1;
"""


FORGOTTEN = {"body": "''", "words": "'\"texts_gone\":90'"}
KEPT = {
    "body": """convert_to(repeat('{"entry": []}', 40), 'UTF8')""",
    "words": """'"text":"' || repeat('Hola, una persona escribe. ', 3) || '","answer":{}'""",
}


class Long(big.Past):
    """A year: eleven months forgotten, the last one as it came, and a little of everything that waits."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.people = big.CONTACTS

    def make(self) -> None:
        self.sink.db.execute(FUNCTIONS)
        month = EVENTS // 10
        old, recent = EVENTS - month, month - self.events
        self._rows(0, old, self.start - 335 * DAY, self.start, FORGOTTEN)
        self._rows(old, recent, self.start, self.end, KEPT)
        self.seq = old + recent
        self.changes = self.sink.db.execute("SELECT coalesce(max(seq), 0) FROM changes").fetchone()[0]
        newest = "(SELECT coalesce(max(seq), 0) + 1 FROM deliveries)"
        self.sink.db.execute(f"SELECT setval(pg_get_serial_sequence('deliveries', 'seq'), {newest}, false)")
        super().make()

    def _rows(self, base: int, total: int, begin: int, end: int, what: Mapping[str, str]) -> None:
        begun = time.monotonic()
        span = {"begin": begin, "end": end, "total": max(total, 1), "base": base, "people": self.people,
                "people_start": self.start - 1_000_000}  # fmt: skip
        for first in range(base + 1, base + total + 1, PART):
            last = min(first + PART - 1, base + total)
            self.sink.db.execute(MAKE.format(first=first, last=last, **span, **what))
            self.sink.db.commit()
            print(f"  {last:,} events, {time.monotonic() - begun:.0f} s", flush=True)


def run() -> Result:
    result, rounds = Result(), dict[str, Any]()
    with ExitStack() as stack:
        home = stack.enter_context(servers.folder())
        given = os.environ.get("SCALE_POSTGRES", "")
        if given:
            url, pid = given.split()
            server = int(pid)
        else:
            postgres = PostgresServer(TUNED)
            stack.callback(postgres.close)
            url, server = postgres.database(), postgres.pid
            rounds["fill_s"] = _fill(url)
        store = open_store(url, home=home)
        stack.callback(store.close)
        for part in (_sizes, _claims, _ingest, _pages, _prune, _backup):
            print(f"  {part.__name__}", flush=True)
            rounds[part.__name__] = part(store, server, result)
    result.rounds = rounds
    return result


def _fill(url: str) -> float:
    started = time.monotonic()
    upgrade(url)
    Long(big.Sink(url), datetime.now(UTC), EVENTS / big.EVENTS / 500).make()
    return round(time.monotonic() - started)


def _sizes(store: Store, _: int, result: Result) -> dict[str, int]:
    query = """SELECT relname, pg_total_relation_size(oid), pg_relation_size(oid) FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 2 DESC LIMIT 10"""
    with store.read() as conn:
        rows = conn.exec_driver_sql(query).all()
        total = conn.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one()
    result.rows.append(Row("the database", total / 2**30, "GB"))
    for name, whole, bare in rows[:8]:
        note = f"without its indexes {bare / 2**30:.1f} GB"
        result.rows.append(Row(f"table {name}", round(whole / 2**30, 2), "GB", note=note))
    return {name: whole for name, whole, _ in rows}


def _backup(store: Store, server: int, result: Result) -> dict[str, Any]:
    """Everything into one file, without anybody's files."""
    with servers.folder() as folder:
        before = servers.cpu(os.getpid(), server)
        told = backups.backup(store, folder / "one.backup", datetime.now(UTC), media=False)
        used = servers.cpu(os.getpid(), server) - before
    result.rows.append(Row("backup", told["seconds"], "s", note=f"{told['size'] / 2**30:.2f} GB; CPU {used:.0f} s"))
    return {"size": told["size"], "s": told["seconds"], "cpu_s": round(used)}


# ---- work --------------------------------------------------------------------------------------------------------
def _claims(store: Store, server: int, result: Result) -> dict[str, Any]:
    """A hundred of each wait, in a transaction that is undone."""
    told: dict[str, Any] = {}
    now = datetime.now(UTC)
    for name, claim in bench_claim.CLAIMS.items():
        times = [_claimed(store, claim, now) for _ in range(30)]
        told[name] = [round(t, 2) for t in times]
        result.rows.append(Row(f"claiming 100 {name}", round(statistics.median(times), 2), "ms", at_most=25))
    return told


def _claimed(store: Store, claim: Callable[[sa.Connection, datetime], int], now: datetime) -> float:
    with store.engine.connect() as conn, conn.begin() as undone:
        for text in bench_claim.ROWS:
            numbers = bench_claim.NUMBERS["postgresql"].format(900_000_001, 900_000_100)
            conn.exec_driver_sql(text.format(numbers=numbers, blob=bench_claim.BLOB["postgresql"], **bench_claim.NEW))
        started = time.perf_counter()
        claim(conn, now)
        took = (time.perf_counter() - started) * 1000
        undone.rollback()
    return took


def _ingest(store: Store, server: int, result: Result) -> dict[str, Any]:
    """Webhooks made safe, by the group commit of one web process."""
    intake, stop, done = Intake(store, timeout=5.0), threading.Event(), [0] * CALLERS
    body = b'{"entry": []}' * 40

    def call(n: int) -> None:
        while not stop.is_set():
            intake.submit("wa-account", {}, body, datetime.now(UTC))
            done[n] += 1

    threads = [threading.Thread(target=call, args=(n,)) for n in range(CALLERS)]
    before = servers.cpu(os.getpid(), server)
    for thread in threads:
        thread.start()
    time.sleep(SECONDS)
    stop.set()
    for thread in threads:
        thread.join()
    used = servers.cpu(os.getpid(), server) - before
    intake.close()
    with store.write() as conn:
        conn.exec_driver_sql("DELETE FROM deliveries WHERE state = 'new' AND account = 'wa-account'")
    rate = sum(done) / SECONDS
    note = f"CPU {used / max(sum(done), 1) * 1000:.2f} ms each, client and server"
    result.rows.append(Row("webhooks stored a second, one process", round(rate), "/s", note=note))
    return {"stored": sum(done), "cpu_s": round(used, 2)}


def _pages(store: Store, server: int, result: Result) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, read in reads(datetime.now(UTC)):
        times = []
        for n in range(6):
            started = time.perf_counter()
            with store.read() as conn:
                conn.exec_driver_sql("SET LOCAL statement_timeout = 0")
                read(conn)
            if n:  # the first one warms
                times.append((time.perf_counter() - started) * 1000)
        told[name] = [round(t, 1) for t in times]
        result.rows.append(Row(f"page: {name}", round(statistics.median(times), 1), "ms", at_most=100))
        print(f"    {name:<44} {statistics.median(times):8.1f}", flush=True)
    del server
    return told


# ---- the night ---------------------------------------------------------------------------------------------------
def _prune(store: Store, server: int, result: Result) -> dict[str, Any]:
    """The first night that has half a month to forget, then one that has a day, step by step."""
    told: dict[str, Any] = {}
    now = datetime.now(UTC)
    for night, at in (("first night", now), ("the next night", now + timedelta(days=1))):
        told[night] = _night(store, server, at, night, result)
    with psycopg.connect(conninfo(store.engine.url), autocommit=True) as conn:
        conn.execute("SET statement_timeout = 0")
        started = time.monotonic()
        conn.execute("VACUUM deliveries")
        told["vacuum deliveries, s"] = round(time.monotonic() - started, 1)
        size = conn.execute("SELECT pg_total_relation_size('deliveries')").fetchone()
    result.rows.append(Row("VACUUM deliveries after it", told["vacuum deliveries, s"], "s"))
    told["deliveries, bytes"] = size[0] if size else 0
    return told


def _night(store: Store, server: int, at: datetime, name: str, result: Result) -> dict[str, Any]:
    told: dict[str, Any] = {}
    with store.read() as conn:
        held = options.get(conn)
    for step_name, step in steps.STEPS.items():
        started, before, done, parts, longest = time.monotonic(), servers.cpu(os.getpid(), server), 0, 0, 0.0
        after, more = None, True
        while more:
            begun = time.monotonic()
            with store.write() as conn:
                found = step(conn, held, at, after)
            longest = max(longest, time.monotonic() - begun)
            done, parts = done + found.done, parts + 1
            after, more = found.after, found.after is not None
        took, used = time.monotonic() - started, servers.cpu(os.getpid(), server) - before
        told[step_name] = {"s": round(took, 1), "cpu_s": round(used, 1), "rows": done, "transactions": parts,
                           "longest_ms": round(longest * 1000)}  # fmt: skip
        rate = f", {done / took:,.0f} a second" if done else ""
        note = f"{done:,} rows{rate}; {parts:,} transactions, the longest {longest * 1000:.0f} ms; CPU {used:.0f} s"
        result.rows.append(Row(f"pruning, {name}: {step_name}", round(took, 1), "s", note=note))
        print(f"    {name}, {step_name}: {note}", flush=True)
    return told
