"""Everything one deployment consists of, as real processes on free ports: what the killer kills and the load loads."""

import json
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import redis
import sqlalchemy as sa

from connector import config as settings
from connector.app import App, kinds
from connector.bell import RedisBell
from connector.cli.demo import ACCOUNTS
from connector.core import documents as language
from connector.errors import StoreDown
from connector.store import doctor
from connector.store import documents as document_rows
from connector.store.engine import upgrade
from connector.supervisor import healthy
from connector.web.server import free_port
from tests.chaos.hands import Hands
from tests.chaos.processes import ROOT, Keeper, Slot
from tests.servers import PostgresServer, ValkeyServer
from tests.web.front import environment

DOCUMENTS = Path(__file__).parent / "mappings"
DELAYS = ((20.0, 0.6), (40.0, 0.4))  # milliseconds and how often: the CRMs answer after 0, 20, 40 or 60 ms
LOOK = 0.05  # seconds between two looks at the counts
CRMS = ("hubspot", "salesforce")
WORDS = {"web": ("web",), "worker": ("worker", "--single"), "clock": ("clock",)}


@dataclass(slots=True)
class Sandbox:
    """The stand-ins, in a process of their own that nobody kills."""

    process: subprocess.Popen[str]
    url: str

    @classmethod
    def start(cls) -> "Sandbox":
        argv = [sys.executable, "-m", "connector.sandbox", "--port", "0", "--json", "--hubspot-limit", "0"]
        process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        return cls(process, json.loads(process.stdout.readline())["sandbox"])

    def slow(self) -> None:
        """Answers come late, so that there is something in hand at any time."""
        faults = [
            {"route": f"* /{crm}/*", "kind": "delay", "ms": ms, "rate": rate, "seed": n}
            for n, (ms, rate) in enumerate(DELAYS)
            for crm in CRMS
        ]
        data = json.dumps(faults).encode()
        request = urllib.request.Request(f"{self.url}/_faults", data, {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).close()

    def ledger(self, service: str) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.url}/_ledger?service={service}", timeout=60) as answer:
            return [json.loads(line) for line in answer]

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()


class Rig:
    """`with Rig(home, postgres) as rig:`; without a Postgres the database is SQLite."""

    def __init__(self, home: Path, postgres: PostgresServer | None, *, workers: int = 2, mutant: str = "") -> None:
        self.home, self.postgres, self.mutant = home, postgres, mutant
        self.names = {"web": "web", "clock": "clock"} | {f"worker{n + 1}": "worker" for n in range(workers)}
        self.url = postgres.database() if postgres else f"sqlite:///{home / 'connector.db'}"
        self.valkey = ValkeyServer()
        self.sandbox = Sandbox.start()
        self.port = free_port("127.0.0.1", 0)
        upgrade(self.url)
        if postgres:
            self._prepare()
        config = settings.load(self._environment("postgres"))
        self.bell = RedisBell(config.redis_url)
        self.app = App(config, self.bell)
        accounts = self._connect()
        self._publish()
        self.sandbox.slow()
        self.keeper = Keeper([self._slot(name, kind) for name, kind in self.names.items()])
        self.hands = Hands(self.app, self.keeper.slots, accounts, None if postgres else home / "locks")

    def __enter__(self) -> "Rig":
        self.keeper.start()
        self._until_healthy()
        return self

    def __exit__(self, *_: object) -> None:
        self.keeper.close()
        self.app.close()
        self.bell.close()
        self.sandbox.close()
        self.valkey.close()
        if self.postgres:
            self.postgres.drop(self.url)

    @property
    def workers(self) -> list[str]:
        return [name for name, kind in self.names.items() if kind == "worker"]

    def slot(self, name: str) -> Slot:
        return next(slot for slot in self.keeper.slots if slot.name == name)

    # ---- what happens to it --------------------------------------------------------------------------------------
    def flush(self) -> None:
        """Redis forgets everything."""
        client = redis.Redis.from_url(self.valkey.url)
        client.flushall()
        client.close()

    def kill_valkey(self) -> float:
        at = time.time()
        self.valkey.stop()
        self.valkey.start()
        return at

    # ---- how it stands -------------------------------------------------------------------------------------------
    def counts(self) -> dict[str, int] | None:
        """doctor's counts; None while the database is away."""
        try:
            with self.app.store.read() as conn:
                return doctor.counts(conn) | {"packed": self._packed(conn)}
        except StoreDown:
            return None

    def findings(self) -> list[dict[str, Any]]:
        with self.app.store.read() as conn:
            return doctor.findings(conn, datetime.now(UTC))

    def settle(self, events: int, patience: float) -> float:
        """Seconds until everything is stored and nothing waits; `patience` when that never happens."""
        start = time.monotonic()
        while time.monotonic() < start + patience:
            now = self.counts()
            if now and now["events"] >= events and now["waiting"] == 0 and now["packed"] == 0:
                return time.monotonic() - start
            time.sleep(LOOK)
        return patience

    @staticmethod
    def _packed(conn: sa.Connection) -> int:
        return int(conn.execute(sa.text("SELECT count(*) FROM deliveries WHERE state = 'new'")).scalar_one())

    # ---- set up --------------------------------------------------------------------------------------------------
    def _environment(self, user: str) -> dict[str, str]:
        url = self.url.replace("postgres@", f"{user}@") if self.postgres else self.url
        more = {"DATABASE_URL": url, "REDIS_URL": self.valkey.url, "PORT": str(self.port), "LOG_LEVEL": "WARNING"}
        return environment(self.home, **more)

    def _slot(self, name: str, kind: str) -> Slot:
        start = ("-m", "tests.chaos.mutants", self.mutant) if self.mutant else ("-m", "connector.cli")
        argv = [sys.executable, *start, *WORDS[kind]]
        return Slot(name, kind, argv, self._environment(name), self.home / f"{name}.log")

    def _prepare(self) -> None:
        """A database user for each process, so that a lock's session tells whose it is."""
        address = sa.make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as conn:
            there = {row[0] for row in conn.execute("SELECT rolname FROM pg_roles")}
            for name in self.names:
                if name not in there:
                    conn.execute(f"CREATE ROLE {name} SUPERUSER LOGIN")  # our own names
            if self.mutant == "unique":
                conn.execute("ALTER TABLE events DROP CONSTRAINT events_dedupe")

    def _connect(self) -> list[str]:
        """The sandbox's accounts; the ids of the CRMs."""
        known, made = kinds(), {}
        for kind, (plain, secret) in ACCOUNTS.items():
            given = {**plain, "base_url": self.sandbox.url + plain["base_url"]}
            made[kind] = self.app.add_account(known[kind], kind, given, dict(secret)).id
        return [made[crm] for crm in CRMS]

    def _publish(self) -> None:
        with self.app.store.write() as conn:
            for path in sorted(DOCUMENTS.glob("*.yaml")):
                text = path.read_text("utf-8")
                document = language.read(text)
                since = datetime(2026, 1, 1, tzinfo=UTC)
                document_rows.publish(conn, document.kind, document.name, text, "chaos", since)

    def _until_healthy(self) -> None:
        until = time.monotonic() + 30
        while not healthy(f"http://127.0.0.1:{self.port}") or self.bell.workers() < len(self.workers):
            assert time.monotonic() < until, (self.home / "web.log").read_text("utf-8")[-4000:]
            time.sleep(LOOK)
