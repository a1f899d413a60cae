"""Fixtures that every room shares: real servers once per test process, a fresh store per test on both databases."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from connector.store.engine import Store, open_store, upgrade
from tests.servers import PostgresServer, ValkeyServer


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
    return url.partition("@/")[2].partition("?")[0]


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
    postgres.drop(url)


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
