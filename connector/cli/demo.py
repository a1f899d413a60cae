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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from ruamel.yaml import YAML

from connector import config as settings
from connector.app import App, kinds, open_app
from connector.base import hook_path
from connector.bell import RedisBell
from connector.cli import demo_moves
from connector.cli.context import fail
from connector.cli.mappings import texts
from connector.cli.run import only_one, settled
from connector.config import Config
from connector.errors import ConnectorError
from connector.ids import new_id
from connector.pipeline import publish
from connector.pipeline import why as reasons
from connector.pipeline.imports import import_sends
from connector.process import Stop, supervised
from connector.store import deliveries, doctor
from connector.supervisor import Spec, Supervisor, command, house
from connector.web.server import free_port

SCRIPT = Path(__file__).with_name("demo.yaml")
EXAMPLES = Path(__file__).parent.parent / "examples"  # in the wheel; in a checkout they are ./mappings
PATIENCE = 60.0  # seconds the answers may take to reach the CRMs

WEBHOOK = "/hooks/whatsapp/whatsapp"

# The sandbox's accounts: everyone may know them.
ACCOUNTS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "whatsapp": (
        {"phone_number_id": "106540352242922", "waba_id": "102290129340398", "base_url": "/graph"},
        {"token": "sandbox-whatsapp-token", "app_secret": "sandbox-app-secret", "verify_token": "sandbox-verify-token"},
    ),
    "hubspot": (
        {"portal_id": "24681357", "country": "MX", "base_url": "/hubspot"},
        {"token": "pat-na1-sandbox-hubspot", "client_secret": "sandbox-hubspot-client-secret"},
    ),
    "salesforce": (
        {
            "client_id": "sandbox-salesforce-client",
            "org_id": "00D5e000000SBOXEA2",
            "country": "US",
            "base_url": "/salesforce",
        },
        {"client_secret": "sandbox-salesforce-secret"},
    ),
}


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
    story = read_script(Path(script) if script else SCRIPT)
    documents = folder or ("mappings" if Path("mappings").is_dir() else str(EXAMPLES))
    with home(once) as environ:
        os.environ.update(environ)
        config, stop = settled(), Stop()
        supervised()
        port = free_port(config.host, config.port)
        with only_one(config):
            run(config, stop, Demo(config, port, free_port("127.0.0.1", 0), documents, story, once, as_json))


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


def read_script(path: Path) -> Mapping[str, Any]:
    """{sent: [...], answers: [{messages: [...]}]}; wrong use when it is neither YAML nor that."""
    try:
        story = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        if not {"answers", "moves"} & set(story):
            raise KeyError("answers")
        return {
            "sent": list(story.get("sent") or []),
            "answers": [list(a["messages"]) for a in story.get("answers") or []],
            "moves": [demo_moves.read_move(move) for move in story.get("moves") or []],
        }
    except Exception as error:  # noqa: BLE001 - whatever a file can hold; the reader hears one sentence
        fail(f"{path} is not a script: {type(error).__name__}: {error}")


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
        self._connect(app)
        self._publish(app)
        wamids = self._import(app)
        self._subscribe(app)
        self.say(f"web {self.web}   sandbox {self.sandbox}\n")
        started = time.monotonic()
        sent = [w for messages in self.story["answers"] for w in self._answer(messages, wamids)]
        settled_ = self._wait(app, len(sent))
        for wamid in sent:
            self._tell(app, wamid)
        moved = demo_moves.play(self, app, self.story["moves"], lambda: self._wait(app, len(sent)))
        settled_ = moved and settled_
        result = self._result(app, time.monotonic() - started)
        if self.as_json:
            click.echo(json.dumps(result if self.once else {"web": self.web, "sandbox": self.sandbox}))
        self.say(self._closing(result))
        self.code = 0 if settled_ and result["waiting"] == 0 else 1

    def say(self, text: str) -> None:
        if not self.as_json:
            click.echo(text)

    # ---- set up --------------------------------------------------------------------------------------------------
    def _connect(self, app: App) -> None:
        known = kinds()
        for kind, (plain, secret) in ACCOUNTS.items():
            given = {**plain, "base_url": self.sandbox + plain["base_url"]}
            app.add_account(known[kind], kind, given, dict(secret))

    def _subscribe(self, app: App) -> None:
        """Every service's webhooks come to our web process, as an admin would set them up."""
        hooks = {"graph": "whatsapp", "hubspot": "hubspot", "salesforce": "salesforce"}
        for service, name in hooks.items():
            account = app.account(name)
            assert account is not None
            self.call("POST", "/_webhook", {"url": self.web + hook_path(account), "service": service})

    def _publish(self, app: App) -> None:
        look, templates = app.fields_of(refresh=True), app.templates_of(refresh=True)
        now = datetime.now(UTC)
        for path, text in texts([self.documents]):
            verdict = publish.judge(text, look, templates)
            if not verdict.good or verdict.document is None:
                problems = [f"{path}:{f.line}: {f.message} {f.hint}".rstrip() for f in verdict.errors]
                problems += [f"{path}:{t.line}: {t.name}: {t.message}" for t in verdict.tests if not t.passed]
                fail("\n".join(problems), 1)
            publish.push(app.store, [verdict.document], "demo", now, base={}, force=True)
            self.say(f"published {verdict.document.name} ({len(verdict.tests)} tests passed)")

    def _import(self, app: App) -> dict[tuple[str, str], str]:
        """{(wa_id, template): wamid} of the messages another tool sent."""
        found: dict[tuple[str, str], str] = {}
        rows = []
        for entry in self.story["sent"]:
            wamid = f"wamid.{new_id()}"
            found[str(entry["to"]), str(entry.get("template", ""))] = wamid
            rows.append({"wamid": wamid, "sent_at": (datetime.now(UTC) - timedelta(minutes=5)).isoformat(), **entry})
        refused = import_sends(app.store, rows, datetime.now(UTC)).refused
        if refused:
            fail(f"sent, entry {refused[0][0]}: {refused[0][1]}", 1)
        return found

    # ---- perform -------------------------------------------------------------------------------------------------
    def _answer(self, messages: Sequence[Mapping[str, Any]], wamids: Mapping[tuple[str, str], str]) -> list[str]:
        """One signed webhook; its wamids."""
        body = []
        for message in messages:
            one = {k: v for k, v in message.items() if k != "template"}
            answered = wamids.get((str(message["wa_id"]), str(message.get("template", ""))))
            body.append(one | ({"reply_to": answered} if answered else {}))
        return list(self.call("POST", "/_customers", body)["wamids"])

    def _wait(self, app: App, messages: int) -> bool:
        """Until every answer is stored and nothing waits."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with app.store.read() as conn:
                counts = doctor.counts(conn)
            quiet = counts["events"] >= messages and counts["waiting"] == 0 and packed(app) == 0
            if quiet and not set(app.bells()) - {"chores"}:  # nothing is left to tell a CRM either
                return True
            time.sleep(0.05)
        return False

    def _result(self, app: App, seconds: float) -> dict[str, Any]:
        with app.store.read() as conn:
            counts = doctor.counts(conn)
        calls = [e for kind in ("hubspot", "salesforce") for e in self.ledger(kind)]
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
        answer = f'curl -X POST {self.sandbox}/_customers/573001112222 -d \'{{"text": "hello"}}\''
        look = f"CONNECTOR_HOME={self.config.home} {_ourselves()} why 573001112222"
        return (
            f"{line}\n\nStill running; Ctrl-C ends it. Let Ana write, and ask what became of it:\n  {answer}\n  {look}"
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
