"""connector demo: everything on this machine, customers who answer, and what becomes of their answers in the CRMs."""

import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from connector import config as settings
from connector.app import App, open_app
from connector.base import crm_kinds
from connector.bell import RedisBell
from connector.cli import demo_broadcast, demo_moves, demo_talks
from connector.cli.context import fail
from connector.cli.demo_script import SHIPPED, body, carried, read_script
from connector.cli.mappings import texts
from connector.cli.run import only_one, settled
from connector.cli.users import first_link
from connector.config import Config
from connector.errors import ConnectorError, Rejected
from connector.pipeline.intake.imports import import_sends
from connector.pipeline.why import event as reasons
from connector.process import Stop, supervised
from connector.store import deliveries, doctor, events
from connector.supervisor import Spec, Supervisor, command, house
from connector.web.sandbox import Sandbox
from connector.web.server import free_port
from connector.works import stand_ins
from connector.works.accounts import check
from connector.works.stand_ins import SLOW

PATIENCE = 60.0  # seconds the answers may take to reach the CRMs


def _ourselves() -> str:
    """How a person calls us in a terminal."""
    script = Path(sys.executable).with_name("connector")
    return str(script) if script.is_file() else " ".join(command())


@click.command("demo")
@click.option("--once", is_flag=True, help="End when the answers have reached the CRMs.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end (with --once) or at the start.")
@click.option("--mappings", "folder", type=click.Path(exists=True), help="Other documents than the examples.")
@click.option(
    "--script", "script", type=click.Path(exists=True, dir_okay=False), help="Other answers than the example's."
)
def demo(once: bool, as_json: bool, folder: str | None, script: str | None) -> None:
    """See it work: sandbox CRMs, example mappings, customers who answer. Needs no account."""
    story = read_script(Path(script) if script else SHIPPED)
    documents = folder or ("mappings" if Path("mappings").is_dir() else str(stand_ins.EXAMPLES))
    with home(once) as environ:
        os.environ.update(environ)
        config, stop = settled("demo"), Stop()
        supervised()
        port, sandbox = free_port(config.host, config.port), free_port("127.0.0.1", 0)
        os.environ["SANDBOX_URL"] = f"http://127.0.0.1:{sandbox}"  # the console shows the phone
        with only_one(config):
            run(config, stop, Demo(config, port, sandbox, documents, story, once, as_json))


@contextmanager
def home(once: bool) -> Iterator[dict[str, str]]:
    """A store of its own, so that the demo never touches a real one; with `once` it is gone afterwards."""
    loud = {} if os.environ.get("LOG_LEVEL") else {"LOG_LEVEL": "ERROR"}
    given = os.environ.get("PORT") or ("0" if once else "")
    loud |= {"PORT": given} if given else {}
    for name in ("DATABASE_URL", "REDIS_URL", "CONNECTOR_SECRET_KEY"):
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory(prefix="connector-demo-") as folder:
        yield loud | {"CONNECTOR_HOME": folder}
        shutil.rmtree(settings.socket_path(Path(folder)).parent, ignore_errors=True)


def run(config: Config, stop: Stop, play: "Demo") -> None:
    """Everything up, the play in a thread of its own; ends the process with its outcome."""
    sandbox = Spec("sandbox", command("sandbox", "--port", str(play.sandbox_port)), ready=play.sandbox_answers)
    thread = threading.Thread(target=play.perform, name="demo", daemon=True)
    code = Supervisor([sandbox, *house(config, play.port)], stop).run(thread.start)
    if play.once:
        thread.join(timeout=10)
    sys.exit(play.code if play.once else code)


