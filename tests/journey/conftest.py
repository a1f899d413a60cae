"""A whole house: web, workers and clock as real processes, beside a real sandbox; tests come in by the front door."""

import http.client
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from connector import config as settings
from connector.app import App
from connector.core import documents as language
from connector.pipeline.why import event as why
from connector.store import doctor
from connector.store import documents as document_rows
from tests.pipeline.conftest import ListBell, connect
from tests.town import Sandbox
from tests.web.front import ROOT, environment, rows, signed

SECRET = "sandbox-app-secret"
HOOK = "/hooks/whatsapp/whatsapp"
PATIENCE = 30.0  # seconds; a test that needs half of it has failed elsewhere


def until(happened: Callable[[], Any], what: str = "") -> Any:
    """What `happened` returns once it is true."""
    end = time.monotonic() + PATIENCE
    while not (found := happened()):
        assert time.monotonic() < end, f"it did not happen: {what or happened}"
        time.sleep(0.02)
    return found


@dataclass
class House:
    """`connector up`, what a test does to it, and what is then in its database and at the CRMs."""

    app: App
    sandbox: Sandbox
    process: "subprocess.Popen[bytes]"
    url: str
    log: Path

    @property
    def home(self) -> Path:
        return self.app.config.home

    def publish(self, text: str) -> None:
        """Live at once and unchecked: a CRM's fields can change after a document was published."""
        document = language.read(text)
        with self.app.store.write() as conn:
            document_rows.publish(conn, document.kind, document.name, text, "test", datetime(2026, 1, 1, tzinfo=UTC))

    def call(self, body: bytes, headers: Mapping[str, str], path: str = HOOK) -> tuple[int, bytes]:
        with closing(http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=20)) as connection:
            connection.request("POST", path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read()

    def post(self, body: Any) -> int:
        """A signed webhook of Meta's; the status of its answer."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.call(raw, signed(raw, SECRET))[0]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return rows(self.home, query)

    def settled(self) -> dict[str, int]:
        """Waits until everything is unpacked and nothing waits, and no promise is broken; the counts."""
        until(lambda: not self.rows("SELECT 1 FROM deliveries WHERE state = 'new'"), "unpacked")
        until(lambda: self.counts()["waiting"] == 0, "nothing waits")
        with self.app.store.read() as conn:
            assert doctor.findings(conn, datetime.now(UTC)) == []
        return self.counts()

    def counts(self) -> dict[str, int]:
        with self.app.store.read() as conn:
            return doctor.counts(conn)

    def why(self, key: str) -> dict[str, Any]:
        """Once it is there."""
        names = {a.id: a.name for a in self.app.accounts()}
        return dict(until(lambda: why.explain(self.app.store, key, names), key)[0])

    def fields(self, key: str) -> dict[str, dict[str, Any]]:
        """{field: its line of the why} over all documents, once nothing of the event waits."""
        until(lambda: self.why(key)["state"] != "waiting", key)
        return {f["field"]: f for d in self.why(key)["documents"] for f in d["fields"]}

    def hubspot(self, id: str) -> dict[str, Any]:
        return dict(self.sandbox.record("hubspot", "contacts", id)["properties"])

    def newcomers(self) -> list[dict[str, Any]]:
        """Contacts that HubSpot did not have at its start."""
        found = self.sandbox.records("hubspot", "contacts")
        return [r["properties"] for r in found if r["properties"].get("whatsapp_id", "").startswith("57399")]

    def part(self, word: str) -> psutil.Process:
        """The one process of the house whose command line holds this word."""
        family = psutil.Process(self.process.pid).children()
        (found,) = (child for child in family if word in " ".join(child.cmdline()))
        return found

    def lock(self) -> "closing[sqlite3.Connection]":
        """Holds the database as a long transaction of somebody else's would, until it is closed."""
        other = sqlite3.connect(self.home / "connector.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        return closing(other)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, sandbox_url: str) -> Iterator[House]:
    """One for all tests of a module: each has people and message ids of its own."""
    home = tmp_path_factory.mktemp("house")
    env = environment(home, LOG_LEVEL="DEBUG")
    log = home / "log"
    with log.open("wb") as stderr, httpx.Client(base_url=sandbox_url, timeout=20) as client:
        client.post("/_reset")
        argv = [sys.executable, "-m", "connector.cli", "up", "--json"]
        process = subprocess.Popen(argv, env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=stderr)
        try:
            assert process.stdout is not None
            where = process.stdout.readline()
            assert where, log.read_text()
            app = App(settings.load(env), ListBell())
            connect(app, sandbox_url)
            yield House(app, Sandbox(sandbox_url, client), process, json.loads(where)["web"], log)
            app.close()
            process.send_signal(signal.SIGTERM)
            assert process.wait(40) == 0
        finally:
            client.post("/_faults", json=[])
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
            process.communicate()
