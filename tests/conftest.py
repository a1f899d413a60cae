"""Fixtures that every room shares: real servers once per test process, a fresh store per test on both databases."""

import gc
import shutil
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
import sqlalchemy as sa
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

from connector.store.engine import Store, open_store, upgrade
from connector.web.auth import passwords
from tests import depth
from tests.commands import Zygote
from tests.servers import PostgresServer, ValkeyServer, name_of
from tests.town import Sandbox, sandbox_process


def pytest_configure(config: pytest.Config) -> None:
    """What SQLAlchemy compiled for one test's engine serves those of the next: a third of a test's time was that."""
    compiled: LRUCache[Any, Any] = LRUCache(3000)
    sa.Engine._compiled_cache = property(lambda engine: compiled, lambda engine, own: None)  # type: ignore[assignment]
    for dialect in (SQLiteDialect_pysqlite, PGDialect_psycopg):  # part of the key; ours are all alike
        dialect.__eq__ = lambda one, other: type(one) is type(other)  # type: ignore[method-assign,assignment,misc]
        dialect.__hash__ = lambda one: hash(type(one))  # type: ignore[method-assign,assignment,misc]

    # 64 MiB and an eighth of a second for each of hundreds that sign in; tests/web/test_passwords.py has the real one
    passwords._hasher = cache(partial(PasswordHasher, time_cost=1, memory_cost=64, parallelism=1))  # type: ignore[assignment]

    # every client reads all certificates when it is made: 40 ms
    httpx._transports.default.create_ssl_context = cache(httpx._transports.default.create_ssl_context)
    config.addinivalue_line("markers", "both: on both databases in every run")
    config.addinivalue_line("markers", "long: a proof that takes its time: make test-long, make test-deep")
    config.addinivalue_line("markers", "deep: one that takes longer still: make test-deep")


def pytest_collection() -> None:
    """Ten thousand tests are made and all of them stay: looking for rubbish among them was a third of the time."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Nor is it looked for there again and again while they run."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


def pytest_itemcollected(item: pytest.Item) -> None:
    """A module stays together (--dist loadgroup): what it makes once is made once, and the schedule is short."""
    if item.get_closest_marker("xdist_group") is None:
        item.add_marker(_together(item.nodeid.partition("::")[0]))


@cache
def _together(module: str) -> pytest.MarkDecorator:
    return pytest.mark.xdist_group(module)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A quick run does most tests on one database, half of them on each, and leaves the long ones to another."""
    if depth.DEEP:
        return
    kept, out = [], []
    for item in items:
        (out if _left_out(item) else kept).append(item)
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = kept


def _left_out(item: pytest.Item) -> bool:
    room = item.nodeid.removeprefix("tests/")
    long = item.get_closest_marker("long") is not None or room.startswith(depth.LATER)
    if item.get_closest_marker("deep") or long != depth.LONG:
        return True
    database = getattr(getattr(item, "callspec", None), "params", {}).get("store_url")
    both = room.startswith(depth.BOTH) and not room.startswith(depth.READ_ONLY)
    if database is None or both or item.get_closest_marker("both"):
        return False
    return depth.left_out(item.nodeid, database)


# A busy machine is no fault of what is tested.
settings.register_profile(
    "run", max_examples=depth.examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("run")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real Postgres; it has no database of ours yet."""
    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer) -> str:
    """The name of a database with our tables, to be copied."""
    url = postgres.database()
    upgrade(url)
    return name_of(url)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with our tables, to be copied."""
    path = tmp_path_factory.mktemp("template") / "connector.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[ValkeyServer]:
    """A real Valkey."""
    server = ValkeyServer()
    yield server
    server.close()


@pytest.fixture
def valkey(valkey_server: ValkeyServer) -> str:
    """The address of an empty Valkey."""
    client = redis.Redis.from_url(valkey_server.url)
    client.flushall()
    client.close()
    return valkey_server.url


@pytest.fixture
def postgres_url(postgres: PostgresServer, postgres_template: str) -> Iterator[str]:
    """A fresh Postgres database with our tables."""
    url = postgres.database(postgres_template)
    yield url
    postgres.give_back(url, postgres_template)


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh SQLite database with our tables."""
    shutil.copy(sqlite_template, tmp_path / "connector.db")
    return f"sqlite:///{tmp_path / 'connector.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """A fresh database with our tables, once on each kind."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """CONNECTOR_HOME of the test."""
    path = tmp_path / "home"
    path.mkdir()
    return path


@pytest.fixture
def store(store_url: str, home: Path) -> Iterator[Store]:
    """An open store on a fresh database, once on each kind."""
    opened = open_store(store_url, home=home)
    yield opened
    opened.close()


@pytest.fixture
def postgres_store(postgres_url: str, home: Path) -> Iterator[Store]:
    """An open store on a fresh Postgres database, for what only Postgres does."""
    opened = open_store(postgres_url, home=home)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def sandbox_url() -> Iterator[str]:
    """One sandbox for a whole test process."""
    with sandbox_process() as url:
        yield url


@pytest.fixture
def sandbox(sandbox_url: str) -> Iterator[Sandbox]:
    """The sandbox at its start."""
    with httpx.Client(base_url=sandbox_url) as http:
        found = Sandbox(sandbox_url, http)
        found.reset()
        yield found
        found.faults()


@pytest.fixture(scope="session")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """Commands without the cost of their imports."""
    found = Zygote(tmp_path_factory.mktemp("zygote"))
    yield found
    found.close()
