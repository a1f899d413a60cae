"""Everything one deployment consists of, as real processes on free ports: what the killer kills and the load loads."""

import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import redis
import sqlalchemy as sa

from connector import config as settings
from connector import webhooks
from connector.app import App, kinds
from connector.bell import RedisBell
from connector.core import documents as language
from connector.errors import StoreDown
from connector.store import accounts, doctor
from connector.store import documents as document_rows
from connector.store.engine import upgrade
from connector.supervisor import healthy
from connector.web.server import free_port
from connector.webhooks import standard
from connector.works.stand_ins import ACCOUNTS
from tests.chaos import books
from tests.chaos.calls import SHARES, Link
from tests.chaos.hands import Hands
from tests.chaos.processes import Keeper, Slot, adopt
from tests.chaos.stand_ins import CRMS, Sandbox
from tests.servers import PostgresServer, ValkeyServer
from tests.web.front import environment

DOCUMENTS = Path(__file__).parent / "mappings"
OPEN = "00:00-00:01"  # the hours of the quiet documents; the rig makes them far away from now
ZONE = timedelta(hours=-5)  # where all customers live, the whole year
LOOK = 0.1  # seconds between two looks at the tables
IDLE = 10.0  # seconds on a quick machine until a quiet moment comes, when one is wanted
START = 2.0  # seconds a quick machine takes until all processes work
ASK = 1.0  # seconds between two questions whether a run has shown enough
TRICKLE = 0.5  # seconds between two messages that go on while something is not settled yet
UNTRIED = {"packed", "plans", "sends"}  # where a message may stand that nobody has tried to send yet
WORK = {"packed", "events", "plans", "changes", "sends"}  # what a worker does as soon as it can
NAME = "CHAOS_NAME"  # in each process's environment: which one it is
NUMBER = ACCOUNTS["whatsapp"][0]["phone_number_id"]
END_SESSIONS = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = :name"
_Answer = TypeVar("_Answer")
WORDS = {"web": ("web",), "worker": ("worker", "--single"), "clock": ("clock",)}


