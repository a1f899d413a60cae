"""Every page of the console over HTTP, with a million events, 100,000 contacts and 400,000 sends, on both databases.

CONSOLE_SHARE=0.01 takes a hundredth; CONSOLE_SQLITE=PATH and CONSOLE_POSTGRES="ADDRESS PID" name databases that are
filled already; CONSOLE_ONLY=sqlite leaves the other out. One visitor; pages in turn, round by round."""

import gzip
import http.client
import os
import re
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from connector.store import api_tokens
from connector.store.engine import open_store
from tests.bench import big, pages, servers
from tests.bench.report import Result, Row, percentile
from tests.web.front import Web, environment

ROUNDS, VIEWS = int(os.environ.get("CONSOLE_ROUNDS", "40")), 2000
FIRST_PAINT, MEMORY = 100, 130  # kB over the wire; MB
FILES = re.compile(rb'(?:src|href)="(/static/[^"#]+)')


def run() -> Result:
    """Both databases, one after the other."""
    result, rounds = Result(), dict[str, Any]()
    for dialect in ("sqlite", "postgresql"):
        if os.environ.get("CONSOLE_ONLY", dialect) == dialect:
            with ExitStack() as stack:
                rounds[dialect] = _database(stack, dialect, result)
    result.rounds = rounds
    return result


def _database(stack: ExitStack, dialect: str, result: Result) -> dict[str, Any]:
    home = stack.enter_context(servers.folder())
    url, filled, server = address(stack, dialect, home)
    if not filled:
        big.fill(url, float(os.environ.get("CONSOLE_SHARE", "1")))
    store, now = open_store(url, home=home), datetime.now(UTC)
    stack.callback(store.close)
    visitor = pages.prepare(store, now)
    with store.write() as conn:
        token = api_tokens.add(conn, "bench", "admin", "ana", now)[1]
    with store.read() as conn:
        wanted = [*pages.pages(conn), *pages.api()]
    redis = stack.enter_context(servers.valkey())
    web = Web(environment(home, DATABASE_URL=url, REDIS_URL=redis.url, WEB_PROCESSES="1", LOG_LEVEL="ERROR"))
    stack.callback(web.kill)
    stack.callback(web.end)
    with closing(Client(web, visitor, token, server)) as client:
        seen = _measure(client, wanted)
        _tell(dialect, wanted, seen, result)
        if dialect == "sqlite":
            _paint(client, wanted, result)
            _memory(client, wanted, result)
    return seen


def address(stack: ExitStack, dialect: str, home: Path) -> tuple[str, bool, int]:
    """(address, it is filled already, the server's pid or 0)."""
    given = os.environ.get(f"CONSOLE_{'SQLITE' if dialect == 'sqlite' else 'POSTGRES'}", "")
    if dialect == "sqlite":
        return f"sqlite:///{given or home / 'connector.db'}", bool(given) and Path(given).exists(), 0
    if given:
        url, pid = given.split()
        return url, True, int(pid)
    server = stack.enter_context(servers.postgres())
    return server.database(), False, server.pid


class Client:
    """One browser, on one connection that stays open."""

    def __init__(self, web: Web, visitor: pages.Visitor, token: str, server: int) -> None:
        self.web, self.visitor, self.token, self.server = web, visitor, token, server
        self.connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
        self.worker = psutil.Process(web.process.pid).children()[0]

    def get(self, page: pages.Page) -> bytes:
        """The body as it came over the wire; anything but 200 is an error of the bench."""
        headers = self.visitor.headers(page)
        if page.path.startswith("/api/"):
            headers = {"Authorization": f"Bearer {self.token}", "Accept-Encoding": "gzip"}
        self.connection.request("POST" if page.form else "GET", page.path, self.visitor.body(page), headers)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{page.path}: {answer.status} {_plain(body)[-600:]!r}")
        return body

    def cpu(self) -> float:
        """Seconds: the web process, and Postgres."""
        return servers.cpu(*((self.worker.pid, self.server) if self.server else (self.worker.pid,)))

    def close(self) -> None:
        self.connection.close()


def _measure(client: Client, wanted: Sequence[pages.Page]) -> dict[str, Any]:
    """{page: {ms: of each round, cpu: ms on average, bytes}}. CPU is told by the kernel in steps of 10 ms: the rounds
    make it exact."""
    seen: dict[str, Any] = {page.name: {"ms": [], "cpu": 0.0, "bytes": 0} for page in wanted}
    for page in wanted:
        client.get(page)
    for _ in range(ROUNDS):
        for page in wanted:
            mine, before, started = seen[page.name], client.cpu(), time.perf_counter()
            body = client.get(page)
            mine["ms"].append(round((time.perf_counter() - started) * 1000, 1))
            mine["cpu"] += (client.cpu() - before) * 1000 / ROUNDS
            mine["bytes"] = len(body)
    return seen


def _tell(dialect: str, wanted: Sequence[pages.Page], seen: dict[str, Any], result: Result) -> None:
    for page in wanted:
        mine = seen[page.name]
        p95 = percentile(mine["ms"], 95)
        note = f"CPU {mine['cpu']:.0f} ms, {mine['bytes'] / 1000:.1f} kB"
        middle, late = page.at_most
        result.rows.append(
            Row(f"{dialect}: {page.name}", statistics.median(mine["ms"]), "ms", at_most=middle, note=note)
        )
        result.rows.append(Row(f"{dialect}: {page.name}, 95th percentile", p95, "ms", at_most=late))
        mine["cpu"] = round(mine["cpu"], 1)


def _paint(client: Client, wanted: Sequence[pages.Page], result: Result) -> None:
    """What a first visit loads before it shows anything, and all of it; the editor's own file comes after."""
    totals: dict[str, tuple[float, float]] = {}
    for page in wanted:
        text = _plain(body := client.get(page))
        if page.form or b"<html" not in text:
            continue
        files = {path.decode() for path in FILES.findall(text)} | {_sprite(text)}
        sizes = {path: len(client.get(pages.Page(path, path))) for path in files if path}
        late = sum(size for path, size in sizes.items() if "/editor" in path)
        everything = len(body) + sum(sizes.values())
        totals[page.name] = ((everything - late) / 1000, everything / 1000)
    name, (first, _) = max(totals.items(), key=lambda one: one[1][0])
    result.rows.append(Row("first paint, the largest page", round(first, 1), "kB", at_most=FIRST_PAINT, note=name))
    editor = totals["mapping, the editor"]
    result.rows.append(Row("the editor, with its own files", round(editor[1], 1), "kB"))


def _sprite(text: bytes) -> str:
    found = re.search(rb'href="(/static/vendor/icons[^"#]+)', text)
    return found[1].decode() if found else ""


def _plain(body: bytes) -> bytes:
    return gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body


def _memory(client: Client, wanted: Sequence[pages.Page], result: Result) -> None:
    """The web process after so many views of every kind."""
    views = _views(wanted)
    for _ in range(VIEWS):
        client.get(next(views))
    resident = client.worker.memory_info().rss / 2**20
    result.rows.append(Row(f"web process after {VIEWS:,} more views", round(resident, 1), "MB", at_most=MEMORY))


def _views(wanted: Sequence[pages.Page]) -> Iterator[pages.Page]:
    while True:
        yield from wanted
