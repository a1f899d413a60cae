"""A `connector web` process as its callers see it, and the accounts behind it."""

import hashlib
import hmac
import http.client
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from connector import config
from connector.store import accounts
from connector.store.engine import open_store

ROOT = Path(__file__).parents[2]
SECRET = "app-secret-of-the-shop"
VERIFY = "verify-token-of-the-shop"
INHERITED = ("PATH", "HOME", "TMPDIR", "LANG", "PYTHONPATH")


def environment(home: Path, **more: str) -> dict[str, str]:
    """The settings of one test, nothing of the machine's own."""
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return kept | {"CONNECTOR_HOME": str(home), "PORT": "0"} | more


def add_account(env: Mapping[str, str], name: str = "shop", secret: str = SECRET) -> str:
    """Stores a WhatsApp account (or changes its secret); its id."""
    return store_account(env, "whatsapp", name, {"app-secret": secret, "verify-token": VERIFY, "token": "t"})


def store_account(
    env: Mapping[str, str], kind: str, name: str, secrets: Mapping[str, str], given: Mapping[str, object] | None = None
) -> str:
    settings = config.load(env)
    store = open_store(settings.database_url, home=settings.home)
    with store.write() as conn:
        found = accounts.add(conn, settings.keyring(), kind, name, given or {}, secrets, datetime.now(UTC))
    store.close()
    return found.id


def remove_account(env: Mapping[str, str], name: str) -> None:
    settings = config.load(env)
    store = open_store(settings.database_url, home=settings.home)
    with store.write() as conn:
        found = accounts.get(conn, settings.keyring(), name)
        assert found is not None
        accounts.delete(conn, found.id)
    store.close()


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={digest}"}


def rows(home: Path, query: str) -> list[tuple]:
    """Straight from the SQLite file: what is there, whoever says what."""
    with closing(sqlite3.connect(home / "connector.db")) as conn:
        return conn.execute(query).fetchall()


class Web:
    """A running web process; `port` is the one it picked."""

    def __init__(self, env: Mapping[str, str]) -> None:
        argv = [sys.executable, "-m", "connector.cli", "web"]
        self.process = subprocess.Popen(argv, env=dict(env), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().decode().strip()
        self.port = int(self.url.rpartition(":")[2])
        self._until_it_listens()

    def _until_it_listens(self) -> None:
        end = time.monotonic() + 20
        while True:
            try:
                self.get("/healthz")
                return
            except OSError:
                assert self.process.poll() is None, self.process.stderr.read().decode()
                assert time.monotonic() < end, "the web process does not listen"
                time.sleep(0.02)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)

    def call(self, method: str, path: str, body=None, headers: Mapping[str, str] | None = None, chunked: bool = False):
        """(status, headers, body)."""
        with closing(self.connect()) as connection:
            connection.request(method, path, body, dict(headers or {}), encode_chunked=chunked)
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()

    def get(self, path: str):
        return self.call("GET", path)

    def post(self, body: bytes, path: str = "/hooks/whatsapp/shop", secret: str = SECRET):
        return self.call("POST", path, body, signed(body, secret))

    def kill(self) -> None:
        """What is left of it, at once."""
        if self.process.returncode is None:
            self.process.kill()
            self.process.communicate()

    def end(self) -> int:
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=20)
        return self.process.returncode
