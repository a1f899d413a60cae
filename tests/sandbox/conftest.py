"""A real sandbox process, and a small server that plays the product: both are spoken to over HTTP only."""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

VERIFY_TOKEN = "sandbox-verify-token"
FAST = ["--redeliver-first", "0.02", "--redeliver-longest", "0.05", "--graph-status-seconds", "0.05"]


@contextlib.contextmanager
def running(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """(url, process) of a sandbox that is stopped at the end, unless the test did."""
    command = [sys.executable, "-m", "connector.sandbox", "--port", "0", "--json", *FAST, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, process.stderr.read() if process.stderr else ""
            yield json.loads(line)["sandbox"], process
        finally:
            process.terminate()
            process.wait(timeout=10)


@pytest.fixture(scope="session")
def start():
    """`with start("--ledger", path) as (url, process)`."""
    return running


@pytest.fixture(scope="session")
def _shared():
    with running() as (url, _):
        yield url


@pytest.fixture
def sandbox(_shared: str) -> Iterator[httpx.Client]:
    """A client of a fresh sandbox."""
    with httpx.Client(base_url=_shared, timeout=15) as client:
        client.post("/_reset").raise_for_status()
        yield client


@pytest.fixture
def graph(sandbox: httpx.Client) -> Iterator[httpx.Client]:
    """A client of its Graph API, with the right token."""
    headers = {"Authorization": "Bearer sandbox-whatsapp-token"}
    with httpx.Client(base_url=f"{sandbox.base_url}/graph/v26.0/", headers=headers, timeout=15) as client:
        yield client


@dataclass
class Receiver:
    """What the product would be: answers the handshake, keeps every webhook, answers `statuses` in turn, then 200."""

    url: str = ""
    verify_token: str = VERIFY_TOKEN
    statuses: list[int] = field(default_factory=list)
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def hear(self, headers: dict[str, str], body: bytes) -> int:
        with self.changed:
            self.heard.append((headers, body))
            self.changed.notify_all()
            return self.statuses.pop(0) if self.statuses else 200

    def wait(self, count: int) -> list[dict]:
        """The JSON of the webhooks heard, once there are at least `count`."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.heard) >= count, timeout=10), f"heard {len(self.heard)}"
            return [json.loads(body) for _, body in self.heard]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A product that is listening; not subscribed yet."""
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            good = query.get("hub.verify_token") == [found.verify_token] and query.get("hub.mode") == ["subscribe"]
            self._answer(200 if good else 403, query["hub.challenge"][0].encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(found.hear({k.lower(): v for k, v in self.headers.items()}, body), b"")

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}/hooks/whatsapp/shop"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield found
        server.shutdown()
        thread.join()


@pytest.fixture
def subscribed(sandbox: httpx.Client, receiver: Receiver) -> Receiver:
    """A product that gets the sandbox's WhatsApp webhooks."""
    sandbox.post("/_webhook", json={"url": receiver.url}).raise_for_status()
    return receiver


@pytest.fixture(scope="session")
def payload():
    """`payload("template_sends")` reads payloads/template_sends.json."""
    return lambda name: json.loads((Path(__file__).parent / "payloads" / f"{name}.json").read_text("utf-8"))