@dataclass(slots=True)
class Demo:
    """The script's performance against a running house and sandbox."""

    config: Config
    port: int
    sandbox_port: int
    documents: str
    story: Mapping[str, Any]
    once: bool
    as_json: bool
    code: int = 1

    @property
    def sandbox(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    @property
    def web(self) -> str:
        return settings.local_url(self.config.host, self.port)

    def sandbox_answers(self) -> bool:
        """The sandbox is up."""
        try:
            self.call("GET", "/")
        except OSError:
            return False
        return True

    def perform(self) -> None:
        """The whole play; with --once the house is taken down afterwards."""
        bell = RedisBell(self.config.redis_url)
        app = open_app(self.config, bell)
        try:
            self._perform(app)
        except ConnectorError as error:
            click.echo(f"The demo failed: {error}", err=True)
        except Exception:  # noqa: BLE001 - the last line of defence of a thread: say it and end
            traceback.print_exc()
        finally:
            app.close()
            bell.close()
            if self.once or self.code:
                os.kill(os.getpid(), signal.SIGTERM)

    def _perform(self, app: App) -> None:
        sandbox = Sandbox(self.sandbox, SLOW)
        stand_ins.connect(app, sandbox)
        self._publish(app)
        wamids = self._import(app, self.story["sent"])
        stand_ins.subscribe(app, sandbox, self.web)
        self.say(f"web {self.web}   sandbox {self.sandbox}\n")
        started = time.monotonic()
        sent = [w for messages in self.story["answers"] for w in self._answer(messages, wamids)]
        settled_ = self._wait(app, len(sent))
        for wamid in sent:
            self._tell(app, wamid)
        moved = demo_moves.play(self, app, self.story["moves"], lambda: self._wait(app, len(sent)))
        talked, talks = demo_talks.play(self, app, self.story["talks"], lambda wamids: self._heard(app, wamids))
        went, told = demo_broadcast.play(self, app, self.story["broadcast"], lambda wamids: self._heard(app, wamids))
        settled_ = moved and settled_ and talked and went
        result = self._result(app, time.monotonic() - started)
        more = ({"conversations": talks} if talks else {}) | ({"broadcast": told} if told else {})
        if self.as_json:
            click.echo(json.dumps(result | more if self.once else {"web": self.web, "sandbox": self.sandbox}))
        if not self.once:
            self._go_on(app)
        self.say(self._closing(result))
        self.code = 0 if settled_ and result["waiting"] == 0 else 1

    def say(self, text: str) -> None:
        if not self.as_json:
            click.echo(text)

    # ---- set up --------------------------------------------------------------------------------------------------
    def _publish(self, app: App) -> None:
        found = list(texts([self.documents]))
        verdicts = stand_ins.publish_all(app, [text for _, text in found], "demo")
        for (path, _), verdict in zip(found, verdicts, strict=True):
            if not verdict.good or verdict.document is None:
                problems = [f"{path}:{f.line}: {f.message} {f.hint}".rstrip() for f in verdict.errors]
                problems += [f"{path}:{t.line}: {t.name}: {t.message}" for t in verdict.tests if not t.passed]
                fail("\n".join(problems), 1)
            self.say(f"published {verdict.document.name} ({len(verdict.tests)} tests passed)")

    def _import(self, app: App, sent: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
        """{(wa_id, template): wamid} of the messages another tool sent; phones show those that the sandbox has."""
        found: dict[tuple[str, str], str] = {}
        rows, at = [], datetime.now(UTC) - timedelta(minutes=5)
        for entry in sent:
            wamid = stand_ins.made_up()
            found[str(entry["to"]), str(entry.get("template", ""))] = wamid
            rows.append({"wamid": wamid, "sent_at": at.isoformat(), **entry})
            with suppress(Rejected):
                Sandbox(self.sandbox, SLOW).carry(str(entry["to"]), carried(entry, wamid))
        refused = import_sends(app.store, rows, datetime.now(UTC)).refused
        if refused:
            fail(f"sent, entry {refused[0][0]}: {refused[0][1]}", 1)
        return found

    # ---- perform -------------------------------------------------------------------------------------------------
    def _answer(self, messages: Sequence[Mapping[str, Any]], wamids: Mapping[tuple[str, str], str]) -> list[str]:
        """One signed webhook; its wamids."""
        return list(self.call("POST", "/_customers", body(messages, wamids))["wamids"])

    def _go_on(self, app: App) -> None:
        """What a house that stays up has besides: questions for a person, refusals, messages still to be answered."""
        for act in self.story["more"]:
            wamids = self._import(app, act["sent"])
            for answer in act["answers"]:
                self._heard(app, self._answer(answer["messages"], wamids))
            for move in act["moves"]:
                record, seen = move["id"] or demo_moves.named(self, move), demo_moves.sent(app, move["sends"])
                self.call("PATCH", f"/_records/{move['crm']}/{move['object']}/{record}", dict(move["set"]))
                if move["sends"]:
                    demo_moves.until_read(app, move["sends"], {row.id for row in seen})
                self._heard(app, [])
        for name in stand_ins.ACCOUNTS:
            account = app.account(name)
            assert account is not None
            check(app, account, fix=True)  # Setup shows what it saw

    def _wait(self, app: App, messages: int) -> bool:
        """Until so many events are stored and nothing waits."""
        return self._until(app, lambda _, counts: counts["events"] >= messages)

    def _heard(self, app: App, wamids: Sequence[str]) -> bool:
        """Until these messages are stored, the last one of a webhook last, and nothing waits."""
        return self._until(app, lambda conn, _: not wamids or bool(events.get(conn, wamids[-1])))

    def _until(self, app: App, stored: Callable[[Any, Mapping[str, int]], bool]) -> bool:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with app.store.read() as conn:
                counts = doctor.counts(conn)
                quiet = counts["waiting"] == 0 and stored(conn, counts)
            if quiet and packed(app) == 0 and not set(app.bells()) - {"chores"}:  # nothing to tell a CRM either
                return True
            time.sleep(0.05)
        return False

    def _result(self, app: App, seconds: float) -> dict[str, Any]:
        with app.store.read() as conn:
            counts = doctor.counts(conn)
        calls = [e for kind, one in stand_ins.PLAYED.items() if kind in crm_kinds() for e in self.ledger(one.service)]
        written = [len(e["record"]) for e in calls if e.get("record") and e["method"] in ("POST", "PATCH")]
        average = round(sum(written) / len(written), 1) if written else 0.0
        return {**counts, "crm_calls": len(calls), "records_per_write": average, "seconds": round(seconds, 2)}

    def _tell(self, app: App, wamid: str) -> None:
        for event in reasons.explain(app.store, wamid, {a.id: a.name for a in app.accounts()}):
            self.say(reasons.render(event) + "\n")

    def _closing(self, result: Mapping[str, Any]) -> str:
        line = "  ".join(f"{name} {value}" for name, value in result.items())
        if self.once:
            return line
        look = f"CONNECTOR_HOME={self.config.home} {_ourselves()} why 573001112222"
        link = first_link(self.config, self.port)
        return (
            f"{line}\n\nStill running; Ctrl-C ends it. Sign in with this link (good once), then be a customer:\n"
            f"  {link}\n  {self.web}/phone\n\nOr ask here what became of Ana's answers:\n  {look}"
        )

    # ---- the sandbox over HTTP -----------------------------------------------------------------------------------
    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One JSON call to the sandbox."""
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.sandbox + path, data, headers, method=method)  # noqa: S310 - our own sandbox
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)

    def ledger(self, service: str) -> list[dict[str, Any]]:
        """What a CRM heard."""
        with urllib.request.urlopen(f"{self.sandbox}/_ledger?service={service}", timeout=30) as answer:  # noqa: S310
            return [json.loads(line) for line in answer]


def packed(app: App) -> int:
    """Deliveries that are not unpacked yet, 1 at most."""
    with app.store.read() as conn:
        return len(deliveries.claim_deliveries(conn, 1))
