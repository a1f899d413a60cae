"""`python -m connector.sandbox`: the stand-ins on one loopback port, until SIGTERM."""

import argparse
import json
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from connector.sandbox.control import Control
from connector.sandbox.front import Front
from connector.sandbox.graph.service import Graph
from connector.sandbox.graph.settings import GraphOptions
from connector.sandbox.hubspot.service import HubSpot
from connector.sandbox.hubspot.settings import HubSpotOptions
from connector.sandbox.ledger import Ledger
from connector.sandbox.poster import Patience, Poster
from connector.sandbox.salesforce.service import Salesforce
from connector.sandbox.server import HOST, Server
from connector.sandbox.world import World

PORT = 8010
PRODUCT_WAIT = 60.0  # seconds a --webhook may take to come up


@dataclass
class Sandbox:
    """A running sandbox: its address, its world, and `close`."""

    url: str
    world: World
    server: Server

    def close(self) -> None:
        """Stop listening; nothing is kept."""
        self.server.close()


def serve(
    port: int = PORT,
    *,
    faults: Path | None = None,
    ledger: Path | None = None,
    hubspot_limit: int = HubSpotOptions.limit,
    options: GraphOptions | None = None,
    patience: Patience | None = None,
) -> Sandbox:
    """Start all stand-ins on 127.0.0.1; port 0 picks one. ValueError for faults that cannot be read."""
    world = World(Ledger(ledger), Poster(patience))
    graph = Graph(world, options)
    for service in (graph, HubSpot(world, HubSpotOptions(limit=hubspot_limit)), Salesforce(world)):
        world.add(service)
    if faults:
        world.faults.replace(json.loads(faults.read_text("utf-8")))
    server = Server(Front(world, Control(world, graph)), port)
    return Sandbox(f"http://{HOST}:{server.port}", world, server)


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; 0 after SIGTERM or Ctrl-C, 2 for wrong use."""
    given = _parser().parse_args(argv)
    stopped = _when_asked()  # before anybody can know that we run
    options = GraphOptions(
        app_secret=given.graph_app_secret,
        verify_token=given.graph_verify_token,
        limit=given.graph_limit,
        answer_seconds=given.graph_answer_seconds,
        status_seconds=given.graph_status_seconds,
        status_batch=given.graph_status_batch,
        review_seconds=given.graph_review_seconds,
        read_rate=given.graph_read_rate,
        duplicate=given.graph_duplicate,
        shuffle=given.graph_shuffle,
        seed=given.graph_seed,
    )
    patience = Patience(given.redeliver_first, given.redeliver_longest, given.redeliver_for)
    try:
        sandbox = serve(
            given.port,
            faults=given.faults,
            ledger=given.ledger,
            hubspot_limit=given.hubspot_limit,
            options=options,
            patience=patience,
        )
    except (OSError, ValueError) as wrong:
        print(f"the sandbox did not start: {wrong}", file=sys.stderr)
        return 2
    print(json.dumps({"sandbox": sandbox.url}) if given.json else f"The sandbox listens on {sandbox.url}", flush=True)
    if given.webhook:
        threading.Thread(target=_subscribe, args=(sandbox.world, given.webhook, stopped), daemon=True).start()
    stopped.wait()
    sandbox.close()
    return 0


def _when_asked() -> threading.Event:
    """Set by SIGTERM and Ctrl-C."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopped.set())
    return stopped


def _subscribe(world: World, webhooks: Sequence[str], stopped: threading.Event) -> None:
    """The product may start after the sandbox: try each URL until it answers, and say so when it never does."""
    for given in webhooks:
        name, _, url = given.partition("=") if not given.startswith("http") else ("graph", "", given)
        until = time.monotonic() + PRODUCT_WAIT
        while not stopped.is_set():
            try:
                world.subscribe(name, url)
            except ValueError as refused:
                if time.monotonic() > until:
                    print(f"no webhooks for {name}: {refused}", file=sys.stderr, flush=True)
                    break
                stopped.wait(0.5)
            else:
                break


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("connector sandbox", description="Stand-ins for WhatsApp, HubSpot and Salesforce.")
    parser.add_argument("--port", type=int, default=PORT, help="0 picks a free one")
    parser.add_argument("--json", action="store_true", help='print {"sandbox": URL} once it listens')
    parser.add_argument("--faults", type=Path, help="a JSON file, as POST /_faults takes it")
    parser.add_argument("--ledger", type=Path, help="append every line of the ledger to this file")
    parser.add_argument("--webhook", action="append", default=[], help="URL, or service=URL, where webhooks go")
    parser.add_argument("--hubspot-limit", type=int, default=HubSpotOptions.limit, help="calls in 10 seconds, 0: none")
    default, patience = GraphOptions(), Patience()
    graph = parser.add_argument_group("Meta")
    graph.add_argument("--graph-app-secret", default=default.app_secret, help=argparse.SUPPRESS)
    graph.add_argument("--graph-verify-token", default=default.verify_token, help=argparse.SUPPRESS)
    graph.add_argument("--graph-limit", type=int, default=default.limit, help="messages a second, 0 for no limit")
    graph.add_argument(
        "--graph-answer-seconds", type=float, default=default.answer_seconds, help="until a send is answered"
    )
    graph.add_argument(
        "--graph-status-batch", type=float, default=default.status_batch, help="gather statuses, seconds"
    )
    graph.add_argument("--graph-review-seconds", type=float, default=default.review_seconds, help="until it approves")
    graph.add_argument("--graph-status-seconds", type=float, default=default.status_seconds, help="until delivered")
    graph.add_argument("--graph-read-rate", type=float, default=default.read_rate, help="0 to 1")
    graph.add_argument("--graph-duplicate", type=float, default=default.duplicate, help="0 to 1, updates sent twice")
    graph.add_argument("--graph-shuffle", action="store_true", help="batches in any order")
    graph.add_argument("--graph-seed", type=int, default=default.seed)
    again = parser.add_argument_group("webhooks that are not accepted")
    again.add_argument("--redeliver-first", type=float, default=patience.first, help="seconds before the second repeat")
    again.add_argument("--redeliver-longest", type=float, default=patience.longest, help="seconds at most between two")
    again.add_argument("--redeliver-for", type=float, default=patience.total, help="seconds before it is given up")
    return parser


if __name__ == "__main__":
    sys.exit(main())
