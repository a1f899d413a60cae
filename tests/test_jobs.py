"""Bell and worker on a real Valkey: rings are few, workers wake at once, and nothing depends on a ring."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime

import pytest
import redis
from rq import Queue
from rq.serializers import JSONSerializer

from connector import config
from connector.app import open_app
from connector.bell import QUEUE, RUNG_FOR, RedisBell
from connector.jobs import TICK, wait_for_tables
from connector.store import tasks
from connector.store.engine import open_store, upgrade
from tests.servers import ValkeyServer
from tests.web.front import ROOT, add_account, environment, rows

BODY = b'{"object": "whatsapp_business_account", "entry": []}'


@pytest.fixture
def bell(valkey):
    ringing = RedisBell(valkey)
    yield ringing
    ringing.close()


@pytest.fixture
def client(valkey):
    with closing(redis.Redis.from_url(valkey)) as connected:
        yield connected


@pytest.fixture
def own_home(home, sqlite_template):
    """A home with a fresh database."""
    shutil.copy(sqlite_template, home / "connector.db")
    return home


@pytest.fixture
def shop(own_home):
    """The id of an account in a fresh home."""
    return add_account(environment(own_home))


@pytest.fixture
def start():
    """Starts commands of ours that do not outlive the test."""
    running = []

    def begin(env, *words):
        argv = [sys.executable, "-m", "connector.cli", *words]
        running.append(subprocess.Popen(argv, env=env, cwd=ROOT, stderr=subprocess.PIPE))
        return running[-1]

    yield begin
    for process in running:
        if process.returncode is None:
            process.kill()
        process.communicate()


def jobs(client):
    return Queue(QUEUE, connection=client, serializer=JSONSerializer).jobs


def until(happened, seconds=15.0):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def deliver(home, account, body=BODY):
    """One stored delivery, as the web process leaves it."""
    with closing(sqlite3.connect(home / "connector.db")) as conn, conn:
        n = conn.execute("SELECT count(*) FROM deliveries").fetchone()[0]
        values = (f"delivery-{n}", account, int(time.time() * 1000), "{}", body)
        conn.execute("INSERT INTO deliveries (id, account, received_at, headers, body) VALUES (?, ?, ?, ?, ?)", values)


def waiting(home):
    return rows(home, "SELECT count(*) FROM deliveries WHERE state = 'new'")[0][0]


def test_many_rings_of_one_bell_are_one_job_until_it_is_heard(bell, client):
    for _ in range(5):
        bell.ring("unpack", "write:a")
        until(lambda: len(jobs(client)) == 2)
    assert sorted(job.args for job in jobs(client)) == [["unpack"], ["write:a"]]
    assert 0 < client.pttl("bell:unpack") <= RUNG_FOR
    bell.heard("unpack")
    bell.ring("unpack", "write:a")
    until(lambda: len(jobs(client)) == 3)
    assert len({job.id for job in jobs(client)}) == 3


def test_a_job_holds_the_name_only_as_json_and_leaves_nothing_behind(bell, client):
    bell.ring("unpack")
    until(lambda: jobs(client))
    job = jobs(client)[0]
    assert (job.func_name, job.timeout, job.result_ttl) == ("connector.jobs.drain", -1, 0)
    assert json.loads(job.data)[2] == ["unpack"]


def test_waiting_sees_another_drain(bell, client):
    assert not bell.waiting()
    bell.ring("unpack")
    until(bell.waiting)


def test_a_bell_without_redis_never_raises_and_never_waits():
    bell = RedisBell("unix:///nowhere/at/all")
    started = time.monotonic()
    for _ in range(100):
        bell.ring("unpack")
        bell.heard("unpack")
        assert not bell.waiting()
    assert not bell.answers()
    bell.close()
    assert time.monotonic() - started < 5


def test_a_bell_that_was_rung_in_vain_rings_again_when_redis_is_back():
    server = ValkeyServer()
    bell = RedisBell(server.url)
    try:
        with closing(redis.Redis.from_url(server.url)) as client:
            client.set("bell:write:a", 1)  # as if it had been lost between the bell and its job
            bell._stuck.add("write:a")  # before its thread begins, which forgets them once a ring went through
            bell.ring("unpack", "write:a")
            until(lambda: len(jobs(client)) == 2)
    finally:
        bell.close()
        server.close()


def test_a_worker_hears_the_bell_and_leaves_no_trace_in_redis(own_home, shop, valkey, client, start):
    worker = start(environment(own_home, REDIS_URL=valkey), "worker", "--processes", "1")
    until(lambda: client.smembers(f"rq:workers:{QUEUE}"))
    bell = RedisBell(valkey)
    for n in range(1, 4):
        deliver(own_home, shop)
        bell.ring("unpack")
        until(lambda: waiting(own_home) == 0)
        assert rows(own_home, "SELECT count(*) FROM deliveries WHERE state = 'unpacked'") == [(n,)]
    bell.close()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(15) == 0
    left = {key.decode() for key in client.scan_iter()}
    assert not [key for key in left if key.startswith(("rq:job:", "rq:finished", "rq:failed", "rq:wip", "bell:"))]
    assert not client.smembers(f"rq:workers:{QUEUE}")


def test_a_worker_that_hears_the_bell_does_a_task(own_home, valkey, client, start):
    start(environment(own_home, REDIS_URL=valkey), "worker", "--single")
    until(lambda: client.smembers(f"rq:workers:{QUEUE}"))
    store = open_store(f"sqlite:///{own_home / 'connector.db'}", home=own_home)
    with closing(store), closing(RedisBell(valkey)) as bell:
        with store.write() as conn:
            id_ = tasks.add(conn, "doctor", {}, "ana", datetime.now(UTC))
        bell.ring("task")
        until(lambda: rows(own_home, "SELECT state FROM tasks") == [("done",)])
        with store.read() as conn:
            assert tasks.get(conn, id_).result["ok"]


def test_only_a_bell_can_be_a_job(own_home, shop, valkey, client, start, tmp_path):
    start(environment(own_home, REDIS_URL=valkey), "worker", "--single")
    made = tmp_path / "made-by-a-job"
    queue = Queue(QUEUE, connection=client, serializer=JSONSerializer)
    queue.enqueue("os.mkdir", str(made))
    deliver(own_home, shop)
    with closing(RedisBell(valkey)) as bell:
        bell.ring("unpack")
        until(lambda: waiting(own_home) == 0)
    assert not made.exists()


@pytest.mark.long
def test_a_worker_without_redis_does_the_same_work(own_home, shop, start):
    worker = start(environment(own_home, REDIS_URL="unix:///nowhere/at/all"), "worker", "--single")
    deliver(own_home, shop)
    until(lambda: waiting(own_home) == 0)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(10) == 0


def test_redis_that_dies_and_comes_back_stops_nothing(own_home, shop, start):
    server = ValkeyServer()
    try:
        start(environment(own_home, REDIS_URL=server.url), "worker", "--single")
        with closing(redis.Redis.from_url(server.url)) as client:
            until(lambda: client.smembers(f"rq:workers:{QUEUE}"))
        server.stop()
        deliver(own_home, shop)
        until(lambda: waiting(own_home) == 0)
        server.start()
        with closing(redis.Redis.from_url(server.url)) as client:
            until(lambda: client.smembers(f"rq:workers:{QUEUE}"))
            deliver(own_home, shop)
            queue = Queue(QUEUE, connection=client, serializer=JSONSerializer)
            queue.enqueue("connector.jobs.drain", "unpack", result_ttl=0)
            until(lambda: waiting(own_home) == 0)
    finally:
        server.close()


def test_the_clock_rings_for_what_nobody_rang_for(own_home, shop, valkey, client, start):
    clock = start(environment(own_home, REDIS_URL=valkey), "clock")
    deliver(own_home, shop)
    until(lambda: jobs(client))
    assert jobs(client)[0].args == ["unpack"]
    clock.send_signal(signal.SIGTERM)
    assert clock.wait(10) == 0


@pytest.mark.long
def test_a_worker_that_is_killed_is_started_again(own_home, shop, valkey, client, start):
    launcher = start(environment(own_home, REDIS_URL=valkey), "worker", "--processes", "1")
    until(lambda: client.smembers(f"rq:workers:{QUEUE}"))
    first = _pid(client)
    os.kill(first, signal.SIGKILL)
    until(lambda: len(client.smembers(f"rq:workers:{QUEUE}")) == 2)
    deliver(own_home, shop)
    with closing(RedisBell(valkey)) as bell:
        bell.ring("unpack")
        until(lambda: waiting(own_home) == 0)
    launcher.send_signal(signal.SIGTERM)
    assert launcher.wait(15) == 0


def _pid(client) -> int:
    (key,) = client.smembers(f"rq:workers:{QUEUE}")
    return int(client.hget(key, "pid"))


def test_a_worker_waits_for_its_tables(tmp_path, caplog):
    """One that is newer than the tables would fail at every event, and give each up in the end."""
    store = open_store(f"sqlite:///{tmp_path / 'connector.db'}", home=tmp_path)
    looks = []

    class Stop:
        def __call__(self):
            return False

        def wait(self, seconds):
            looks.append(seconds)
            upgrade(f"sqlite:///{tmp_path / 'connector.db'}")

    wait_for_tables(store, Stop())
    assert looks == [TICK]
    assert "connector db upgrade" in caplog.text
    store.close()


def test_a_bell_of_a_newer_version_is_left_to_its_workers(own_home, bell, caplog):
    """While an upgrade is under way, old workers hear bells that they do not know."""
    app = open_app(config.load(environment(own_home)), bell)
    app.drain("tomorrow:x", stop=lambda: False)
    assert "tomorrow is of a newer version" in caplog.text
    app.close()
