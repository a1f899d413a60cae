"""The servers under measurement, and the CPU time their processes use."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from connector.store.engine import upgrade
from tests.bench.load import ROOT, SECRET
from tests.servers import PostgresServer, ValkeyServer
from tests.web.front import Web, add_account, environment

THREADS = 32  # of a web process, ours and the peer's
DURABLE = {  # what a production Postgres has: a commit is on the disk
    "listen_addresses": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "log_min_messages": "fatal",
}


def cpu(*pids: int) -> float:
    """Seconds of CPU the processes and all below them have used."""
    total = 0.0
    for pid in pids:
        try:
            root = psutil.Process(pid)
            family = [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
        for process in family:
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system
    return total


@contextmanager
def postgres() -> Iterator[PostgresServer]:
    """A Postgres that keeps what it committed."""
    server = PostgresServer(DURABLE)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def valkey() -> Iterator[ValkeyServer]:
    """A Valkey that appends to its file, as the bundled one does."""
    server = ValkeyServer(keep=True)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def folder() -> Iterator[Path]:
    """A directory on the disk, for a HOME."""
    with tempfile.TemporaryDirectory(prefix="connector-bench-") as path:
        yield Path(path)


@contextmanager
def ours(database_url: str, redis_url: str, processes: int) -> Iterator[Web]:
    """`connector web` with one WhatsApp account, on a database with our tables."""
    with ExitStack() as stack:
        home = stack.enter_context(folder())
        url = database_url or f"sqlite:///{home / 'connector.db'}"
        upgrade(url)
        given = {
            "DATABASE_URL": url,
            "REDIS_URL": redis_url,
            "WEB_PROCESSES": str(processes),
            "WEB_THREADS": str(THREADS),
        }
        env = environment(home, LOG_LEVEL="ERROR", **given)
        add_account(env, secret=SECRET)
        web = Web(env)
        stack.callback(web.kill)
        stack.callback(web.end)
        web.home = home
        yield web


@contextmanager
def peer(redis_url: str, processes: int) -> Iterator[tuple[int, int]]:
    """(port, pid) of the peer."""
    argv = [sys.executable, "-m", "tests.bench.peer", redis_url, str(processes), str(THREADS)]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline()), process.pid
        finally:
            process.terminate()
            process.wait(30)