class Rig:
    """`with Rig(home, postgres) as rig:`; without a Postgres the database is SQLite."""

    def __init__(
        self, home: Path, postgres: PostgresServer | None, *, workers: int = 2, altered: Sequence[str] = (),
        prepare: Sequence[Callable[["Rig"], None]] = (), seed: int = 1, kills: int = 0,
    ) -> None:  # fmt: skip
        self.more: dict[str, str] = {}  # in every process's environment: what a fault needs there
        self.own: dict[str, dict[str, str]] = {}  # in the environment of one process, by its name
        self.parts: dict[str, Any] = {}  # what a fault has made for itself, by the fault's name ...
        self.closing = ExitStack()  # ... and what ends it, once the processes have ended
        self.besides: set[str] = set()  # people who wrote one message that no load counts
        self.seed, self.kills = seed, kills  # how many are planned
        self.home, self.postgres, self.altered = home, postgres, altered
        self.redis_here = True
        self.true_clocks = True  # no clock was ever wrong in this run
        self.slowness = 1.0  # how many times as long as on a quick machine things take here
        self.names = {"web": "web", "clock": "clock"} | {f"worker{n + 1}": "worker" for n in range(workers)}
        self.url = postgres.database() if postgres else f"sqlite:///{home / 'connector.db'}"
        self.valkey = ValkeyServer()
        self.sandbox = Sandbox.start()
        self.port = free_port("127.0.0.1", 0)
        crms = self._found()
        for one in prepare:
            one(self)
        self.keeper = Keeper([self._slot(name, kind) for name, kind in self.names.items()])
        self.hands = Hands(self.app, self.keeper.slots, crms, [NUMBER], None if postgres else home / "locks")

    def __enter__(self) -> "Rig":
        adopt(True)
        self.keeper.start()
        began = time.monotonic()
        self._until_healthy()
        self.slowness = max(1.0, (time.monotonic() - began) / START)
        self.sandbox.tell(self.port)
        return self

    def __exit__(self, *_: object) -> None:
        self.keeper.close()
        adopt(False)
        self.closing.close()
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
        if not self.redis_here:
            return
        client = redis.Redis.from_url(self.valkey.url)
        client.flushall()
        client.close()

    def kill_valkey(self) -> float:
        at = time.time()
        self.valkey.stop()
        self.valkey.start()
        self.redis_here = True
        return at

    def redis(self, here: bool) -> None:
        """Redis is ended, or there again with nothing in it."""
        if here and not self.redis_here:
            self.valkey.start()
        elif self.redis_here and not here:
            self.valkey.stop()
        self.redis_here = here

    def end_sessions(self, name: str) -> None:
        """The database ends every session of one process; those of SQLite are its own file handles."""
        if self.postgres:
            with self.app.store.read() as conn:
                conn.execute(sa.text(END_SESSIONS), {"name": name})

    def reopen(self, url: str) -> None:
        """From now on the database is another one: the next start of each process, and whatever looks from here."""
        old, self.url = self.app, url
        self.app = App(settings.load(self.environment("postgres")), self.bell)
        self.hands.app = self.app
        for slot in self.keeper.slots:
            slot.env = self._own(slot.name)
        old.close()

    # ---- how it stands -------------------------------------------------------------------------------------------
    def pending(self) -> dict[str, int] | None:
        """What is not at an end; None while the database is away."""
        return self.asks(lambda conn: {name: n for name, n in books.pending(conn).items() if n}, None)

    def asks(self, question: Callable[[sa.Connection], _Answer], else_: _Answer) -> _Answer:
        """What the tables say; `else_` while the database is away."""
        try:
            with self.app.store.read() as conn:
                return question(conn)
        except StoreDown:
            return else_

    def idle(self) -> None:
        """Returns when nothing waits to be worked on, or when that takes too long."""
        until = time.monotonic() + IDLE * self.slowness
        while (left := self.pending()) is None or (left.keys() & WORK and time.monotonic() < until):
            time.sleep(LOOK)

    def findings(self) -> list[dict[str, Any]]:
        """Broken promises as doctor sees them. Opt-outs and the order of writes go by our clocks there; here Watch and
        the ledgers tell."""
        with self.app.store.read() as conn:
            found = doctor.findings(conn, datetime.now(UTC))
        clocks = {"sent_after_opt_out"} | (set() if self.true_clocks else {"out_of_order"})
        return [finding for finding in found if finding["code"] not in clocks]

    def settle(
        self,
        patience: float,
        calm: Callable[[], None],
        trickle: Callable[[], None],
        quiet: Callable[[], bool],
        enough: Callable[[], bool],
    ) -> float:
        """Seconds until nothing waits and every status was heard, or it is `enough`; at most `patience`.

        When every message was tried the weather calms down, and while something is unknown life goes on: only the
        statuses of later messages can settle it."""
        start = last = asked = time.monotonic()
        stormy = True
        while (now := time.monotonic()) < start + patience:
            left = self.pending()
            if left == {} and self.sandbox.told() and quiet() and self.pending() == {}:
                return now - start
            if stormy and left is not None and not UNTRIED & left.keys():
                calm()
                stormy = False
            if not stormy and left and "unknown" in left and now > last + TRICKLE:
                trickle()
                last = now
            if now > asked + ASK:
                asked = now
                if enough():
                    return now - start
            time.sleep(LOOK)
        return patience

    # ---- set up --------------------------------------------------------------------------------------------------
    def environment(self, user: str) -> dict[str, str]:
        """What a process of this deployment is given, as this database user."""
        url = self.url.replace("postgres@", f"{user}@") if self.postgres else self.url
        more = {"DATABASE_URL": url, "REDIS_URL": self.valkey.url, "PORT": str(self.port), "LOG_LEVEL": "WARNING"}
        return environment(self.home, **more, **self.more)

    def _found(self) -> list[str]:
        """The database, the accounts, the documents; the ids of the CRMs."""
        upgrade(self.url)
        self._open()
        crms = self._connect()
        self._publish()
        self.links = self._links()
        self.app.sync(lambda: False)
        return crms

    def _open(self) -> None:
        if self.postgres:
            self.roles()
            self._prepare()
        config = settings.load(self.environment("postgres"))
        self.bell = RedisBell(config.redis_url)
        self.app = App(config, self.bell)

    def _slot(self, name: str, kind: str) -> Slot:
        altered = ",".join(self.altered)
        return Slot(name, kind, WORDS[kind], self._own(name), self.home / f"{name}.log", altered)

    def _own(self, name: str) -> dict[str, str]:
        return self.environment(name) | {NAME: name} | self.own.get(name, {})

    def roles(self) -> None:
        """A database user for each process, so that a lock's session tells whose it is."""
        address = sa.make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as conn:
            there = {row[0] for row in conn.execute("SELECT rolname FROM pg_roles")}
            for name in self.names:
                if name not in there:
                    conn.execute(f"CREATE ROLE {name} SUPERUSER LOGIN")  # our own names

    def _prepare(self) -> None:
        if "unique" in self.altered:
            address = sa.make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)
            with psycopg.connect(address, autocommit=True) as conn:
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
                text = path.read_text("utf-8").replace(OPEN, _far_from_now())
                document = language.read(text)
                since = datetime(2026, 1, 1, tzinfo=UTC)
                document_rows.publish(conn, document.kind, document.name, text, "chaos", since)

    def _links(self) -> dict[str, Link]:
        """A trigger link for each document that has one, by the word it is called."""
        made = {}
        for kind in (kind for kind in SHARES if kind != "deal"):
            name, secret = secrets.token_hex(16), standard.new_secret()
            given = {"document": f"chaos-{kind}", "crm": "salesforce"}
            with self.app.store.write() as conn:
                accounts.add(conn, self.app.keyring, webhooks.LINK, name, given, {"secret": secret}, datetime.now(UTC))
            made[kind] = Link(f"/hooks/link/{name}", secret)
        return made

    def _until_healthy(self) -> None:
        until = time.monotonic() + 120
        while not healthy(f"http://127.0.0.1:{self.port}") or (
            self.redis_here and self.bell.workers() < len(self.workers)
        ):
            assert time.monotonic() < until, (self.home / "web.log").read_text("utf-8")[-4000:]
            time.sleep(LOOK)


def _far_from_now() -> str:
    """Hours that are not open for half a day, where the customers live."""
    noon = datetime.now(UTC) + ZONE + timedelta(hours=12)
    return f"{noon:%H:%M}-{noon + timedelta(minutes=1):%H:%M}"
