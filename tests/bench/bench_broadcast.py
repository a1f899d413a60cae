"""Planning a broadcast: a hundred thousand people of a CSV become messages, with every gate; time and memory."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from connector.app import App
from connector.core.audience import Source
from connector.pipeline.broadcasts import acts
from connector.store import documents as document_rows
from connector.store import templates as template_rows
from connector.store import uploads
from tests.bench import servers
from tests.bench.business import Business, business
from tests.bench.report import Result, Row
from tests.web.front import ROOT

PEOPLE = 100_000
SECONDS, MEGABYTES = 60, 300
DOCUMENT = """\
send: bench-broadcast
crm: hubspot
when: {segment: any}
template: spring_offer
language: es
with: {first_name: "{{ contact.firstname | default('there') }}"}
guard:
  consent: not_opted_out
  quiet_hours: {allow: 00:00-23:59, time_zone: contact}
  at_most: 1 per 7 days
"""
WORKER = """
import json, resource, sys, time
from connector import config
from connector.app import open_app
from connector.works import broadcasts as works
from connector.pipeline.broadcasts.plan import Planner
class Bell:
    def ring(self, *names): pass
    def heard(self, name): pass
    def waiting(self): return False
app = open_app(config.load(json.loads(sys.argv[1])), Bell())
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
start, before = time.monotonic(), peak()
if sys.argv[2] == "forecast":
    told = works.foretell(app, sys.argv[3], lambda done, total: None)
else:
    look, reader = works._eyes(app, sys.argv[3])
    Planner(app.store, look, reader, app.clock).run(lambda done, total, cursor: None, lambda name: None)
print(json.dumps({"seconds": time.monotonic() - start, "mb": peak(), "before": before,
                  "cpu": time.process_time()}))
app.close()
"""


def run(people: int = PEOPLE) -> Result:
    """Both databases; forecast, then plan, each in a process of its own whose memory is measured."""
    rows: list[Row] = []
    rounds: dict[str, Any] = {}
    for name, url in (("sqlite", _sqlite), ("postgresql", _postgres)):
        with url() as address, business("hubspot", 10, address) as shop:
            id_ = _draft(shop, people)
            for what in ("forecast", "plan"):
                found = rounds[f"{name} {what}"] = _measured(shop, what, id_)
                note = f"{people:,} people"
                rows.append(Row(f"{name}: {what}", found["seconds"], "s", at_most=SECONDS * people / PEOPLE, note=note))
                rows.append(Row(f"{name}: {what}, processor time", found["cpu"], "s"))
                rows.append(Row(f"{name}: {what}, memory at its peak", found["mb"], "MB", at_most=MEGABYTES))
    return Result(rows, rounds)


def _draft(shop: Business, people: int) -> str:
    app: App = shop.app
    account = app.account("shop")
    assert account is not None
    now = datetime.now(UTC)
    with app.store.write() as conn:
        document_rows.publish(conn, "send", "bench-broadcast", DOCUMENT, "bench", datetime(2026, 1, 1, tzinfo=UTC))
    app.sync(lambda: False)
    with app.store.read() as conn:
        assert template_rows.known(conn, account.id, ["spring_offer"])
    upload = uploads.add(app.store, "people.csv", _csv(people), "bench", now)
    with app.store.write() as conn:
        source = Source(kind="csv", upload=upload, name="people.csv")
        return str(acts.create(conn, app.accounts(), "bench-broadcast", source, "bench", now, forecast=False).id)


def _csv(people: int) -> Iterator[bytes]:
    yield "\ufeffTeléfono;Nombre;firstname;Ciudad\r\n".encode()
    for n in range(people):
        yield f"+57310{n:07};Ana {n} Ruiz;Ana {n};Bogotá\r\n".encode()


def _measured(shop: Business, what: str, id_: str) -> dict[str, Any]:
    if what == "plan":
        with shop.app.store.write() as conn:
            assert acts.start(conn, id_, "bench", datetime.now(UTC))
    given = [sys.executable, "-c", WORKER, json.dumps(dict(shop.env)), what, id_]
    done = subprocess.run(given, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@contextmanager
def _sqlite() -> Iterator[str]:
    yield ""


@contextmanager
def _postgres() -> Iterator[str]:
    with servers.postgres() as server:
        yield server.database()
